/*
 * Look-ups that take time (EVENT_REQUEST): the exchange waits for the driver's answer, at either
 * end, and nothing that happens meanwhile is lost or done twice.
 */
#include "pair.h"

static uint32_t request_of(const struct pair *p, int side)
{
    const struct ike_event *e = last_event(p, side, EVENT_REQUEST);

    ck_assert_ptr_nonnull(e);
    ck_assert_uint_ne(e->count, 0);
    return e->count;
}

static enum err answer(struct pair *p, int side, uint32_t request, bool granted)
{
    struct ike_answer a = {.granted = granted};
    enum err e = ike_endpoint_answer(p->end[side], p->now, request, &a);

    pull(p);
    return e;
}

/* `side` looks the other one up; the handshake has come to where it waits. */
static void begin(struct pair *p, int side, bool modelled)
{
    pair_init(p, modelled);
    p->config[side].auth.look_up = true;
    pair_create(p);
    pair_initiate(p);
    settle(p);
    ck_assert_uint_eq(events_of(p, side, EVENT_REQUEST), 1);
    ck_assert_uint_eq(events_of(p, side, EVENT_IKE_UP), 0);
}

static void check_nothing_left(struct pair *p)
{
    run_until(p, p->now + 120 * NSEC_PER_S);
    for (int side = 0; side < 2; side++)
        ck_assert_uint_eq(ike_endpoint_memory(p->end[side]), 0);
}

START_TEST(granted_is_as_if_nothing_had_been_asked)
{
    for (int i = 0; i < 4; i++) {
        int side = i % 2;
        struct pair p;
        uint32_t request;

        begin(&p, side, i / 2);
        request = request_of(&p, side);
        p.now += NSEC_PER_S;
        ck_assert_ok(answer(&p, side, request, true));
        settle(&p);
        check_agreement(&p);
        check_traffic(&p);
        /* The same answer again means nothing. */
        ck_assert_int_eq(answer(&p, side, request, false), ERR_NOT_FOUND);
        ck_assert_uint_eq(ike_count(&p, A), 1);
        pair_free(&p);
    }
}
END_TEST

START_TEST(both_sides_may_ask)
{
    struct pair p;

    pair_init(&p, true);
    p.config[A].auth.look_up = p.config[B].auth.look_up = true;
    pair_create(&p);
    pair_initiate(&p);
    settle(&p);
    ck_assert_uint_eq(events_of(&p, A, EVENT_REQUEST), 0);
    ck_assert_ok(answer(&p, B, request_of(&p, B), true));
    settle(&p);
    ck_assert_ok(answer(&p, A, request_of(&p, A), true));
    settle(&p);
    check_agreement(&p);
    pair_free(&p);
}
END_TEST

START_TEST(refused_is_an_authentication_failure)
{
    for (int i = 0; i < 4; i++) {
        int side = i % 2;
        struct pair p;

        begin(&p, side, i / 2);
        ck_assert_ok(answer(&p, side, request_of(&p, side), false));
        settle(&p);
        ck_assert_uint_eq(last_event(&p, side, EVENT_IKE_FAILED)->reason, REASON_LOOK_UP);
        if (side == B)
            ck_assert_uint_eq(last_event(&p, A, EVENT_IKE_FAILED)->reason, REASON_AUTHENTICATION);
        else /* the responder believed in it until our delete (§2.21.2) */
            ck_assert_uint_eq(last_event(&p, B, EVENT_IKE_DOWN)->reason, REASON_DELETED_BY_PEER);
        check_nothing_left(&p);
        pair_free(&p);
    }
}
END_TEST

/* Granted is not believed: the proof is judged after the answer. */
START_TEST(a_wrong_proof_fails_after_the_answer)
{
    struct pair p;

    pair_init(&p, true);
    p.config[B].auth.look_up = true;
    p.config[A].psk[0] ^= 1;
    pair_create(&p);
    pair_initiate(&p);
    settle(&p);
    ck_assert_ok(answer(&p, B, request_of(&p, B), true));
    settle(&p);
    ck_assert_uint_eq(last_event(&p, B, EVENT_IKE_FAILED)->reason, REASON_AUTHENTICATION);
    check_nothing_left(&p);
    pair_free(&p);
}
END_TEST

/* The initiator asks again while the responder waits: one look-up, one SA, one response. */
START_TEST(repetitions_while_it_waits_ask_nothing_new)
{
    struct pair p;
    uint32_t request;

    begin(&p, B, true);
    request = request_of(&p, B);
    run_until(&p, p.now + 12 * NSEC_PER_S); /* two retransmissions: 4 s, 11.2 s */
    ck_assert_uint_eq(events_of(&p, A, EVENT_RETRANSMIT), 2);
    ck_assert_uint_eq(events_of(&p, B, EVENT_REQUEST), 1);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->dropped[IKE_DROP_UNEXPECTED], 2);
    ck_assert_ok(answer(&p, B, request, true));
    settle(&p);
    check_agreement(&p);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->requests_executed, 2);
    pair_free(&p);
}
END_TEST

/* The response is lost after a look-up: the repeated request gets it again, without a new one. */
START_TEST(the_response_after_a_look_up_is_repeated)
{
    struct pair p;

    begin(&p, B, true);
    ck_assert_ok(answer(&p, B, request_of(&p, B), true));
    drop_next(&p, B);
    run_until(&p, p.now + 5 * NSEC_PER_S);
    ck_assert_uint_eq(events_of(&p, B, EVENT_REQUEST), 1);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->responses_repeated, 1);
    check_agreement(&p);
    pair_free(&p);
}
END_TEST

/* An initiator that waits does not send its request again: it has been answered. */
START_TEST(an_initiator_that_waits_is_quiet)
{
    struct pair p;

    begin(&p, A, true);
    run_until(&p, p.now + 20 * NSEC_PER_S);
    ck_assert_uint_eq(events_of(&p, A, EVENT_RETRANSMIT), 0);
    ck_assert_ok(answer(&p, A, request_of(&p, A), true));
    settle(&p);
    check_agreement(&p);
    pair_free(&p);
}
END_TEST

/* Nobody answers: after half_open_time it is as if the answer were no. */
START_TEST(patience_ends)
{
    for (int side = 0; side < 2; side++) {
        struct pair p;
        uint32_t request;

        begin(&p, side, true);
        request = request_of(&p, side);
        run_until(&p, p.now + 31 * NSEC_PER_S);
        ck_assert_uint_eq(last_event(&p, side, EVENT_IKE_FAILED)->reason, REASON_LOOK_UP);
        ck_assert_int_eq(answer(&p, side, request, true), ERR_NOT_FOUND);
        check_nothing_left(&p);
        pair_free(&p);
    }
}
END_TEST

START_TEST(a_crash_forgets_what_waits)
{
    for (int side = 0; side < 2; side++) {
        struct pair p;

        begin(&p, side, true);
        ike_endpoint_crash(p.end[side]);
        pull(&p);
        ck_assert_int_eq(answer(&p, side, request_of(&p, side), true), ERR_NOT_FOUND);
        ck_assert_uint_eq(ike_endpoint_memory(p.end[side]), 0);
        pair_free(&p);
    }
}
END_TEST

START_TEST(many_wait_at_once_and_answers_find_their_own)
{
    struct pair p;
    uint32_t requests[3];

    pair_init(&p, true);
    p.config[B].auth.look_up = true;
    p.config[A].initial_contact = false;
    pair_create(&p);
    for (int i = 0; i < 3; i++) {
        pair_initiate(&p);
        settle(&p);
        requests[i] = request_of(&p, B);
    }
    ck_assert_ok(answer(&p, B, requests[1], true));
    settle(&p);
    ck_assert_uint_eq(ike_count(&p, B), 1);
    ck_assert_ok(answer(&p, B, requests[0], false));
    settle(&p);
    ck_assert_uint_eq(ike_count(&p, B), 1);
    ck_assert_ok(answer(&p, B, requests[2], true));
    settle(&p);
    ck_assert_uint_eq(ike_count(&p, B), 2);
    ck_assert_int_eq(answer(&p, B, requests[2] + 1, true), ERR_NOT_FOUND);
    pair_free(&p);
}
END_TEST

SUITE("held", granted_is_as_if_nothing_had_been_asked, both_sides_may_ask,
      refused_is_an_authentication_failure, a_wrong_proof_fails_after_the_answer,
      repetitions_while_it_waits_ask_nothing_new, the_response_after_a_look_up_is_repeated,
      an_initiator_that_waits_is_quiet, patience_ends, a_crash_forgets_what_waits,
      many_wait_at_once_and_answers_find_their_own)
