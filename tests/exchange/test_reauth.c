/* Re-authentication (RFC 7296 §2.8.3, RFC 4478) and IKE_AUTH without a child (RFC 6023). */
#include "edit.h"

enum { REFUSED_AT = 4 * 7 }; /* more messages than any of these exchanges has */

struct setup {
    bool modelled, beside; /* make before break */
    unsigned children;
    int swap; /* the responder rekeys the IKE SA before: it is its initiator then */
};

static void configure(struct pair *p, const struct setup *s)
{
    pair_init(p, s->modelled);
    for (int side = 0; side < 2; side++)
        p->config[side].make_before_break = s->beside;
}

static void bring_up(struct pair *p, const struct setup *s)
{
    pair_establish(p);
    for (unsigned i = 1; i < s->children; i++) {
        ck_assert_ok(ike_endpoint_new_child(p->end[A], p->now, the_ike(p, A)));
        settle(p);
    }
    if (s->swap) {
        ck_assert_ok(ike_endpoint_rekey_ike(p->end[B], p->now, the_ike(p, B)));
        settle(p);
    }
}

static void establish(struct pair *p, const struct setup *s)
{
    configure(p, s);
    bring_up(p, s);
}

static void ask(struct pair *p)
{
    ck_assert_ok(ike_endpoint_reauthenticate(p->end[A], p->now, the_ike(p, A)));
    pull(p);
}

/* One IKE SA, so many children, at both ends; packets pass both ways. */
static void check_one(struct pair *p, unsigned children)
{
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(ike_count(p, side), 1);
        ck_assert_uint_eq(child_count(p, side), children);
    }
    check_traffic(p);
    check_traffic(p);
}

/* And nothing is left when that goes: no record, message, key, or timer. */
static void check_nothing_left(struct pair *p)
{
    for (int side = 0; side < 2; side++)
        for (struct sa_ref r = ike_endpoint_next_ike(p->end[side], SA_NONE); !sa_none(r);
             r = ike_endpoint_next_ike(p->end[side], r))
            (void)!ike_endpoint_terminate(p->end[side], p->now, r);
    run_until(p, p->now + 400 * NSEC_PER_S);
    for (int side = 0; side < 2; side++) {
        const struct ike_counters *c = ike_endpoint_counters(p->end[side]);

        ck_assert_uint_eq(ike_endpoint_memory(p->end[side]), 0);
        ck_assert_uint_eq(c->ike_sas + c->half_open + c->child_sas, 0);
    }
    ck_assert_uint_eq(next_deadline(p), NSEC_NEVER);
    pair_free(p);
}

static uint64_t unsent(const struct pair *p, int side)
{
    const struct ike_counters *c = ike_endpoint_counters(p->end[side]);

    return c->esp_unsent_no_sa + c->esp_unsent_no_policy + c->esp_unsent_limit;
}

/* ---- both kinds ---- */

static void after(const struct setup *s)
{
    struct ike_sa_info old, made;
    struct pair p;

    establish(&p, s);
    ck_assert(ike_endpoint_ike_info(p.end[A], the_ike(&p, A), &old));
    ask(&p);
    /* HDR, SK {D} -->  <-- HDR, SK {}                          RFC 7296 §2.8.3, §1.4.1 */
    ck_assert_uint_eq(p.wire_count[A], 1);
    ck_assert_ok(hand_over(&p, A));
    ck_assert_uint_eq(ike_count(&p, B), 0);
    ck_assert_ok(hand_over(&p, B));
    ck_assert_uint_eq(ike_count(&p, A), 0);
    ck_assert_int_eq(last_event(&p, A, EVENT_IKE_DOWN)->reason, REASON_REAUTHENTICATED);
    ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_REAUTH), 1);
    /* HDR(A,0), SAi1, KEi, Ni --> and so on                    RFC 7296 §1.2 */
    ck_assert_uint_eq(p.wire_count[A], 1);
    settle(&p);
    ck_assert(ike_endpoint_ike_info(p.end[A], the_ike(&p, A), &made));
    ck_assert(made.spi_i != old.spi_i && made.key_fingerprint != old.key_fingerprint);
    ck_assert(made.initiator);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->reauthentications, 1);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->reauthentications, 0);
    run_until(&p, p.now + 12 * NSEC_PER_S);
    check_one(&p, s->children);
    check_nothing_left(&p);
}

START_TEST(break_before_make)
{
    for (int swap = 0; swap < 2; swap++)
        for (unsigned children = 1; children <= 3; children += 2) {
            after(&(struct setup){.children = children, .swap = swap});
            after(&(struct setup){.modelled = true, .children = children, .swap = swap});
        }
}
END_TEST

/* At every moment packets pass, both ways, and so do those that were under way since the step
 * before. */
static void step_with_packets(struct pair *p, int from)
{
    struct esp_packet late[2];

    for (int side = 0; side < 2; side++)
        ck_assert_ok(esp_make(p, side, (uint32_t)side, &late[side]));
    if (from >= 0)
        (void)hand_over(p, from);
    for (int side = 0; side < 2; side++) {
        ck_assert_ok(esp_take(p, side, (uint32_t)side, &late[side]));
        ck_assert_ok(send_packet(p, side));
    }
}

static void beside(const struct setup *s)
{
    struct esp_packet late[2];
    unsigned steps = 0;
    struct sa_ref old;
    struct pair p;

    establish(&p, s);
    old = the_ike(&p, A);
    for (int side = 0; side < 2; side++) /* under way all the time */
        ck_assert_ok(esp_make(&p, side, 9, &late[side]));
    ask(&p);
    /* HDR(A,0), SAi1, KEi, Ni --> ... HDR, SK {IDi, AUTH, SAi2, TSi, TSr} -->  without
     * N(INITIAL_CONTACT), which would end the old SA (RFC 7296 §2.4) */
    while (p.wire_count[A] || p.wire_count[B]) {
        step_with_packets(&p, p.wire_count[A] ? A : B);
        steps++;
    }
    /* IKE_SA_INIT, IKE_AUTH, so many CREATE_CHILD_SA, INFORMATIONAL with the Delete */
    ck_assert_uint_eq(steps, 2 * (2 + s->children - 1 + 1));
    ck_assert_uint_eq(events_of(&p, B, EVENT_IKE_UP), 2);
    ck_assert_int_eq(last_event(&p, A, EVENT_IKE_DOWN)->reason, REASON_REAUTHENTICATED);
    ck_assert(sa_equal(last_event(&p, A, EVENT_IKE_DOWN)->ike, old));
    ck_assert(sa_equal(last_event(&p, A, EVENT_IKE_REAUTH)->ike, old));
    ck_assert(sa_equal(last_event(&p, A, EVENT_IKE_REAUTH)->other, the_ike(&p, A)));
    for (int side = 0; side < 2; side++) {
        ck_assert_ok(esp_take(&p, side, 9, &late[side]));
        ck_assert_uint_eq(unsent(&p, side), 0);
        ck_assert_uint_eq(ike_endpoint_counters(p.end[side])->esp_dropped_no_sa, 0);
    }
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->reauthentications, 1);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->rekeys_child, 0);
    run_until(&p, p.now + 12 * NSEC_PER_S);
    check_one(&p, s->children);
    check_nothing_left(&p);
}

START_TEST(make_before_break_loses_nothing)
{
    for (int swap = 0; swap < 2; swap++)
        for (unsigned children = 1; children <= 3; children += 2) {
            beside(&(struct setup){.beside = true, .children = children, .swap = swap});
            beside(&(struct setup){
                .modelled = true, .beside = true, .children = children, .swap = swap});
        }
}
END_TEST

/* A responder that knows nothing of it installs the new SA as any other: it sends through that from
 * its answer on, and what is late for the old one finds nobody. In order nothing is lost. */
START_TEST(make_before_break_of_one_side_alone)
{
    struct setup s = {.modelled = true, .beside = true, .children = 2};
    struct pair p;

    configure(&p, &s);
    p.config[B].make_before_break = false;
    bring_up(&p, &s);
    ask(&p);
    while (p.wire_count[A] || p.wire_count[B]) {
        (void)hand_over(&p, p.wire_count[A] ? A : B);
        if (!p.wire_count[A] && p.wire_count[B])
            continue; /* an answer is under way: what B sends would overtake it */
        check_traffic(&p);
    }
    run_until(&p, p.now + 12 * NSEC_PER_S);
    check_one(&p, 2);
    check_nothing_left(&p);
}
END_TEST

/* ---- when ---- */

START_TEST(the_caller_does_it_at_its_time)
{
    for (int kind = 0; kind < 2; kind++) {
        struct setup s = {.modelled = true, .beside = kind, .children = 1};
        struct pair p;

        configure(&p, &s);
        p.config[A].reauth_time = 100 * NSEC_PER_S;
        p.config[A].reauth_jitter = 10 * NSEC_PER_S;
        p.config[A].lifetime.rekey_time = 30 * NSEC_PER_S; /* each rekey leaves it as it is */
        bring_up(&p, &s);
        run_until(&p, 88 * NSEC_PER_S);
        ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->reauthentications, 0);
        ck_assert_uint_ge(ike_endpoint_counters(p.end[A])->rekeys_ike, 2);
        run_until(&p, 101 * NSEC_PER_S);
        ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->reauthentications, 1);
        run_until(&p, 1000 * NSEC_PER_S);
        ck_assert_uint_ge(ike_endpoint_counters(p.end[A])->reauthentications, 9);
        ck_assert_uint_le(ike_endpoint_counters(p.end[A])->reauthentications, 11);
        check_one(&p, 1);
        p.config[A].reauth_time = 0;
        check_nothing_left(&p);
    }
}
END_TEST

/* Who was called does not call back: not by itself, not on request, not after a rekey of its own.
 */
START_TEST(only_the_caller_does_it)
{
    struct setup s = {.modelled = true, .children = 1, .swap = 1};
    struct pair p;

    establish(&p, &s);
    ck_assert_int_eq(ike_endpoint_reauthenticate(p.end[B], p.now, the_ike(&p, B)), ERR_STATE);
    ask(&p);
    ck_assert_int_eq(ike_endpoint_reauthenticate(p.end[A], p.now, SA_NONE), ERR_STATE);
    settle(&p);
    check_one(&p, 1);
    check_nothing_left(&p);
}
END_TEST

START_TEST(auth_lifetime_is_heeded)
{
    for (int kind = 0; kind < 2; kind++) {
        struct setup s = {.modelled = true, .beside = kind, .children = 1};
        struct pair p;

        configure(&p, &s);
        p.config[B].reauth_time = 100 * NSEC_PER_S; /* <-- N(AUTH_LIFETIME)   RFC 4478 §3 */
        bring_up(&p, &s);
        run_until(&p, 80 * NSEC_PER_S);
        ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->reauthentications, 0);
        run_until(&p, 92 * NSEC_PER_S);
        ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->reauthentications, 1);
        run_until(&p, 1000 * NSEC_PER_S);
        ck_assert_uint_ge(ike_endpoint_counters(p.end[A])->reauthentications, 10);
        for (unsigned i = 0; i < p.event_count[B]; i++)
            ck_assert(p.events[B][i].reason != REASON_EXPIRED);
        check_one(&p, 1);
        check_nothing_left(&p);
    }
}
END_TEST

/* However short, it is no storm: once in that time. */
START_TEST(auth_lifetime_of_a_second)
{
    struct setup s = {.modelled = true, .beside = true, .children = 1};
    struct pair p;

    configure(&p, &s);
    p.config[B].reauth_time = NSEC_PER_S;
    bring_up(&p, &s);
    run_until(&p, p.now + 10 * NSEC_PER_S);
    ck_assert_uint_ge(ike_endpoint_counters(p.end[A])->reauthentications, 9);
    ck_assert_uint_le(ike_endpoint_counters(p.end[A])->reauthentications, 10);
    check_traffic(&p);
    p.config[B].reauth_time = 0;
    check_nothing_left(&p);
}
END_TEST

/* An INFORMATIONAL request of who was called says it anew (RFC 4478 §3); of who called it says
 * nothing, and neither does one that is no number of seconds. */
START_TEST(auth_lifetime_said_later_is_heeded)
{
    static const struct {
        int from;
        uint8_t len, data[8]; /* protocol, SPI size, type, seconds */
        unsigned expected;
    } rows[] = {{B, 8, {0, 0, 0x40, 0x13, 0, 0, 0, 60}, 1},
                {A, 8, {0, 0, 0x40, 0x13, 0, 0, 0, 60}, 0},
                {B, 8, {0, 0, 0x40, 0x13, 0, 0, 0, 0}, 0},
                {B, 7, {0, 0, 0x40, 0x13, 0, 0, 60}, 0}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct edit e = {PAYLOAD_NOTIFY, ADD, bytes_of(rows[i].data, rows[i].len), 0};
        struct setup s = {.modelled = true, .beside = true, .children = 1};
        struct pair p;

        establish(&p, &s);
        ck_assert_ok(ike_endpoint_probe(p.end[rows[i].from], p.now, the_ike(&p, rows[i].from)));
        pull(&p);
        ck_assert_ok(hand_over_edited(&p, rows[i].from, &e));
        settle(&p);
        run_until(&p, p.now + 61 * NSEC_PER_S);
        for (int side = 0; side < 2; side++)
            ck_assert_uint_eq(ike_endpoint_counters(p.end[side])->reauthentications,
                              side == A ? rows[i].expected : 0);
        check_one(&p, 1);
        check_nothing_left(&p);
    }
}
END_TEST

/* A shorter time of our own stands, and a longer one is lowered. */
START_TEST(the_shorter_time_counts)
{
    for (int side = 0; side < 2; side++) {
        struct setup s = {.modelled = true, .children = 1};
        struct pair p;

        configure(&p, &s);
        p.config[side].reauth_time = 50 * NSEC_PER_S;
        p.config[1 - side].reauth_time = 5000 * NSEC_PER_S;
        bring_up(&p, &s);
        run_until(&p, 53 * NSEC_PER_S);
        ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->reauthentications, 1);
        check_one(&p, 1);
        p.config[A].reauth_time = p.config[B].reauth_time = 0;
        check_nothing_left(&p);
    }
}
END_TEST

/* Whoever does not heed it loses the SA: who was called ends it, also after a rekey. */
START_TEST(auth_lifetime_is_enforced)
{
    for (int swap = 0; swap < 2; swap++) {
        struct setup s = {.modelled = true, .beside = true, .children = 1, .swap = swap};
        struct pair p;

        configure(&p, &s);
        p.config[B].reauth_time = 60 * NSEC_PER_S;
        p.config[A].respond = false;
        bring_up(&p, &s);
        p.config[B].respond = false; /* no handshake comes through: */
        while (p.now < 70 * NSEC_PER_S) {
            nsec next = next_deadline(&p);

            p.now = next < 70 * NSEC_PER_S ? nsec_max(next, p.now) : 70 * NSEC_PER_S;
            expire(&p);
            settle(&p); /* INIT requests find nobody */
        }
        ck_assert_uint_eq(ike_count(&p, B), 0);
        ck_assert_int_eq(last_event(&p, B, EVENT_IKE_DOWN)->reason, REASON_EXPIRED);
        ck_assert_uint_ge(last_event(&p, B, EVENT_IKE_DOWN)->at, 61 * NSEC_PER_S);
        ck_assert_uint_le(last_event(&p, B, EVENT_IKE_DOWN)->at, 62 * NSEC_PER_S);
        ck_assert_uint_eq(ike_count(&p, A), 0);
        check_nothing_left(&p);
    }
}
END_TEST

/* ---- lost, doubled ---- */

enum fault { FAULT_LOST, FAULT_DOUBLED, FAULT_COUNT };

/* The n-th message of the whole meets the fault; the rest passes. @return false: there was none */
static bool run_with_fault(struct pair *p, unsigned n, enum fault fault)
{
    unsigned number = 0;
    nsec limit = p->now + 30 * NSEC_PER_S;

    while (p->wire_count[A] || p->wire_count[B] || next_deadline(p) <= limit) {
        int from = p->wire_count[A] ? A : B;

        if (!p->wire_count[from]) {
            p->now = nsec_max(p->now, next_deadline(p));
            expire(p);
        } else if (number++ != n) {
            (void)hand_over(p, from);
        } else if (fault == FAULT_LOST) {
            drop_next(p, from);
        } else {
            (void)duplicate_next(p, from);
        }
    }
    return number > n;
}

START_TEST(each_message_lost_or_doubled)
{
    for (int kind = 0; kind < 2; kind++)
        for (enum fault fault = 0; fault < FAULT_COUNT; fault++)
            for (unsigned n = 0; n < REFUSED_AT; n++) {
                struct setup s = {.modelled = true, .beside = kind, .children = 2};
                struct pair p;
                bool met;

                establish(&p, &s);
                ask(&p);
                met = run_with_fault(&p, n, fault);
                ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->reauthentications, 1);
                check_one(&p, 2);
                for (int side = 0; kind && side < 2; side++)
                    ck_assert_uint_eq(unsent(&p, side), 0);
                check_nothing_left(&p);
                if (!met)
                    break;
                ck_assert_uint_lt(n + 1, REFUSED_AT);
            }
}
END_TEST

/* ---- crossings ---- */

enum crossing {
    CROSS_REKEY_IKE,
    CROSS_REKEY_CHILD,
    CROSS_NEW_CHILD,
    CROSS_DELETE_CHILD,
    CROSS_TERMINATE,
    CROSSINGS
};

static enum err cross(struct pair *p, int side, enum crossing what)
{
    struct sa_ref ike = ike_endpoint_next_ike(p->end[side], SA_NONE);
    struct sa_ref child = ike_endpoint_next_child(p->end[side], SA_NONE);

    switch (what) {
    case CROSS_REKEY_IKE:
        return ike_endpoint_rekey_ike(p->end[side], p->now, ike);
    case CROSS_REKEY_CHILD:
        return ike_endpoint_rekey_child(p->end[side], p->now, child);
    case CROSS_NEW_CHILD:
        return ike_endpoint_new_child(p->end[side], p->now, ike);
    case CROSS_DELETE_CHILD:
        return ike_endpoint_delete_child(p->end[side], p->now, child);
    default:
        return ike_endpoint_terminate(p->end[side], p->now, ike);
    }
}

/* All that is under way passes, that of one side first wherever there is a choice. */
static void settle_first(struct pair *p, int first, nsec until)
{
    while (p->wire_count[A] || p->wire_count[B] || next_deadline(p) <= until) {
        int from = p->wire_count[first] ? first : 1 - first;

        if (p->wire_count[from]) {
            (void)hand_over(p, from);
            continue;
        }
        p->now = nsec_max(p->now, next_deadline(p));
        expire(p);
    }
    p->now = until;
}

/* The peer, or we, ask for something else after so many messages of the re-authentication. */
static void crossing(unsigned children, bool kind, int side, enum crossing what, unsigned steps,
                     int first)
{
    struct setup s = {.modelled = true, .beside = kind, .children = children};
    bool ended, deleted, asked;
    struct pair p;

    establish(&p, &s);
    ask(&p);
    for (unsigned i = 0; i < steps && (p.wire_count[A] || p.wire_count[B]); i++)
        (void)hand_over(&p, p.wire_count[A] ? A : B);
    asked = cross(&p, side, what) == OK;
    pull(&p);
    settle_first(&p, first, p.now + 60 * NSEC_PER_S);
    ended = asked && what == CROSS_TERMINATE;
    deleted = asked && what == CROSS_DELETE_CHILD;
    for (int end = 0; end < 2; end++) {
        /* Who deletes what is being replaced may find its successor there, but no more than one. */
        ck_assert_msg(ike_count(&p, end) <= 1 && (ended || ike_count(&p, end) == 1),
                      "kind %d side %d what %d steps %u first %d: %u IKE SAs at %d", kind, side,
                      (int)what, steps, first, ike_count(&p, end), end);
        ck_assert_uint_eq(ike_count(&p, end), ike_count(&p, 1 - end));
        ck_assert_msg(child_count(&p, end) == child_count(&p, 1 - end),
                      "kind %d side %d what %d steps %u first %d: children %u and %u", kind, side,
                      (int)what, steps, first, child_count(&p, A), child_count(&p, B));
    }
    if (ike_count(&p, A)) {
        ck_assert_uint_ge(child_count(&p, A) + deleted, 1);
        if (!deleted)
            ck_assert_uint_ge(child_count(&p, A), children);
        ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_REAUTH),
                          ike_endpoint_counters(p.end[A])->reauthentications);
        if (child_count(&p, A)) {
            ck_assert_ok(send_packet(&p, B));
            check_traffic(&p);
        }
    }
    check_nothing_left(&p);
}

START_TEST(crossing_with_whatever_else_is_asked)
{
    for (int kind = 0; kind < 2; kind++)
        for (int side = 0; side < 2; side++)
            for (enum crossing what = 0; what < CROSSINGS; what++)
                for (unsigned steps = 0; steps < 9; steps++)
                    for (int first = 0; first < 2; first++)
                        for (unsigned children = 1; children <= 2; children++)
                            crossing(children, kind, side, what, steps, first);
}
END_TEST

/* Our own Delete stops what was to take the SA's place, at every moment. */
START_TEST(a_delete_of_ours_stops_it)
{
    for (unsigned steps = 0; steps < 10; steps++) {
        struct setup s = {.modelled = true, .beside = true, .children = 2};
        struct pair p;
        bool asked = false;

        establish(&p, &s);
        ask(&p);
        for (unsigned i = 0; i < steps && (p.wire_count[A] || p.wire_count[B]); i++)
            (void)hand_over(&p, p.wire_count[A] ? A : B);
        for (struct sa_ref r = ike_endpoint_next_ike(p.end[A], SA_NONE); !sa_none(r);
             r = ike_endpoint_next_ike(p.end[A], r))
            asked |= ike_endpoint_terminate(p.end[A], p.now, r) == OK;
        ck_assert(asked);
        run_until(&p, p.now + 60 * NSEC_PER_S);
        ck_assert_uint_eq(ike_count(&p, A) + ike_count(&p, B), 0);
        ck_assert_uint_eq(child_count(&p, A) + child_count(&p, B), 0);
        check_nothing_left(&p);
    }
}
END_TEST

/* Who crashes in the middle begins nothing any more. */
START_TEST(a_delete_of_ours_stops_it_behind_its_delete_too)
{
    struct sa_ref old;
    struct pair p;

    establish(&p, &(struct setup){.children = 1});
    old = the_ike(&p, A);
    ask(&p); /* HDR, SK {D} --> is out */
    ck_assert_ok(ike_endpoint_terminate(p.end[A], p.now, old));
    settle(&p);
    run_until(&p, p.now + 20 * NSEC_PER_S);
    ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_UP), 1);
    ck_assert_uint_eq(ike_count(&p, A) + ike_count(&p, B), 0);
    check_nothing_left(&p);
}
END_TEST

/* The new SA is up, and the request for its second child is lost: what comes due meanwhile. */
static void come_due(struct pair *p)
{
    ask(p);
    for (int i = 0; i < 4; i++)
        ck_assert_ok(hand_over(p, i & 1));
    ck_assert_uint_eq(p->wire_count[A], 1);
    drop_next(p, A);
    run_until(p, p->now + 7 * NSEC_PER_S / 2);
    ck_assert_uint_eq(ike_count(p, A), 2);
}

START_TEST(a_rekey_that_comes_due_meanwhile_waits_for_its_end)
{
    const struct setup s = {.beside = true, .modelled = true, .children = 2};
    struct pair p;

    configure(&p, &s);
    p.config[A].lifetime =
        (struct lifetime_config){.rekey_time = 3 * NSEC_PER_S, .hard_time = 300 * NSEC_PER_S};
    bring_up(&p, &s);
    come_due(&p);
    run_until(&p, p.now + 40 * NSEC_PER_S);
    ck_assert_uint_ge(events_of(&p, A, EVENT_IKE_REKEYED), 1);
    check_one(&p, 2);
    check_nothing_left(&p);
}
END_TEST

START_TEST(what_comes_due_again_meanwhile_is_not_forgotten)
{
    const struct setup s = {.beside = true, .modelled = true, .children = 2};
    struct pair p;

    configure(&p, &s);
    p.config[A].reauth_time = 3 * NSEC_PER_S;
    bring_up(&p, &s);
    come_due(&p);
    run_until(&p, p.now + 60 * NSEC_PER_S);
    ck_assert_uint_ge(ike_endpoint_counters(p.end[A])->reauthentications, 2);
    ck_assert_uint_eq(ike_count(&p, A), 1);
    check_traffic(&p);
    check_nothing_left(&p);
}
END_TEST

START_TEST(a_crash_in_the_middle)
{
    for (int kind = 0; kind < 2; kind++)
        for (unsigned steps = 0; steps < 7; steps++) {
            struct setup s = {.modelled = true, .beside = kind, .children = 2};
            uint64_t begun;
            struct pair p;

            establish(&p, &s);
            ask(&p);
            for (unsigned i = 0; i < steps && (p.wire_count[A] || p.wire_count[B]); i++)
                (void)hand_over(&p, p.wire_count[A] ? A : B);
            begun = ike_endpoint_counters(p.end[A])->initiated;
            for (int side = 0; side < 2; side++)
                ike_endpoint_crash(p.end[side], p.now);
            ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->initiated, begun);
            p.wire_count[A] = p.wire_count[B] = 0;
            pull(&p);
            ck_assert_uint_eq(p.wire_count[A] + p.wire_count[B], 0);
            check_nothing_left(&p);
        }
}
END_TEST

/* ---- refused, in vain ---- */

/* The old SA goes on, and is authenticated anew when the peer is back. */
START_TEST(a_failed_attempt_leaves_the_old_sa)
{
    struct setup s = {.modelled = true, .beside = true, .children = 1};
    struct pair p;

    establish(&p, &s);
    p.config[B].respond = false;
    ask(&p);
    run_until(&p, p.now + 200 * NSEC_PER_S);
    ck_assert_uint_ge(events_of(&p, A, EVENT_IKE_FAILED), 1);
    check_one(&p, 1);
    p.config[B].respond = true;
    run_until(&p, p.now + 200 * NSEC_PER_S);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->reauthentications, 1);
    check_one(&p, 1);
    check_nothing_left(&p);
}
END_TEST

/* What becomes due meanwhile waits: the old SA is to go, and is rekeyed only when it stays. */
START_TEST(no_rekey_while_it_goes_on)
{
    struct setup s = {.modelled = true, .beside = true, .children = 1};
    struct pair p;

    configure(&p, &s);
    p.config[A].lifetime.rekey_time = 50 * NSEC_PER_S;
    p.config[A].child.lifetime.rekey_time = 55 * NSEC_PER_S;
    bring_up(&p, &s);
    p.config[B].respond = false;
    run_until(&p, 45 * NSEC_PER_S);
    ask(&p);
    run_until(&p, 150 * NSEC_PER_S);
    ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_FAILED), 0);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->rekeys_ike, 0);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->rekeys_child, 0);
    run_until(&p, 226 * NSEC_PER_S);
    ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_FAILED), 1);
    ck_assert_uint_ge(ike_endpoint_counters(p.end[A])->rekeys_ike, 1);
    ck_assert_uint_ge(ike_endpoint_counters(p.end[A])->rekeys_child, 1);
    check_one(&p, 1);
    p.config[A].lifetime.rekey_time = p.config[A].child.lifetime.rekey_time = 0;
    check_nothing_left(&p);
}
END_TEST

/* RFC 7296 §2.15: another name than before, though proven, does not take the place. */
START_TEST(somebody_else_does_not_take_its_place)
{
    for (int kind = 0; kind < 2; kind++) {
        struct setup s = {.modelled = true, .beside = kind, .children = 1};
        struct pair p;

        establish(&p, &s);
        p.config[B].id.data[0] = 'c';
        ask(&p);
        settle(&p);
        ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->reauthentications, 0);
        ck_assert_int_eq(last_event(&p, A, EVENT_IKE_FAILED)->reason, REASON_AUTHENTICATION);
        ck_assert_uint_eq(ike_count(&p, A), kind);
        ck_assert_uint_eq(ike_count(&p, B), kind);
        if (kind)
            check_one(&p, 1);
        check_nothing_left(&p);
    }
}
END_TEST

/* The peer takes the IKE SA but no child: the old SA keeps the tunnel. */
START_TEST(no_child_no_succession)
{
    struct setup s = {.modelled = true, .beside = true, .children = 1};
    struct selector other = selector_any(4);
    struct pair p;

    other.first = ip_addr_v4(0x0b000000);
    other.last = ip_addr_v4(0x0b0000ff);
    establish(&p, &s);
    p.config[B].child.local[0] = other;
    ask(&p);
    settle(&p);
    ck_assert_int_eq(last_event(&p, A, EVENT_CHILD_FAILED)->reason, REASON_TS_UNACCEPTABLE);
    check_one(&p, 1);
    check_nothing_left(&p);
}
END_TEST

/* The new SA is gone before it has taken over: what it had taken is given back. */
START_TEST(what_was_taken_over_is_given_back)
{
    struct setup s = {.modelled = true, .beside = true, .children = 2};
    struct ike_sa_info info;
    struct sa_ref at_b;
    struct pair p;

    establish(&p, &s);
    at_b = the_ike(&p, B);
    ask(&p);
    for (int i = 0; i < 4; i++) /* IKE_SA_INIT and IKE_AUTH; CREATE_CHILD_SA is under way */
        ck_assert_ok(hand_over(&p, i % 2));
    drop_next(&p, A);
    for (struct sa_ref r = ike_endpoint_next_ike(p.end[B], SA_NONE); !sa_none(r);
         r = ike_endpoint_next_ike(p.end[B], r))
        if (!sa_equal(r, at_b) && ike_endpoint_ike_info(p.end[B], r, &info) && info.established)
            ck_assert_ok(ike_endpoint_terminate(p.end[B], p.now, r));
    pull(&p);
    settle(&p);
    check_traffic(&p);
    ck_assert_uint_eq(ike_count(&p, A), 1);
    run_until(&p, p.now + 60 * NSEC_PER_S); /* and it is tried again */
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->reauthentications, 2);
    check_one(&p, 2);
    check_nothing_left(&p);
}
END_TEST

/* ---- childless (RFC 6023) ---- */

static const enum childless_policy policies[] = {CHILDLESS_NEVER, CHILDLESS_ALLOW, CHILDLESS_PREFER,
                                                 CHILDLESS_FORCE};

/* Which exchange makes the first child: 2 IKE_AUTH, 3 CREATE_CHILD_SA, 0 none does. */
START_TEST(childless_as_both_want_it)
{
    static const unsigned made_by[4][4] = {
        /* initiator never */ {2, 2, 2, 0},
        /* allow */ {2, 2, 2, 0},
        /* prefer */ {2, 3, 3, 3},
        /* force */ {0, 3, 3, 3},
    };

    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++) {
            bool alive = a != CHILDLESS_FORCE || b != CHILDLESS_NEVER;
            struct pair p;

            pair_init(&p, true);
            p.config[A].childless = policies[a];
            p.config[B].childless = policies[b];
            pair_establish(&p);
            ck_assert_uint_eq(ike_count(&p, A), alive);
            ck_assert_uint_eq(ike_count(&p, B), alive);
            ck_assert_uint_eq(child_count(&p, A), made_by[a][b] != 0);
            if (made_by[a][b]) {
                ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->requests_sent, made_by[a][b]);
                check_agreement(&p);
                check_traffic(&p);
            } else if (alive) {
                ck_assert_int_eq(last_event(&p, A, EVENT_CHILD_FAILED)->reason, REASON_NO_PROPOSAL);
            } else {
                ck_assert_int_eq(last_event(&p, A, EVENT_IKE_FAILED)->reason, REASON_CHILDLESS);
            }
            check_nothing_left(&p);
        }
}
END_TEST

/* RFC 6023 §3: who has not announced it refuses it. B announces, then does not know of it. */
START_TEST(childless_at_who_did_not_announce_it_is_refused)
{
    struct pair p;

    pair_init(&p, true);
    p.config[A].childless = CHILDLESS_PREFER;
    p.config[B].childless = CHILDLESS_ALLOW;
    pair_create(&p);
    pair_initiate(&p);
    ck_assert_ok(hand_over(&p, A));
    ck_assert_ok(hand_over(&p, B));
    p.config[B].childless = CHILDLESS_NEVER;
    ck_assert_int_eq(hand_over(&p, A), ERR_SYNTAX);
    ck_assert_ok(hand_over(&p, B)); /* <-- N(INVALID_SYNTAX) */
    ck_assert_int_eq(last_event(&p, A, EVENT_IKE_FAILED)->reason, REASON_INVALID_SYNTAX);
    ck_assert_uint_eq(ike_count(&p, A) + ike_count(&p, B), 0);
    check_nothing_left(&p);
}
END_TEST

START_TEST(childless_is_authenticated_anew)
{
    for (int kind = 0; kind < 2; kind++) {
        struct setup s = {.modelled = true, .beside = kind, .children = 3};
        struct pair p;

        configure(&p, &s);
        for (int side = 0; side < 2; side++)
            p.config[side].childless = CHILDLESS_FORCE;
        bring_up(&p, &s);
        ask(&p);
        while (kind && (p.wire_count[A] || p.wire_count[B]))
            step_with_packets(&p, p.wire_count[A] ? A : B);
        settle(&p);
        run_until(&p, p.now + 12 * NSEC_PER_S);
        check_one(&p, 3);
        check_nothing_left(&p);
    }
}
END_TEST

SUITE("reauth", break_before_make, make_before_break_loses_nothing,
      make_before_break_of_one_side_alone, the_caller_does_it_at_its_time, only_the_caller_does_it,
      auth_lifetime_is_heeded, auth_lifetime_of_a_second, auth_lifetime_said_later_is_heeded,
      the_shorter_time_counts, auth_lifetime_is_enforced, each_message_lost_or_doubled,
      crossing_with_whatever_else_is_asked, a_delete_of_ours_stops_it,
      a_delete_of_ours_stops_it_behind_its_delete_too,
      a_rekey_that_comes_due_meanwhile_waits_for_its_end,
      what_comes_due_again_meanwhile_is_not_forgotten, a_crash_in_the_middle,
      a_failed_attempt_leaves_the_old_sa, no_rekey_while_it_goes_on,
      somebody_else_does_not_take_its_place, no_child_no_succession,
      what_was_taken_over_is_given_back, childless_as_both_want_it,
      childless_at_who_did_not_announce_it_is_refused, childless_is_authenticated_anew)
