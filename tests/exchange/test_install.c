/*
 * Tunnels that are there without a handshake (proto/install). Two pairs with the same streams are
 * laid side by side, one that shook hands and one that did not: what they hold is the same but for
 * the keys. What follows from it is asked of real messages.
 */
#include "edit.h"
#include "proto/core/mobike.h"
#include "proto/ike/qcd.h"
#include "same.h"

enum { LTE = 0xc6336404 }; /* 198.51.100.4 */

/* What may be different about a pair. */
struct variant {
    const char *name;
    bool modelled, nat, force_encap, transport, mobike, qcd, pfs, other_proposals, null_auth;
    enum childless_policy childless;
    enum fragmentation_policy fragmentation;
    uint8_t window;
    unsigned lifetimes; /* of IKE SA and child SA, and when to authenticate anew; seconds */
};

static const struct variant variants[] = {
    {.name = "plain"},
    {.name = "modelled", .modelled = true},
    {.name = "behind a NAT", .nat = true, .lifetimes = 600},
    {.name = "a NAT that is none", .modelled = true, .force_encap = true},
    {.name = "transport", .transport = true},
    {.name = "MOBIKE", .modelled = true, .mobike = true, .lifetimes = 1000},
    {.name = "MOBIKE behind a NAT", .mobike = true, .nat = true},
    {.name = "fragments and windows",
     .modelled = true,
     .fragmentation = FRAGMENTATION_YES,
     .window = 4},
    {.name = "tokens", .qcd = true, .modelled = true},
    {.name = "childless", .childless = CHILDLESS_PREFER},
    {.name = "childless with PFS", .childless = CHILDLESS_FORCE, .pfs = true},
    {.name = "the responder's choice", .other_proposals = true, .pfs = true},
    {.name = "nobody", .null_auth = true, .modelled = true},
};

enum { VARIANTS = sizeof variants / sizeof *variants };

static void configure(struct pair *p, const struct variant *v)
{
    pair_init(p, v->modelled);
    p->nat = v->nat;
    p->strict = v->mobike && !v->nat;
    for (int side = 0; side < 2; side++) {
        struct ike_config *c = &p->config[side];

        if (v->pfs)
            pair_propose(c, "aes256gcm16-prfsha256-x25519", "aes256gcm16-x25519");
        if (v->other_proposals)
            pair_propose(c,
                         side == A ? "aes128-sha256-prfsha256-x25519-ecp256,aes256gcm16-prfsha512-"
                                     "x25519"
                                   : "aes256gcm16-prfsha512-x25519,aes128-sha256-prfsha256-x25519",
                         side == A ? "aes128gcm16-esn-noesn,aes256-sha256-x25519"
                                   : "aes256-sha256-x25519,aes128gcm16-esn");
        c->child.transport = v->transport;
        for (int i = 0; i < 2 && v->transport; i++) {
            struct selector host = selector_host(pair_address(p, i == 0 ? side : 1 - side, 0).addr);

            *(i == 0 ? c->child.local : c->child.remote) = host;
        }
        c->mobike.on = v->mobike;
        c->mobike.addresses[0] = ip_addr_v4(LTE + (unsigned)side);
        c->mobike.address_count = v->mobike;
        c->force_encap = v->force_encap && side == B;
        c->quick_crash_detection = v->qcd;
        c->childless = v->childless;
        c->fragmentation = v->fragmentation;
        c->window = v->window;
        c->dpd_delay = 30 * NSEC_PER_S;
        c->nat_keepalive = 20 * NSEC_PER_S;
        if (v->null_auth) {
            c->auth.way = side == A ? AUTH_NULL : AUTH_PSK;
            c->auth.accepted = AUTH_BIT(AUTH_NULL) | AUTH_BIT(AUTH_PSK);
        }
        c->lifetime = (struct lifetime_config){.rekey_time = v->lifetimes * NSEC_PER_S,
                                               .rekey_jitter = v->lifetimes / 10 * NSEC_PER_S,
                                               .hard_time = v->lifetimes * 2 * NSEC_PER_S};
        c->child.lifetime = c->lifetime;
        c->reauth_time = v->lifetimes * (side == A ? 3 : 2) * NSEC_PER_S;
        c->reauth_jitter = v->lifetimes / 8 * NSEC_PER_S;
    }
}

static struct ip_endpoint seen(const struct pair *p)
{
    struct ip_endpoint from = pair_address(p, A, 4500);

    return p->nat ? (struct ip_endpoint){pair_box(p), (uint16_t)(4500 + p->nat_shift)} : from;
}

static enum err install_as(struct pair *p, uint64_t secret, const struct ike_agreement *agreed,
                           enum sa_reason *why)
{
    struct ike_installation how = {.initiator = p->end[A],
                                   .responder = p->end[B],
                                   .agreed = agreed,
                                   .from = pair_address(p, A, 4500),
                                   .seen = seen(p),
                                   .called = pair_address(p, B, 4500),
                                   .at = pair_address(p, B, 4500),
                                   .secret = rng_stream(secret, 0, RNG_TEST)};
    enum err e = ike_install(&how, p->now, &p->ike, why);

    pull(p);
    return e;
}

static void install(struct pair *p)
{
    struct ike_agreement agreed;
    enum sa_reason why;

    ck_assert_ok(ike_agree(&p->config[A], &p->config[B], &agreed));
    ck_assert_ok(install_as(p, 1, &agreed, &why));
    ck_assert_int_eq(why, REASON_NONE);
}

static void begin(struct pair *p, const struct variant *v)
{
    configure(p, v);
    pair_create(p);
    install(p);
    for (int side = 0; side < 2; side++)
        ck_assert_uint_eq(p->wire_count[side], 0);
    check_agreement(p);
}

/* ---- side by side ---- */

static void same_ike(const struct pair *shook, const struct pair *laid, int side, const char *what)
{
    const struct ike_sa *a = first_sa(shook->end[side]), *b = first_sa(laid->end[side]);
    const struct window *wa = window_of(shook->end[side], a), *wb = window_of(laid->end[side], b);
    struct ip_endpoint at[2];

#define SAME(field)                                                                                \
    ck_assert_msg(a->field == b->field, "%s, end %d: " #field " %llu, %llu", what, side,           \
                  (unsigned long long)a->field, (unsigned long long)b->field)
    SAME(spi_i);
    SAME(spi_r);
    SAME(suite->encr->iana);
    SAME(suite->prf->iana);
    SAME(suite->ke->iana);
    ck_assert_ptr_eq(a->suite->integ, b->suite->integ);
    for (enum ike_timer i = 0; i < IKE_TIMER_COUNT; i++)
        ck_assert_msg(ike_timer_at(shook->end[side], a, i) == ike_timer_at(laid->end[side], b, i),
                      "%s, end %d: timer %d", what, side, (int)i);
    SAME(last_heard);
    SAME(last_sent);
    SAME(peer_identity);
    SAME(request_id);
    SAME(expected_id);
    SAME(handshake);
    SAME(reauth_s);
    SAME(child_count);
    SAME(tries);
    SAME(state);
    SAME(in_flight);
    SAME(version);
    SAME(sends);
    SAME(new_wishes);
    SAME(reason);
    SAME(initiator);
    SAME(half_open);
    SAME(up);
    SAME(natt);
    SAME(nat_local);
    SAME(nat_remote);
    SAME(one_pair);
    SAME(more_ts);
    SAME(caller);
    SAME(renewing);
    SAME(fragments);
    SAME(mobike);
    SAME(wishes);
#undef SAME
    at[0] = ike_sa_local(shook->end[side], a);
    at[1] = ike_sa_local(laid->end[side], b);
    ck_assert_msg(ip_endpoint_equal(&at[0], &at[1]), "%s, end %d: local", what, side);
    at[0] = ike_sa_remote(shook->end[side], a);
    at[1] = ike_sa_remote(laid->end[side], b);
    ck_assert_msg(ip_endpoint_equal(&at[0], &at[1]), "%s, end %d: remote", what, side);
    ck_assert_msg(!wa == !wb, "%s, end %d: window", what, side);
    if (wa)
        ck_assert_msg(wa->own == wb->own && wa->peer == wb->peer && wa->next_id == wb->next_id,
                      "%s, end %d: window", what, side);
    if (a->mobike)
        ck_assert_mem_eq(mobike_of(shook->end[side], a), mobike_of(laid->end[side], b),
                         sizeof(struct mobike));
}

static void same_child(const struct pair *shook, const struct pair *laid, int side,
                       const char *what)
{
    struct child_sa_info a, b;

    ck_assert(ike_endpoint_child_info(shook->end[side], the_child(shook, side), &a));
    ck_assert(ike_endpoint_child_info(laid->end[side], the_child(laid, side), &b));
    ck_assert_msg(a.spi_in == b.spi_in && a.spi_out == b.spi_out, "%s, end %d: SPIs", what, side);
    ck_assert_msg(a.encr == b.encr && a.integ == b.integ && a.esn == b.esn, "%s, end %d: suite",
                  what, side);
    ck_assert_msg(a.transport == b.transport && a.udp_encapsulated == b.udp_encapsulated &&
                      a.current == b.current && a.live == b.live && a.ends == b.ends,
                  "%s, end %d: child", what, side);
    ck_assert_msg(a.selectors_fingerprint_local == b.selectors_fingerprint_local &&
                      a.selectors_fingerprint_remote == b.selectors_fingerprint_remote,
                  "%s, end %d: selectors", what, side);
    ck_assert_msg(ip_endpoint_equal(&a.local, &b.local) && ip_endpoint_equal(&a.remote, &b.remote),
                  "%s, end %d: outer addresses", what, side);
    ck_assert_msg(a.key_fingerprint_in != b.key_fingerprint_in, "%s: the same keys", what);
}

static void same_counters(const struct pair *shook, const struct pair *laid, int side)
{
    const struct ike_counters *a = ike_endpoint_counters(shook->end[side]);
    const struct ike_counters *b = ike_endpoint_counters(laid->end[side]);

    ck_assert_uint_eq(b->installed, side == A);
    ck_assert_uint_eq(b->initiated + b->completed + b->requests_sent + b->responses_sent, 0);
    ck_assert_uint_eq(a->ike_sas, b->ike_sas);
    ck_assert_uint_eq(a->child_sas, b->child_sas);
    ck_assert_uint_eq(b->half_open + b->half_open_peak, 0);
}

START_TEST(as_a_handshake_would_have_left_it)
{
    for (unsigned i = 0; i < VARIANTS; i++) {
        const struct variant *v = &variants[i];
        struct pair shook, laid;

        configure(&shook, v);
        pair_establish(&shook);
        begin(&laid, v);
        for (int side = 0; side < 2; side++) {
            same_ike(&shook, &laid, side, v->name);
            same_child(&shook, &laid, side, v->name);
            same_counters(&shook, &laid, side);
        }
        pair_free(&shook);
        pair_free(&laid);
    }
}
END_TEST

/* A handshake keeps its last response, and nothing else of what it had. */
START_TEST(nothing_of_a_handshake_is_kept)
{
    struct pair shook, laid;

    configure(&shook, &variants[1]);
    pair_establish(&shook);
    begin(&laid, &variants[1]);
    ck_assert_uint_eq(ike_endpoint_memory(shook.end[A]), ike_endpoint_memory(laid.end[A]));
    ck_assert_uint_lt(ike_endpoint_memory(laid.end[B]), ike_endpoint_memory(shook.end[B]));
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(
            laid.end[side]->store->handshakes.taken + laid.end[side]->store->ke_pairs.taken, 0);
        ck_assert(message_none(first_sa(laid.end[side])->response));
        ck_assert(message_none(first_sa(laid.end[side])->request));
    }
    pair_free(&shook);
    pair_free(&laid);
}
END_TEST

START_TEST(events_say_that_there_was_no_handshake)
{
    struct pair p;

    begin(&p, &variants[1]);
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(p.event_count[side], 2);
        ck_assert_int_eq(p.events[side][0].kind, EVENT_IKE_UP);
        ck_assert_int_eq(p.events[side][1].kind, EVENT_CHILD_UP);
        ck_assert(p.events[side][0].installed && p.events[side][1].installed);
    }
    ck_assert(sa_equal(p.events[A][0].ike, p.ike));
    ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, the_child(&p, A)));
    settle(&p);
    ck_assert(!last_event(&p, A, EVENT_CHILD_UP)->installed);
    pair_free(&p);
}
END_TEST

/* ---- what follows from it ---- */

static void rekey_all(struct pair *p, int side)
{
    ck_assert_ok(ike_endpoint_rekey_child(p->end[side], p->now, the_child(p, side)));
    settle(p);
    check_traffic(p);
    ck_assert_ok(ike_endpoint_rekey_ike(p->end[side], p->now, the_ike(p, side)));
    settle(p);
    check_traffic(p);
    ck_assert_ok(ike_endpoint_rekey_child(p->end[side], p->now, the_child(p, side)));
    settle(p);
    check_agreement(p);
}

/* Packets both ways, liveness, rekeys of both SAs begun by either end, one more child, the end. */
START_TEST(it_lives_as_any_other)
{
    for (unsigned i = 0; i < 2 * VARIANTS; i++) {
        int side = i % 2 ? B : A;
        struct pair p;

        begin(&p, &variants[i / 2]);
        check_traffic(&p);
        for (int end = 0; end < 2; end++) {
            ck_assert_ok(ike_endpoint_probe(p.end[end], p.now, the_ike(&p, end)));
            settle(&p);
        }
        rekey_all(&p, side);
        rekey_all(&p, 1 - side);
        ck_assert_uint_eq(drops_of(&p, A) + drops_of(&p, B), 0);
        ck_assert_ok(ike_endpoint_new_child(p.end[side], p.now, the_ike(&p, side)));
        settle(&p);
        check_same(&p, variants[i / 2].name);
        ck_assert_ok(ike_endpoint_terminate(p.end[side], p.now, the_ike(&p, side)));
        settle(&p);
        check_same(&p, variants[i / 2].name);
        ck_assert_uint_eq(ike_count(&p, A), 0);
        pair_free(&p);
    }
}
END_TEST

/* The lifetimes end in time, and who called authenticates anew with a real handshake. */
START_TEST(timers_run_from_the_beginning)
{
    struct pair p;

    begin(&p, &variants[2]);
    ck_assert(first_sa(p.end[A])->nat_local);
    run_until(&p, p.now + 21 * NSEC_PER_S);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->keepalives_sent, 1);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->keepalives_sent, 0);
    run_until(&p, p.now + 600 * NSEC_PER_S);
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_gt(ike_endpoint_counters(p.end[side])->rekeys_child, 0);
        ck_assert_uint_gt(ike_endpoint_counters(p.end[side])->rekeys_ike, 0);
    }
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->reauthentications, 0);
    run_until(&p, p.now + 700 * NSEC_PER_S);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->reauthentications, 1);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->completed, 1);
    check_agreement(&p);
    check_traffic(&p);
    pair_free(&p);
}
END_TEST

START_TEST(a_crash_of_the_responder_is_found_and_a_handshake_follows)
{
    struct pair p;

    begin(&p, &variants[0]);
    ike_endpoint_crash(p.end[B], p.now);
    run_until(&p, p.now + 400 * NSEC_PER_S);
    ck_assert_int_eq(last_event(&p, A, EVENT_IKE_DOWN)->reason, REASON_DPD);
    ck_assert_uint_eq(ike_count(&p, A), 0);
    pair_initiate(&p);
    settle(&p);
    ck_assert(!last_event(&p, A, EVENT_IKE_UP)->installed);
    check_agreement(&p);
    check_traffic(&p);
    pair_free(&p);
}
END_TEST

/* It knows its peer by the name that a handshake would have proven (RFC 7296 §2.4). */
START_TEST(initial_contact_of_a_client_that_crashed_replaces_it)
{
    for (int nobody = 0; nobody < 2; nobody++) {
        struct pair p;

        begin(&p, &variants[nobody ? VARIANTS - 1 : 0]);
        ike_endpoint_crash(p.end[A], p.now);
        pair_initiate(&p);
        settle(&p);
        ck_assert_uint_eq(ike_count(&p, A), 1);
        ck_assert_uint_eq(ike_count(&p, B), nobody ? 2 : 1);
        if (!nobody)
            ck_assert_int_eq(last_event(&p, B, EVENT_IKE_DOWN)->reason, REASON_REPLACED);
        ck_assert_ok(send_packet(&p, A));
        pair_free(&p);
    }
}
END_TEST

/* Each has the other's token (RFC 6290 §4.2). */
START_TEST(a_crash_is_told_with_the_token)
{
    struct pair p;

    begin(&p, &variants[8]);
    ike_endpoint_crash(p.end[B], p.now);
    ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
    settle(&p);
    ck_assert_int_eq(last_event(&p, A, EVENT_IKE_DOWN)->reason, REASON_PEER_CRASHED);
    pair_free(&p);
}
END_TEST

START_TEST(with_mobike_it_moves)
{
    const struct ip_addr any = {0};
    struct ip_addr to;
    struct ip_addr seen;
    struct pair p;

    begin(&p, &variants[5]);
    p.host[A] = LTE + 5;
    to = pair_address(&p, A, 0).addr;
    ike_endpoint_moved(p.end[A], p.now, &any, &to);
    settle(&p);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->moves, 1);
    seen = ike_sa_remote(p.end[B], first_sa(p.end[B])).addr;
    ck_assert(ip_addr_equal(&seen, &to));
    check_agreement(&p);
    check_traffic(&p);
    pair_free(&p);
}
END_TEST

/* A NAT that forgot its mapping makes another, and the responder follows (RFC 7296 §2.23). */
START_TEST(a_rebound_nat_is_followed)
{
    struct pair p;

    begin(&p, &variants[2]);
    p.nat_shift = 30000;
    ck_assert_ok(send_packet(&p, A));
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->peer_moves, 1);
    check_traffic(&p);
    pair_free(&p);
}
END_TEST

/* ---- chance ---- */

START_TEST(the_same_secret_makes_the_same_keys)
{
    uint64_t keys[3];

    for (int i = 0; i < 3; i++) {
        struct ike_agreement agreed;
        struct ike_sa_info info;
        enum sa_reason why;
        struct pair p;

        configure(&p, &variants[1]);
        pair_create(&p);
        ck_assert_ok(ike_agree(&p.config[A], &p.config[B], &agreed));
        ck_assert_ok(install_as(&p, i == 2 ? 2 : 1, &agreed, &why));
        ck_assert(ike_endpoint_ike_info(p.end[A], p.ike, &info));
        keys[i] = info.key_fingerprint;
        check_agreement(&p);
        pair_free(&p);
    }
    ck_assert_uint_eq(keys[0], keys[1]);
    ck_assert_uint_ne(keys[0], keys[2]);
}
END_TEST

/* ---- what cannot be ---- */

START_TEST(no_agreement)
{
    struct ike_agreement agreed;
    struct pair p;

    for (int i = 0; i < 6; i++) {
        enum err expected = i < 2 ? ERR_NO_PROPOSAL : i < 4 ? ERR_UNSUPPORTED : ERR_SINGLE_PAIR;

        configure(&p, &variants[1]);
        if (i == 0)
            pair_propose(&p.config[A], "aes128-sha256-x25519", "aes256gcm16");
        if (i == 1)
            pair_propose(&p.config[A], "aes256gcm16-prfsha256-x25519", "aes128-sha256");
        p.config[A].childless = i == 2 ? CHILDLESS_FORCE : CHILDLESS_NEVER;
        p.config[B].childless = i == 3 ? CHILDLESS_FORCE : CHILDLESS_NEVER;
        p.config[B].child.single_pair = i == 4;
        if (i == 5) /* which is the responder's word only */
            p.config[A].child.single_pair = true;
        ck_assert_int_eq(ike_agree(&p.config[A], &p.config[B], &agreed), i == 5 ? OK : expected);
        pair_create(&p);
        pair_free(&p);
    }
}
END_TEST

/* The first of the responder's proposals that is common, with the group that the initiator sends if
 * that is, too, else another that costs a handshake one more message (RFC 7296 §2.7). */
START_TEST(proposals_are_chosen_as_in_a_handshake)
{
    static const char *const offers[] = {
        "aes256gcm16-prfsha256-ecp256-x25519", "aes256gcm16-prfsha256-ecp256-modp2048-x25519",
        "aes128-sha256-modp2048,aes256gcm16-prfsha384-ecp384-x25519"};

    for (unsigned i = 0; i < sizeof offers / sizeof *offers; i++) {
        struct ike_agreement agreed;
        struct ike_sa_info info;
        struct pair p;

        configure(&p, &variants[1]);
        pair_propose(&p.config[A], offers[i], "aes256gcm16");
        pair_propose(&p.config[B],
                     "aes256gcm16-prfsha384-prfsha256-x25519-modp2048,aes128-sha256-modp2048",
                     "aes256gcm16");
        ck_assert_ok(ike_agree(&p.config[A], &p.config[B], &agreed));
        pair_establish(&p);
        ck_assert(ike_endpoint_ike_info(p.end[A], p.ike, &info));
        ck_assert_mem_eq(&info.suite, &agreed.suite, sizeof info.suite);
        pair_free(&p);
    }
}
END_TEST

static void check_refused(struct pair *p, enum err expected, enum sa_reason reason)
{
    struct ike_agreement agreed;
    enum sa_reason why;

    ck_assert_ok(ike_agree(&p->config[A], &p->config[B], &agreed));
    ck_assert_int_eq(install_as(p, 1, &agreed, &why), expected);
    ck_assert_int_eq(why, reason);
    ck_assert(sa_none(p->ike));
}

START_TEST(a_refused_one_leaves_nothing)
{
    for (int i = 0; i < 2; i++) {
        uint64_t empty[2];
        struct pair p;

        configure(&p, &variants[i ? 6 : 1]);
        if (i == 0)
            p.config[B].child.remote[0] = selector_host(ip_addr_v4(0x0a630001));
        p.config[A].mobike.no_nats = i == 1;
        pair_create(&p);
        for (int side = 0; side < 2; side++)
            empty[side] = ike_endpoint_memory(p.end[side]);
        check_refused(&p, i ? ERR_STATE : ERR_TS, i ? REASON_ADDRESSES : REASON_TS_UNACCEPTABLE);
        for (int side = 0; side < 2; side++) {
            ck_assert_uint_eq(p.event_count[side], 0);
            ck_assert_uint_eq(ike_endpoint_memory(p.end[side]), empty[side]);
            ck_assert_uint_eq(ike_endpoint_deadline(p.end[side]), NSEC_NEVER);
        }
        pair_free(&p);
    }
}
END_TEST

START_TEST(a_full_end_takes_no_more)
{
    struct ike_agreement agreed;
    enum sa_reason why;
    struct pair p;

    configure(&p, &variants[1]);
    pair_create(&p);
    ck_assert_ok(ike_agree(&p.config[A], &p.config[B], &agreed));
    for (int i = 0; i < 8; i++)
        ck_assert_ok(install_as(&p, (uint64_t)i, &agreed, &why));
    check_refused(&p, ERR_FULL, REASON_LIMIT);
    for (int side = 0; side < 2; side++) {
        ck_assert_uint_eq(ike_count(&p, side), 8);
        ck_assert_uint_eq(child_count(&p, side), 8);
    }
    pair_free(&p);
}
END_TEST

SUITE("install", as_a_handshake_would_have_left_it, nothing_of_a_handshake_is_kept,
      events_say_that_there_was_no_handshake, it_lives_as_any_other, timers_run_from_the_beginning,
      a_crash_of_the_responder_is_found_and_a_handshake_follows,
      initial_contact_of_a_client_that_crashed_replaces_it, a_crash_is_told_with_the_token,
      with_mobike_it_moves, a_rebound_nat_is_followed, the_same_secret_makes_the_same_keys,
      no_agreement, proposals_are_chosen_as_in_a_handshake, a_refused_one_leaves_nothing,
      a_full_end_takes_no_more)
