/* IKE_SA_INIT and IKE_AUTH between two endpoints: RFC 7296 §1.2, §2.15. */
#include "pair.h"

static void handshake_with(bool modelled)
{
    struct pair p;

    pair_init(&p, modelled);
    pair_create(&p);
    pair_initiate(&p);
    /* HDR, SAi1, KEi, Ni -->                                   RFC 7296 §1.2 */
    ck_assert_ok(hand_over(&p, A));
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->half_open, 1);
    /* <-- HDR, SAr1, KEr, Nr */
    ck_assert_ok(hand_over(&p, B));
    /* HDR, SK {IDi, AUTH, SAi2, TSi, TSr} --> */
    ck_assert_ok(hand_over(&p, A));
    ck_assert_uint_eq(events_of(&p, B, EVENT_IKE_UP), 1);
    ck_assert_uint_eq(events_of(&p, B, EVENT_CHILD_UP), 1);
    /* <-- HDR, SK {IDr, AUTH, SAr2, TSi, TSr} */
    ck_assert_ok(hand_over(&p, B));
    ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_UP), 1);
    ck_assert_uint_eq(events_of(&p, A, EVENT_CHILD_UP), 1);
    check_agreement(&p);
    check_traffic(&p);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->half_open, 0);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->completed, 1);
    pair_free(&p);
}

START_TEST(handshake_installs_a_pair_that_carries_packets)
{
    handshake_with(false);
    handshake_with(true);
}
END_TEST

START_TEST(wrong_shared_secret_is_refused)
{
    for (int side = 0; side < 2; side++) {
        struct pair p;

        pair_init(&p, side);
        p.config[side].psk[0] ^= 1;
        /* HDR, SK {IDi, AUTH, SAi2, TSi, TSr} -->              RFC 7296 §2.21.2
         * <-- HDR, SK {N(AUTHENTICATION_FAILED)} */
        pair_establish(&p);
        ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_UP), 0);
        ck_assert_uint_eq(events_of(&p, B, EVENT_IKE_UP), 0);
        ck_assert_uint_eq(last_event(&p, A, EVENT_IKE_FAILED)->reason, REASON_AUTHENTICATION);
        ck_assert_uint_eq(ike_endpoint_counters(p.end[A])->failed, 1);
        ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->dropped[IKE_DROP_AUTHENTICATION], 1);
        run_until(&p, p.now + 60 * NSEC_PER_S);
        ck_assert(sa_none(ike_endpoint_next_ike(p.end[A], SA_NONE)));
        ck_assert(sa_none(ike_endpoint_next_ike(p.end[B], SA_NONE)));
        ck_assert(sa_none(ike_endpoint_next_child(p.end[A], SA_NONE)));
        pair_free(&p);
    }
}
END_TEST

START_TEST(a_peer_with_another_identity_is_refused_and_told)
{
    struct pair p;
    struct ike_remote remote;

    pair_init(&p, true);
    pair_create(&p);
    remote = (struct ike_remote){.local = pair_address(&p, A, 500),
                                 .remote = pair_address(&p, B, 500),
                                 .id = bytes_text("c.test")};
    ck_assert_ok(ike_endpoint_initiate(p.end[A], p.now, &remote, &p.ike));
    settle(&p);
    ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_UP), 0);
    ck_assert_uint_eq(last_event(&p, A, EVENT_IKE_FAILED)->reason, REASON_AUTHENTICATION);
    /* The responder believed in it until our delete (RFC 7296 §2.21.2). */
    ck_assert_uint_eq(last_event(&p, B, EVENT_IKE_DOWN)->reason, REASON_DELETED_BY_PEER);
    remote.id = bytes_text("b.test");
    ck_assert_ok(ike_endpoint_initiate(p.end[A], p.now, &remote, &p.ike));
    settle(&p);
    ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_UP), 1);
    pair_free(&p);
}
END_TEST

/* RFC 7296 §1.2, §2.21.2: the IKE SA stands without its child, and can be used. */
START_TEST(child_failure_keeps_the_ike_sa)
{
    struct pair p;

    pair_init(&p, true);
    p.config[A].child.local[0].first = p.config[A].child.local[0].last = ip_addr_v4(1);
    /* HDR, SK {IDi, AUTH, SAi2, TSi, TSr} --> <-- HDR, SK {IDr, AUTH, N(TS_UNACCEPTABLE)} */
    pair_establish(&p);
    ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_UP), 1);
    ck_assert_uint_eq(last_event(&p, A, EVENT_CHILD_FAILED)->reason, REASON_TS_UNACCEPTABLE);
    ck_assert_uint_eq(events_of(&p, B, EVENT_CHILD_FAILED), 1);
    ck_assert_uint_eq(child_count(&p, A) + child_count(&p, B), 0);
    ck_assert_ok(ike_endpoint_probe(p.end[A], p.now, the_ike(&p, A)));
    settle(&p);
    pair_free(&p);
    pair_init(&p, true);
    pair_propose(&p.config[B], "aes256gcm16-prfsha256-x25519", "aes128-sha256");
    /* HDR, SK {IDi, AUTH, SAi2, TSi, TSr} --> <-- HDR, SK {IDr, AUTH, N(NO_PROPOSAL_CHOSEN)} */
    pair_establish(&p);
    ck_assert_uint_eq(last_event(&p, A, EVENT_CHILD_FAILED)->reason, REASON_NO_PROPOSAL);
    ck_assert_uint_eq(ike_count(&p, A), 1);
    pair_free(&p);
}
END_TEST

START_TEST(responder_narrows_the_selectors)
{
    struct pair p;

    pair_init(&p, true);
    p.config[A].child.remote[0] = selector_any(4);
    pair_establish(&p);
    check_agreement(&p);
    check_traffic(&p);
    pair_free(&p);
}
END_TEST

/* RFC 7296 §2.4: after a restart the old SA goes at once, but only after AUTH. */
START_TEST(initial_contact_replaces_older_sas)
{
    struct pair p;

    pair_init(&p, true);
    pair_establish(&p);
    ike_endpoint_crash(p.end[A], p.now);
    pull(&p);
    ck_assert_uint_eq(last_event(&p, A, EVENT_IKE_DOWN)->reason, REASON_CRASH);
    ck_assert(sa_none(ike_endpoint_next_child(p.end[A], SA_NONE)));
    pair_initiate(&p);
    ck_assert_ok(hand_over(&p, A));
    ck_assert_ok(hand_over(&p, B));
    ck_assert_uint_eq(events_of(&p, B, EVENT_IKE_DOWN), 0);
    /* HDR, SK {IDi, N(INITIAL_CONTACT), AUTH, SAi2, TSi, TSr} --> */
    settle(&p);
    ck_assert_uint_eq(last_event(&p, B, EVENT_IKE_DOWN)->reason, REASON_REPLACED);
    ck_assert_uint_eq(ike_count(&p, B), 1);
    check_agreement(&p);
    check_traffic(&p);
    pair_free(&p);
}
END_TEST

/* Any octet of IKE_AUTH changed: dropped, counted, nothing happens; the true one still works. */
START_TEST(tampered_messages_change_nothing)
{
    struct pair p;

    pair_init(&p, false);
    pair_create(&p);
    pair_initiate(&p);
    ck_assert_ok(hand_over(&p, A));
    ck_assert_ok(hand_over(&p, B));
    for (int from = 0; from < 2; from++) {
        for (size_t at = 0; at < p.wire[from][0].dgram.len; at++)
            ck_assert_int_ne(tamper_next(&p, from, at), OK);
        ck_assert_uint_eq(events_of(&p, 1 - from, EVENT_IKE_UP), 0);
        ck_assert_ok(hand_over(&p, from));
        ck_assert_uint_eq(events_of(&p, 1 - from, EVENT_IKE_UP), 1);
    }
    check_agreement(&p);
    pair_free(&p);
}
END_TEST

/* Each message lost once, doubled, and late: the handshake gets there all the same. */
START_TEST(lost_doubled_and_late_messages)
{
    for (int which = 0; which < 4; which++) {
        for (int fault = 0; fault < 3; fault++) {
            struct wire_message late = {0};
            struct pair p;

            pair_init(&p, true);
            pair_create(&p);
            pair_initiate(&p);
            for (int i = 0; i < which; i++)
                ck_assert_ok(hand_over(&p, i & 1));
            if (fault == 0)
                drop_next(&p, which & 1);
            else if (fault == 1)
                (void)duplicate_next(&p, which & 1);
            else
                late = hold_next(&p, which & 1);
            run_until(&p, p.now + 10 * NSEC_PER_S);
            if (fault == 2)
                (void)deliver(&p, which & 1, &late);
            settle(&p);
            check_agreement(&p);
            check_traffic(&p);
            ck_assert_uint_eq(events_of(&p, A, EVENT_IKE_UP), 1);
            ck_assert_uint_eq(events_of(&p, B, EVENT_IKE_UP), 1);
            ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->requests_executed, 2);
            ck_assert_uint_eq(child_count(&p, A) + child_count(&p, B), 2);
            pair_free(&p);
        }
    }
}
END_TEST

/* Real and modelled crypto: the same packets at the same times (design.md §4). */
START_TEST(both_providers_give_one_timeline)
{
    struct pair p[2];

    for (int modelled = 0; modelled < 2; modelled++) {
        struct pair *q = &p[modelled];

        pair_init(q, modelled);
        for (int side = 0; side < 2; side++) {
            pair_propose(&q->config[side], "aes128-sha256-ecp256,aes256gcm16-prfsha384-x448",
                         "aes256gcm16-x25519");
            q->config[side].child.lifetime = (struct lifetime_config){
                .rekey_time = 20 * NSEC_PER_S, .rekey_jitter = 5 * NSEC_PER_S};
            q->config[side].lifetime = (struct lifetime_config){.rekey_time = 50 * NSEC_PER_S,
                                                                .rekey_jitter = 5 * NSEC_PER_S};
            q->config[side].dpd_delay = 3 * NSEC_PER_S;
        }
        pair_establish(q);
        run_until(q, q->now + 200 * NSEC_PER_S);
    }
    ck_assert_uint_gt(p[0].timeline_count, 100);
    ck_assert_uint_eq(p[0].timeline_count, p[1].timeline_count);
    ck_assert_mem_eq(p[0].timeline, p[1].timeline, p[0].timeline_count * sizeof *p[0].timeline);
    pair_free(&p[0]);
    pair_free(&p[1]);
}
END_TEST

SUITE("ike_auth", handshake_installs_a_pair_that_carries_packets, wrong_shared_secret_is_refused,
      a_peer_with_another_identity_is_refused_and_told, child_failure_keeps_the_ike_sa,
      responder_narrows_the_selectors, initial_contact_replaces_older_sas,
      tampered_messages_change_nothing, lost_doubled_and_late_messages,
      both_providers_give_one_timeline)
