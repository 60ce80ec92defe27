/* sim/look_up: order of answers, timeouts, outages, one answer at a time. */
#include "suite.h"

#include "sim/look_up.h"

#define MS NSEC_PER_MS

static const struct lookup_words slow = {
    .latency = 50 * MS, .jitter = 10 * MS, .timeout = 200 * MS};
static const struct lookup_words steady = {.latency = 50 * MS, .timeout = 200 * MS};

static struct look_ups *create(const struct lookup_words *words, uint64_t entity)
{
    struct look_ups *l = look_ups_create(words, rng_stream(1, entity, RNG_LOOK_UP));

    ck_assert_ptr_nonnull(l);
    return l;
}

static void ask(struct look_ups *l, uint32_t request, nsec end)
{
    look_ups_ask(l, request, 2 * request + 1);
    ck_assert(look_ups_begin(l, end));
    ck_assert(!look_ups_begin(l, end)); /* once */
}

START_TEST(answers_come_in_order_within_the_jitter)
{
    struct look_ups *l = create(&slow, 1);
    nsec last = 0;

    for (uint32_t i = 1; i <= 1000; i++)
        ask(l, i, i * MS);
    for (uint32_t i = 0; i < 1000; i++) {
        nsec at = look_ups_deadline(l);

        ck_assert(!look_ups_due(l, at - 1));
        ck_assert(look_ups_due(l, at));
        ck_assert_uint_ge(at, last);
        ck_assert_uint_eq(l->answer.key, 2 * l->answer.request + 1);
        ck_assert_uint_ge(at, l->answer.begun + 40 * MS);
        ck_assert_uint_le(at, l->answer.begun + 60 * MS);
        ck_assert(!l->answer.timed_out);
        ck_assert_uint_eq(look_ups_deadline(l), NSEC_NEVER); /* one at a time */
        l->answering = false;
        last = at;
    }
    ck_assert_uint_eq(look_ups_deadline(l), NSEC_NEVER);
    look_ups_destroy(l);
}
END_TEST

START_TEST(equal_times_by_request)
{
    struct look_ups *l = create(&steady, 1);

    ask(l, 3, 0);
    ask(l, 1, 0);
    ask(l, 2, 0);
    for (uint32_t i = 1; i <= 3; i++) {
        ck_assert(look_ups_due(l, 50 * MS));
        ck_assert_uint_eq(l->answer.request, i);
        l->answering = false;
    }
    look_ups_destroy(l);
}
END_TEST

START_TEST(an_outage_silences_what_waits_and_what_comes)
{
    struct look_ups *l = create(&steady, 1);
    struct {
        nsec at;
        bool timed_out;
    } const expected[] = {{50 * MS, false}, {210 * MS, true}, {320 * MS, true}, {351 * MS, false}};

    ask(l, 1, 0);
    ck_assert(look_ups_due(l, 50 * MS));
    l->answering = false;
    ask(l, 2, 10 * MS);
    look_ups_outage(l, true);
    look_ups_outage(l, true); /* two at once end when both have ended */
    look_ups_outage(l, false);
    ask(l, 3, 120 * MS);
    look_ups_outage(l, false);
    ask(l, 4, 301 * MS);
    for (int i = 1; i < 4; i++) {
        ck_assert_uint_eq(look_ups_deadline(l), expected[i].at);
        ck_assert(look_ups_due(l, expected[i].at));
        ck_assert_int_eq(l->answer.timed_out, expected[i].timed_out);
        l->answering = false;
    }
    look_ups_destroy(l);
}
END_TEST

START_TEST(patience_ends_before_the_answer)
{
    static const struct lookup_words hasty = {.latency = 50 * MS, .timeout = 20 * MS};
    struct look_ups *l = create(&hasty, 1);

    ask(l, 1, 5 * MS);
    ck_assert_uint_eq(look_ups_deadline(l), 25 * MS);
    ck_assert(look_ups_due(l, 25 * MS));
    ck_assert(l->answer.timed_out);
    look_ups_destroy(l);
}
END_TEST

START_TEST(a_crash_forgets_all_but_the_outage)
{
    struct look_ups *l = create(&steady, 1);

    ask(l, 1, 0);
    look_ups_outage(l, true);
    look_ups_ask(l, 2, 1);
    look_ups_drop(l);
    ck_assert_uint_eq(look_ups_deadline(l), NSEC_NEVER);
    ck_assert(!look_ups_begin(l, 0));
    ask(l, 3, 0);
    ck_assert_uint_eq(look_ups_deadline(l), 200 * MS);
    look_ups_destroy(l);
}
END_TEST

/* An outage does not shift later draws, and nodes draw for themselves. */
START_TEST(draws_do_not_depend_on_outages)
{
    struct look_ups *a = create(&slow, 1), *b = create(&slow, 1), *c = create(&slow, 2);
    bool differs = false;

    look_ups_outage(b, true);
    ask(a, 1, 0);
    ask(b, 1, 0);
    ask(c, 1, 0);
    look_ups_outage(b, false);
    look_ups_drop(a);
    look_ups_drop(b);
    look_ups_drop(c);
    for (uint32_t i = 2; i < 20; i++) {
        ask(a, i, i * NSEC_PER_S);
        ask(b, i, i * NSEC_PER_S);
        ask(c, i, i * NSEC_PER_S);
        ck_assert(look_ups_due(a, NSEC_NEVER - 1) && look_ups_due(b, NSEC_NEVER - 1) &&
                  look_ups_due(c, NSEC_NEVER - 1));
        ck_assert_uint_eq(a->answer.at, b->answer.at);
        differs |= a->answer.at != c->answer.at;
        a->answering = b->answering = c->answering = false;
    }
    ck_assert(differs);
    look_ups_destroy(a);
    look_ups_destroy(b);
    look_ups_destroy(c);
}
END_TEST

SUITE("look_up", answers_come_in_order_within_the_jitter, equal_times_by_request,
      an_outage_silences_what_waits_and_what_comes, patience_ends_before_the_answer,
      a_crash_forgets_all_but_the_outage, draws_do_not_depend_on_outages)
