#include "explore/world.h"

#include "base/assert.h"
#include "base/digest.h"
#include "proto/esp/esp.h"
#include "proto/ip/checksum.h"
#include "proto/wire/v1_registry.h"

#include <string.h>

const char *trigger_name(enum trigger_kind kind)
{
    static const char *const names[TRIGGER_COUNT] = {
#define X(symbol, name) name,
        TRIGGER_LIST(X)
#undef X
    };

    return names[kind];
}

/* ---- create ---- */

/* No lifetimes and no liveness: rekeys and deletes are the triggers' matter or the setup's, so a
 * run comes to rest when the retransmissions and holds of RFC 7296 are over. */
static void configure(struct ike_config *c, unsigned side, bool v1)
{
    static const char *const names[2] = {"a.test", "b.test"};
    struct selector nets[2] = {selector_any(4), selector_any(4)};

    *c = (struct ike_config){
        .proposal_count = 1,
        .psk_len = 16,
        .retransmit = {.timeout = 4 * NSEC_PER_S, .base_milli = 1800, .tries = 5},
        .half_open_time = 30 * NSEC_PER_S,
        .respond = true,
        .initial_contact = true,
        .child = {.proposal_count = 1, .replay_window = 256, .local_count = 1, .remote_count = 1}};
    setup_propose(&c->proposals[0], true, v1 ? SETUP_V1_PROPOSALS : "aes256gcm16-prfsha256-x25519");
    c->version = v1 ? IKE_V1 : IKE_V2;
    c->answers = (uint8_t)(1u << c->version);
    setup_propose(&c->child.proposals[0], false, "aes256gcm16");
    c->id.type = 2;
    c->id.len = 6;
    memcpy(c->id.data, names[side], 6);
    memcpy(c->psk, "correct horse ba", 16);
    for (unsigned i = 0; i < 2; i++) {
        nets[i].first = ip_addr_v4(0x0a010000 + 0x10000u * i);
        nets[i].last = ip_addr_v4(0x0a01ffff + 0x10000u * i);
    }
    c->child.local[0] = nets[side];
    c->child.remote[0] = nets[1 - side];
}

static struct ip_endpoint address(unsigned side)
{
    return (struct ip_endpoint){ip_addr_v4(side ? 0xcb007102 : 0xc6336401), 500};
}

/* Between two calls of an endpoint, and only what it reads anew for each exchange and each SA. */
static void enter(struct world *w, enum setup_phase phase)
{
    w->phase = phase;
    for (unsigned side = 0; side < 2; side++) {
        w->config[side] = w->plain[side];
        w->config[side].quirks |= side ? w->options.quirks : w->options.quirks_a;
        if (w->options.window)
            w->config[side].window = w->options.window;
        setup_apply(&w->options.setup, phase, side, &w->config[side]);
    }
}

static void pull(struct world *, unsigned side);

static enum err initiate(struct world *w, unsigned side)
{
    struct ike_remote remote = {.local = address(side), .remote = address(1 - side)};
    struct sa_ref ike;

    return ike_endpoint_initiate(w->end[side], w->now, &remote, &ike);
}

static bool asks_by_time(const struct world_setup *s)
{
    return s->soft_child || s->soft_ike || s->hard_ike;
}

/* In IKEv1 what answers the last messages is kept until nobody can ask again. It would be one more
 * timer of every run, and the search is about what is asked afterwards. */
static void let_go(struct world *w)
{
    enum { TIMERS_MAX = 16 };

    for (unsigned n = 0; n < TIMERS_MAX && world_v1(w) && !asks_by_time(&w->options.setup); n++) {
        unsigned side = world_deadline(w, 1) < world_deadline(w, 0);

        if (world_quiet(w))
            return;
        world_step(w, (struct choice){CHOICE_TIMER, (uint8_t)side});
    }
}

static enum err establish(struct world *w)
{
    enum err e = initiate(w, 0);

    if (e)
        return e;
    pull(w, 0);
    while (w->wire_count)
        world_step(w, (struct choice){CHOICE_DELIVER, 0});
    let_go(w);
    w->sent = w->said_count = w->packet_count = 0;
    w->unsendable[0] = w->unsendable[1] = false;
    enter(w, SETUP_RUN);
    return OK;
}

static enum err make_ends(struct world *w)
{
    static const struct ike_limits limits = {.ike_sas = 4, .half_open = 2, .child_sas = 8};

    w->crypto = crypto_modelled_create(&w->meter);
    if (!w->crypto)
        return ERR_MEMORY;
    for (unsigned side = 0; side < 2; side++)
        if (w->options.ends)
            w->plain[side] = w->options.ends->config[side];
        else if (!w->plain[side].proposal_count) /* it stays: reading takes long */
            configure(&w->plain[side], side, w->options.setup.v1);
    enter(w, SETUP_HANDSHAKE);
    for (unsigned side = 0; side < 2; side++) {
        struct ike_env env = {.crypto = w->crypto, .seed = w->options.seed, .entity = side + 1};

        w->end[side] = ike_endpoint_create(&env, &w->config[side], &limits);
        if (!w->end[side])
            return ERR_MEMORY;
    }
    return OK;
}

enum err world_create(struct world *w, const struct world_options *o)
{
    enum err e;

    ASSERT(o->trigger_count <= TRIGGERS_MAX && !w->end[0]);
    w->options = *o;
    w->options.tell = NULL; /* the handshake is no part of the story */
    w->faults = o->faults;
    w->now = NSEC_PER_S;
    w->pulled = w->new_children = w->wire_count = w->said_count = w->packet_count = 0;
    w->child_deleted = w->terminated = w->untold = w->said_differently = false;
    w->rekeys_asked = setup_soft_children(&o->setup);
    w->sent = w->sent_by[0] = w->sent_by[1] = 0;
    w->hearing = NULL;
    w->unsendable[0] = w->unsendable[1] = false;
    w->broken = NULL;
    e = make_ends(w);
    if (e == OK)
        e = establish(w);
    w->options.tell = o->tell;
    return e;
}

void world_destroy(struct world *w)
{
    for (unsigned side = 0; side < 2; side++)
        ike_endpoint_destroy(w->end[side]);
    if (w->crypto)
        crypto_destroy(w->crypto);
    w->end[0] = w->end[1] = NULL;
    w->crypto = NULL;
}

/* ---- the wire ---- */

static void tell(const struct world *w, struct story_line line)
{
    line.at = w->now;
    if (w->options.tell)
        w->options.tell(w->options.context, &line);
}

static void tell_message(const struct world *w, enum story_kind kind, const struct message *m)
{
    tell(w, (struct story_line){.kind = kind,
                                .side = kind == STORY_SENT ? m->from : 1 - m->from,
                                .exchange = m->exchange,
                                .response = m->dgram.kind == DGRAM_RESPONSE,
                                .transmission = m->dgram.transmission,
                                .number = m->number,
                                .nth = w->sent_by[m->from],
                                .id = m->id});
}

/* From port 4500 a marker stands before it (RFC 7296 §2.23): with NATs, and with MOBIKE. */
static const uint8_t *header_of(const struct message *m)
{
    enum { NATT_PORT = 4500, MARKER_LEN = 4 };

    return m->data + (m->dgram.remote.port == NATT_PORT ? MARKER_LEN : 0);
}

bool world_v1(const struct world *w)
{
    return w->plain[0].version == IKE_V1;
}

/* IKEv1 says which exchange it is, by the number in the header. */
static uint8_t v1_exchange_of(const struct message *m)
{
    switch (header_of(m)[18]) {
    case V1_EXCHANGE_QUICK:
        return KIND_QUICK;
    case V1_EXCHANGE_INFORMATIONAL:
        return KIND_INFORMATIONAL;
    case V1_EXCHANGE_AGGRESSIVE:
        return KIND_AGGRESSIVE;
    default:
        return KIND_MAIN;
    }
}

/* What a message is about: a request is in flight in its IKE SA, a response answers what is being
 * heard. Only names in a chart depend on it. */
static uint8_t exchange_of(const struct world *w, unsigned from, const struct message *m)
{
    uint64_t spi_i = load_be64(header_of(m)), spi_r = load_be64(header_of(m) + 8);
    const struct ike_endpoint *ep = w->end[from];
    struct ike_sa_info info;

    if (world_v1(w))
        return v1_exchange_of(m);
    if (m->dgram.kind == DGRAM_RESPONSE)
        return w->hearing && w->hearing->id == m->id ? w->hearing->exchange : KIND_NONE;
    for (struct sa_ref r = ike_endpoint_next_ike(ep, SA_NONE); !sa_none(r);
         r = ike_endpoint_next_ike(ep, r))
        if (ike_endpoint_ike_info(ep, r, &info) && info.spi_i == spi_i && info.spi_r == spi_r)
            return info.in_flight;
    return KIND_NONE;
}

/* I9: what is said again is said in the same bytes. A message of IKEv1 has no number, but in a
 * Quick Mode: what is asked (1), and what answers it (2, 3), one of each from either end. */
static void remember(struct world *w, const struct message *m)
{
    struct digest key = {0, 0};

    if (world_v1(w) && m->exchange != KIND_QUICK)
        return;
    digest_add(&key, header_of(m), 16); /* SPIs */
    digest_u64(&key, (uint64_t)m->id << 8 | (uint64_t)m->dgram.kind << 1 | m->from);
    for (unsigned i = 0; i < w->said_count; i++) {
        if (w->said[i].key != key.value)
            continue;
        w->said_differently |= w->said[i].digest != m->digest;
        return;
    }
    if (w->said_count == SAID_MAX) {
        w->broken = "more messages than the search can remember";
        return;
    }
    w->said[w->said_count++] = (struct said){key.value, m->digest};
}

static void send(struct world *w, unsigned from, const struct ike_dgram *out)
{
    struct message *m = &w->wire[w->wire_count];

    if (w->wire_count == WIRE_MAX || out->len > MESSAGE_BYTES) {
        w->broken = "more on the wire than the search has room for";
        return;
    }
    w->wire_count++;
    m->dgram = *out;
    m->dgram.local = out->remote;
    m->dgram.remote = out->local;
    memcpy(m->data, out->data, out->len);
    m->digest = digest_of(m->data, out->len, from);
    m->from = (uint8_t)from;
    m->number = ++w->sent;
    w->sent_by[from]++;
    m->id = load_be32(header_of(m) + 20);
    m->exchange = exchange_of(w, from, m);
    remember(w, m);
    tell_message(w, STORY_SENT, m);
}

/* A driver that wants the tunnel to stay connects again when its lifetime has ended it. */
static bool wants_again(const struct world *w, unsigned side, const struct ike_event *event)
{
    return w->options.setup.hard_ike & 1u << side && event->kind == EVENT_IKE_DOWN &&
           event->reason == REASON_EXPIRED;
}

static void pull(struct world *w, unsigned side)
{
    struct ike_dgram out;
    struct ike_event event;
    bool again = false;

    while (ike_endpoint_transmit(w->end[side], &out))
        send(w, side, &out);
    while (ike_endpoint_next_event(w->end[side], &event)) {
        again |= wants_again(w, side, &event);
        tell(w, (struct story_line){.kind = STORY_EVENT,
                                    .side = (uint8_t)side,
                                    .what = event_name(event.kind),
                                    .why = event.reason ? reason_name(event.reason) : NULL});
    }
    if (again && initiate(w, side) == OK)
        pull(w, side);
}

static void take_off(struct world *w, unsigned index)
{
    w->wire_count--;
    memmove(&w->wire[index], &w->wire[index + 1], (w->wire_count - index) * sizeof w->wire[0]);
}

/* A copy: the endpoint decrypts in place, and a doubled message stays on the wire. */
static void arrive(struct world *w, unsigned index, bool stays)
{
    struct message m = w->wire[index];

    tell_message(w, stays ? STORY_DOUBLED : STORY_ARRIVED, &m);
    if (!stays)
        take_off(w, index);
    m.dgram.data = m.data;
    w->hearing = &m;
    (void)ike_endpoint_receive(w->end[1 - m.from], w->now, &m.dgram);
    pull(w, 1 - m.from);
    w->hearing = NULL;
}

/* ---- triggers ---- */

static enum err ask(struct ike_endpoint *ep, nsec now, enum trigger_kind kind, struct sa_ref sa)
{
    switch (kind) {
    case TRIGGER_REKEY_CHILD:
        return ike_endpoint_rekey_child(ep, now, sa);
    case TRIGGER_DELETE_CHILD:
        return ike_endpoint_delete_child(ep, now, sa);
    case TRIGGER_NEW_CHILD:
        return ike_endpoint_new_child(ep, now, sa);
    case TRIGGER_REKEY_IKE:
        return ike_endpoint_rekey_ike(ep, now, sa);
    case TRIGGER_PROBE:
        return ike_endpoint_probe(ep, now, sa);
    default:
        return ike_endpoint_terminate(ep, now, sa);
    }
}

/* Of the first SA that takes it, as an operator would name the tunnel, not one of its SAs. */
static enum err ask_any(struct ike_endpoint *ep, nsec now, enum trigger_kind kind)
{
    bool child = kind == TRIGGER_REKEY_CHILD || kind == TRIGGER_DELETE_CHILD;
    struct sa_ref (*next)(const struct ike_endpoint *, struct sa_ref) =
        child ? ike_endpoint_next_child : ike_endpoint_next_ike;

    for (struct sa_ref r = next(ep, SA_NONE); !sa_none(r); r = next(ep, r))
        if (ask(ep, now, kind, r) == OK)
            return OK;
    return ERR_STATE;
}

/* A responder begins to send through a new child SA when it hears a packet on it. */
static enum err send_packet(struct world *w, unsigned side)
{
    struct packet p;
    enum err e = world_packet(w, side, &p);

    return e ? e : world_packet_arrives(w, &p);
}

/* What is asked for while it is being done asks for nothing new: the only child SA there is. */
static bool under_way(const struct world *w, struct trigger t)
{
    const struct ike_endpoint *ep = w->end[t.side];
    struct child_sa_info child;
    struct ike_sa_info ike;
    unsigned installed = 0;
    bool rekeying = false;

    for (struct sa_ref r = ike_endpoint_next_child(ep, SA_NONE); !sa_none(r);
         r = ike_endpoint_next_child(ep, r))
        installed += ike_endpoint_child_info(ep, r, &child);
    for (struct sa_ref r = ike_endpoint_next_ike(ep, SA_NONE); !sa_none(r);
         r = ike_endpoint_next_ike(ep, r))
        rekeying |= ike_endpoint_ike_info(ep, r, &ike) &&
                    (ike.in_flight == KIND_CHILD_REKEY || ike.in_flight == KIND_QUICK);
    return rekeying && installed == 1 && !(world_v1(w) && w->new_children);
}

static void pull_trigger(struct world *w, unsigned index)
{
    struct trigger t = w->options.triggers[index];
    bool new_rekey = t.kind == TRIGGER_REKEY_CHILD && !under_way(w, t);
    enum err e = t.kind == TRIGGER_PACKET
                     ? send_packet(w, t.side)
                     : ask_any(w->end[t.side], w->now, (enum trigger_kind)t.kind);

    w->pulled |= 1u << index;
    if (e == OK) {
        w->child_deleted |= t.kind == TRIGGER_DELETE_CHILD;
        w->terminated |= t.kind == TRIGGER_TERMINATE;
        w->new_children += t.kind == TRIGGER_NEW_CHILD;
        w->rekeys_asked += new_rekey;
    }
    tell(w, (struct story_line){.kind = STORY_TRIGGER,
                                .side = t.side,
                                .refused = e != OK,
                                .what = trigger_name((enum trigger_kind)t.kind)});
    pull(w, t.side);
}

/* ---- steps ---- */

static nsec deadline(const struct world *w)
{
    return nsec_min(ike_endpoint_deadline(w->end[0]), ike_endpoint_deadline(w->end[1]));
}

nsec world_deadline(const struct world *w, unsigned side)
{
    return ike_endpoint_deadline(w->end[side]);
}

void world_wait(struct world *w, nsec until)
{
    ASSERT(until >= w->now && until < deadline(w));
    w->now = until;
}

bool world_quiet(const struct world *w)
{
    return !w->wire_count && deadline(w) == NSEC_NEVER;
}

/* A message like an earlier one on the wire makes no other future. */
static bool twin(const struct world *w, unsigned index)
{
    for (unsigned i = 0; i < index; i++)
        if (w->wire[i].digest == w->wire[index].digest && w->wire[i].from == w->wire[index].from)
            return true;
    return false;
}

unsigned world_choices(const struct world *w, struct choice out[CHOICES_MAX])
{
    unsigned n = 0;
    nsec due = deadline(w);

    for (unsigned i = 0; i < w->options.trigger_count; i++)
        if (!(w->pulled & 1u << i))
            out[n++] = (struct choice){CHOICE_TRIGGER, (uint8_t)i};
    for (unsigned i = 0; i < w->wire_count; i++) {
        if (twin(w, i))
            continue;
        out[n++] = (struct choice){CHOICE_DELIVER, (uint8_t)i};
        if (!w->faults)
            continue;
        out[n++] = (struct choice){CHOICE_LOSE, (uint8_t)i};
        out[n++] = (struct choice){CHOICE_DOUBLE, (uint8_t)i};
    }
    if (due == NSEC_NEVER || (w->wire_count && !w->faults))
        return n;
    for (unsigned side = 0; side < 2; side++)
        if (ike_endpoint_deadline(w->end[side]) == due)
            out[n++] = (struct choice){CHOICE_TIMER, (uint8_t)side};
    return n;
}

/* Lost, or later than it is good for. */
static void heed_untold(struct world *w, const struct message *m)
{
    w->untold |= world_v1(w) && m->exchange == KIND_INFORMATIONAL;
}

static void fire(struct world *w, unsigned side)
{
    w->now = nsec_max(w->now, ike_endpoint_deadline(w->end[side]));
    w->faults -= w->wire_count > 0;
    for (unsigned i = 0; i < w->wire_count; i++)
        heed_untold(w, &w->wire[i]);
    tell(w, (struct story_line){
                .kind = STORY_TIMER, .side = (uint8_t)side, .late = w->wire_count > 0});
    ike_endpoint_expire(w->end[side], w->now);
    pull(w, side);
    if (w->phase == SETUP_RUN && w->options.setup.refuses)
        enter(w, SETUP_LATER);
}

/* Each side has something to send all the time. */
static void send_packets(struct world *w)
{
    for (unsigned side = 0; side < 2; side++) {
        if (w->packet_count == PACKETS_MAX)
            w->broken = "more packets than the search has room for";
        else if (world_packet(w, side, &w->packets[w->packet_count]) == OK)
            w->packet_count++;
        else
            w->unsendable[side] = true;
    }
}

void world_step(struct world *w, struct choice c)
{
    switch (c.kind) {
    case CHOICE_DELIVER:
        arrive(w, c.index, false);
        break;
    case CHOICE_LOSE:
        w->faults--;
        heed_untold(w, &w->wire[c.index]);
        tell_message(w, STORY_LOST, &w->wire[c.index]);
        take_off(w, c.index);
        break;
    case CHOICE_DOUBLE:
        w->faults--;
        arrive(w, c.index, true);
        break;
    case CHOICE_TIMER:
        fire(w, c.index);
        break;
    default:
        pull_trigger(w, c.index);
        break;
    }
    send_packets(w);
}

/* The wire is a set: in which order messages were sent decides nothing. */
uint64_t world_fingerprint(const struct world *w)
{
    struct digest d = {0, 0};
    uint64_t wire = 0;

    for (unsigned i = 0; i < w->wire_count; i++)
        wire += digest_of(&w->wire[i].digest, sizeof w->wire[i].digest, w->wire[i].from);
    digest_u64(&d, ike_endpoint_fingerprint(w->end[0], w->now));
    digest_u64(&d, ike_endpoint_fingerprint(w->end[1], w->now));
    digest_u64(&d, wire);
    digest_u64(&d, (uint64_t)w->pulled << 32 | (uint64_t)w->faults << 16 |
                       (uint64_t)w->new_children << 8 | (uint64_t)w->untold << 3 |
                       (uint64_t)(w->phase == SETUP_LATER) << 2 | (uint64_t)w->child_deleted << 1 |
                       w->terminated);
    return d.value;
}

/* ---- packets ---- */

enum { INNER_LEN = 44, TAG_AT = 28 };

/* A UDP packet without checksum whose payload says who sent it and which it is. */
static void write_inner(const struct world *w, uint8_t *out, unsigned from, uint32_t mark)
{
    const struct world_ends *ends = w->options.ends;

    memset(out, 0, INNER_LEN);
    out[0] = 0x45;
    store_be16(out + 2, INNER_LEN);
    out[8] = 64;
    out[9] = 17;
    for (unsigned i = 0; i < 2; i++) {
        unsigned side = i ? 1 - from : from;

        store_be32(out + 12 + 4 * i,
                   ends ? load_be32(ends->inner[side].bytes) : 0x0a010005 + 0x10000u * side);
    }
    store_be16(out + 10, checksum_of(bytes_of(out, 20)));
    store_be16(out + 20, 1000);
    store_be16(out + 22, 2000);
    store_be16(out + 24, INNER_LEN - 20);
    memcpy(out + TAG_AT, WORLD_MARK, sizeof WORLD_MARK - 1);
    store_be32(out + TAG_AT + 12, mark);
}

enum err world_packet(struct world *w, unsigned from, struct packet *out)
{
    uint8_t storage[PACKET_BYTES];
    struct buf packet = {storage + ESP_HEADROOM, INNER_LEN, sizeof storage - ESP_HEADROOM};
    enum err e;

    out->mark = (uint32_t)w->packet_count;
    write_inner(w, packet.data, from, out->mark);
    e = ike_endpoint_protect(w->end[from], w->now, &packet, &out->dgram, NULL);
    if (e)
        return e;
    ASSERT(out->dgram.len <= PACKET_BYTES);
    memcpy(out->data, out->dgram.data, out->dgram.len);
    out->at = w->now;
    out->from = (uint8_t)from;
    return OK;
}

enum err world_packet_arrives(struct world *w, struct packet *p)
{
    uint8_t storage[PACKET_BYTES], expected[INNER_LEN];
    struct ike_dgram in = p->dgram;
    struct buf inner;
    enum err e;

    memcpy(storage, p->data, p->dgram.len);
    in.data = storage;
    in.local = p->dgram.remote;
    in.remote = p->dgram.local;
    e = ike_endpoint_unprotect(w->end[1 - p->from], w->now, &in, &inner, NULL);
    if (e)
        return e;
    write_inner(w, expected, p->from, p->mark);
    return inner.len == INNER_LEN && memcmp(inner.data, expected, INNER_LEN) == 0 ? OK : ERR_USAGE;
}
