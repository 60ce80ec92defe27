/*
 * Look-ups that take time (EVENT_REQUEST): the exchange waits for the driver's answer, at either
 * end, and nothing that happens meanwhile is lost or done twice.
 */
#include "edit.h"

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

/* A peer that refuses us has proven nothing, and there is nothing to ask about it. */
START_TEST(a_refusal_is_not_looked_up)
{
    struct pair p;

    pair_init(&p, true);
    p.config[A].auth.look_up = true;
    p.config[B].psk[0] ^= 1;
    pair_establish(&p);
    ck_assert_uint_eq(events_of(&p, A, EVENT_REQUEST), 0);
    ck_assert_uint_eq(last_event(&p, A, EVENT_IKE_FAILED)->reason, REASON_AUTHENTICATION);
    check_nothing_left(&p);
    pair_free(&p);
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

/* A responder without a limit for handshakes is patient too, but not for ever. */
START_TEST(patience_ends_without_a_limit)
{
    struct pair p;

    pair_init(&p, true);
    p.config[B].half_open_time = 0;
    p.config[B].auth.look_up = true;
    pair_create(&p);
    pair_initiate(&p);
    settle(&p);
    run_until(&p, p.now + 31 * NSEC_PER_S);
    ck_assert_uint_eq(last_event(&p, B, EVENT_IKE_FAILED)->reason, REASON_LOOK_UP);
    check_nothing_left(&p);
    pair_free(&p);
}
END_TEST

/* The answer "no" comes late and our Delete is lost: it is sent again as any request (§2.1). */
START_TEST(a_refusal_just_before_patience_ends_is_told)
{
    struct pair p;

    begin(&p, A, true);
    run_until(&p, p.now + 29 * NSEC_PER_S);
    ck_assert_ok(answer(&p, A, request_of(&p, A), false));
    drop_next(&p, A);
    run_until(&p, p.now + 10 * NSEC_PER_S);
    ck_assert_uint_eq(events_of(&p, A, EVENT_RETRANSMIT), 1);
    ck_assert_uint_eq(last_event(&p, B, EVENT_IKE_DOWN)->reason, REASON_DELETED_BY_PEER);
    check_nothing_left(&p);
    pair_free(&p);
}
END_TEST

/* Only what a row would serve is asked about: a message with wrong payloads fails as it always did,
 * and the SA does not wait for ever. */
START_TEST(messages_that_no_row_serves_are_not_held)
{
    const struct edit edits[] = {{PAYLOAD_TSR, LEAVE_OUT, BYTES_NONE, 0},
                                 {PAYLOAD_AUTH, LEAVE_OUT, BYTES_NONE, 0},
                                 {PAYLOAD_TSI, DOUBLE, BYTES_NONE, 0}};

    for (size_t i = 0; i < 2 * sizeof edits / sizeof *edits; i++) {
        int side = i % 2;
        struct pair p;

        pair_init(&p, false);
        p.config[side].auth.look_up = true;
        pair_create(&p);
        pair_initiate(&p);
        ck_assert_ok(hand_over(&p, A));
        ck_assert_ok(hand_over(&p, B));
        if (side == A)
            ck_assert_ok(hand_over(&p, A));
        (void)hand_over_edited(&p, 1 - side, &edits[i / 2]);
        ck_assert_uint_eq(events_of(&p, side, EVENT_REQUEST), 0);
        run_until(&p, p.now + 200 * NSEC_PER_S);
        for (int k = 0; k < 2; k++)
            ck_assert_uint_eq(ike_endpoint_counters(p.end[k])->half_open, 0);
        pair_free(&p);
    }
}
END_TEST

/* A critical payload that we must not skip (§2.5), to an SA that waits: not its turn. */
START_TEST(nothing_else_is_served_meanwhile)
{
    struct message_start start = {.exchange = EXCHANGE_IKE_AUTH, .message_id = 1};
    struct pair p;
    struct wire_message m, other;

    pair_init(&p, false);
    p.config[B].auth.look_up = true;
    pair_create(&p);
    pair_initiate(&p);
    ck_assert_ok(hand_over(&p, A));
    ck_assert_ok(hand_over(&p, B));
    m = other = hold_next(&p, A);
    ck_assert_ok(deliver(&p, A, &m));
    ck_assert_uint_eq(events_of(&p, B, EVENT_REQUEST), 1);
    forge(&p, A, &start, put_critical, &other);
    ck_assert_int_eq(deliver(&p, A, &other), ERR_STATE);
    ck_assert_uint_eq(p.wire_count[B], 0);
    ck_assert_uint_eq(ike_endpoint_counters(p.end[B])->dropped[IKE_DROP_UNEXPECTED], 1);
    ck_assert_ok(answer(&p, B, request_of(&p, B), true));
    settle(&p);
    check_agreement(&p);
    pair_free(&p);
}
END_TEST

/* RFC 7296 §2.23: the NAT forgot the port while the look-up went on; the answer finds the peer. */
START_TEST(the_answer_goes_where_the_peer_is_now)
{
    struct pair p;

    pair_init(&p, true);
    p.nat = true;
    p.config[B].auth.look_up = true;
    pair_create(&p);
    pair_initiate(&p);
    settle(&p);
    p.nat_shift += 5000;
    run_until(&p, p.now + 5 * NSEC_PER_S); /* the request again, from the new port */
    ck_assert_uint_eq(events_of(&p, A, EVENT_RETRANSMIT), 1);
    ck_assert_ok(answer(&p, B, request_of(&p, B), true));
    ck_assert_uint_eq(p.wire[B][0].dgram.local.port, 4500);
    settle(&p);
    check_agreement(&p);
    check_traffic(&p);
    pair_free(&p);
}
END_TEST

START_TEST(a_crash_forgets_what_waits)
{
    for (int side = 0; side < 2; side++) {
        struct pair p;

        begin(&p, side, true);
        ike_endpoint_crash(p.end[side], p.now);
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
      refused_is_an_authentication_failure, a_refusal_is_not_looked_up,
      a_wrong_proof_fails_after_the_answer, repetitions_while_it_waits_ask_nothing_new,
      the_response_after_a_look_up_is_repeated, an_initiator_that_waits_is_quiet, patience_ends,
      patience_ends_without_a_limit, a_refusal_just_before_patience_ends_is_told,
      messages_that_no_row_serves_are_not_held, nothing_else_is_served_meanwhile,
      the_answer_goes_where_the_peer_is_now, a_crash_forgets_what_waits,
      many_wait_at_once_and_answers_find_their_own)
