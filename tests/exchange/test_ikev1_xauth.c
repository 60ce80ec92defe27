/*
 * Users and addresses inside through endpoints: XAUTH and Mode-Config behind phase 1, with each
 * message lost, doubled, late and tampered with; a wrong password, users that wait, a pool that is
 * empty. draft-beaulieu-ike-xauth-02, draft-dukes-ike-mode-cfg-02; RFC 2408 §4.1.
 */
#include "proto/core/exchange.h"
#include "proto/core/internal.h"
#include "proto/ikev1/auth.h"
#include "proto/ikev1/exchanges.h"
#include "proto/wire/v1_registry.h"
#include "v1_pair.h"

static const enum phase1_mode modes[] = {PHASE1_MAIN, PHASE1_AGGRESSIVE};
static const unsigned messages[] = {15, 12}; /* phase 1, XAUTH 4, Mode-Config 2, Quick Mode */

/* Test credentials. */
static struct xauth_user own, everybody[2];

/* @param user  the side that is known by name; the other one has the pool */
static void configure(struct pair *p, bool modelled, enum phase1_mode mode, int user)
{
    struct ike_config *c = p->config;

    v1_pair_init(p, modelled, mode);
    own = (struct xauth_user){bytes_text("alice"), bytes_text("wonder")};
    everybody[0] = own;
    everybody[1] = (struct xauth_user){bytes_text("bob"), bytes_text("builder")};
    c[user].xauth = (struct xauth_config){XAUTH_USER, &own, 1, 0};
    c[1 - user].xauth = (struct xauth_config){XAUTH_GATEWAY, everybody, 2, 1};
    c[A].inside = (struct inside_config){.ask = user == A};
    if (user == A)
        c[B].inside.pool =
            (struct ip_prefix){.addr = ip_addr_v4(0x0a630000 /* 10.99.0.0 */), .length = 24};
}

static struct ip_addr inside_of(const struct pair *p, int side)
{
    struct ike_sa_info info;

    ck_assert(ike_endpoint_ike_info(p->end[side], the_ike(p, side), &info));
    return info.inside;
}

static void check_all_up(struct pair *p)
{
    struct ip_addr at[2] = {inside_of(p, A), inside_of(p, B)}, first = ip_addr_v4(0x0a630001);

    v1_check_up(p);
    ck_assert(ip_addr_equal(&at[A], &first));
    ck_assert(ip_addr_equal(&at[B], &first));
    for (int side = 0; side < 2; side++) {
        const struct ike_counters *c = ike_endpoint_counters(p->end[side]);

        ck_assert_uint_eq(events_of(p, side, EVENT_IKE_HALF_OPEN), 1);
        ck_assert_uint_eq(events_of(p, side, EVENT_IKE_UP), 1);
        ck_assert_uint_eq(events_of(p, side, EVENT_CHILD_UP), 1);
        ck_assert_uint_eq(c->half_open, 0);
        ck_assert_uint_eq(c->users_known, side == B);
        ck_assert_uint_eq(c->users_refused, 0);
        ck_assert_uint_eq(c->addresses_given, side == B);
    }
}

START_TEST(a_user_is_known_and_has_an_address)
{
    for (unsigned i = 0; i < 4; i++) {
        struct pair p;

        configure(&p, i % 2, modes[i / 2], A);
        pair_establish(&p);
        check_all_up(&p);
        ck_assert_uint_eq(p.timeline_count, messages[i / 2]);
        ck_assert_uint_eq(v1_dropped(&p, A) + v1_dropped(&p, B), 0);
        pair_free(&p);
    }
}
END_TEST

/* Who is called may be the user, too. */
START_TEST(who_calls_asks_who_is_called)
{
    for (unsigned m = 0; m < 2; m++) {
        struct pair p;

        configure(&p, true, modes[m], B);
        pair_establish(&p);
        v1_check_up(&p);
        ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->users_known, 1);
        pair_free(&p);
    }
}
END_TEST

/* ---- each message ---- */

static int next_from(const struct pair *p)
{
    return p->wire_count[A] ? A : B;
}

/* Hand over messages one by one until `n` of them are through; the next one is on the wire. */
static void go_to(struct pair *p, unsigned n)
{
    pair_create(p);
    pair_initiate(p);
    while (n-- > 0)
        (void)hand_over(p, next_from(p));
}

static void begin(struct pair *p, unsigned m, int user, unsigned n)
{
    configure(p, true, modes[m], user);
    go_to(p, n);
}

START_TEST(each_message_is_lost)
{
    for (unsigned m = 0; m < 2; m++)
        for (unsigned n = 0; n < messages[m]; n++) {
            struct pair p;

            begin(&p, m, A, n);
            drop_next(&p, next_from(&p));
            run_until(&p, p.now + 20 * NSEC_PER_S);
            check_all_up(&p);
            pair_free(&p);
        }
}
END_TEST

START_TEST(each_message_to_a_called_user_is_lost)
{
    for (unsigned m = 0; m < 2; m++)
        for (unsigned n = 0; n < messages[m] - 2; n++) {
            struct pair p;

            begin(&p, m, B, n);
            drop_next(&p, next_from(&p));
            run_until(&p, p.now + 20 * NSEC_PER_S);
            v1_check_up(&p);
            pair_free(&p);
        }
}
END_TEST

START_TEST(each_message_is_doubled)
{
    for (unsigned m = 0; m < 2; m++)
        for (unsigned n = 0; n < messages[m]; n++) {
            struct pair p;

            begin(&p, m, A, n);
            (void)duplicate_next(&p, next_from(&p));
            settle(&p);
            check_all_up(&p);
            pair_free(&p);
        }
}
END_TEST

START_TEST(each_message_comes_late)
{
    for (unsigned m = 0; m < 2; m++)
        for (unsigned n = 0; n < messages[m]; n++) {
            struct wire_message late;
            struct pair p;
            int from;

            begin(&p, m, A, n);
            from = next_from(&p);
            late = p.wire[from][0];
            settle(&p);
            for (int i = 0; i < 2; i++) {
                struct wire_message copy = late;

                (void)deliver(&p, from, &copy);
                settle(&p);
                check_all_up(&p);
                p.now += i == 0 ? NSEC_PER_S : 600 * NSEC_PER_S;
                expire(&p);
            }
            pair_free(&p);
        }
}
END_TEST

/* A copy with one octet changed comes first; behind phase 1 it changes nothing. HASH does not cover
 * padding, and only a real cipher spoils what is before it in the same block. */
START_TEST(each_message_is_tampered_with)
{
    for (unsigned m = 0; m < 2; m++)
        for (unsigned n = messages[m] - 9; n < messages[m]; n++)
            for (size_t at = 0;; at += 5) {
                struct wire_message copy;
                struct pair p;
                int from;

                configure(&p, false, modes[m], A);
                go_to(&p, n);
                from = next_from(&p);
                if (at >= p.wire[from][0].dgram.len) {
                    pair_free(&p);
                    break;
                }
                copy = p.wire[from][0];
                copy.data[at] ^= 0x40;
                (void)deliver(&p, from, &copy);
                settle(&p);
                run_until(&p, p.now + 20 * NSEC_PER_S);
                check_all_up(&p);
                pair_free(&p);
            }
}
END_TEST

/* ---- who is refused ---- */

static void check_refused(struct pair *p)
{
    for (int side = 0; side < 2; side++) {
        const struct ike_event *failed = last_event(p, side, EVENT_IKE_FAILED);

        ck_assert_ptr_nonnull(failed);
        ck_assert_int_eq(failed->reason, REASON_USER_REFUSED);
        ck_assert(!last_event(p, side, EVENT_IKE_UP));
        ck_assert(!last_event(p, side, EVENT_CHILD_UP));
        ck_assert_uint_eq(ike_endpoint_counters(p->end[side])->users_refused, 1);
        ck_assert_uint_eq(ike_endpoint_counters(p->end[side])->half_open, 0);
    }
}

START_TEST(a_wrong_password_is_refused)
{
    for (unsigned i = 0; i < 8; i++) {
        struct pair p;

        configure(&p, true, modes[i % 2], A);
        if (i / 2 % 2)
            own.name = bytes_text("mallory");
        else
            own.password = bytes_text("guess");
        p.config[B].xauth.tries = i / 4 ? 3 : 1;
        pair_create(&p);
        pair_initiate(&p);
        settle(&p);
        check_refused(&p);
        run_until(&p, p.now + 600 * NSEC_PER_S);
        ck_assert_uint_eq(ike_count(&p, A) + ike_count(&p, B), 0);
        pair_free(&p);
    }
}
END_TEST

/* However the verdict, its ACK or the Delete is lost, nothing stays. */
START_TEST(each_message_of_a_refusal_is_lost)
{
    for (unsigned m = 0; m < 2; m++)
        for (unsigned n = messages[m] - 9; n < messages[m] - 4; n++) {
            struct pair p;

            configure(&p, true, modes[m], A);
            own.password = bytes_text("guess");
            pair_create(&p);
            pair_initiate(&p);
            for (unsigned i = 0; i < n && (p.wire_count[A] || p.wire_count[B]); i++)
                (void)hand_over(&p, next_from(&p));
            if (p.wire_count[A] || p.wire_count[B])
                drop_next(&p, next_from(&p));
            run_until(&p, p.now + 600 * NSEC_PER_S);
            check_refused(&p);
            ck_assert_uint_eq(ike_count(&p, A) + ike_count(&p, B), 0);
            pair_free(&p);
        }
}
END_TEST

/* draft-beaulieu-ike-xauth-02 section 6: a child SA has to wait for the user. */
START_TEST(nothing_else_goes_on_before_the_user_is_known)
{
    for (unsigned m = 0; m < 2; m++) {
        struct ike_sa_info info;
        struct pair p;

        begin(&p, m, A, messages[m] - 9);
        drop_next(&p, B); /* the question */
        for (int side = 0; side < 2; side++) {
            struct sa_ref ike = ike_endpoint_next_ike(p.end[side], SA_NONE);

            ck_assert(ike_endpoint_ike_info(p.end[side], ike, &info));
            ck_assert(!info.established);
            ck_assert_int_eq(info.state, STATE_V1_XAUTH);
            ck_assert_int_eq(ike_endpoint_new_child(p.end[side], p.now, ike), ERR_STATE);
        }
        ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->half_open, 1);
        pair_free(&p);
    }
}
END_TEST

/* Nobody asks, nobody answers: the limit of half-open IKE SAs is for these, too. */
START_TEST(who_waits_for_a_user_does_not_wait_for_ever)
{
    for (unsigned m = 0; m < 2; m++)
        for (int side = 0; side < 2; side++) {
            struct pair p;

            begin(&p, m, A, messages[m] - 9);
            for (int i = 0; i < 400; i++) { /* `side` hears nothing more */
                while (p.wire_count[1 - side])
                    drop_next(&p, 1 - side);
                while (p.wire_count[side])
                    drop_next(&p, side);
                p.now += NSEC_PER_S;
                expire(&p);
            }
            ck_assert_ptr_nonnull(last_event(&p, side, EVENT_IKE_FAILED));
            ck_assert_int_eq(last_event(&p, side, EVENT_IKE_FAILED)->reason, REASON_TIMEOUT);
            ck_assert_uint_eq(ike_count(&p, side), 0);
            pair_free(&p);
        }
}
END_TEST

/* ---- addresses ---- */

static void configure_push(struct pair *p, enum phase1_mode mode, bool asks)
{
    configure(p, true, mode, A);
    p->config[A].inside.ask = asks;
    p->config[B].inside.push = true;
    p->config[B].inside.netmask = ip_addr_v4(0xffffff00);
    p->config[B].inside.dns = ip_addr_v4(0x0a630035);
}

static void check_given(struct pair *p)
{
    for (int side = 0; side < 2; side++) {
        const struct inside_config *c = &p->config[B].inside;
        struct ike_sa_info info;

        ck_assert(ike_endpoint_ike_info(p->end[side], the_ike(p, side), &info));
        ck_assert(ip_addr_equal(&info.inside_netmask, &c->netmask));
        ck_assert(ip_addr_equal(&info.inside_dns, &c->dns));
    }
    check_all_up(p);
}

/* draft-dukes-ike-mode-cfg-02 section 2: SET. Who asks as well gets the same. */
START_TEST(an_address_is_given_unasked)
{
    for (unsigned i = 0; i < 4; i++)
        for (unsigned n = 0; n < messages[i % 2]; n++) {
            struct pair p;

            configure_push(&p, modes[i % 2], i / 2);
            go_to(&p, n);
            drop_next(&p, next_from(&p));
            run_until(&p, p.now + 20 * NSEC_PER_S);
            check_given(&p);
            pair_free(&p);
        }
}
END_TEST

START_TEST(nothing_is_left_to_be_given_unasked)
{
    struct pair p;

    configure_push(&p, PHASE1_MAIN, false);
    p.config[B].inside.pool.length = 31;
    pair_create(&p);
    pair_initiate(&p);
    settle(&p);
    ck_assert_int_eq(last_event(&p, B, EVENT_IKE_DOWN)->reason, REASON_NO_ADDRESS);
    ck_assert_int_eq(last_event(&p, A, EVENT_IKE_DOWN)->reason, REASON_DELETED_BY_PEER);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->addresses_short, 1);
    pair_free(&p);
}
END_TEST

START_TEST(a_pool_that_is_empty)
{
    for (unsigned i = 0; i < 4; i++) {
        struct pair p;

        configure(&p, true, modes[i % 2], A);
        if (i / 2)
            p.config[B].inside.pool.length = 31; /* nothing is left of it */
        else
            p.config[B].inside.pool.addr.family = 0;
        pair_create(&p);
        pair_initiate(&p);
        settle(&p);
        ck_assert(!last_event(&p, A, EVENT_CHILD_UP));
        ck_assert_int_eq(last_event(&p, A, EVENT_IKE_DOWN)->reason, REASON_NO_ADDRESS);
        ck_assert_int_eq(last_event(&p, B, EVENT_IKE_DOWN)->reason, REASON_DELETED_BY_PEER);
        ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->addresses_short, 1);
        pair_free(&p);
    }
}
END_TEST

/* An address goes back with its IKE SA: a pool of two serves any number of them. */
START_TEST(addresses_go_back_to_the_pool)
{
    struct pair p;

    configure(&p, true, PHASE1_MAIN, A);
    p.config[B].inside.pool.length = 30;
    pair_create(&p);
    for (int i = 0; i < 5; i++) {
        pair_initiate(&p);
        settle(&p);
        ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_UP), i + 1u);
        ck_assert_int_eq(ike_endpoint_terminate(p.end[A], p.now, the_ike(&p, A)), OK);
        run_until(&p, p.now + 600 * NSEC_PER_S);
    }
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->addresses_given, 5);
    pair_free(&p);
}
END_TEST

/* Phase 1 is made anew, and the user keeps address and child SA. */
START_TEST(an_address_outlives_phase_1)
{
    struct ip_addr first = ip_addr_v4(0x0a630001), at;
    struct pair p;

    configure(&p, true, PHASE1_MAIN, A);
    pair_establish(&p);
    ck_assert_int_eq(ike_endpoint_rekey_ike(p.end[A], p.now, the_ike(&p, A)), OK);
    run_until(&p, p.now + 60 * NSEC_PER_S);
    v1_check_up(&p);
    for (int side = 0; side < 2; side++) {
        at = inside_of(&p, side);
        ck_assert(ip_addr_equal(&at, &first));
        ck_assert_uint_eq(events_of(&p, side, EVENT_IKE_UP), 2);
        ck_assert_uint_eq(events_of(&p, side, EVENT_CHILD_UP), 1);
    }
    pair_free(&p);
}
END_TEST

/* With `select` the child SA is for the address, and for no other. */
START_TEST(the_address_is_the_selector)
{
    for (int honest = 0; honest < 2; honest++) {
        struct pair p;

        configure(&p, true, PHASE1_MAIN, A);
        p.config[A].inside.select = honest;
        p.config[B].inside.select = true;
        for (int side = 0; side < 2; side++) {
            p.config[side].child.local[0] = selector_any(4);
            p.config[side].child.remote[0] = selector_any(4);
        }
        pair_create(&p);
        pair_initiate(&p);
        settle(&p);
        ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_UP), (unsigned)honest);
        ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_FAILED), (unsigned)!honest);
        if (honest)
            check_agreement(&p);
        pair_free(&p);
    }
}
END_TEST

/* A user that goes before it is known has no identity, and nobody inherits from it. */
START_TEST(a_user_goes_before_it_is_known)
{
    struct pair p;

    configure(&p, true, PHASE1_MAIN, A);
    pair_create(&p);
    for (int i = 0; i < 3; i++) {
        struct ike_sa *sa;

        pair_initiate(&p);
        for (int n = 0; n < 6; n++)
            (void)hand_over(&p, next_from(&p));
        sa = ike_sa_at(p.end[A], p.ike.handle);
        ck_assert_int_eq(sa->state, STATE_V1_XAUTH);
        p.wire_count[B] = 0;
        v1_close(p.end[A], p.now, sa, REASON_DELETED, true);
        pull(&p);
        settle(&p);
        run_until(&p, p.now + 100 * NSEC_PER_S);
        ck_assert_uint_eq(ike_count(&p, B), 0);
        ck_assert_int_eq(last_event(&p, B, EVENT_IKE_FAILED)->reason, REASON_DELETED_BY_PEER);
    }
    pair_initiate(&p);
    settle(&p);
    v1_check_up(&p);
    pair_free(&p);
}
END_TEST

/* The secret of a group is no way in with the version that asks for no user. */
START_TEST(version_2_is_no_way_around)
{
    struct pair p;

    configure(&p, true, PHASE1_MAIN, A);
    p.config[A].version = IKE_V2;
    pair_establish(&p);
    ck_assert_uint_eq(ike_count(&p, B), 0);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->dropped[IKE_DROP_VERSION], 1);
    pair_free(&p);
}
END_TEST

/* Who gives addresses from a pool takes none, also when the pool is empty. */
START_TEST(nobody_chooses_an_address)
{
    const struct v1_internal wish = {.address = ip_addr_v4(0x0a630001)};
    const struct xauth_config none = {0};
    struct v1_access access;
    struct ip_addr inside;
    struct wire_message m = {0};
    struct bytes message;
    struct handle h;
    struct pair p;

    v1_pair_init(&p, true, PHASE1_MAIN);
    p.config[B].inside.pool = (struct ip_prefix){.addr = ip_addr_v4(0x0a630000), .length = 24};
    pair_establish(&p);
    while (pool_take(&p.end[B]->store->v1->leases, &h)) /* others have them all */
        ;
    v1_access_init(
        &access, &(struct v1_access_env){
                     .sa = v1_sa_established(p.end[A], ike_sa_at(p.end[A], the_ike(&p, A).handle)),
                     .xauth = &none,
                     .internal = &wish});
    ck_assert_ok(v1_access_give(&access, 0x4711, (struct buf){m.data, 0, sizeof m.data}, &message));
    m.dgram = (struct ike_dgram){.local = pair_address(&p, B, 500),
                                 .remote = pair_address(&p, A, 500),
                                 .protocol = 17,
                                 .len = message.len};
    ck_assert_ok(deliver(&p, A, &m));
    inside = inside_of(&p, B);
    ck_assert_uint_eq(inside.family, 0);
    pair_free(&p);
}
END_TEST

static struct ike_sa *of_cookie(const struct pair *p, int side, uint64_t spi_i)
{
    struct sa_ref r = ike_endpoint_next_ike(p->end[side], SA_NONE);

    while (!sa_none(r) && ike_sa_at(p->end[side], r.handle)->spi_i != spi_i)
        r = ike_endpoint_next_ike(p->end[side], r);
    ck_assert(!sa_none(r));
    return ike_sa_at(p->end[side], r.handle);
}

/* A user with two IKE SAs has two addresses. When the first goes, its address goes back to the pool
 * and takes the child SA along that is for it. */
START_TEST(an_address_that_goes_back_has_no_child_sa)
{
    struct ike_sa *first, *second, *own_first;
    struct pair p;

    configure(&p, true, PHASE1_MAIN, A);
    for (int side = 0; side < 2; side++) {
        p.config[side].inside.select = true;
        p.config[side].child.local[0] = selector_any(4);
        p.config[side].child.remote[0] = selector_any(4);
    }
    pair_establish(&p);
    first = ike_sa_at(p.end[B], the_ike(&p, B).handle);
    pair_initiate(&p); /* another one of the same user takes over */
    settle(&p);
    second = of_cookie(&p, B, ike_sa_at(p.end[A], p.ike.handle)->spi_i);
    own_first = of_cookie(&p, A, first->spi_i);
    v1_user_of(p.end[A], own_first)->address_due = true;
    v1_user_of(p.end[A], own_first)->access.configured = false;
    v1_next(p.end[A], p.now, own_first);
    pull(&p);
    settle(&p);
    ck_assert_ok(ike_endpoint_new_child(p.end[A], p.now, ike_sa_ref(p.end[A], own_first)));
    pull(&p);
    settle(&p);
    ck_assert_uint_eq(first->child_count, 1);
    ck_assert(v1_leases_differ(p.end[B], first, second));
    v1_close(p.end[A], p.now, own_first, REASON_DELETED, true);
    pull(&p);
    ck_assert_uint_eq(p.wire_count[A], 2);
    drop_next(&p, A); /* the Delete of its child SA */
    settle(&p);
    ck_assert_int_eq(first->state, STATE_CLOSED);
    ck_assert_uint_eq(p.end[B]->store->v1->leases.taken, 1);
    ck_assert_uint_eq(second->child_count, 2);
    pair_free(&p);
}
END_TEST

/* ---- again, from elsewhere, and forged ---- */

static struct ike_sa *sa_at(const struct pair *p, int side)
{
    return ike_sa_at(p->end[side], the_ike(p, side).handle);
}

/* Whatever comes again says neither where the user is nor that it lives. */
START_TEST(what_comes_again_moves_nobody)
{
    for (unsigned n = 9; n < 14; n++) { /* of the user's: REPLY, ACK, REQUEST */
        struct wire_message again;
        struct ip_endpoint at, now;
        struct pair p;
        nsec heard;

        configure(&p, true, PHASE1_MAIN, A);
        p.nat = true;
        go_to(&p, n);
        if (next_from(&p) != A) {
            pair_free(&p);
            continue;
        }
        again = p.wire[A][0];
        settle(&p);
        check_all_up(&p);
        at = ike_sa_remote(p.end[B], sa_at(&p, B));
        heard = sa_at(&p, B)->last_heard;
        for (int later = 0; later < 2; later++) {
            uint64_t counted =
                v1_dropped(&p, B) + ike_endpoint_counters(p.end[B])->responses_repeated;
            struct wire_message copy = again;

            p.now += later ? 600 * NSEC_PER_S : NSEC_PER_S;
            expire(&p);
            copy.dgram.remote = (struct ip_endpoint){ip_addr_v4(0xc0a8ffee), 6666};
            (void)deliver(&p, A, &copy);
            now = ike_sa_remote(p.end[B], sa_at(&p, B));
            ck_assert(ip_endpoint_equal(&now, &at));
            ck_assert_uint_eq(sa_at(&p, B)->last_heard, heard);
            ck_assert_uint_eq(v1_dropped(&p, B) +
                                  ike_endpoint_counters(p.end[B])->responses_repeated,
                              counted + 1);
        }
        ck_assert_uint_eq(events_of(&p, B, EVENT_PEER_MOVED), 0);
        pair_free(&p);
    }
}
END_TEST

/* One that could be the user's question for an address, before that is asked for. */
START_TEST(a_forged_question_takes_nothing)
{
    struct wire_message forged;
    uint64_t drawn;
    struct pair p;

    configure(&p, true, PHASE1_MAIN, A);
    p.config[A].inside.ask = false;
    pair_create(&p);
    pair_initiate(&p);
    for (unsigned n = 0; n < 9; n++) /* SET is there, and ACK on its way */
        (void)hand_over(&p, next_from(&p));
    forged = p.wire[A][0];
    settle(&p);
    v1_check_up(&p);
    ck_assert_uint_eq(p.end[B]->store->v1->leases.taken_peak, 0);
    store_be32(forged.data + 20, 0x12345678); /* another message ID */
    drawn = p.end[B]->drawn[STREAM_NONCE];
    ck_assert_int_ne(deliver(&p, A, &forged), OK);
    ck_assert_uint_eq(p.end[B]->drawn[STREAM_NONCE], drawn);
    ck_assert_uint_eq(p.end[B]->store->v1->leases.taken_peak, 0);
    ck_assert_uint_eq(v1_dropped(&p, B), 1);
    pair_free(&p);
}
END_TEST

/* ---- what decides what is done next ---- */

static uint64_t print_of(const struct pair *p)
{
    return ike_endpoint_fingerprint(p->end[A], p->now) ^ ike_endpoint_fingerprint(p->end[B], p->now)
                                                             << 1;
}

/* Changes one field for a moment. */
#define CHECK_DECIDES(field, other)                                                                \
    do {                                                                                           \
        uint64_t before = print_of(&p);                                                            \
        __typeof__(field) saved = (field);                                                         \
                                                                                                   \
        (field) = (other);                                                                         \
        ck_assert_msg(print_of(&p) != before, #field);                                             \
        (field) = saved;                                                                           \
        ck_assert_uint_eq(print_of(&p), before);                                                   \
    } while (0)

START_TEST(who_the_user_is_is_in_the_fingerprint)
{
    struct v1_user *u;
    struct v1_sa *one;
    struct pair p;

    configure(&p, true, PHASE1_MAIN, A);
    go_to(&p, 8); /* REPLY is taken */
    u = v1_user_of(p.end[B], sa_at(&p, B));
    one = v1_sa_of(p.end[B], sa_at(&p, B));
    ck_assert_ptr_nonnull(u->access.user);
    CHECK_DECIDES(u->access.user, NULL);
    CHECK_DECIDES(u->access.user, u->access.user == everybody ? everybody + 1 : everybody);
    CHECK_DECIDES(u->met.identity, u->met.identity + 1);
    CHECK_DECIDES(u->met.life_s, 77);
    CHECK_DECIDES(u->met.initial_contact, !u->met.initial_contact);
    CHECK_DECIDES(u->internal.address, ip_addr_v4(1));
    CHECK_DECIDES(u->internal.dns_count, 1);
    CHECK_DECIDES(u->access.internal.netmask, ip_addr_v4(1));
    CHECK_DECIDES(u->access.ours.type, V1_CONFIG_ACK);
    CHECK_DECIDES(u->access.theirs.identifier, 77);
    CHECK_DECIDES(u->access.seen_count, u->access.seen_count + 1);
    CHECK_DECIDES(one->used_count, 1);
    CHECK_DECIDES(one->heard, true);
    CHECK_DECIDES(one->asked_first, 77);
    pair_free(&p);
}
END_TEST

START_TEST(what_phase_1_has_said_is_in_the_fingerprint)
{
    struct v1_phase1 *phase1;
    struct pair p;

    configure(&p, true, PHASE1_MAIN, A);
    go_to(&p, 3);
    phase1 = v1_sa_phase1(p.end[A], ike_sa_at(p.end[A], p.ike.handle));
    CHECK_DECIDES(phase1->certs_asked, true);
    CHECK_DECIDES(phase1->suite.auth, v1_auth_of(V1_AUTH_RSA));
    pair_free(&p);
}
END_TEST

SUITE("ikev1_xauth", a_user_is_known_and_has_an_address, who_calls_asks_who_is_called,
      each_message_is_lost, each_message_to_a_called_user_is_lost, each_message_is_doubled,
      each_message_comes_late, each_message_is_tampered_with, a_wrong_password_is_refused,
      each_message_of_a_refusal_is_lost, nothing_else_goes_on_before_the_user_is_known,
      an_address_is_given_unasked, nothing_is_left_to_be_given_unasked,
      who_waits_for_a_user_does_not_wait_for_ever, a_pool_that_is_empty,
      addresses_go_back_to_the_pool, an_address_outlives_phase_1, the_address_is_the_selector,
      a_user_goes_before_it_is_known, version_2_is_no_way_around, nobody_chooses_an_address,
      an_address_that_goes_back_has_no_child_sa, what_comes_again_moves_nobody,
      a_forged_question_takes_nothing, who_the_user_is_is_in_the_fingerprint,
      what_phase_1_has_said_is_in_the_fingerprint)
