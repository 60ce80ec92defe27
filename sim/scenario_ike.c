/* The words of `ike:` and `child:` made into what an endpoint is configured with. */
#include "base/assert.h"
#include "sim/scenario_read.h"

#include <stdio.h>
#include <string.h>

enum { KEYWORDS_MAX = 128 };

/* strongSwan: what is not said is a tenth more. */
static uint64_t and_a_tenth(uint64_t v)
{
    return v + v / 10;
}

void resolve_ike(struct ike_words *w)
{
    nsec longer = nsec_max(w->rekey_time, w->reauth_time);
    nsec shorter = nsec_min(w->rekey_time, w->reauth_time);

    if (!shorter) /* only one of them is wanted */
        shorter = longer;
    if (w->over_time == UINT64_MAX)
        w->over_time = longer / 10;
    if (w->rand_time == UINT64_MAX)
        w->rand_time = w->over_time < shorter ? w->over_time : shorter / 10;
}

void resolve_child(struct child_words *w)
{
    if (w->life_time == UINT64_MAX)
        w->life_time = and_a_tenth(w->rekey_time);
    if (w->rand_time == UINT64_MAX)
        w->rand_time = w->life_time > w->rekey_time && w->life_time / 2 < w->rekey_time
                           ? w->life_time - w->rekey_time
                           : w->rekey_time / 10;
    if (w->life_bytes == UINT64_MAX)
        w->life_bytes = and_a_tenth(w->rekey_bytes);
    if (w->life_packets == UINT64_MAX)
        w->life_packets = and_a_tenth(w->rekey_packets);
}

static void add_names(const char **names, size_t *n, const char *name)
{
    if (*n < KEYWORDS_MAX - 1)
        names[(*n)++] = name;
}

/* Every keyword a proposal may hold, for suggestions. */
static void keywords(const char *names[KEYWORDS_MAX], bool ike)
{
    size_t n = 0, count;

    for (const struct encr_suite *s = encr_suites(&count), *e = s + count; s < e; s++)
        if (!ike || !s->implicit_iv)
            add_names(names, &n, s->name);
    for (const struct integ_suite *s = integ_suites(&count), *e = s + count; s < e; s++)
        add_names(names, &n, s->name);
    for (const struct prf_suite *s = prf_suites(&count), *e = s + count; ike && s < e; s++)
        add_names(names, &n, s->name);
    for (const struct ke_suite *s = ke_suites(&count), *e = s + count; s < e; s++)
        add_names(names, &n, s->name);
    if (!ike) {
        add_names(names, &n, "esn");
        add_names(names, &n, "noesn");
    }
    names[n] = NULL;
}

/* The part of a plain scalar that `bad` is, for the caret. */
static struct tree part_of(const struct tree *item, const char *text, struct bytes bad)
{
    struct tree at = *item;
    const char *start = (const char *)bad.data;

    if (item->plain && item->text == text && start >= text && start < text + strlen(text) &&
        item->width == strlen(text)) {
        at.column += (uint32_t)(start - text);
        at.width = (uint32_t)bad.len;
    }
    return at;
}

static void check_proposal(struct scenario_reader *r, const struct tree *item, bool ike)
{
    const char *names[KEYWORDS_MAX];
    struct proposal_config unused;
    struct bytes bad = BYTES_NONE;
    struct tree at;
    char space[128], word[64];
    enum err e;

    if (!is_text(item))
        return; /* said before */
    e = proposal_parse(bytes_text(item->text), ike, &unused, &bad);
    if (!e)
        return;
    at = part_of(item, item->text, bad);
    snprintf(word, sizeof word, "%.*s", (int)(bad.len < 63 ? bad.len : 63),
             bad.data ? (const char *)bad.data : "");
    keywords(names, ike);
    if (e == ERR_UNSUPPORTED)
        diag_error(&r->diag, &at, "'%s' is no algorithm we have%s", word,
                   diag_nearest(word, names, space));
    else
        diag_error(&r->diag, &at, "'%s' does not make %s proposal, which takes %s", word,
                   ike ? "an IKE" : "an ESP",
                   ike ? "cipher[-integrity][-prf]-group, such as aes256gcm16-prfsha256-x25519"
                       : "cipher[-integrity][-group][-esn], such as aes256gcm16 or aes128-sha256");
}

static void check_proposals(struct scenario_reader *r, const struct tree *n, bool ike)
{
    if (!n)
        return;
    if (n->kind == TREE_LIST && n->count > PROPOSALS_MAX) {
        diag_error(&r->diag, n, "at most %d proposals", PROPOSALS_MAX);
        return;
    }
    if (n->kind != TREE_LIST)
        check_proposal(r, n, ike);
    for (const struct tree *item = n->first; item && n->kind == TREE_LIST; item = item->next)
        check_proposal(r, item, ike);
}

static const struct tree *place_of(const struct tree *map, const char *key)
{
    const struct tree *n = tree_get(map, key);

    return n ? n : map;
}

/* Where the values came from further out, they were checked there. */
void check_ike(struct scenario_reader *r, const struct tree *ike, const struct tree *child,
               const struct ike_words *w, const struct child_words *c)
{
    check_proposals(r, tree_get(ike, "proposals"), true);
    check_proposals(r, tree_get(child, "esp_proposals"), false);
    check_lookup(r, ike, w);
    if (ike && w->rekey_time && w->rand_time >= w->rekey_time)
        diag_error(&r->diag, place_of(ike, "rand_time"),
                   "'rand_time' must be shorter than 'rekey_time'");
    if (ike && w->reauth_time && w->rand_time >= w->reauth_time)
        diag_error(&r->diag, place_of(ike, "rand_time"),
                   "'rand_time' must be shorter than 'reauth_time'");
    if (child && c->rekey_time && c->rand_time >= c->rekey_time)
        diag_error(&r->diag, place_of(child, "rand_time"),
                   "'rand_time' must be shorter than 'rekey_time'");
    if (child && c->life_time && c->life_time < c->rekey_time)
        diag_error(&r->diag, place_of(child, "life_time"),
                   "'life_time' must not be shorter than 'rekey_time'");
    if (child && c->life_bytes && c->life_bytes < c->rekey_bytes)
        diag_error(&r->diag, place_of(child, "life_bytes"),
                   "'life_bytes' must not be less than 'rekey_bytes'");
    if (child && c->life_packets && c->life_packets < c->rekey_packets)
        diag_error(&r->diag, place_of(child, "life_packets"),
                   "'life_packets' must not be less than 'rekey_packets'");
}

static struct selector selector_of(const struct ip_prefix *p)
{
    struct selector s = selector_any(p->addr.family);

    s.first = p->addr;
    s.last = p->addr;
    for (int bit = p->length; bit < (p->addr.family == 4 ? 32 : 128); bit++)
        s.last.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    return s;
}

static uint8_t selectors_of(const struct ip_prefix *list, uint32_t count, struct selector *out)
{
    ASSERT(count <= SELECTORS_MAX);
    for (uint32_t i = 0; i < count; i++)
        out[i] = selector_of(&list[i]);
    return (uint8_t)count;
}

uint8_t scenario_protects(const struct scenario_group *g, struct ip_addr inner,
                          struct selector *out)
{
    if (g->protect_count && g->child_words.mode == CHILD_TUNNEL)
        return selectors_of(g->protects, g->protect_count, out);
    out[0] = selector_host(inner);
    return 1;
}

static uint8_t proposals_of(const char *const *texts, uint32_t count, bool ike, bool esn,
                            struct proposal_config *out)
{
    struct bytes bad;

    ASSERT(count <= PROPOSALS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        enum err e = proposal_parse(bytes_text(texts[i]), ike, &out[i], &bad);

        ASSERT(e == OK); /* checked when it was read */
        if (esn && !strstr(texts[i], "esn")) {
            out[i].esn = true;
            out[i].no_esn = false;
        }
    }
    return (uint8_t)count;
}

static struct child_config make_child_config(const struct child_words *w)
{
    struct child_config c = {
        .transport = w->mode == CHILD_TRANSPORT,
        .replay_window = w->replay_window,
        .tfc_padding = (uint16_t)w->tfc_padding,
        .ignore_too_big = !w->path_mtu_discovery,
        .fragment_before = w->fragment_before,
        .single_pair = w->single_pair,
        .per_resource = (uint8_t)w->per_resource,
        .lifetime = {.rekey_time = w->rekey_time,
                     .rekey_jitter = w->rekey_time ? w->rand_time : 0,
                     .hard_time = w->life_time,
                     .rekey_bytes = w->rekey_bytes,
                     .hard_bytes = w->life_bytes,
                     .rekey_packets = w->rekey_packets,
                     .hard_packets = w->life_packets},
    };

    c.proposal_count =
        proposals_of(w->esp_proposals, w->esp_proposal_count, false, w->esn, c.proposals);
    c.local_count = selectors_of(w->local_ts, w->local_ts_count, c.local);
    c.remote_count = selectors_of(w->remote_ts, w->remote_ts_count, c.remote);
    return c;
}

static unsigned quirks_of(const struct ike_words *w)
{
    unsigned set = 0;

    for (uint32_t i = 0; i < w->quirk_count; i++)
        set |= ike_quirk_named(w->quirks[i])->quirk; /* checked when it was read */
    return set;
}

/* What is neither rekeyed nor authenticated anew in time is ended. */
static nsec hard_time_of(const struct ike_words *w)
{
    nsec soft = w->rekey_time ? w->rekey_time : w->reauth_time;

    return soft ? soft + w->over_time : 0;
}

struct ike_config make_ike_config(const struct ike_words *w, const struct child_words *child)
{
    struct ike_config c = {
        .version = w->version == VERSION_1 ? IKE_V1 : IKE_V2,
        .answers = answers_of(w),
        .phase1 = (enum phase1_mode)w->phase1,
        .retransmit = {.timeout = w->retransmit_timeout,
                       .base_milli = (uint32_t)w->retransmit_base,
                       .tries = (uint8_t)w->retransmit_tries,
                       .jitter_ppm = (uint32_t)(w->retransmit_jitter * 1000000 >> 32),
                       .limit = w->retransmit_limit},
        .lifetime = {.rekey_time = w->rekey_time,
                     .rekey_jitter = w->rekey_time ? w->rand_time : 0,
                     .hard_time = hard_time_of(w)},
        .reauth_time = w->reauth_time,
        .reauth_jitter = w->reauth_time ? w->rand_time : 0,
        .make_before_break = w->make_before_break,
        .fragmentation = (enum fragmentation_policy)w->fragmentation,
        .fragment_size = (uint16_t)w->fragment_size,
        .childless = (enum childless_policy)w->childless,
        .mobike = {.on = w->mobike,
                   .no_nats = w->mobike_no_nats,
                   .check = (enum mobike_check)w->mobike_check,
                   .from = w->mobike_from},
        .dpd_delay = w->dpd_delay,
        .nat_keepalive = w->nat_keepalive,
        .half_open_time = w->half_open_timeout,
        .force_encap = w->encap,
        .initial_contact = w->initial_contact,
        .quirks = quirks_of(w),
        .window = (uint8_t)w->window,
        .invalid_message_id = w->invalid_message_id,
        .invalid_spi = w->invalid_spi,
        .quick_crash_detection = w->quick_crash_detection,
        .qcd_forgets = w->qcd_secret == QCD_SECRET_LOST,
        .psk_len = (uint8_t)strlen(w->psk),
        .inside = {.ask = w->ask_address, .select = w->address_only, .pool = w->address_pool},
    };

    memcpy(c.psk, w->psk, c.psk_len);
    c.proposal_count = proposals_of(w->proposals, w->proposal_count, true, false, c.proposals);
    c.child = make_child_config(child);
    return c;
}

/* A member's name is asked for whenever another's turn comes, so not by printf. */
static void add_text(struct identity *id, const char *text, size_t len)
{
    ASSERT(len <= (size_t)ID_MAX - id->len);
    memcpy(id->data + id->len, text, len);
    id->len = (uint8_t)(id->len + len);
}

static void add_number(struct identity *id, uint32_t number)
{
    char digits[10], *at = digits + sizeof digits;

    do
        *--at = (char)('0' + number % 10);
    while (number /= 10);
    add_text(id, at, (size_t)(digits + sizeof digits - at));
}

int32_t scenario_identity_number(const struct scenario *s, uint32_t group)
{
    const struct scenario_group *g = &s->groups[group];
    const char *words = g->ike_words.id, *mark = words ? strstr(words, "{n}") : NULL;

    if (!words)
        return (int32_t)strlen(g->name) + 1;
    return mark ? (int32_t)(mark - words) : SCENARIO_NONE;
}

static struct identity named(const struct scenario_group *g, const char *words, uint32_t member)
{
    const char *mark = words ? strstr(words, "{n}") : NULL;
    struct identity id = {.type = 2}; /* ID_FQDN */

    if (!words) {
        add_text(&id, g->name, strlen(g->name));
        add_text(&id, "-", 1);
        add_number(&id, member);
        add_text(&id, ".ikelab.example", 15);
    } else if (!mark) {
        add_text(&id, words, strlen(words));
    } else {
        add_text(&id, words, (size_t)(mark - words));
        add_number(&id, member);
        add_text(&id, mark + 3, strlen(mark + 3));
    }
    ASSERT(id.len > 0);
    if (memchr(id.data, '@', id.len))
        id.type = 3; /* ID_RFC822_ADDR */
    return id;
}

struct identity scenario_identity(const struct scenario *s, uint32_t group, uint32_t member)
{
    ASSERT(group < s->group_count && member < s->groups[group].count);
    return named(&s->groups[group], s->groups[group].ike_words.id, member);
}

struct identity scenario_user(const struct scenario *s, uint32_t group, uint32_t member)
{
    const struct scenario_group *g = &s->groups[group];

    ASSERT(group < s->group_count && member < g->count);
    return named(g, g->ike_words.xauth_user ? g->ike_words.xauth_user : g->ike_words.id, member);
}
