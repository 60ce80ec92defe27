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

SUITE("ike_auth", handshake_installs_a_pair_that_carries_packets)
