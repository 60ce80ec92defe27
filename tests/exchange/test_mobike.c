/* MOBIKE: RFC 4555, message by message. A called, and moves. */
#include "edit.h"
#include "proto/wire/notify.h"

enum {
    WIFI = 0xc6336403,  /* 198.51.100.3 */
    LTE = 0xc6336404,   /* 198.51.100.4 */
    OTHER = 0xcb007177, /* 203.0.113.119: another address of B */
    FAR = 300,          /* seconds after which a lost message cannot matter any more */
};

static const struct ip_addr ANY = {0};

static void configure(struct pair *p, bool modelled)
{
    pair_init(p, modelled);
    p->strict = true;
    for (int side = 0; side < 2; side++) {
        p->config[side].mobike.on = true;
        p->config[side].nat_keepalive = 20 * NSEC_PER_S;
    }
}

static void establish(struct pair *p, bool modelled)
{
    configure(p, modelled);
    pair_establish(p);
}

/* A is somewhere else from now on. */
static void move(struct pair *p, bool nat, uint32_t host)
{
    struct ip_addr to;

    p->nat = nat;
    p->host[A] = host;
    to = pair_address(p, A, 0).addr;
    ike_endpoint_moved(p->end[A], p->now, &ANY, &to);
    pull(p);
}

static struct ike_sa_info ike_of(const struct pair *p, int side)
{
    struct ike_sa_info info;

    ck_assert(ike_endpoint_ike_info(p->end[side], the_ike(p, side), &info));
    return info;
}

static struct ip_addr peer_seen_by(const struct pair *p, int side)
{
    return ike_of(p, side).remote.addr;
}

static bool is_host(struct ip_addr a, uint32_t host)
{
    return a.family == 4 && load_be32(a.bytes) == host;
}

static struct child_sa_info child_of(const struct pair *p, int side)
{
    struct child_sa_info info;

    ck_assert(ike_endpoint_child_info(p->end[side], the_child(p, side), &info));
    return info;
}

static const struct ike_counters *counted(const struct pair *p, int side)
{
    return ike_endpoint_counters(p->end[side]);
}

/* Where a side has to send to, to reach the other. */
static struct ip_endpoint place_of_peer(const struct pair *p, int side)
{
    struct ip_endpoint at = pair_address(p, 1 - side, 4500);

    if (side == B && p->nat)
        at = (struct ip_endpoint){pair_box(p), (uint16_t)(4500 + p->nat_shift)};
    return at;
}

/* Without encapsulation ESP has no ports. */
static bool is_there(const struct pair *p, int side, const struct child_sa_info *child)
{
    struct ip_endpoint there = place_of_peer(p, side), here = pair_address(p, side, 4500);

    if (!child->udp_encapsulated)
        there.port = here.port = 0;
    return ip_endpoint_equal(&child->remote, &there) && ip_endpoint_equal(&child->local, &here);
}

static bool sends_there(const struct pair *p, int side)
{
    struct child_sa_info child = child_of(p, side);

    return is_there(p, side, &child);
}

/* Both ends agree on where both are, for IKE and ESP, and whether there is a NAT. */
static void check_places(struct pair *p)
{
    check_agreement(p);
    for (int side = 0; side < 2; side++) {
        struct ip_endpoint there = place_of_peer(p, side), here = pair_address(p, side, 4500);
        struct ike_sa_info ike = ike_of(p, side);

        ck_assert(ip_endpoint_equal(&ike.remote, &there) && ip_endpoint_equal(&ike.local, &here));
        ck_assert(sends_there(p, side));
        ck_assert_int_eq(child_of(p, side).udp_encapsulated, p->nat);
        ck_assert_int_eq(ike.natt, p->nat);
    }
    check_traffic(p);
    for (int side = 0; side < 2; side++) {
        ck_assert_ok(ike_endpoint_probe(p->end[side], p->now, the_ike(p, side)));
        settle(p);
        ck_assert_int_eq(ike_of(p, side).in_flight, KIND_NONE);
    }
}

static void check_nothing_left(struct pair *p)
{
    for (int side = 0; side < 2; side++)
        for (struct sa_ref r = ike_endpoint_next_ike(p->end[side], SA_NONE); !sa_none(r);
             r = ike_endpoint_next_ike(p->end[side], r))
            (void)!ike_endpoint_terminate(p->end[side], p->now, r);
    run_until(p, p->now + 400 * NSEC_PER_S);
    for (int side = 0; side < 2; side++)
        ck_assert_uint_eq(ike_endpoint_memory(p->end[side]), 0);
    ck_assert_uint_eq(next_deadline(p), NSEC_NEVER);
    pair_free(p);
}

/* ---- IKE_AUTH ---- */

/* RFC 4555 §3.2, §3.3: who wants it goes to port 4500 in any case, and ESP stays as it is. */
START_TEST(used_where_both_want_it)
{
    for (int i = 0; i < 8; i++) {
        struct pair p;
        bool a = i & 1, b = i & 2;

        configure(&p, i & 4);
        p.config[A].mobike.on = a;
        p.config[B].mobike.on = b;
        pair_establish(&p);
        for (int side = 0; side < 2; side++) {
            ck_assert_int_eq(ike_of(&p, side).mobike, a && b);
            ck_assert_uint_eq(ike_of(&p, side).local.port, a ? 4500 : 500);
            ck_assert_uint_eq(ike_of(&p, side).remote.port, a ? 4500 : 500);
            ck_assert(!child_of(&p, side).udp_encapsulated);
        }
        check_agreement(&p);
        check_traffic(&p);
        run_until(&p, p.now + 100 * NSEC_PER_S);
        ck_assert_uint_eq(counted(&p, A)->keepalives_sent, 0);
        check_nothing_left(&p);
    }
}
END_TEST

START_TEST(in_transport_mode_it_is_not_said)
{
    struct pair p;

    configure(&p, true);
    for (int side = 0; side < 2; side++) {
        struct child_config *c = &p.config[side].child;

        c->transport = true;
        for (int i = 0; i < 2; i++) {
            struct ip_addr at = pair_address(&p, i ? 1 - side : side, 0).addr;
            struct selector *s = i ? c->remote : c->local;

            *s = selector_any(4);
            s->first = s->last = at;
        }
    }
    pair_establish(&p);
    ck_assert(!ike_of(&p, A).mobike && !ike_of(&p, B).mobike);
    ck_assert_uint_eq(ike_of(&p, A).local.port, 500);
    pair_free(&p);
}
END_TEST

/* Without it nothing follows from a move. */
START_TEST(without_it_a_move_is_the_end)
{
    struct pair p;

    configure(&p, true);
    p.config[B].mobike.on = false;
    p.config[A].dpd_delay = 10 * NSEC_PER_S;
    pair_establish(&p);
    move(&p, false, LTE);
    ck_assert_uint_eq(p.wire_count[A], 0);
    run_until(&p, p.now + FAR * NSEC_PER_S);
    ck_assert_uint_eq(ike_count(&p, A), 0);
    ck_assert_int_eq(last_event(&p, A, EVENT_IKE_DOWN)->reason, REASON_DPD);
    pair_free(&p);
}
END_TEST

/* ---- one move ---- */

START_TEST(an_update_moves_both_kinds_of_sa)
{
    for (int modelled = 0; modelled < 2; modelled++) {
        struct pair p;

        establish(&p, modelled);
        check_places(&p);
        move(&p, false, LTE);
        /* HDR, SK {N(UPDATE_SA_ADDRESSES), N(NAT_DETECTION_*)} -->     RFC 4555 §3.5 */
        ck_assert(sends_there(&p, A)); /* at once */
        ck_assert_uint_eq(p.wire_count[A], 1);
        ck_assert_ok(hand_over(&p, A));
        ck_assert_uint_eq(events_of(&p, B, EVENT_PEER_MOVED), 1);
        /* <-- HDR, SK {N(NAT_DETECTION_*)}    <-- HDR, SK {N(COOKIE2)} RFC 4555 §3.7 */
        ck_assert_uint_eq(p.wire_count[B], 2);
        ck_assert(!sends_there(&p, B)); /* not until A has answered from there */
        ck_assert_ok(hand_over(&p, B));
        ck_assert_uint_eq(counted(&p, A)->moves, 1);
        ck_assert_uint_eq(events_of(&p, A, EVENT_MOVED), 1);
        ck_assert_ok(hand_over(&p, B));
        /* HDR, SK {N(COOKIE2)} --> */
        ck_assert_ok(hand_over(&p, A));
        ck_assert_uint_eq(p.wire_count[A] + p.wire_count[B], 0);
        check_places(&p);
        ck_assert_uint_eq(counted(&p, B)->moves + counted(&p, B)->moves_refused, 0);
        ck_assert_uint_eq(counted(&p, B)->peer_moves, 0);
        check_nothing_left(&p);
    }
}
END_TEST

/* RFC 4555 §3.7: before, after, or not at all. */
START_TEST(when_traffic_follows)
{
    static const enum mobike_check checks[] = {MOBIKE_CHECK_BEFORE, MOBIKE_CHECK_AFTER,
                                               MOBIKE_CHECK_NEVER};

    for (int i = 0; i < 3; i++) {
        struct pair p;

        configure(&p, true);
        p.config[B].mobike.check = checks[i];
        pair_establish(&p);
        move(&p, false, LTE);
        ck_assert_ok(hand_over(&p, A));
        ck_assert_int_eq(sends_there(&p, B), checks[i] != MOBIKE_CHECK_BEFORE);
        ck_assert_uint_eq(p.wire_count[B], checks[i] == MOBIKE_CHECK_NEVER ? 1 : 2);
        settle(&p);
        check_places(&p);
        pair_free(&p);
    }
}
END_TEST

/* RFC 4555 §3.5: NAT traversal begins and ends, and so do keepalives; from anywhere to anywhere. */
START_TEST(a_nat_comes_and_goes)
{
    for (int i = 0; i < 8; i++) {
        struct pair p;
        bool before = i & 1, after = i & 2;
        uint64_t kept;

        configure(&p, i & 4);
        p.nat = before;
        pair_establish(&p);
        check_places(&p);
        move(&p, after, LTE);
        ck_assert(child_of(&p, A).udp_encapsulated); /* it may be behind one now */
        settle(&p);
        check_places(&p);
        kept = counted(&p, A)->keepalives_sent;
        run_until(&p, p.now + 105 * NSEC_PER_S);
        ck_assert_uint_eq(counted(&p, A)->keepalives_sent - kept, after ? 5 : 0);
        ck_assert_uint_eq(counted(&p, B)->keepalives_sent, 0);
        move(&p, before, WIFI);
        settle(&p);
        check_places(&p);
        check_nothing_left(&p);
    }
}
END_TEST

START_TEST(between_ipv6_addresses_too)
{
    struct pair p;

    configure(&p, true);
    p.v6 = true;
    pair_establish(&p);
    move(&p, false, LTE);
    settle(&p);
    check_places(&p);
    pair_free(&p);
}
END_TEST

/* What was learnt about the old path says nothing about the new one. */
START_TEST(the_path_mtu_is_forgotten)
{
    struct pair p;

    establish(&p, true);
    for (int side = 0; side < 2; side++) {
        struct child_sa *c = child_sa_at(p.end[side], the_child(&p, side).handle);

        c->path_mtu = 1000;
    }
    move(&p, false, LTE);
    settle(&p);
    for (int side = 0; side < 2; side++)
        ck_assert_uint_eq(child_of(&p, side).path_mtu, 0);
    pair_free(&p);
}
END_TEST

/* ---- lost, doubled, late ---- */

/* Message `at` of the move, whoever sends it, is lost or doubled. */
static void disturbed(bool doubled, unsigned at, bool nat)
{
    struct pair p;
    unsigned seen = 0;

    establish(&p, true);
    move(&p, nat, LTE);
    while (p.wire_count[A] || p.wire_count[B]) {
        int from = p.wire_count[A] ? A : B;

        if (seen++ != at)
            (void)hand_over(&p, from);
        else if (doubled)
            (void)duplicate_next(&p, from);
        else
            drop_next(&p, from);
    }
    run_until(&p, p.now + FAR * NSEC_PER_S);
    check_places(&p);
    ck_assert_uint_eq(counted(&p, A)->moves, 1);
    check_nothing_left(&p);
}

START_TEST(each_message_lost_or_doubled)
{
    for (unsigned at = 0; at < 4; at++)
        for (int i = 0; i < 4; i++)
            disturbed(i & 1, at, i & 2);
}
END_TEST

/* RFC 4555 §3.5: the answer to an update that another has overtaken means nothing. */
START_TEST(several_changes_in_quick_succession)
{
    for (unsigned handed = 0; handed < 5; handed++)
        for (int nat = 0; nat < 2; nat++)
            for (uint8_t window = 1; window <= 4; window += 3) {
                struct pair p;

                configure(&p, true);
                p.config[A].window = p.config[B].window = window;
                pair_establish(&p);
                move(&p, false, LTE);
                for (unsigned i = 0; i < handed && (p.wire_count[A] || p.wire_count[B]); i++)
                    (void)hand_over(&p, p.wire_count[A] ? A : B);
                move(&p, nat, WIFI);
                if (handed % 2)
                    move(&p, !nat, 0);
                run_until(&p, p.now + FAR * NSEC_PER_S);
                check_places(&p);
                check_nothing_left(&p);
            }
}
END_TEST

/* With a window above one the older of two updates may come last: RFC 4555 §3.5. */
START_TEST(updates_that_overtake_each_other)
{
    struct wire_message older;
    struct pair p;

    configure(&p, true);
    p.config[A].window = p.config[B].window = 4;
    pair_establish(&p);
    ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
    settle(&p); /* the window is announced */
    move(&p, false, LTE);
    older = hold_next(&p, A);
    move(&p, false, WIFI);
    while (p.wire_count[A] > 1) /* the older once more, from the new address */
        drop_next(&p, A);
    ck_assert_ok(hand_over(&p, A));
    (void)deliver(&p, A, &older);
    run_until(&p, p.now + FAR * NSEC_PER_S);
    check_places(&p);
    pair_free(&p);
}
END_TEST

/* An update is a request with a message ID like any other. */
START_TEST(an_old_update_played_again_moves_nobody)
{
    struct wire_message first, again;
    struct pair p;

    establish(&p, true);
    move(&p, false, LTE);
    first = again = hold_next(&p, A);
    ck_assert_ok(deliver(&p, A, &first));
    settle(&p);
    move(&p, false, WIFI);
    settle(&p);
    for (int i = 0; i < 2; i++) {
        first = again;
        first.dgram.remote.addr = ip_addr_v4(OTHER + 1);
        (void)deliver(&p, A, &first);
        ck_assert(sends_there(&p, B));
        check_places(&p);
        move(&p, false, LTE);
        settle(&p);
    }
    pair_free(&p);
}
END_TEST

/* ---- while something else is going on ---- */

static void begin(struct pair *p, int side, int what)
{
    struct sa_ref ike = the_ike(p, side);

    if (what == 0)
        ck_assert_ok(ike_endpoint_rekey_child(p->end[side], p->now, the_child(p, side)));
    else if (what == 1)
        ck_assert_ok(ike_endpoint_rekey_ike(p->end[side], p->now, ike));
    else if (what == 2)
        ck_assert_ok(ike_endpoint_new_child(p->end[side], p->now, ike));
    else
        ck_assert_ok(ike_endpoint_probe(p->end[side], p->now, ike));
    pull(p);
}

/* Every IKE SA and child SA that is there sends to where the peer is. */
static void check_all_places(struct pair *p, unsigned children)
{
    for (int side = 0; side < 2; side++) {
        struct ip_endpoint there = place_of_peer(p, side);
        struct ip_endpoint seen = ike_of(p, side).remote;
        struct child_sa_info c;

        ck_assert_uint_eq(ike_count(p, side), 1);
        ck_assert_uint_eq(child_count(p, side), children);
        ck_assert(ip_endpoint_equal(&seen, &there));
        for (struct sa_ref r = ike_endpoint_next_child(p->end[side], SA_NONE); !sa_none(r);
             r = ike_endpoint_next_child(p->end[side], r)) {
            ck_assert(ike_endpoint_child_info(p->end[side], r, &c));
            ck_assert(is_there(p, side, &c));
            ck_assert_int_eq(c.udp_encapsulated, p->nat);
        }
    }
    check_traffic(p);
}

/* Begun by either side or by both, so far, when A moves; then all that was under way to the old
 * address is lost, and what was under way from it arrives or is lost as well. */
static void crossing(int what, int sides, unsigned handed, int with)
{
    uint8_t window = with & 2 ? 4 : 1;
    bool nat = with & 1;
    struct pair p;

    configure(&p, true);
    p.config[A].window = p.config[B].window = window;
    pair_establish(&p);
    for (int side = 0; side < 2; side++)
        if (sides >> side & 1)
            begin(&p, side, what);
    for (unsigned i = 0; i < handed && (p.wire_count[A] || p.wire_count[B]); i++)
        (void)hand_over(&p, p.wire_count[i % 2] ? (int)(i % 2) : (int)(1 - i % 2));
    while (p.wire_count[B])
        drop_next(&p, B);
    while (with & 4 && p.wire_count[A])
        drop_next(&p, A);
    move(&p, nat, LTE);
    run_until(&p, p.now + FAR * NSEC_PER_S);
    for (int side = 0; side < 2; side++)
        ck_assert_uint_eq(counted(&p, side)->dpd_failures, 0);
    check_all_places(&p, what == 2 ? 1 + (sides & 1) + (sides >> 1) : 1);
    check_nothing_left(&p);
}

START_TEST(a_move_crosses_whatever_goes_on)
{
    for (int what = 0; what < 4; what++)
        for (int sides = 1; sides < 4; sides++)
            for (unsigned handed = 0; handed < 7; handed++)
                for (int with = 0; with < 8; with++)
                    crossing(what, sides, handed, with);
}
END_TEST

/* RFC 4555 §3.5: what is in flight goes on from the new address, and at once. */
START_TEST(requests_in_flight_go_on_from_the_new_address)
{
    struct pair p;

    establish(&p, true);
    begin(&p, A, 0);
    drop_next(&p, A);
    move(&p, false, LTE);
    ck_assert_uint_eq(p.wire_count[A], 1);
    ck_assert_ok(hand_over(&p, A));
    ck_assert_uint_eq(ike_of(&p, B).remote.addr.bytes[3], 1); /* it says nothing of addresses */
    ck_assert_ok(hand_over(&p, B));                           /* but is answered where it is from */
    settle(&p);
    check_places(&p);
    ck_assert_uint_eq(counted(&p, A)->rekeys_child, 1);
    pair_free(&p);
}
END_TEST

START_TEST(requests_of_the_other_side_follow_at_once)
{
    struct pair p;

    establish(&p, true);
    begin(&p, B, 0);
    drop_next(&p, B);
    move(&p, false, LTE);
    ck_assert_ok(hand_over(&p, A));
    ck_assert_uint_eq(p.wire_count[B], 2); /* the answer, and the request again */
    settle(&p);
    check_places(&p);
    ck_assert_uint_eq(counted(&p, B)->rekeys_child, 1);
    pair_free(&p);
}
END_TEST

/* The one who moves is the one who called, whoever has rekeyed the IKE SA since: RFC 4555 §1.3. */
START_TEST(after_a_rekey_by_the_other_side)
{
    for (int side = 0; side < 2; side++) {
        struct pair p;

        establish(&p, true);
        begin(&p, side, 1);
        settle(&p);
        move(&p, true, LTE);
        settle(&p);
        check_places(&p);
        check_nothing_left(&p);
    }
}
END_TEST

/* Before both are there. */
START_TEST(a_move_during_the_handshake)
{
    for (unsigned handed = 0; handed < 4; handed++)
        for (int lost = 0; lost < 2; lost++) {
            struct pair p;

            configure(&p, true);
            pair_create(&p);
            pair_initiate(&p);
            for (unsigned i = 0; i < handed; i++)
                (void)hand_over(&p, i % 2);
            while (lost && (p.wire_count[A] || p.wire_count[B]))
                drop_next(&p, p.wire_count[A] ? A : B);
            while (p.wire_count[B]) /* nobody is there any more */
                drop_next(&p, B);
            move(&p, false, LTE);
            run_until(&p, p.now + FAR * NSEC_PER_S);
            check_places(&p);
            pair_free(&p);
        }
}
END_TEST

/* What was asked from the old address is answered there, and A is still heard there: but AUTH will
 * cover what was asked from the new one. */
START_TEST(an_answer_to_what_is_asked_otherwise_now)
{
    struct wire_message late;
    struct pair p;

    configure(&p, true);
    pair_create(&p);
    pair_initiate(&p);
    (void)hand_over(&p, A);
    late = hold_next(&p, B);
    move(&p, false, LTE);
    (void)deliver(&p, B, &late);
    run_until(&p, p.now + FAR * NSEC_PER_S);
    check_places(&p);
    pair_free(&p);
}
END_TEST

/* A has its answer and asks somebody else about it, when it moves. */
START_TEST(a_move_while_something_is_looked_up)
{
    struct ike_answer yes = {.granted = true};
    struct pair p;

    configure(&p, true);
    p.config[A].auth.look_up = true;
    pair_create(&p);
    pair_initiate(&p);
    settle(&p);
    move(&p, true, LTE);
    ck_assert_uint_eq(p.wire_count[A], 0);
    ck_assert_ok(
        ike_endpoint_answer(p.end[A], p.now, last_event(&p, A, EVENT_REQUEST)->count, &yes));
    settle(&p);
    check_places(&p);
    ck_assert_uint_eq(counted(&p, A)->moves, 1);
    pair_free(&p);
}
END_TEST

/* ---- return routability (RFC 4555 §3.7) ---- */

START_TEST(a_wrong_cookie_ends_it)
{
    static const uint8_t wrong[4] = {1, 2, 3, 4};
    const struct edit edits[] = {
        {PAYLOAD_NOTIFY, PATCH, bytes_of(wrong, sizeof wrong), 8},
        {PAYLOAD_NOTIFY, LEAVE_OUT, BYTES_NONE, 0},
    };

    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        struct pair p;

        establish(&p, true);
        move(&p, false, LTE);
        (void)hand_over(&p, A);
        (void)hand_over(&p, B);
        (void)hand_over(&p, B);
        (void)hand_over_edited(&p, A, &edits[i]);
        ck_assert_uint_eq(ike_count(&p, B), 0);
        ck_assert_int_eq(last_event(&p, B, EVENT_IKE_DOWN)->reason, REASON_ROUTABILITY);
        ck_assert_uint_eq(counted(&p, B)->routability_failures, 1);
        pair_free(&p);
    }
}
END_TEST

/* The request that would have had the cookie was not made, for want of a slot: another has it. */
START_TEST(a_cookie_that_was_not_sent_is_not_awaited)
{
    enum { SLOTS = 4000 };
    static struct message_ref taken[SLOTS];
    struct message_store *store;
    unsigned count = 0;
    struct pair p;

    configure(&p, true);
    p.config[A].window = p.config[B].window = 4;
    pair_establish(&p);
    ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
    settle(&p); /* the window is announced */
    store = &p.end[B]->store->messages;
    while (message_keep(store, bytes_text("x"), &taken[count]) == OK)
        ck_assert_uint_lt(++count, SLOTS);
    message_drop(store, &taken[--count]);
    move(&p, false, LTE);
    ck_assert_ok(hand_over(&p, A)); /* its answer has the last one */
    ck_assert_uint_eq(p.wire_count[B], 1);
    while (count)
        message_drop(store, &taken[--count]);
    run_until(&p, p.now + FAR * NSEC_PER_S);
    ck_assert_uint_eq(counted(&p, B)->routability_failures, 0);
    check_places(&p);
    check_nothing_left(&p);
}
END_TEST

/* Both rekey at once and the answer of A is lost: what A says in its new IKE SA is too early for B,
 * which does not say the cookie again then. */
START_TEST(an_update_that_came_too_early_is_said_again)
{
    unsigned early = 0;

    for (int rounds = 0; rounds < 6; rounds++) { /* other nonces each time */
        struct pair p;

        establish(&p, true);
        for (int i = 0; i < rounds; i++) {
            begin(&p, A, 1);
            run_until(&p, p.now + 60 * NSEC_PER_S);
        }
        begin(&p, A, 1);
        begin(&p, B, 1);
        (void)hand_over(&p, A);
        (void)hand_over(&p, B);
        drop_next(&p, A);
        (void)hand_over(&p, B);
        while (p.wire_count[A])
            drop_next(&p, A);
        mobike_of(p.end[A], ike_sa_at(p.end[A], the_ike(&p, A).handle))->elsewhere = true;
        move(&p, false, LTE);
        while (p.wire_count[A]) { /* the Delete of the old one comes last */
            struct wire_message last = wire_take(&p, A, p.wire_count[A] - 1);

            (void)deliver(&p, A, &last);
        }
        early += counted(&p, B)->dropped[IKE_DROP_UNEXPECTED] > 0;
        run_until(&p, p.now + FAR * NSEC_PER_S);
        check_all_places(&p, 1);
        check_nothing_left(&p);
    }
    ck_assert_uint_gt(early, 0);
}
END_TEST

/* Somebody sends A's update on from where he is: what B then says goes to him, packets do not. */
START_TEST(packets_do_not_follow_who_cannot_answer)
{
    struct wire_message m;
    struct pair p;

    establish(&p, true);
    move(&p, false, LTE);
    m = hold_next(&p, A);
    m.dgram.remote.addr = ip_addr_v4(OTHER + 1);
    ck_assert_ok(deliver(&p, A, &m));
    ck_assert(is_host(peer_seen_by(&p, B), OTHER + 1));
    run_until(&p, p.now + 20 * NSEC_PER_S);
    ck_assert(!is_host(child_of(&p, B).remote.addr, OTHER + 1));
    pair_free(&p);
}
END_TEST

/* RFC 4555 §3.7: a cookie in any INFORMATIONAL request comes back as it was. */
static void fill_cookie(struct message_writer *w)
{
    notify_add(w, NOTIFY_COOKIE2, bytes_text("any INFORMATIONAL"));
}

START_TEST(the_same_cookie_comes_back)
{
    struct message_start start = {EXCHANGE_INFORMATIONAL, 2, false, false};
    struct message_view outer, inner;
    struct notify_payload n;
    struct wire_message m;
    struct pair p;
    bool authentic;

    establish(&p, true);
    ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
    pull(&p);
    m = hold_next(&p, A);
    forge(&p, A, &start, fill_cookie, &m);
    (void)deliver(&p, A, &m);
    m = hold_next(&p, B);
    ck_assert_ok(message_read(bytes_of(m.data + 4, m.dgram.len - 4), &outer));
    ck_assert_ok(ike_message_open(p.end[A], first_sa(p.end[A]), &outer, &inner, &authentic));
    ck_assert(notify_find(&inner, NOTIFY_COOKIE2, &n));
    ck_assert(bytes_equal(n.data, bytes_text("any INFORMATIONAL")));
    pair_free(&p);
}
END_TEST

/* ---- refused ---- */

START_TEST(an_address_that_is_not_accepted)
{
    struct pair p;

    configure(&p, true);
    p.config[B].mobike.from = (struct ip_prefix){ip_addr_v4(0xc6336400), 30}; /* .0 to .3 */
    pair_establish(&p);
    move(&p, false, WIFI);
    settle(&p);
    check_places(&p);
    move(&p, false, LTE);
    ck_assert_ok(hand_over(&p, A));
    ck_assert(is_host(peer_seen_by(&p, B), WIFI));
    ck_assert_uint_eq(counted(&p, B)->moves_refused, 1);
    ck_assert_uint_eq(events_of(&p, B, EVENT_PEER_MOVED), 1);
    settle(&p);
    ck_assert_uint_eq(ike_count(&p, A), 0);
    ck_assert_int_eq(last_event(&p, A, EVENT_IKE_DOWN)->reason, REASON_ADDRESSES);
    pair_free(&p);
}
END_TEST

/* RFC 4555 §3.9 */
START_TEST(a_nat_where_there_must_be_none)
{
    for (int from_the_start = 0; from_the_start < 2; from_the_start++) {
        struct pair p;

        configure(&p, true);
        p.config[A].mobike.no_nats = true;
        p.nat = from_the_start;
        pair_establish(&p);
        if (!from_the_start) {
            move(&p, false, LTE);
            settle(&p);
            check_places(&p);
            move(&p, true, WIFI);
            settle(&p);
            ck_assert_uint_eq(counted(&p, B)->moves_refused, 4); /* tried several times */
            ck_assert_int_eq(last_event(&p, A, EVENT_IKE_DOWN)->reason, REASON_ADDRESSES);
        } else {
            ck_assert_uint_eq(counted(&p, B)->moves_refused, 1);
            ck_assert_int_eq(last_event(&p, A, EVENT_IKE_FAILED)->reason, REASON_ADDRESSES);
        }
        ck_assert_uint_eq(ike_count(&p, A), 0);
        pair_free(&p);
    }
}
END_TEST

/* Who was called does not decide. */
static void fill_update(struct message_writer *w)
{
    notify_add(w, NOTIFY_UPDATE_SA_ADDRESSES, BYTES_NONE);
}

START_TEST(only_who_called_may_move_by_update)
{
    struct message_start start = {EXCHANGE_INFORMATIONAL, 0, false, false};
    struct wire_message m;
    struct pair p;

    establish(&p, true);
    ck_assert_ok(ike_endpoint_probe(p.end[B], p.now, the_ike(&p, B)));
    pull(&p);
    m = hold_next(&p, B);
    forge(&p, B, &start, fill_update, &m);
    m.dgram.remote.addr = ip_addr_v4(OTHER);
    (void)deliver(&p, B, &m);
    ck_assert(sends_there(&p, A));
    ck_assert(!is_host(peer_seen_by(&p, A), OTHER));
    ck_assert_uint_eq(counted(&p, A)->responses_sent, 1); /* it is answered, and that is all */
    pair_free(&p);
}
END_TEST

/* ---- other addresses of the peer ---- */

static void tell_other(struct pair *p)
{
    configure(p, true);
    p->config[A].dpd_delay = 10 * NSEC_PER_S;
    p->config[B].mobike.addresses[0] = ip_addr_v4(OTHER);
    p->config[B].mobike.address_count = 1;
    pair_establish(p);
}

/* RFC 4555 §3.10, §3.11: nobody answers at one address of B, so A tries the other. */
START_TEST(a_dead_path_is_left_for_another)
{
    for (int tells = 0; tells < 2; tells++) {
        struct pair p;

        tell_other(&p);
        if (!tells)
            mobike_of(p.end[A], first_sa(p.end[A]))->address_count = 0;
        p.host[B] = OTHER; /* it has both; only this one is reached */
        run_until(&p, p.now + FAR * NSEC_PER_S);
        ck_assert_uint_eq(ike_count(&p, A), tells ? 1 : 0);
        if (tells) {
            check_places(&p);
            ck_assert_uint_eq(counted(&p, A)->moves, 1);
            p.host[B] = 0; /* and back again */
            run_until(&p, p.now + FAR * NSEC_PER_S);
            check_places(&p);
        }
        pair_free(&p);
    }
}
END_TEST

/* RFC 4555 §3.5, §3.6: B has to leave; it says where it is, and A decides. */
START_TEST(who_was_called_moves_too)
{
    struct ip_addr to = ip_addr_v4(OTHER);
    struct pair p;

    establish(&p, true);
    p.host[B] = OTHER;
    ike_endpoint_moved(p.end[B], p.now, &ANY, &to);
    pull(&p);
    ck_assert_ok(hand_over(&p, B));
    settle(&p);
    check_places(&p);
    ck_assert_uint_eq(counted(&p, A)->moves, 1);
    check_nothing_left(&p);
}
END_TEST

/* ---- NAT mappings (RFC 4555 §3.8) ---- */

static void behind_nat(struct pair *p)
{
    configure(p, true);
    p->nat = true;
    p->config[A].dpd_delay = 10 * NSEC_PER_S;
    pair_establish(p);
    check_places(p);
}

START_TEST(a_new_mapping_is_found_by_asking)
{
    struct pair p;

    behind_nat(&p);
    run_until(&p, p.now + 60 * NSEC_PER_S);
    for (int i = 0; i < 3; i++) {
        uint64_t moves = counted(&p, A)->moves;

        p.nat_shift += 7;
        run_until(&p, p.now + 11 * NSEC_PER_S);
        ck_assert_uint_eq(counted(&p, A)->moves, moves + 1);
        check_places(&p);
        run_until(&p, p.now + 100 * NSEC_PER_S);
        ck_assert_uint_eq(counted(&p, A)->moves, moves + 1); /* nothing new, nothing said */
    }
    ck_assert_uint_eq(counted(&p, B)->peer_moves, 0);
    check_nothing_left(&p);
}
END_TEST

/* ESP may show a new port of the same NAT, which is faster; IKE messages move nobody. */
START_TEST(esp_shows_a_new_port_but_ike_does_not)
{
    struct esp_packet packet;
    struct pair p;

    behind_nat(&p);
    p.nat_shift += 7;
    ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
    pull(&p);
    ck_assert_ok(hand_over(&p, A));
    ck_assert(!sends_there(&p, B));
    drop_next(&p, B);
    ck_assert_ok(send_packet(&p, A));
    ck_assert(sends_there(&p, B));
    ck_assert_uint_eq(counted(&p, B)->peer_moves, 1);
    /* A packet that was under way from where A is no more does not take it back. */
    ck_assert_ok(esp_make(&p, A, 7, &packet));
    move(&p, false, LTE);
    settle(&p);
    ck_assert_ok(esp_take(&p, A, 7, &packet));
    check_places(&p);
    pair_free(&p);
}
END_TEST

/* RFC 4555 §3.12: packets from where nobody should be are no sign of life. */
START_TEST(packets_from_elsewhere_are_no_sign_of_life)
{
    struct esp_packet packet;
    struct pair p;
    nsec heard;

    establish(&p, true);
    run_until(&p, p.now + 5 * NSEC_PER_S);
    heard = ike_of(&p, B).last_heard;
    ck_assert_ok(esp_make(&p, A, 7, &packet));
    packet.dgram.remote.addr = ip_addr_v4(LTE);
    ck_assert_ok(esp_take(&p, A, 7, &packet));
    ck_assert_uint_eq(ike_of(&p, B).last_heard, heard);
    ck_assert_ok(send_packet(&p, A));
    ck_assert_uint_eq(ike_of(&p, B).last_heard, p.now);
    pair_free(&p);
}
END_TEST

/* ---- real and modelled ---- */

static void journey(struct pair *p, bool modelled)
{
    configure(p, modelled);
    p->nat = true;
    p->config[A].dpd_delay = p->config[B].dpd_delay = 10 * NSEC_PER_S;
    pair_establish(p);
    for (int i = 0; i < 4; i++) {
        move(p, i & 1, LTE - (uint32_t)(i & 1));
        run_until(p, p->now + 37 * NSEC_PER_S);
        begin(p, i & 1, i >> 1);
        run_until(p, p->now + 37 * NSEC_PER_S);
    }
    check_places(p);
}

START_TEST(real_and_modelled_say_the_same)
{
    struct pair p[2];

    for (int i = 0; i < 2; i++)
        journey(&p[i], i);
    ck_assert_uint_eq(p[0].timeline_count, p[1].timeline_count);
    for (unsigned i = 0; i < p[0].timeline_count; i++) {
        ck_assert_uint_eq(p[0].timeline[i].at, p[1].timeline[i].at);
        ck_assert_uint_eq(p[0].timeline[i].len, p[1].timeline[i].len);
        ck_assert_uint_eq(p[0].timeline[i].side, p[1].timeline[i].side);
    }
    for (int i = 0; i < 2; i++)
        pair_free(&p[i]);
}
END_TEST

SUITE("mobike", used_where_both_want_it, in_transport_mode_it_is_not_said,
      without_it_a_move_is_the_end, an_update_moves_both_kinds_of_sa, when_traffic_follows,
      a_nat_comes_and_goes, between_ipv6_addresses_too, the_path_mtu_is_forgotten,
      each_message_lost_or_doubled, several_changes_in_quick_succession,
      updates_that_overtake_each_other, an_old_update_played_again_moves_nobody,
      a_move_crosses_whatever_goes_on, requests_in_flight_go_on_from_the_new_address,
      requests_of_the_other_side_follow_at_once, after_a_rekey_by_the_other_side,
      a_move_during_the_handshake, an_answer_to_what_is_asked_otherwise_now,
      a_cookie_that_was_not_sent_is_not_awaited, an_update_that_came_too_early_is_said_again,
      a_move_while_something_is_looked_up, a_wrong_cookie_ends_it,
      packets_do_not_follow_who_cannot_answer, the_same_cookie_comes_back,
      an_address_that_is_not_accepted, a_nat_where_there_must_be_none,
      only_who_called_may_move_by_update, a_dead_path_is_left_for_another, who_was_called_moves_too,
      a_new_mapping_is_found_by_asking, esp_shows_a_new_port_but_ike_does_not,
      packets_from_elsewhere_are_no_sign_of_life, real_and_modelled_say_the_same)
