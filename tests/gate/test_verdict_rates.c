/*
 * How often the gate cries wolf, and how often it sleeps: made-up measurements whose truth is known
 * (tests/support/synthetic.h). Forty rows a set, compared as `ikelab compare` does.
 */
#include "bench/gate/fail_if.h"
#include "suite.h"
#include "synthetic.h"

enum { PAIRS = 200, PLANTED_PAIRS = 20, ROWS = 40 };

struct rates {
    unsigned rows, alarms;                     /* rows called slower or faster that are neither */
    unsigned pairs_alarmed, pairs_refused;     /* with such a row; with exit 3 */
    unsigned pairs_unclear;                    /* exit 4 */
    unsigned found, reversed, by_instructions; /* of the row that is slower */
};

static void count_row(const struct synthetic *s, size_t row, const struct comparison *c,
                      struct rates *r)
{
    bool changed = c->verdict == VERDICT_SLOWER || c->verdict == VERDICT_FASTER;

    r->rows++;
    if (row != s->slow_row) {
        r->alarms += changed;
        ck_assert_int_eq(c->instructions_verdict, VERDICT_NO_CHANGE);
        return;
    }
    r->found += c->verdict == VERDICT_SLOWER;
    r->reversed += c->verdict == VERDICT_FASTER;
    r->by_instructions += c->instructions_verdict == VERDICT_SLOWER;
}

static void count_pair(const struct synthetic *s, struct rates *r)
{
    struct measurement_set base, now;
    struct comparison_set set;
    struct fail_if gate;
    enum fail_if_answer answer;
    unsigned alarms = r->alarms;
    char why[MEASUREMENT_WHY_MAX];

    synthetic_set(s, 0, &base);
    synthetic_set(s, 1, &now);
    ck_assert_int_eq(compare(&base, &now, &compare_defaults, &set, why), OK);
    ck_assert_int_eq(fail_if_read("slower>2%", &gate, why), OK);
    for (size_t i = 0; i < set.row_count; i++)
        count_row(s, i, &set.rows[i], r);
    answer = fail_if_judge(&gate, &set, &compare_defaults);
    r->pairs_alarmed += r->alarms > alarms;
    r->pairs_refused += answer == FAIL_IF_HOLDS;
    r->pairs_unclear += answer == FAIL_IF_UNCLEAR;
    comparison_reset(&set);
    measurement_reset(&base);
    measurement_reset(&now);
}

static struct rates of_pairs(struct synthetic s, unsigned pairs)
{
    struct rates r = {0};

    for (unsigned pair = 0; pair < pairs; pair++) {
        /* Every kind of row in turn, but for those of memory. */
        if (s.slow_row < ROWS)
            s.slow_row = pair * 7 % (ROWS / 10) * 10 + pair % 9;
        count_pair(&s, &r);
        s.seed++;
    }
    printf("%u samples, CV to %.0f %%: of %u rows %u false; of %u pairs %u with one, %u refused, "
           "%u cannot tell; planted: %u found, %u reversed\n",
           s.samples, 100 * s.cv_most, r.rows, r.alarms, pairs, r.pairs_alarmed, r.pairs_refused,
           r.pairs_unclear, r.found, r.reversed);
    return r;
}

static const struct synthetic alike = {.seed = 1,
                                       .rows = ROWS,
                                       .samples = 20,
                                       .cv_most = 0.05,
                                       .drift = 0.03,
                                       .slow_row = ROWS,
                                       .slow_by = 1,
                                       .slow_instructions = 1};

/* @param unclear_most  pairs that may end as "cannot tell": a gate that always does is ignored */
static void check_alike(struct synthetic s, unsigned unclear_most)
{
    struct rates r = of_pairs(s, PAIRS);

    ck_assert_uint_lt(100 * r.alarms, r.rows);
    ck_assert_uint_lt(100 * r.pairs_alarmed, PAIRS);
    ck_assert_uint_lt(100 * r.pairs_refused, PAIRS);
    ck_assert_uint_le(r.pairs_unclear, unclear_most);
}

START_TEST(of_equal_sets_less_than_one_percent_are_called_different)
{
    check_alike(alike, PAIRS / 10);
}
END_TEST

START_TEST(with_few_samples_too)
{
    struct synthetic s = alike;

    s.samples = 10;
    s.seed = 10000;
    check_alike(s, PAIRS / 3);
    s.cv_most = 0.02;
    s.seed = 20000;
    check_alike(s, PAIRS / 10);
}
END_TEST

START_TEST(ten_percent_are_found_by_time)
{
    struct synthetic s = alike;
    struct rates r;

    s.slow_row = 0;
    s.slow_by = 1.1;
    r = of_pairs(s, PLANTED_PAIRS);
    ck_assert_uint_ge(r.found, 18);
    ck_assert_uint_eq(r.reversed, 0);
    s.seed = 30000;
    r = of_pairs(s, 5 * PLANTED_PAIRS);
    ck_assert_uint_ge(r.found, 5 * 18);
    ck_assert_uint_eq(r.reversed, 0);
}
END_TEST

/* What a machine does that spreads the samples by a fourth is in both of a pair. */
START_TEST(in_turns_a_machine_may_be_as_restless_as_it_likes)
{
    struct synthetic s = alike;
    struct rates r;

    s.turns = true;
    s.drift = 0.25;
    s.seed = 40000;
    check_alike(s, PAIRS / 10);
    s.samples = 12;
    s.seed = 50000;
    check_alike(s, PAIRS / 2);
    s.samples = 20;
    s.seed = 60000;
    s.slow_row = 0;
    s.slow_by = 1.2;
    r = of_pairs(s, PLANTED_PAIRS);
    ck_assert_uint_ge(r.found, 18);
    ck_assert_uint_eq(r.reversed, 0);
}
END_TEST

START_TEST(three_percent_are_always_found_by_instructions)
{
    struct synthetic s = alike;

    s.slow_row = 0;
    s.slow_by = 1.03;
    s.slow_instructions = 1.03;
    s.samples = 5;
    ck_assert_uint_eq(of_pairs(s, PLANTED_PAIRS).by_instructions, PLANTED_PAIRS);
}
END_TEST

SUITE("verdict_rates", of_equal_sets_less_than_one_percent_are_called_different,
      with_few_samples_too, ten_percent_are_found_by_time,
      in_turns_a_machine_may_be_as_restless_as_it_likes,
      three_percent_are_always_found_by_instructions)
