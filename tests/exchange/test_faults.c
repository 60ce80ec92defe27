/*
 * Every message of every exchange lost, doubled, late and tampered with, whoever began it; then
 * every two things that the two ends can begin at once, with each of their messages lost, doubled
 * and late. At the end both sides hold the same SAs and packets pass, or both hold nothing.
 * RFC 7296 §2.1-§2.3, §2.8, §2.25.
 */
#include "edit.h"
#include "proto/wire/header.h"
#include "proto/wire/notify.h"
#include "same.h"

enum action {
    HANDSHAKE, /* HDR, SAi1, KEi, Ni -->  ... <-- HDR, SK {IDr, AUTH, SAr2, TSi, TSr}     §1.2 */
    NEW_CHILD, /* HDR, SK {SA, Ni, KEi, TSi, TSr} --> <-- HDR, SK {SA, Nr, KEr, TSi, TSr} §1.3.1 */
    CHILD_REKEY,  /* HDR, SK {N(REKEY_SA), SA, Ni, KEi, TSi, TSr} -->                     §1.3.3
                     <-- HDR, SK {SA, Nr, KEr, TSi, TSr}, then the Delete of the old one */
    IKE_REKEY,    /* HDR, SK {SA, Ni, KEi} --> <-- HDR, SK {SA, Nr, KEr}, then the Delete §1.3.2 */
    CHILD_DELETE, /* HDR, SK {D(ESP)} --> <-- HDR, SK {D(ESP)}                            §1.4.1 */
    IKE_DELETE,   /* HDR, SK {D(IKE)} --> <-- HDR, SK {}                                  §1.4.1 */
    LIVENESS,     /* HDR, SK {} --> <-- HDR, SK {}                                        §2.4 */
    ACTIONS
};

static const char *const names[ACTIONS] = {"handshake",    "new child",  "child rekey", "IKE rekey",
                                           "child delete", "IKE delete", "liveness"};

enum fault { NO_FAULT, LOST, DOUBLED, LATE, FAULTS };

static void initiate(struct pair *p, int from)
{
    struct ike_remote remote = {.local = pair_address(p, from, 500),
                                .remote = pair_address(p, 1 - from, 500)};
    struct sa_ref ref;

    ck_assert_ok(ike_endpoint_initiate(p->end[from], p->now, &remote, &ref));
    pull(p);
}

static void begin(struct pair *p, enum action action, int from)
{
    struct ike_endpoint *ep = p->end[from];

    if (action == HANDSHAKE)
        initiate(p, from);
    else if (action == NEW_CHILD)
        ck_assert_ok(ike_endpoint_new_child(ep, p->now, the_ike(p, from)));
    else if (action == CHILD_REKEY)
        ck_assert_ok(ike_endpoint_rekey_child(ep, p->now, the_child(p, from)));
    else if (action == IKE_REKEY)
        ck_assert_ok(ike_endpoint_rekey_ike(ep, p->now, the_ike(p, from)));
    else if (action == CHILD_DELETE)
        ck_assert_ok(ike_endpoint_delete_child(ep, p->now, the_child(p, from)));
    else if (action == IKE_DELETE)
        ck_assert_ok(ike_endpoint_terminate(ep, p->now, the_ike(p, from)));
    else
        ck_assert_ok(ike_endpoint_probe(ep, p->now, the_ike(p, from)));
    pull(p);
}

/* A pair in which `action` can begin. */
static void make(struct pair *p, bool modelled, enum action action)
{
    pair_init(p, modelled);
    for (int side = 0; side < 2; side++) {
        pair_propose(&p->config[side], "aes256gcm16-prfsha256-x25519", "aes256gcm16-x25519");
        p->config[side].initial_contact = false;
    }
    if (action == HANDSHAKE)
        pair_create(p);
    else
        pair_establish(p);
}

/* A request twice: the second time the cached response, the same octets, and nothing is executed
 * (§2.1). A response twice: the second finds nobody who waits. */
static void twice(struct pair *p, int from)
{
    struct wire_message m = wire_take(p, from, 0), copy = m;
    bool response = m.data[19] & HEADER_FLAG_RESPONSE;
    unsigned before = p->wire_count[1 - from];
    uint64_t executed, repeated;

    (void)deliver(p, from, &m);
    executed = ike_endpoint_counters(p->end[1 - from])->requests_executed;
    repeated = ike_endpoint_counters(p->end[1 - from])->responses_repeated;
    (void)deliver(p, from, &copy);
    ck_assert_uint_eq(ike_endpoint_counters(p->end[1 - from])->requests_executed, executed);
    ck_assert_uint_eq(ike_endpoint_counters(p->end[1 - from])->responses_repeated,
                      repeated + !response);
    if (!response && p->wire_count[1 - from] == before + 2) {
        const struct wire_message *w = &p->wire[1 - from][before];

        ck_assert_uint_eq(w[0].dgram.len, w[1].dgram.len);
        ck_assert_mem_eq(w[0].data, w[1].data, w[0].dgram.len);
    }
}

struct course {
    unsigned order; /* its bits: whose message goes next, if both have one */
    unsigned which; /* message with the fault */
    enum fault fault;
};

/* Hand everything over. @return how many messages there were */
static unsigned play(struct pair *p, const struct course *c)
{
    struct wire_message *late = NULL;
    unsigned n = 0, order = c->order;
    int late_from = A;

    for (; p->wire_count[A] || p->wire_count[B]; order >>= 1) {
        int side = p->wire_count[order & 1] ? order & 1 : 1 - (order & 1);

        if (n++ != c->which || c->fault == NO_FAULT) {
            (void)hand_over(p, side);
        } else if (c->fault == LOST) {
            drop_next(p, side);
        } else if (c->fault == DOUBLED) {
            twice(p, side);
        } else {
            late = malloc(sizeof *late);
            *late = hold_next(p, side);
            late_from = side;
        }
    }
    run_until(p, p->now + 60 * NSEC_PER_S); /* what was lost comes again, what lingers goes */
    if (late)
        (void)deliver(p, late_from, late); /* long after the repeated one was answered */
    free(late);
    run_until(p, p->now + 60 * NSEC_PER_S);
    return n;
}

static const char *describe(const char *what, const struct course *c)
{
    static const char *const faults[FAULTS] = {"whole", "lost", "doubled", "late"};
    static char text[128];

    snprintf(text, sizeof text, "%s, order %x, message %u %s", what, c->order, c->which,
             faults[c->fault]);
    return text;
}

/* ---- one exchange ---- */

static unsigned ike_left(enum action action)
{
    return action != IKE_DELETE;
}

static unsigned children_left(enum action action)
{
    return action == CHILD_DELETE || action == IKE_DELETE ? 0 : action == NEW_CHILD ? 2 : 1;
}

/* @return messages; *executed: requests that the two ends have executed since it began */
static unsigned one(enum action action, int from, unsigned which, enum fault fault,
                    uint64_t *executed)
{
    struct course c = {0, which, fault};
    const char *what = describe(names[action], &c);
    struct pair p;
    unsigned n;

    make(&p, true, action);
    begin(&p, action, from);
    n = play(&p, &c);
    check_same(&p, what);
    ck_assert_msg(ike_count(&p, A) == ike_left(action), "%s", what);
    ck_assert_msg(child_count(&p, A) == children_left(action), "%s", what);
    *executed = ike_endpoint_counters(p.end[A])->requests_executed +
                ike_endpoint_counters(p.end[B])->requests_executed;
    pair_free(&p);
    return n;
}

START_TEST(each_message_lost_doubled_and_late)
{
    for (enum action action = 0; action < ACTIONS; action++)
        for (int from = 0; from < 2; from++) {
            uint64_t once, again;
            unsigned count = one(action, from, 0, NO_FAULT, &once);

            ck_assert_uint_eq(count, action <= IKE_REKEY && action != NEW_CHILD ? 4 : 2);
            for (unsigned which = 0; which < count; which++)
                for (enum fault fault = LOST; fault < FAULTS; fault++) {
                    ck_assert_uint_eq(one(action, from, which, fault, &again) > 0, true);
                    ck_assert_uint_eq(again, once); /* each request once, whatever was repeated */
                }
        }
}
END_TEST

/* Until the other side asks again the responder says nothing (§2.1). */
START_TEST(a_responder_repeats_nothing_on_its_own)
{
    for (enum action action = 0; action < ACTIONS; action++)
        for (int from = 0; from < 2; from++) {
            struct pair p;

            make(&p, true, action);
            begin(&p, action, from);
            (void)hand_over(&p, from);
            drop_next(&p, 1 - from);
            for (int tick = 0; tick < 39; tick++) { /* 4 s is the first retransmission */
                p.now += NSEC_PER_S / 10;
                expire(&p);
                ck_assert_uint_eq(p.wire_count[A] + p.wire_count[B], 0);
            }
            p.now += NSEC_PER_S;
            expire(&p);
            ck_assert_uint_eq(p.wire_count[from], 1);
            ck_assert_uint_eq(p.wire_count[1 - from], 0);
            pair_free(&p);
        }
}
END_TEST

/* ---- tampered ---- */

/* A changed copy reaches the receiver: refused, counted once, and nothing else has changed. */
static void refused(struct pair *p, int from, struct wire_message *m, enum action action)
{
    unsigned waiting = p->wire_count[1 - from];
    uint64_t before = state_of(p, 1 - from), drops = drops_of(p, 1 - from);

    ck_assert_int_ne(deliver(p, from, m), OK);
    ike_endpoint_expire(p->end[1 - from],
                        p->now); /* what was sent last is kept until a next call */
    ck_assert_msg(state_of(p, 1 - from) == before, "%s: message %u of %c changed state",
                  names[action], m->data[23], "AB"[from]);
    ck_assert_uint_eq(drops_of(p, 1 - from), drops + 1);
    while (p->wire_count[1 - from] > waiting) { /* INVALID_MAJOR_VERSION leaves no state */
        struct wire_message reply = wire_take(p, 1 - from, p->wire_count[1 - from] - 1);

        ck_assert_uint_gt(m->data[17] >> 4, 2);
        ck_assert_uint_lt(reply.dgram.len, 64);
    }
}

/* Bits of header, SK header, IV, text and ICV; cut short; longer, by itself and by its header. */
static void tamper_all(struct pair *p, int from, enum action action)
{
    size_t len = p->wire[from][0].dgram.len;
    struct wire_message *m = malloc(sizeof *m);

    for (size_t bit = 0; bit < 8 * len; bit += bit < 8 * 48 || bit >= 8 * (len - 16) ? 1 : 9) {
        *m = p->wire[from][0];
        m->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        refused(p, from, m, action);
    }
    for (size_t cut = 1; cut <= len; cut += cut < 40 ? 1 : 7) {
        *m = p->wire[from][0];
        m->dgram.len -= cut;
        refused(p, from, m, action);
        if (len - cut < HEADER_LEN)
            continue;
        *m = p->wire[from][0];
        m->dgram.len -= cut;
        store_be32(m->data + HEADER_LENGTH_AT, (uint32_t)(len - cut));
        refused(p, from, m, action);
    }
    for (int honest = 0; honest < 2; honest++) {
        *m = p->wire[from][0];
        m->data[m->dgram.len++] = 0;
        if (honest)
            store_be32(m->data + HEADER_LENGTH_AT, (uint32_t)m->dgram.len);
        refused(p, from, m, action);
    }
    free(m);
}

/* Every message behind IKE_SA_INIT, in all these ways, before the true one. */
static void tampered(enum action action, int from)
{
    struct pair p;
    unsigned n = 0;

    make(&p, false, action);
    begin(&p, action, from);
    for (int side = from; p.wire_count[A] || p.wire_count[B]; side = 1 - side) {
        if (!p.wire_count[side])
            continue;
        if (n++ >= 2 || action != HANDSHAKE)
            tamper_all(&p, side, action);
        ck_assert_ok(hand_over(&p, side));
    }
    run_until(&p, p.now + 60 * NSEC_PER_S);
    check_same(&p, names[action]);
    ck_assert_uint_eq(ike_count(&p, A), ike_left(action));
    ck_assert_uint_eq(child_count(&p, A), children_left(action));
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->retransmissions, 0);
    pair_free(&p);
}

START_TEST(tampered_messages_of_every_exchange_change_nothing)
{
    for (enum action action = 0; action < ACTIONS; action++)
        for (int from = 0; from < 2; from++)
            tampered(action, from);
}
END_TEST

/* One octet of a payload wrong, under good keys: the peer itself has erred. Whatever
 * the two make of it, when all is over nothing is left of it. */
struct slip {
    enum action action;
    int from;
    unsigned which;
    uint8_t type;
    size_t at;
    uint8_t flip;
};

static void play_slip(const struct slip *x, const struct message_view *inner)
{
    uint8_t octet = message_find(inner, x->type)->body.data[x->at] ^ x->flip;
    const struct edit e = {x->type, PATCH, bytes_of(&octet, 1), x->at};
    struct pair p;

    make(&p, true, x->action);
    begin(&p, x->action, x->from);
    for (unsigned i = 0; i < x->which; i++)
        ck_assert_ok(hand_over(&p, i & 1 ? 1 - x->from : x->from));
    (void)hand_over_edited(&p, x->which & 1 ? 1 - x->from : x->from, &e);
    run_until(&p, p.now + 400 * NSEC_PER_S);
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(ike_endpoint_counters(p.end[side])->half_open, 0);
        while (ike_count(&p, side)) {
            ck_assert_ok(ike_endpoint_terminate(p.end[side], p.now, the_ike(&p, side)));
            run_until(&p, p.now + 400 * NSEC_PER_S);
        }
    }
    run_until(&p, p.now + 400 * NSEC_PER_S);
    for (int side = 0; side < 2; side++)
        ck_assert_msg(ike_endpoint_memory(p.end[side]) == 0,
                      "%s, message %u, payload %u, octet %zu: something is left", names[x->action],
                      x->which, x->type, x->at);
    pair_free(&p);
}

/* @return how many octets of the message there were */
static unsigned slips(enum action action, int from, unsigned which)
{
    struct slip x = {.action = action, .from = from, .which = which};
    int sender = which & 1 ? 1 - from : from;
    struct message_view outer, inner;
    struct ike_endpoint *to;
    struct wire_message m;
    struct pair p;
    bool authentic;
    unsigned n = 0;

    make(&p, true, action);
    begin(&p, action, from);
    for (unsigned i = 0; i < which; i++)
        ck_assert_ok(hand_over(&p, i & 1 ? 1 - from : from));
    m = wire_take(&p, sender, 0);
    to = p.end[1 - sender];
    ck_assert_ok(message_read(bytes_of(m.data, m.dgram.len), &outer));
    ck_assert_ok(ike_message_open(to, first_sa(to), &outer, &inner, &authentic));
    for (unsigned i = 0; i < inner.count; i++) {
        x.type = inner.payloads[i].type;
        for (x.at = 0; x.at < inner.payloads[i].body.len && x.at < 32; x.at++, n++) {
            if (message_find(&inner, x.type) != &inner.payloads[i])
                break; /* of several the first is changed */
            x.flip = x.at & 1 ? 0x80 : 1;
            play_slip(&x, &inner);
        }
    }
    pair_free(&p);
    return n;
}

START_TEST(octets_that_an_authentic_peer_gets_wrong_leave_nothing)
{
    unsigned n = 0;

    for (int from = 0; from < 2; from++) {
        for (unsigned which = 2; which < 4; which++)
            n += slips(HANDSHAKE, from, which);
        for (enum action action = NEW_CHILD; action < LIVENESS; action++)
            for (unsigned which = 0; which < 2; which++)
                n += slips(action, from, which);
    }
    ck_assert_uint_gt(n, 800);
}
END_TEST

/* What nothing protects yet, changed and without the true one: AUTH tells, and the true ones come
 * again. Both end with the same or with nothing (§2.15). */
static void tampered_init(int from, unsigned which, unsigned how)
{
    struct wire_message m;
    struct pair p;

    make(&p, true, HANDSHAKE);
    begin(&p, HANDSHAKE, from);
    if (which)
        ck_assert_ok(hand_over(&p, from));
    m = wire_take(&p, which ? 1 - from : from, 0);
    if (how < 5)
        m.data[(size_t)how * (m.dgram.len - 1) / 4] ^= 0x10;
    else if (how < 9)
        m.dgram.len -= 1 + (how - 5) * 20;
    else
        m.data[m.dgram.len++] = 0;
    if (how == 8 || how == 10)
        store_be32(m.data + HEADER_LENGTH_AT, (uint32_t)m.dgram.len);
    (void)deliver(&p, which ? 1 - from : from, &m);
    settle(&p);
    run_until(&p, p.now + 600 * NSEC_PER_S);
    check_same(&p, "IKE_SA_INIT");
    for (int side = 0; side < 2; side++)
        ck_assert_uint_eq(ike_endpoint_counters(p.end[side])->half_open, 0);
    pair_free(&p);
}

START_TEST(tampered_first_messages_end_in_agreement)
{
    for (unsigned which = 0; which < 2; which++)
        for (unsigned how = 0; how < 11; how++)
            for (int from = 0; from < 2; from++)
                tampered_init(from, which, how);
}
END_TEST

/* ---- both begin something at once (§2.8, §2.25) ---- */

/* What the response that `from` has just made says: S: an SA, D: a Delete, 0: nothing,
 * T: N(TEMPORARY_FAILURE). */
static char says(struct pair *p, int from)
{
    struct ike_endpoint *to = p->end[1 - from];
    struct wire_message m = wire_take(p, from, p->wire_count[from] - 1);
    struct message_view outer, inner;
    struct notify_payload n;
    bool authentic;

    ck_assert_ok(message_read(bytes_of(m.data, m.dgram.len), &outer));
    ck_assert(header_is_response(&outer.header));
    ck_assert_ok(ike_message_open(to, first_sa(to), &outer, &inner, &authentic));
    if (message_find(&inner, PAYLOAD_SA))
        return 'S';
    if (message_find(&inner, PAYLOAD_DELETE))
        return 'D';
    if (inner.count == 0)
        return '0';
    ck_assert(notify_find(&inner, NOTIFY_TEMPORARY_FAILURE, &n));
    return 'T';
}

/* HDR, SK {what `from` has asked} -->  (under way)
 *        <-- HDR, SK {what the other asks}
 * HDR, SK {the answer to it} -->                                    RFC 7296 §2.25.1, §2.25.2 */
START_TEST(what_is_pending_decides_the_answer)
{
    static const struct {
        enum action pending;
        const char *answers; /* to the six other actions, in their order */
    } rows[] = {
        {NEW_CHILD, "SSTD00"},    {CHILD_REKEY, "SSTD00"}, {IKE_REKEY, "TTSD00"},
        {CHILD_DELETE, "STT000"}, {IKE_DELETE, "TTTD00"},  {LIVENESS, "SSSD00"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (enum action asked = NEW_CHILD; asked < ACTIONS; asked++)
            for (int from = 0; from < 2; from++) {
                struct pair p;
                char said;

                make(&p, false, asked);
                begin(&p, rows[i].pending, from);
                begin(&p, asked, 1 - from);
                (void)hand_over(&p, 1 - from);
                said = says(&p, from);
                ck_assert_msg(said == rows[i].answers[asked - NEW_CHILD], "%s x %s: %c",
                              names[rows[i].pending], names[asked], said);
                pair_free(&p);
            }
}
END_TEST

static bool ends_ike(const enum action x[2])
{
    return x[A] == IKE_DELETE || x[B] == IKE_DELETE;
}

static bool ends_child(const enum action x[2])
{
    return x[A] == CHILD_DELETE || x[B] == CHILD_DELETE;
}

static unsigned crossing(const enum action x[2], const struct course *c)
{
    char both[64];
    const char *what;
    struct pair p;
    unsigned n;

    snprintf(both, sizeof both, "%s x %s", names[x[A]], names[x[B]]);
    what = describe(both, c);
    make(&p, true, x[A]);
    for (int side = 0; side < 2; side++)
        begin(&p, x[side], side);
    n = play(&p, c);
    check_same(&p, what);
    if (ends_ike(x)) {
        ck_assert_msg(ike_count(&p, A) == 0, "%s: the IKE SA lives", what);
    } else {
        unsigned made = (x[A] == NEW_CHILD) + (x[B] == NEW_CHILD);

        ck_assert_msg(ike_count(&p, A) == 1, "%s: no IKE SA", what);
        if (!ends_child(x))
            ck_assert_msg(child_count(&p, A) == 1 + made, "%s: %u children", what,
                          child_count(&p, A));
    }
    if (ike_count(&p, A))
        (void)ike_endpoint_terminate(p.end[A], p.now, the_ike(&p, A));
    run_until(&p, p.now + 400 * NSEC_PER_S);
    for (int side = 0; side < 2; side++)
        ck_assert_msg(ike_endpoint_memory(p.end[side]) == 0, "%s: something is left", what);
    pair_free(&p);
    return n;
}

START_TEST(everything_crosses_everything)
{
    unsigned courses = 0;

    for (unsigned pair = 0; pair < ACTIONS * ACTIONS; pair++) {
        enum action x[2] = {pair / ACTIONS, pair % ACTIONS};

        if (x[A] == HANDSHAKE || x[B] == HANDSHAKE)
            continue;
        for (unsigned order = 0; order < 6; order++) {
            struct course c = {order * 0x2d, 0, NO_FAULT};
            unsigned count = crossing(x, &c);

            for (c.which = 0; c.which < count; c.which++)
                for (c.fault = LOST; c.fault < FAULTS; c.fault++, courses++)
                    (void)crossing(x, &c);
        }
    }
    ck_assert_uint_gt(courses, 2000);
}
END_TEST

/* Two handshakes at once make two IKE SAs that know nothing of each other (§2.8 is about rekeying).
 */
START_TEST(handshakes_that_cross_are_two)
{
    struct pair p;

    make(&p, true, HANDSHAKE);
    for (int side = 0; side < 2; side++)
        initiate(&p, side);
    settle(&p);
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(ike_count(&p, side), 2);
        ck_assert_uint_eq(child_count(&p, side), 2);
    }
    check_traffic(&p);
    pair_free(&p);
}
END_TEST

SUITE("faults", each_message_lost_doubled_and_late, a_responder_repeats_nothing_on_its_own,
      tampered_messages_of_every_exchange_change_nothing, tampered_first_messages_end_in_agreement,
      octets_that_an_authentic_peer_gets_wrong_leave_nothing, what_is_pending_decides_the_answer,
      everything_crosses_everything, handshakes_that_cross_are_two)
