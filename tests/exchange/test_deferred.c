/*
 * Work that has to wait for the window, for a rekey or for a better moment: it is neither lost nor
 * done twice. Limits that are reached are told, and are over when there is room again.
 * RFC 7296 §1.4.1, §2.1, §2.2, §2.3, §2.8, §2.18, §2.23, §2.25.
 */
#include "pair.h"
#include "proto/core/internal.h"

static void establish(struct pair *p)
{
    pair_init(p, true);
    for (int side = 0; side < 2; side++)
        pair_propose(&p->config[side], "aes256gcm16-prfsha256-x25519",
                     "aes256gcm16-x25519,aes128gcm16-ecp256");
    pair_establish(p);
    check_agreement(p);
}

static struct ike_sa *inside(const struct pair *p, int side)
{
    return ike_sa_at(p->end[side], the_ike(p, side).handle);
}

static uint64_t dropped(const struct pair *p, int side, enum ike_drop why)
{
    return ike_endpoint_counters(p->end[side])->dropped[why];
}

/* ---- the IKE SA is replaced while something waits ---- */

START_TEST(terminate_during_our_own_rekey_ends_the_new_sa_too)
{
    struct pair p;

    establish(&p);
    ck_assert_ok(ike_endpoint_rekey_ike(p.end[A], p.now, the_ike(&p, A)));
    ck_assert_ok(ike_endpoint_terminate(p.end[A], p.now, the_ike(&p, A)));
    run_until(&p, p.now + 20 * NSEC_PER_S);
    ck_assert_uint_eq(ike_count(&p, A) + ike_count(&p, B), 0);
    ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_DOWN), 2); /* the old one and the new one */
    pair_free(&p);
}
END_TEST

/* B waits for the answer to a liveness check while A rekeys the IKE SA. */
static void peer_rekeys_while(struct pair *p, struct wire_message *probe)
{
    ck_assert_ok(ike_endpoint_probe(p->end[B], p->now, the_ike(p, B)));
    pull(p);
    *probe = hold_next(p, B);
}

static void go_on(struct pair *p, struct wire_message *probe)
{
    ck_assert_ok(ike_endpoint_rekey_ike(p->end[A], p->now, the_ike(p, A)));
    settle(p);
    (void)deliver(p, B, probe);
    run_until(p, p->now + 20 * NSEC_PER_S);
}

START_TEST(what_waits_goes_on_under_the_peers_new_ike_sa)
{
    for (int what = 0; what < 4; what++) {
        struct wire_message probe;
        struct pair p;

        establish(&p);
        peer_rekeys_while(&p, &probe);
        if (what == 0)
            ck_assert_ok(ike_endpoint_rekey_child(p.end[B], p.now, the_child(&p, B)));
        else if (what == 1)
            ck_assert_ok(ike_endpoint_delete_child(p.end[B], p.now, the_child(&p, B)));
        else if (what == 2)
            ck_assert_ok(ike_endpoint_new_child(p.end[B], p.now, the_ike(&p, B)));
        else
            ck_assert_ok(ike_endpoint_terminate(p.end[B], p.now, the_ike(&p, B)));
        go_on(&p, &probe);
        ck_assert_uint_eq(events_of(&p, B, EVENT_CHILD_REKEYED), what == 0);
        for (int side = 0; side < 2; side++) {
            ck_assert_uint_eq(child_count(&p, side), what == 0 ? 1 : what == 2 ? 2 : 0);
            ck_assert_uint_eq(ike_count(&p, side), what != 3);
        }
        pair_free(&p);
    }
}
END_TEST

/* Each child that was asked for is made, also where the IKE SA is rekeyed under their feet. */
START_TEST(children_asked_for_at_once_are_all_made)
{
    for (int crossing = 0; crossing < 3; crossing++)
        for (int from = 0; from < 2; from++) {
            struct wire_message probe;
            struct pair p;

            establish(&p);
            if (crossing == 2)
                peer_rekeys_while(&p, &probe);
            for (int i = 0; i < 3; i++)
                ck_assert_ok(ike_endpoint_new_child(p.end[from], p.now, the_ike(&p, from)));
            if (crossing == 1)
                ck_assert_ok(ike_endpoint_rekey_ike(p.end[1 - from], p.now, the_ike(&p, 1 - from)));
            if (crossing == 2)
                go_on(&p, &probe);
            run_until(&p, p.now + 20 * NSEC_PER_S);
            for (int side = 0; side < 2; side++) {
                ck_assert_uint_eq(child_count(&p, side), 4);
                ck_assert_uint_eq(ike_count(&p, side), 1);
            }
            ck_assert_uint_eq(inside(&p, from)->new_wishes, 0);
            check_traffic(&p);
            pair_free(&p);
        }
}
END_TEST

/* ---- refused rekeys ---- */

/* B refuses until `later`; then it agrees. The SA must have been replaced before its end. */
static void refused_for_a_while(bool ike)
{
    struct ike_config keep;
    struct pair p;
    struct bytes bad;

    establish(&p);
    keep = p.config[B];
    p.config[B].proposal_count = p.config[B].child.proposal_count = 1;
    ck_assert_ok(proposal_parse(bytes_text("aes192-sha512-modp2048"), true,
                                &p.config[B].proposals[0], &bad));
    ck_assert_ok(
        proposal_parse(bytes_text("aes192-sha512"), false, &p.config[B].child.proposals[0], &bad));
    if (ike)
        ck_assert_ok(ike_endpoint_rekey_ike(p.end[A], p.now, the_ike(&p, A)));
    else
        ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, the_child(&p, A)));
    run_until(&p, p.now + 5 * NSEC_PER_S);
    ck_assert_uint_ge(dropped(&p, B, IKE_DROP_PROPOSAL), 1);
    ck_assert_uint_le(dropped(&p, B, IKE_DROP_PROPOSAL), 2); /* not in a busy loop */
    check_agreement(&p);
    check_traffic(&p);
    p.config[B] = keep;
    run_until(&p, p.now + 60 * NSEC_PER_S);
    ck_assert_uint_eq(events_of(&p, A, ike ? EVENT_IKE_REKEYED : EVENT_CHILD_REKEYED), 1);
    check_agreement(&p);
    check_traffic(&p);
    pair_free(&p);
}

START_TEST(a_refused_rekey_is_tried_again)
{
    refused_for_a_while(false);
    refused_for_a_while(true);
}
END_TEST

START_TEST(a_rekey_refused_for_good_ends_with_a_word)
{
    struct pair p;
    struct bytes bad;

    pair_init(&p, true);
    p.config[A].child.lifetime =
        (struct lifetime_config){.rekey_time = 60 * NSEC_PER_S, .hard_time = 180 * NSEC_PER_S};
    pair_establish(&p);
    ck_assert_ok(
        proposal_parse(bytes_text("aes192-sha512"), false, &p.config[B].child.proposals[0], &bad));
    run_until(&p, p.now + 179 * NSEC_PER_S);
    ck_assert_uint_ge(events_of(&p, A, EVENT_CHILD_FAILED), 3);
    ck_assert_uint_le(events_of(&p, A, EVENT_CHILD_FAILED), 15);
    check_traffic(&p);
    run_until(&p, p.now + 10 * NSEC_PER_S);
    ck_assert_uint_eq(last_event(&p, A, EVENT_CHILD_DOWN)->reason, REASON_EXPIRED);
    ck_assert_uint_eq(child_count(&p, A) + child_count(&p, B), 0);
    pair_free(&p);
}
END_TEST

/* ---- messages that come too early or twice ---- */

/* B ends the SA at once; its Delete overtakes its answer to IKE_AUTH. */
START_TEST(a_delete_that_overtakes_the_auth_response)
{
    struct wire_message auth, del;
    struct pair p;

    pair_init(&p, true);
    pair_create(&p);
    pair_initiate(&p);
    ck_assert_ok(hand_over(&p, A));
    ck_assert_ok(hand_over(&p, B));
    ck_assert_ok(hand_over(&p, A));
    auth = hold_next(&p, B);
    ck_assert_ok(ike_endpoint_terminate(p.end[B], p.now, the_ike(&p, B)));
    pull(&p);
    del = hold_next(&p, B);
    (void)deliver(&p, B, &del);
    ck_assert_uint_eq(p.wire_count[A], 0); /* it must ask again when we know who it is */
    ck_assert_uint_ge(dropped(&p, A, IKE_DROP_UNEXPECTED), 1);
    (void)deliver(&p, B, &auth);
    run_until(&p, p.now + 60 * NSEC_PER_S);
    ck_assert_uint_eq(ike_count(&p, A) + ike_count(&p, B), 0);
    ck_assert_uint_eq(last_event(&p, A, EVENT_IKE_DOWN)->reason, REASON_DELETED_BY_PEER);
    pair_free(&p);
}
END_TEST

START_TEST(responses_that_nobody_waits_for_are_counted)
{
    struct pair p;

    establish(&p);
    ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
    pull(&p);
    ck_assert_ok(hand_over(&p, A));
    ck_assert_int_eq(duplicate_next(&p, B), ERR_MESSAGE_ID);
    ck_assert_uint_eq(dropped(&p, A, IKE_DROP_MESSAGE_ID), 1);
    pair_free(&p);
}
END_TEST

/* An authentic peer that rekeys the same child twice while our own rekey of it is under way. */
START_TEST(a_second_rival_is_put_off)
{
    struct wire_message ours;
    struct child_sa *old;
    struct pair p;
    unsigned before;

    establish(&p);
    before = child_count(&p, A);
    ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, the_child(&p, A)));
    pull(&p);
    ours = hold_next(&p, A);
    ck_assert_ok(ike_endpoint_rekey_child(p.end[B], p.now, the_child(&p, B)));
    old = child_sa_at(p.end[B], the_child(&p, B).handle);
    pull(&p);
    ck_assert_ok(hand_over(&p, B));
    ck_assert_ok(hand_over(&p, A)); /* B is done with it, and its Delete is on the wire */
    drop_next(&p, B);
    inside(&p, B)->in_flight = KIND_NONE;
    old->state = CHILD_CURRENT;
    old->successor = HANDLE_NONE;
    inside(&p, B)->request_id = inside(&p, A)->expected_id;
    ck_assert_ok(
        ike_endpoint_rekey_child(p.end[B], p.now, (struct sa_ref){child_sa_handle(p.end[B], old)}));
    pull(&p);
    ck_assert_int_eq(hand_over(&p, B), ERR_STATE);
    ck_assert_uint_eq(child_count(&p, A), before + 1);
    (void)deliver(&p, A, &ours);
    run_until(&p, p.now + 30 * NSEC_PER_S);
    (void)ike_endpoint_terminate(p.end[A], p.now, the_ike(&p, A));
    run_until(&p, p.now + 400 * NSEC_PER_S);
    ck_assert_uint_eq(ike_endpoint_memory(p.end[A]), 0);
    pair_free(&p);
}
END_TEST

/* The hard lifetime ends while our Delete is out: one Delete is enough. */
START_TEST(a_child_is_deleted_once)
{
    struct pair p;
    uint64_t executed;

    pair_init(&p, true);
    p.config[A].child.lifetime = (struct lifetime_config){.hard_time = 10 * NSEC_PER_S};
    pair_establish(&p);
    ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, the_child(&p, A)));
    pull(&p);
    ck_assert_ok(hand_over(&p, A));
    p.config[A].child.lifetime.hard_time = 0;
    ck_assert_ok(hand_over(&p, B));
    executed = ike_endpoint_counters(p.end[B])->requests_executed;
    while (p.now < 12 * NSEC_PER_S) { /* Deletes are lost until the old SA is past its time */
        while (p.wire_count[A])
            drop_next(&p, A);
        p.now = next_deadline(&p);
        expire(&p);
    }
    run_until(&p, p.now + 60 * NSEC_PER_S);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->requests_executed, executed + 1);
    check_agreement(&p);
    check_traffic(&p);
    pair_free(&p);
}
END_TEST

/* What we cannot use the peer has installed all the same: it must hear of it. */
START_TEST(an_unusable_first_child_is_deleted_at_the_peer)
{
    struct pair p;

    pair_init(&p, true);
    pair_create(&p);
    pair_initiate(&p);
    ck_assert_ok(hand_over(&p, A));
    ck_assert_ok(hand_over(&p, B));
    ck_assert_ok(hand_over(&p, A));
    p.config[A].child.remote[0].last = p.config[A].child.remote[0].first;
    settle(&p);
    ck_assert_uint_eq(ike_count(&p, A) + ike_count(&p, B), 2);
    ck_assert_uint_eq(last_event(&p, A, EVENT_CHILD_FAILED)->reason, REASON_TS_UNACCEPTABLE);
    ck_assert_uint_eq(child_count(&p, A) + child_count(&p, B), 0);
    pair_free(&p);
}
END_TEST

/* ---- message IDs (§2.2) ---- */

static void jump_to(struct pair *p, uint32_t a, uint32_t b)
{
    inside(p, A)->request_id = inside(p, B)->expected_id = a;
    inside(p, B)->request_id = inside(p, A)->expected_id = b;
}

START_TEST(message_ids_are_renewed_in_time)
{
    for (int asking = 0; asking < 2; asking++) {
        struct pair p;

        establish(&p);
        jump_to(&p, asking ? 5 : 0xfffeffff, asking ? 0xfffeffff : 5);
        for (int i = 0; i < 3; i++) {
            ck_assert_ok(ike_endpoint_probe(p.end[asking], p.now, the_ike(&p, asking)));
            run_until(&p, p.now + 12 * NSEC_PER_S);
        }
        for (int side = 0; side < 2; side++) {
            ck_assert_uint_eq(ike_count(&p, side), 1);
            ck_assert_uint_lt(inside(&p, side)->request_id, 20);
            ck_assert_uint_lt(inside(&p, side)->expected_id, 20);
        }
        check_agreement(&p);
        check_traffic(&p);
        pair_free(&p);
    }
}
END_TEST

START_TEST(message_ids_never_wrap)
{
    for (int asking = 0; asking < 2; asking++) {
        struct pair p;

        establish(&p);
        jump_to(&p, asking ? 5 : UINT32_MAX - 1, asking ? UINT32_MAX - 1 : 5);
        for (int i = 0; i < 3; i++)
            if (ike_count(&p, asking)) {
                (void)ike_endpoint_probe(p.end[asking], p.now, the_ike(&p, asking));
                run_until(&p, p.now + 20 * NSEC_PER_S);
            }
        for (int side = 0; side < 2; side++) {
            ck_assert_uint_eq(ike_count(&p, side), 0);
            ck_assert_uint_eq(child_count(&p, side), 0);
            ck_assert_uint_eq(events_of(&p, side, EVENT_IKE_DOWN), 1);
        }
        pair_free(&p);
    }
}
END_TEST

/* ---- limits ---- */

START_TEST(full_of_ike_sas_and_room_again)
{
    struct ike_remote remote;
    struct sa_ref ref;
    struct pair p;

    pair_init(&p, true);
    p.config[A].initial_contact = false;
    pair_create(&p);
    remote =
        (struct ike_remote){.local = pair_address(&p, A, 500), .remote = pair_address(&p, B, 500)};
    for (int i = 0; i < 8; i++) {
        ck_assert_ok(ike_endpoint_initiate(p.end[A], p.now, &remote, &ref));
        settle(&p);
    }
    ck_assert_uint_eq(ike_count(&p, B), 8);
    ck_assert_int_eq(ike_endpoint_initiate(p.end[A], p.now, &remote, &ref), ERR_FULL);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->ike_sas_peak, 8);
    ck_assert_ok(ike_endpoint_terminate(p.end[A], p.now, the_ike(&p, A)));
    settle(&p);
    ck_assert_ok(ike_endpoint_initiate(p.end[A], p.now, &remote, &ref));
    settle(&p);
    ck_assert_uint_eq(ike_count(&p, A), 8);
    ck_assert_uint_eq(ike_count(&p, B), 8);
    pair_free(&p);
}
END_TEST

START_TEST(full_of_children_and_room_again)
{
    struct pair p;
    unsigned full;

    establish(&p);
    for (int i = 0; i < 100 && !events_of(&p, A, EVENT_CHILD_FAILED); i++) {
        ck_assert_ok(ike_endpoint_new_child(p.end[A], p.now, the_ike(&p, A)));
        settle(&p);
    }
    full = child_count(&p, A);
    ck_assert_uint_ge(full, 32);
    ck_assert_uint_eq(child_count(&p, B), full);
    ck_assert(last_event(&p, A, EVENT_CHILD_FAILED)->reason == REASON_LIMIT ||
              last_event(&p, A, EVENT_CHILD_FAILED)->reason == REASON_NO_ADDITIONAL_SAS);
    check_traffic(&p);
    ck_assert_ok(
        ike_endpoint_rekey_child(p.end[A], p.now, ike_endpoint_next_child(p.end[A], SA_NONE)));
    run_until(&p, p.now + 5 * NSEC_PER_S); /* no room for a successor: it waits */
    ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_REKEYED), 0);
    ck_assert_ok(ike_endpoint_delete_child(
        p.end[B], p.now,
        ike_endpoint_next_child(p.end[B], ike_endpoint_next_child(p.end[B], SA_NONE))));
    run_until(&p, p.now + 20 * NSEC_PER_S);
    ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_REKEYED), 1);
    check_traffic(&p);
    pair_free(&p);
}
END_TEST

/* B's pool is full of IKE SAs that A has rekeyed and deleted, and that only repeat their last
 * response: a rekey of its own waits until they go. Found by tests/run/test_storm.py. */
START_TEST(a_rekey_waits_for_room_for_its_ike_sa)
{
    struct pair p;
    unsigned deferred = 0;

    establish(&p);
    for (int i = 0; i < 40 && !deferred; i++) {
        unsigned rekeyed = events_of(&p, B, EVENT_IKE_REKEYED);

        ck_assert_ok(ike_endpoint_rekey_ike(p.end[A], p.now, the_ike(&p, A)));
        settle(&p);
        deferred = events_of(&p, B, EVENT_IKE_REKEYED) == rekeyed;
    }
    ck_assert(deferred);
    p.event_count[A] = p.event_count[B] = 0;
    ck_assert_ok(ike_endpoint_rekey_ike(p.end[B], p.now, the_ike(&p, B)));
    run_until(&p, p.now + 5 * NSEC_PER_S);
    ck_assert_uint_eq(events_of(&p, B, EVENT_IKE_REKEYED), 0);
    ck_assert_uint_eq(events_of(&p, B, EVENT_IKE_DOWN), 0);
    check_traffic(&p);
    run_until(&p, p.now + 60 * NSEC_PER_S);
    ck_assert_uint_ge(events_of(&p, B, EVENT_IKE_REKEYED), 1);
    ck_assert_uint_eq(ike_count(&p, B), 1);
    check_agreement(&p);
    check_traffic(&p);
    pair_free(&p);
}
END_TEST

/* ---- NAT (§2.23) ---- */

/* The NAT forgets its mapping while the gateway waits for an answer. */
START_TEST(a_request_in_flight_follows_the_peer)
{
    struct pair p;

    pair_init(&p, true);
    p.nat = true;
    p.config[B].dpd_delay = 10 * NSEC_PER_S;
    pair_establish(&p);
    p.nat_shift += 11; /* what goes to the old mapping is lost */
    p.now += 10 * NSEC_PER_S;
    expire(&p);
    ck_assert_uint_eq(p.wire_count[B], 1);
    drop_next(&p, B);
    ck_assert_ok(send_packet(&p, A));
    run_until(&p, p.now + 5 * NSEC_PER_S);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->retransmissions, 1);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->requests_executed, 1);
    check_agreement(&p);
    check_traffic(&p);
    pair_free(&p);
}
END_TEST

/* A is a responder behind a NAT that forwards to it; B says it is behind one as well. */
START_TEST(who_is_behind_a_nat_follows_nobody)
{
    struct ike_remote remote;
    struct ike_sa_info a;
    struct wire_message m;
    struct sa_ref ref;
    struct pair p;

    pair_init(&p, true);
    p.nat = true;
    p.nat_shift = 0;
    p.config[B].force_encap = true;
    pair_create(&p);
    remote = (struct ike_remote){.local = pair_address(&p, B, 500),
                                 .remote = {ip_addr_v4(0xc6336463), 500}};
    ck_assert_ok(ike_endpoint_initiate(p.end[B], p.now, &remote, &ref));
    settle(&p);
    check_agreement(&p);
    check_traffic(&p);
    ck_assert(inside(&p, A)->nat_local && inside(&p, A)->nat_remote);
    ck_assert_ok(ike_endpoint_probe(p.end[B], p.now, the_ike(&p, B)));
    pull(&p);
    m = hold_next(&p, B);
    m.dgram.remote.port = 4711;
    ck_assert_ok(deliver(&p, B, &m));
    ck_assert(ike_endpoint_ike_info(p.end[A], the_ike(&p, A), &a));
    ck_assert_uint_eq(a.remote.port, 4500);
    ck_assert_uint_eq(p.wire[A][0].dgram.local.port, 4711); /* but it is answered there: §2.11 */
    pair_free(&p);
}
END_TEST

/* ---- a peer that vanishes, or does not keep to the order ---- */

/* A is gone right after B answered its rekey; B has no liveness checks. Nothing stays (I7). */
START_TEST(a_peer_that_vanishes_in_a_rekey_leaves_nothing)
{
    for (int ike = 0; ike < 2; ike++) {
        struct pair p;

        establish(&p);
        if (ike)
            ck_assert_ok(ike_endpoint_rekey_ike(p.end[A], p.now, the_ike(&p, A)));
        else
            ck_assert_ok(ike_endpoint_rekey_child(p.end[A], p.now, the_child(&p, A)));
        pull(&p);
        ck_assert_ok(hand_over(&p, A));
        ike_endpoint_crash(p.end[A], p.now);
        run_until(&p, p.now + 290 * NSEC_PER_S);
        ck_assert_uint_eq(ike_count(&p, B), 1);
        ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->requests_sent, 0);
        run_until(&p, p.now + 200 * NSEC_PER_S); /* what A should have deleted B deletes itself */
        ck_assert_uint_ge(ike_endpoint_counters(p.end[B])->requests_sent, 1);
        ck_assert_uint_eq(ike_count(&p, B), ike); /* the new IKE SA has said nothing yet */
        pair_free(&p);
    }
}
END_TEST

START_TEST(a_replaced_child_cannot_be_rekeyed_again)
{
    struct child_sa *old;
    struct pair p;

    establish(&p);
    old = child_sa_at(p.end[B], the_child(&p, B).handle);
    ck_assert_ok(ike_endpoint_rekey_child(p.end[B], p.now, the_child(&p, B)));
    pull(&p);
    ck_assert_ok(hand_over(&p, B));
    ck_assert_ok(hand_over(&p, A));
    drop_next(&p, B); /* instead of its Delete: another rekey */
    inside(&p, B)->in_flight = KIND_NONE;
    old->state = CHILD_CURRENT;
    old->successor = HANDLE_NONE;
    ck_assert_ok(
        ike_endpoint_rekey_child(p.end[B], p.now, (struct sa_ref){child_sa_handle(p.end[B], old)}));
    pull(&p);
    ck_assert_int_eq(hand_over(&p, B), ERR_STATE); /* §2.25.1: TEMPORARY_FAILURE */
    ck_assert_uint_eq(child_count(&p, A), 2);
    pair_free(&p);
}
END_TEST

START_TEST(keys_of_a_closed_sa_are_wiped)
{
    static const uint8_t zero[64];
    struct ike_sa *sa;
    struct pair p;

    establish(&p);
    sa = inside(&p, B);
    ck_assert_mem_ne(ike_sa_keys(sa), zero, sizeof zero);
    ck_assert_ok(ike_endpoint_terminate(p.end[A], p.now, the_ike(&p, A)));
    settle(&p);
    ck_assert_int_eq(sa->state, STATE_CLOSED); /* it still repeats its answer */
    ck_assert_mem_eq(ike_sa_keys(sa), zero, sizeof zero);
    pair_free(&p);
}
END_TEST

/* An older packet on the old path, behind a newer one on the new path, moves nobody back. */
START_TEST(a_packet_overtaken_on_the_new_path_moves_nobody_back)
{
    struct child_sa_info child;
    struct esp_packet late;
    struct pair p;

    pair_init(&p, true);
    p.nat = true;
    pair_establish(&p);
    ck_assert_ok(esp_make(&p, A, 1, &late));
    p.nat_shift += 5;
    ck_assert_ok(send_packet(&p, A));
    ck_assert_ok(esp_take(&p, A, 1, &late));
    ck_assert(ike_endpoint_child_info(p.end[B], the_child(&p, B), &child));
    ck_assert_uint_eq(child.remote.port, 4500 + p.nat_shift);
    ck_assert_uint_eq(events_of(&p, B, EVENT_PEER_MOVED), 1);
    pair_free(&p);
}
END_TEST

/* The hash covers all of an address: a NAT that changes no port is found as well. */
START_TEST(a_nat_that_keeps_ports_is_found)
{
    for (int v6 = 0; v6 < 2; v6++) {
        struct ike_sa_info a;
        struct pair p;

        pair_init(&p, true);
        p.nat = true;
        p.v6 = v6;
        p.nat_shift = 0;
        pair_establish(&p);
        ck_assert(ike_endpoint_ike_info(p.end[A], the_ike(&p, A), &a));
        ck_assert(a.natt);
        ck_assert(inside(&p, A)->nat_local && !inside(&p, A)->nat_remote);
        ck_assert(inside(&p, B)->nat_remote && !inside(&p, B)->nat_local);
        check_traffic(&p);
        pair_free(&p);
    }
}
END_TEST

START_TEST(each_request_begins_the_ladder_anew)
{
    struct pair p;

    establish(&p);
    for (int i = 0; i < 3; i++) {
        nsec begun = p.now;

        ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
        pull(&p);
        ck_assert_uint_eq(p.wire[A][0].dgram.transmission, 0);
        drop_next(&p, A);
        ck_assert_uint_eq(next_deadline(&p), begun + 4 * NSEC_PER_S);
        p.now = next_deadline(&p);
        expire(&p);
        ck_assert_uint_eq(p.wire[A][0].dgram.transmission, 1);
        settle(&p);
    }
    pair_free(&p);
}
END_TEST

SUITE("deferred", terminate_during_our_own_rekey_ends_the_new_sa_too,
      what_waits_goes_on_under_the_peers_new_ike_sa, children_asked_for_at_once_are_all_made,
      a_refused_rekey_is_tried_again, a_rekey_refused_for_good_ends_with_a_word,
      a_delete_that_overtakes_the_auth_response, responses_that_nobody_waits_for_are_counted,
      a_second_rival_is_put_off, a_child_is_deleted_once,
      an_unusable_first_child_is_deleted_at_the_peer, message_ids_are_renewed_in_time,
      message_ids_never_wrap, full_of_ike_sas_and_room_again, full_of_children_and_room_again,
      a_rekey_waits_for_room_for_its_ike_sa, a_request_in_flight_follows_the_peer,
      who_is_behind_a_nat_follows_nobody, a_peer_that_vanishes_in_a_rekey_leaves_nothing,
      a_replaced_child_cannot_be_rekeyed_again, keys_of_a_closed_sa_are_wiped,
      a_packet_overtaken_on_the_new_path_moves_nobody_back, a_nat_that_keeps_ports_is_found,
      each_request_begins_the_ladder_anew)
