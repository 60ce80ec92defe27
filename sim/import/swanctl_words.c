/* Settings that have one word in a scenario, or none and a reason: the tables of docs/import.md. */
#include "sim/import/swanctl_model.h"
#include "sim/scenario_units.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

enum word_kind {
    WORD_OWN, /* has a grammar of its own: read elsewhere */
    WORD_NONE,
    WORD_TIME,
    WORD_SECONDS, /* charon: decimal seconds */
    WORD_MILLI,
    WORD_PERCENT,
    WORD_COUNT,
    WORD_BYTES,
    WORD_PADDING, /* bytes or mtu; 0 is the default of both */
    WORD_BOOL,
};

enum word_rule { RULE_FREE, RULE_BELOW, RULE_NOT_BELOW };

struct word {
    const char *key; /* with a star at the end: all that begin like this */
    enum word_kind kind;
    const char *ours;     /* NULL: the same name */
    uint64_t min, max;    /* of the value in base units; max 0: none */
    enum word_rule rule;  /* how it stands to another setting, 0 of which means off */
    const char *other;    /* that setting */
    uint64_t other_value; /* its default */
    const char *same;     /* WORD_NONE: the value that is what happens anyway */
    const char *why;      /* WORD_NONE */
    const char *not_v1;   /* why it is not for IKEv1, where it is on */
};

#define HOUR UINT64_C(3600000000000)
#define NO_CERTIFICATES "test certificates are made for the run, and what they are is in `pki:`"
#define NO_EAP "Ikelab has no EAP yet"
#define NO_KERNEL "for the kernel of a real host; a simulated one has no such thing"
#define NO_RANDOM "only times have a random part in a scenario"
#define RECONNECTS "not modelled; a scenario's initiators connect again by themselves"

/* clang-format off */
static const struct word connection_words[] = {
    {.key = "version"}, {.key = "local_addrs"}, {.key = "remote_addrs"}, {.key = "proposals"},
    {.key = "unique"}, {.key = "aggressive"}, {.key = "vips"}, {.key = "pools"},
    {.key = "reauth_time"},
    {.key = "rekey_time", .kind = WORD_TIME},
    {.key = "over_time", .kind = WORD_TIME},
    {.key = "rand_time", .kind = WORD_TIME, .rule = RULE_BELOW, .other = "rekey_time",
     .other_value = 4 * HOUR},
    {.key = "dpd_delay", .kind = WORD_TIME},
    {.key = "encap", .kind = WORD_BOOL},
    {.key = "mobike", .kind = WORD_BOOL, .not_v1 = "IKEv1 has no MOBIKE"},
    {.key = "local_port", .kind = WORD_NONE, .same = "500",
     .why = "IKE is on port 500, and on 4500 behind NATs"},
    {.key = "remote_port", .kind = WORD_NONE, .same = "500",
     .why = "IKE is on port 500, and on 4500 behind NATs"},
    {.key = "pull", .kind = WORD_NONE, .same = "yes",
     .why = "in a scenario addresses are given to who asks"},
    {.key = "dscp", .kind = WORD_NONE, .same = "000000", .why = "links do not look at DSCP"},
    {.key = "dpd_timeout", .kind = WORD_NONE,
     .why = "the retransmissions of a question decide"},
    {.key = "fragmentation", .kind = WORD_NONE, .same = "no",
     .why = "to be written as 'fragmentation' by hand, with the words no, accept and yes"},
    {.key = "childless", .kind = WORD_NONE, .same = "never",
     .why = "to be written as 'childless' by hand where both sides are to do without"},
    {.key = "send_certreq", .kind = WORD_NONE, .why = NO_CERTIFICATES},
    {.key = "send_cert", .kind = WORD_NONE, .why = NO_CERTIFICATES},
    {.key = "ocsp", .kind = WORD_NONE, .why = NO_CERTIFICATES},
    {.key = "ppk_id", .kind = WORD_NONE, .why = "Ikelab has no post-quantum pre-shared keys"},
    {.key = "ppk_required", .kind = WORD_NONE, .same = "no",
     .why = "Ikelab has no post-quantum pre-shared keys"},
    {.key = "keyingtries", .kind = WORD_NONE, .why = RECONNECTS},
    {.key = "if_id_in", .kind = WORD_NONE, .why = NO_KERNEL},
    {.key = "if_id_out", .kind = WORD_NONE, .why = NO_KERNEL},
    {.key = "mediation", .kind = WORD_NONE, .same = "no", .why = "there is no mediation server"},
    {.key = "mediated_by", .kind = WORD_NONE, .why = "there is no mediation server"},
    {.key = "mediation_peer", .kind = WORD_NONE, .why = "there is no mediation server"},
};

static const struct word local_words[] = {
    {.key = "auth"}, {.key = "id"},
    {.key = "round", .kind = WORD_NONE, .why = "a scenario has one round of authentication"},
    {.key = "cert*", .kind = WORD_NONE, .why = NO_CERTIFICATES},
    {.key = "pubkeys", .kind = WORD_NONE, .why = NO_CERTIFICATES},
    {.key = "eap_id", .kind = WORD_NONE, .why = NO_EAP},
    {.key = "aaa_id", .kind = WORD_NONE, .why = NO_EAP},
    {.key = "xauth_id", .kind = WORD_NONE, 
     .why = "a user is of IKEv1, in a section of its own with auth = xauth"},
};

static const struct word remote_words[] = {
    {.key = "auth"}, {.key = "id"},
    {.key = "round", .kind = WORD_NONE, .why = "a scenario has one round of authentication"},
    {.key = "cert*", .kind = WORD_NONE, .why = NO_CERTIFICATES},
    {.key = "cacert*", .kind = WORD_NONE, .why = NO_CERTIFICATES},
    {.key = "ca_id", .kind = WORD_NONE, .why = NO_CERTIFICATES},
    {.key = "pubkeys", .kind = WORD_NONE, .why = NO_CERTIFICATES},
    {.key = "groups", .kind = WORD_NONE, .why = "there are no authorization groups"},
    {.key = "revocation", .kind = WORD_NONE, .why = NO_CERTIFICATES},
    {.key = "eap_id", .kind = WORD_NONE, .why = NO_EAP},
};

static const struct word child_words[] = {
    {.key = "esp_proposals"}, {.key = "local_ts"}, {.key = "remote_ts"}, {.key = "mode"},
    {.key = "start_action"},
    {.key = "rekey_time", .kind = WORD_TIME},
    {.key = "life_time", .kind = WORD_TIME, .rule = RULE_NOT_BELOW, .other = "rekey_time",
     .other_value = HOUR},
    {.key = "rand_time", .kind = WORD_TIME, .rule = RULE_BELOW, .other = "rekey_time",
     .other_value = HOUR},
    {.key = "rekey_bytes", .kind = WORD_BYTES},
    {.key = "life_bytes", .kind = WORD_BYTES, .rule = RULE_NOT_BELOW, .other = "rekey_bytes"},
    {.key = "rekey_packets", .kind = WORD_COUNT},
    {.key = "life_packets", .kind = WORD_COUNT, .rule = RULE_NOT_BELOW, .other = "rekey_packets"},
    {.key = "replay_window", .kind = WORD_COUNT, .max = 65536},
    {.key = "rand_bytes", .kind = WORD_NONE, .why = NO_RANDOM},
    {.key = "rand_packets", .kind = WORD_NONE, .why = NO_RANDOM},
    {.key = "ah_proposals", .kind = WORD_NONE, .why = "Ikelab has no AH; the tunnel takes ESP"},
    {.key = "sha256_96", .kind = WORD_NONE, .same = "no",
     .why = "HMAC-SHA-256 is cut to 128 bits, as RFC 4868 says"},
    {.key = "updown", .kind = WORD_NONE, .why = "no scripts are run"},
    {.key = "hostaccess", .kind = WORD_NONE, .why = "goes with the updown script"},
    {.key = "policies", .kind = WORD_NONE, .same = "yes", .why = NO_KERNEL},
    {.key = "policies_fwd_out", .kind = WORD_NONE, .same = "no", .why = NO_KERNEL},
    {.key = "dpd_action", .kind = WORD_NONE, .why = RECONNECTS},
    {.key = "close_action", .kind = WORD_NONE, .why = RECONNECTS},
    {.key = "ipcomp", .kind = WORD_NONE, .same = "no", .why = "Ikelab has no IPComp"},
    {.key = "inactivity", .kind = WORD_NONE, .same = "0s",
     .why = "child SAs are not closed when idle"},
    {.key = "reqid", .kind = WORD_NONE, .same = "0", .why = NO_KERNEL},
    {.key = "priority", .kind = WORD_NONE, .same = "0", .why = NO_KERNEL},
    {.key = "interface", .kind = WORD_NONE, .why = NO_KERNEL},
    {.key = "mark_*", .kind = WORD_NONE, .why = NO_KERNEL},
    {.key = "set_mark_*", .kind = WORD_NONE, .why = NO_KERNEL},
    {.key = "if_id_*", .kind = WORD_NONE, .why = NO_KERNEL},
    {.key = "label*", .kind = WORD_NONE, .why = NO_KERNEL},
    {.key = "per_cpu_sas*", .kind = WORD_NONE, .same = "no", .why = NO_KERNEL},
    {.key = "hw_offload", .kind = WORD_NONE, .same = "no", .why = NO_KERNEL},
    {.key = "tfc_padding", .kind = WORD_PADDING, .max = TFC_TO_MTU,
     .not_v1 = "nobody says in IKEv1 whether it is understood"},
    {.key = "copy_*", .kind = WORD_NONE, .why = "headers inside are not copied outside"},
};

static const struct word charon_words[] = {
    {.key = "retransmit_timeout", .kind = WORD_SECONDS, .min = 1000000, .max = HOUR},
    {.key = "retransmit_base", .kind = WORD_MILLI, .min = 1000, .max = 10000},
    {.key = "retransmit_tries", .kind = WORD_COUNT, .max = 100},
    {.key = "retransmit_jitter", .kind = WORD_PERCENT, .max = 100},
    {.key = "retransmit_limit", .kind = WORD_SECONDS},
    {.key = "keep_alive", .kind = WORD_TIME, .ours = "nat_keepalive"},
    {.key = "half_open_timeout", .kind = WORD_TIME, .min = 1},
    {.key = "*", .kind = WORD_NONE, .why = "of charon only timers are carried over"},
};
/* clang-format on */

#define TABLE(words)                                                                               \
    {                                                                                              \
        words, sizeof words / sizeof *words                                                        \
    }

static const struct {
    const struct word *words;
    size_t count;
} tables[SWANCTL_TABLES] = {
    [SWANCTL_CONNECTION] = TABLE(connection_words), [SWANCTL_LOCAL] = TABLE(local_words),
    [SWANCTL_REMOTE] = TABLE(remote_words),         [SWANCTL_CHILD] = TABLE(child_words),
    [SWANCTL_CHARON] = TABLE(charon_words),
};

void words_add(struct swanctl_importer *im, struct swanctl_words *words, const char *format, ...)
{
    char text[2048];
    va_list args;
    const char *line;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    line = arena_text(im->settings.arena, text, strlen(text));
    if (!line || words->count == SWANCTL_WORDS_MAX)
        im->settings.diag.no_memory = true;
    else
        words->line[words->count++] = line;
}

bool words_equal(const struct swanctl_words *a, const struct swanctl_words *b)
{
    for (unsigned i = 0; i < a->count && a->count == b->count; i++)
        if (strcmp(a->line[i], b->line[i]) != 0)
            return false;
    return a->count == b->count;
}

void words_note_all(struct swanctl_importer *im, const struct settings_view *view, const char *why)
{
    for (const struct settings_pick *p = view->first; p; p = p->next)
        if (!p->entry->note && !p->entry->carried)
            settings_note(&im->settings, p->entry, "%s", why);
    for (const struct settings_view *c = view->children; c; c = c->next)
        words_note_all(im, c, why);
}

/* The value in base units, if it has the form of its kind. */
static bool read_number(const struct word *w, const char *text, uint64_t *n)
{
    char with_unit[64];

    switch (w->kind) {
    case WORD_TIME:
        return swanctl_time(text, n);
    case WORD_SECONDS:
        snprintf(with_unit, sizeof with_unit, "%.40ss", text);
        return !unit_read(DIMENSION_TIME, with_unit, n) || swanctl_time(text, n);
    case WORD_MILLI:
        return !unit_read(DIMENSION_MILLI, text, n);
    case WORD_BYTES:
        return swanctl_bytes(text, n);
    case WORD_PADDING:
        *n = TFC_TO_MTU;
        return strcmp(text, "mtu") == 0 || (swanctl_count(text, n) && *n <= 65000);
    default:
        return swanctl_count(text, n);
    }
}

static void write_number(const struct word *w, uint64_t n, char out[UNIT_TEXT_MAX])
{
    if (w->kind == WORD_TIME || w->kind == WORD_SECONDS)
        unit_write(DIMENSION_TIME, n, out);
    else if (w->kind == WORD_MILLI)
        unit_write(DIMENSION_MILLI, n, out);
    else if (w->kind == WORD_PADDING && n == TFC_TO_MTU)
        snprintf(out, UNIT_TEXT_MAX, "mtu");
    else if (w->kind == WORD_BYTES || w->kind == WORD_PADDING)
        unit_write(DIMENSION_SIZE, n, out);
    else
        snprintf(out, UNIT_TEXT_MAX, "%" PRIu64 "%s", n, w->kind == WORD_PERCENT ? "%" : "");
}

/* What the scenario asks of two values, strongSwan may not: then the second stays away. */
static bool keeps_rule(struct swanctl_importer *im, const struct word *w,
                       const struct settings_view *view, struct settings_entry *e, uint64_t n)
{
    const struct settings_entry *other = w->other ? view_get(view, w->other) : NULL;
    struct word like = *w;
    uint64_t limit = w->other_value;

    if (w->rule == RULE_FREE)
        return true;
    if (other && !read_number(&like, other->value, &limit))
        limit = w->other_value;
    if (!limit || (w->rule == RULE_BELOW ? n < limit : n == 0 || n >= limit))
        return true;
    settings_note(&im->settings, e, "must %sbe %s than '%s' in a scenario; its default is taken",
                  w->rule == RULE_BELOW ? "" : "not ", "less", w->other);
    return false;
}

static void map_number(struct swanctl_importer *im, const struct word *w,
                       const struct settings_view *view, struct settings_entry *e,
                       struct swanctl_words *words)
{
    char text[UNIT_TEXT_MAX];
    uint64_t n;

    if (!read_number(w, e->value, &n)) {
        settings_note(&im->settings, e, "is no value that can be read; the default is taken");
        return;
    }
    if (n < w->min || (w->max && n > w->max)) {
        settings_note(&im->settings, e, "lies outside what a scenario takes; the default is taken");
        return;
    }
    if (!keeps_rule(im, w, view, e, n))
        return;
    if (w->kind == WORD_PADDING && n == 0) {
        e->carried = true;
        return;
    }
    write_number(w, n, text);
    words_add(im, words, "%s: %s", w->ours ? w->ours : w->key, text);
    e->carried = true;
}

/* "0" and "0s", "no" and "false" are the same. */
static bool same_value(const char *a, const char *b)
{
    uint64_t m, n;
    bool p, q;

    if (swanctl_time(a, &m) && swanctl_time(b, &n))
        return m == n;
    if (swanctl_bool(a, &p) && swanctl_bool(b, &q))
        return p == q;
    return strcmp(a, b) == 0;
}

static void map_entry(struct swanctl_importer *im, const struct word *w,
                      const struct settings_view *view, struct settings_entry *e,
                      struct swanctl_words *words)
{
    bool on;

    if (!e->value[0]) {
        e->carried = true; /* cleared: the default, which is not written either */
    } else if (w->not_v1 && words->v1 && !same_value(e->value, "no")) {
        settings_note(&im->settings, e, "%s", w->not_v1);
    } else if (w->kind == WORD_NONE) {
        if (w->same && same_value(e->value, w->same))
            e->carried = true;
        else
            settings_note(&im->settings, e, "%s", w->why);
    } else if (w->kind != WORD_BOOL) {
        map_number(im, w, view, e, words);
    } else if (swanctl_bool(e->value, &on)) {
        words_add(im, words, "%s: %s", w->ours ? w->ours : w->key, on ? "true" : "false");
        e->carried = true;
    } else {
        settings_note(&im->settings, e, "is neither yes nor no; the default is taken");
    }
}

static bool word_is(const struct word *w, const char *key)
{
    size_t len = strlen(w->key);

    if (w->key[len - 1] == '*')
        return strncmp(w->key, key, len - 1) == 0;
    return strcmp(w->key, key) == 0;
}

static void note_unknown(struct swanctl_importer *im, enum swanctl_table table,
                         struct settings_entry *e)
{
    const char *names[64] = {NULL};
    char space[128];

    for (size_t i = 0; i < tables[table].count && i < 63; i++)
        names[i] = tables[table].words[i].key;
    settings_note(&im->settings, e, "Ikelab knows no such setting%s",
                  diag_nearest(e->key, names, space));
}

void words_map(struct swanctl_importer *im, enum swanctl_table table,
               const struct settings_view *view, struct swanctl_words *words)
{
    const struct word *all = tables[table].words, *end = all + tables[table].count;

    /* In the table's order, so that equal connections look equal however they are written. */
    for (const struct word *w = all; w < end; w++)
        for (const struct settings_pick *p = view->first; p; p = p->next) {
            const struct word *first = all;

            while (!word_is(first, p->entry->key) && first < w)
                first++;
            if (first == w && word_is(w, p->entry->key) && w->kind != WORD_OWN)
                map_entry(im, w, view, p->entry, words);
        }
    for (const struct settings_pick *p = view->first; p; p = p->next) {
        const struct word *w = all;

        while (w < end && !word_is(w, p->entry->key))
            w++;
        if (w == end)
            note_unknown(im, table, p->entry);
    }
}
