/*
 * How long a response is kept: RFC 7296 §2.1. The next request takes its place; without one it goes
 * after the time that is configured, and who asks again after that is not answered.
 */
#include "edit.h"
#include "pair.h"
#include "proto/core/responses.h"

enum { MANY = 100 };

static const struct ike_counters *counters_of(const struct pair *p, int side)
{
    return ike_endpoint_counters(p->end[side]);
}

/* A's liveness check, which B has answered; what A sent. */
static struct wire_message check_liveness(struct pair *p)
{
    struct wire_message request, copy;

    ck_assert_ok(ike_endpoint_probe(p->end[A], p->now, the_ike(p, A)));
    pull(p);
    request = copy = hold_next(p, A); /* what is delivered is decrypted in place */
    ck_assert_ok(deliver(p, A, &copy));
    ck_assert_ok(hand_over(p, B));
    return request;
}

static bool keeps(const struct pair *p, int side)
{
    return !message_none(first_sa(p->end[side])->response);
}

static void pass(struct pair *p, nsec time)
{
    p->now += time;
    for (int side = 0; side < 2; side++)
        ike_endpoint_expire(p->end[side], p->now);
    pull(p);
}

static void check_dropped_after(nsec configured, nsec time)
{
    struct wire_message request, again;
    struct ike_counters before;
    uint64_t bytes;
    struct pair p;

    pair_init(&p, false);
    p.config[B].response_time = configured;
    pair_establish(&p);
    request = check_liveness(&p);
    ck_assert(keeps(&p, B));
    bytes = ike_endpoint_memory(p.end[B]);
    before = *counters_of(&p, B);

    pass(&p, time - 1);
    again = request;
    ck_assert_int_eq(deliver(&p, A, &again), ERR_MESSAGE_ID);
    ck_assert_uint_eq(counters_of(&p, B)->responses_repeated, before.responses_repeated + 1);
    drop_next(&p, B);

    pass(&p, 1);
    ck_assert(!keeps(&p, B));
    ck_assert_uint_lt(ike_endpoint_memory(p.end[B]), bytes);
    again = request;
    ck_assert_int_eq(deliver(&p, A, &again), ERR_MESSAGE_ID);
    ck_assert_uint_eq(p.wire_count[B], 0);
    ck_assert_uint_eq(counters_of(&p, B)->responses_repeated, before.responses_repeated + 1);
    ck_assert_uint_eq(counters_of(&p, B)->dropped[IKE_DROP_MESSAGE_ID],
                      before.dropped[IKE_DROP_MESSAGE_ID] + 1);

    (void)check_liveness(&p); /* the SA goes on as before */
    ck_assert(keeps(&p, B));
    check_agreement(&p);
    pair_free(&p);
}

START_TEST(a_response_is_dropped_when_nobody_can_ask_for_it_any_more)
{
    check_dropped_after(0, RESPONSE_TIME);
    check_dropped_after(90 * NSEC_PER_S, 90 * NSEC_PER_S);
}
END_TEST

/* §2.15: the response to IKE_SA_INIT is what its sender proves to have said. */
START_TEST(the_first_response_is_kept_until_auth)
{
    struct pair p;

    pair_init(&p, false);
    p.config[A].retransmit.timeout = 3600 * NSEC_PER_S;
    p.config[B].half_open_time = 0;
    p.config[B].response_time = NSEC_PER_S;
    pair_create(&p);
    pair_initiate(&p);
    pull(&p);
    ck_assert_ok(hand_over(&p, A));
    pass(&p, 60 * NSEC_PER_S);
    ck_assert(keeps(&p, B));
    settle(&p);
    ck_assert_int_eq(first_sa(p.end[B])->state, STATE_ESTABLISHED);
    pass(&p, NSEC_PER_S);
    ck_assert(!keeps(&p, B));
    pair_free(&p);
}
END_TEST

/* Each call looks at some of them: all have had their turn when a round of time has passed. */
START_TEST(of_many_each_has_its_turn)
{
    struct ike_limits limits = {.ike_sas = MANY, .half_open = MANY, .child_sas = MANY};
    struct ike_env env = {.seed = 7, .entity = 1};
    struct ike_endpoint *ep;
    const uint32_t *kept;
    struct pair p;

    pair_init(&p, false);
    env.crypto = p.crypto;
    ep = ike_endpoint_create(&env, &p.config[B], &limits);
    ck_assert_ptr_nonnull(ep);
    for (int i = 0; i < MANY; i++) {
        struct sa_ref ref;
        struct ike_sa *sa = ike_sa_take(ep, &ref);

        sa->state = STATE_ESTABLISHED;
        ck_assert_ok(message_keep(&ep->store->messages, bytes_text("a response"), &sa->response));
    }
    kept = &ep->store->messages.classes[0].taken;
    responses_age(ep, RESPONSE_TIME - 1);
    ck_assert_uint_eq(*kept, MANY);
    for (nsec now = RESPONSE_TIME; now < 3 * RESPONSE_TIME / 2; now += NSEC_PER_S) {
        uint32_t before = *kept;

        responses_age(ep, now);
        ck_assert_uint_ge(*kept + 8, before); /* a call takes no longer because there are many */
    }
    ck_assert_uint_eq(*kept, 0);
    ike_endpoint_destroy(ep);
    pair_free(&p);
}
END_TEST

SUITE("responses", a_response_is_dropped_when_nobody_can_ask_for_it_any_more,
      the_first_response_is_kept_until_auth, of_many_each_has_its_turn)
