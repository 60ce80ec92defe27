/*
 * Step detection on made-up series: what is flat has no step, what steps is found where it stepped,
 * and rates over a hundred series each say how sure that is. Noise is normal and of the medians.
 */
#include "bench/gate/steps.h"

#include "base/rng.h"
#include "suite.h"

#include <math.h>
#include <time.h>

enum { TRIES = 100, RUNS = 60 };

static double uniform(struct rng *r)
{
    return ((double)(rng_u64(r) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(struct rng *r)
{
    double length = sqrt(-2 * log(uniform(r)));

    return length * cos(2 * M_PI * uniform(r));
}

/* Level 100, times `after` from run `at` on, with noise in proportion. */
static void make(double *v, size_t count, size_t at, double after, double noise, struct rng *r)
{
    for (size_t i = 0; i < count; i++)
        v[i] = 100 * (i >= at ? after : 1) * (1 + noise * normal(r));
}

static struct steps find(const double *v, size_t count)
{
    struct steps s;

    ck_assert_ok(steps_find(v, count, &step_defaults, &s));
    return s;
}

static size_t lasting(const struct steps *s)
{
    size_t count = 0;

    for (size_t i = 0; i < s->count; i++)
        count += !s->list[i].recent;
    return count;
}

/* In how many of the tries a flat series has a step. */
static unsigned false_alarms(size_t count, double noise, uint64_t seed)
{
    unsigned alarms = 0;
    double v[200];

    for (uint64_t i = 0; i < TRIES; i++) {
        struct rng r = rng_stream(seed, i, RNG_TEST);
        struct steps s;

        make(v, count, count, 1, noise, &r);
        s = find(v, count);
        alarms += lasting(&s) > 0;
        steps_reset(&s);
    }
    return alarms;
}

START_TEST(flat_noise_is_no_step)
{
    const struct {
        size_t count;
        double noise;
    } rows[] = {{6, 0.02}, {10, 0.02}, {20, 0.01}, {20, 0.05}, {60, 0.02}, {60, 0.05}, {200, 0.03}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned alarms = false_alarms(rows[i].count, rows[i].noise, 1 + i);

        fprintf(stderr, "flat, %zu runs, noise %.0f %%: a step in %u of %d\n", rows[i].count,
                100 * rows[i].noise, alarms, TRIES);
        ck_assert_uint_le(alarms, 1);
    }
}
END_TEST

/* In how many of the tries one step, at most one run beside the place, is all that is found. */
static unsigned hits(double noise, double after, uint64_t seed)
{
    unsigned found = 0;
    double v[RUNS];

    for (uint64_t i = 0; i < TRIES; i++) {
        struct rng r = rng_stream(seed, i, RNG_TEST);
        size_t at = RUNS / 4 + rng_u64(&r) % (RUNS / 2);
        struct steps s;

        make(v, RUNS, at, after, noise, &r);
        s = find(v, RUNS);
        if (lasting(&s) == 1 && s.list[0].at + 1 >= at && s.list[0].at <= at + 1) {
            found++;
            ck_assert(fabs(s.list[0].change - (after - 1)) < 3 * noise);
        }
        steps_reset(&s);
    }
    fprintf(stderr, "step of %+.0f %%, noise %.1f %%: right in %u of %d\n", 100 * (after - 1),
            100 * noise, found, TRIES);
    return found;
}

START_TEST(a_step_of_five_percent_is_found_where_it_is)
{
    ck_assert_uint_ge(hits(0.01, 1.05, 20), 95);
    ck_assert_uint_ge(hits(0.01, 0.95, 21), 95);
    ck_assert_uint_ge(hits(0.015, 1.05, 22), 95);
}
END_TEST

/* With noise of 2 % of the medians themselves nobody can do it in 95 of 100: the better of two
 * places two runs apart is the wrong one that often. Medians of samples are quieter. */
START_TEST(noise_of_samples_is_not_that_of_medians)
{
    ck_assert_uint_ge(hits(0.02 / 2.5, 1.05, 23), 95); /* 2 % noise, 10 samples a median */
    ck_assert_uint_ge(hits(0.02, 1.05, 24), 75);
}
END_TEST

START_TEST(outliers_are_not_steps)
{
    struct rng r = rng_stream(30, 0, RNG_TEST);
    double v[RUNS];
    struct steps s;

    make(v, RUNS, RUNS, 1, 0.01, &r);
    v[0] = 150;
    v[20] = 200;
    v[21] = 190;
    v[40] = 20;
    v[50] = 1e6;
    s = find(v, RUNS);
    ck_assert_uint_eq(s.count, 0);
    ck_assert(s.noise > 0.5 && s.noise < 2);
    steps_reset(&s);
}
END_TEST

START_TEST(an_outlier_does_not_hide_a_step)
{
    struct rng r = rng_stream(31, 0, RNG_TEST);
    double v[RUNS];
    struct steps s;

    make(v, RUNS, 30, 1.05, 0.01, &r);
    v[10] = 300;
    v[45] = 5;
    s = find(v, RUNS);
    ck_assert_uint_eq(s.count, 1);
    ck_assert_uint_eq(s.list[0].at, 30);
    ck_assert(fabs(s.list[0].change - 0.05) < 0.01);
    steps_reset(&s);
}
END_TEST

START_TEST(two_steps_up_and_down)
{
    struct rng r = rng_stream(32, 0, RNG_TEST);
    double v[RUNS];
    struct steps s;

    for (size_t i = 0; i < RUNS; i++)
        v[i] = (i < 20 ? 100 : i < 40 ? 108 : 97) * (1 + 0.01 * normal(&r));
    s = find(v, RUNS);
    ck_assert_uint_eq(s.count, 2);
    ck_assert_uint_eq(s.list[0].at, 20);
    ck_assert_uint_eq(s.list[1].at, 40);
    ck_assert(s.list[0].change > 0.06 && s.list[1].change < -0.08);
    ck_assert(fabs(s.list[0].after - s.list[1].before) < 1e-9);
    steps_reset(&s);
}
END_TEST

/* A staircase is what constant pieces can say of a slope: no single step tells it all. */
START_TEST(a_ramp_is_a_staircase_of_its_height)
{
    struct rng r = rng_stream(33, 0, RNG_TEST);
    double v[RUNS], total = 1;
    struct steps s;

    for (size_t i = 0; i < RUNS; i++)
        v[i] = (100 + 20.0 * (double)i / RUNS) * (1 + 0.005 * normal(&r));
    s = find(v, RUNS);
    ck_assert_uint_ge(s.count, 3);
    for (size_t i = 0; i < s.count; i++) {
        ck_assert(s.list[i].change > 0.015 && s.list[i].change < 0.10);
        total *= 1 + s.list[i].change;
    }
    ck_assert(total > 1.12 && total < 1.21);
    steps_reset(&s);
}
END_TEST

START_TEST(a_small_step_is_none_and_the_option_says_what_small_is)
{
    struct step_options fine = {.effect = 0.005, .hold = 3};
    struct rng r = rng_stream(34, 0, RNG_TEST);
    double v[RUNS];
    struct steps s;

    make(v, RUNS, 30, 1.015, 0.002, &r);
    s = find(v, RUNS);
    ck_assert_uint_eq(s.count, 0);
    steps_reset(&s);
    ck_assert_ok(steps_find(v, RUNS, &fine, &s));
    ck_assert_uint_eq(s.count, 1);
    ck_assert_uint_eq(s.list[0].at, 30);
    steps_reset(&s);
}
END_TEST

START_TEST(constants_have_no_noise_and_no_step)
{
    double v[RUNS];
    struct steps s;

    for (size_t i = 0; i < RUNS; i++)
        v[i] = 158.25;
    s = find(v, RUNS);
    ck_assert_uint_eq(s.count, 0);
    for (size_t i = 30; i < RUNS; i++)
        v[i] = 164;
    steps_reset(&s);
    s = find(v, RUNS);
    ck_assert_uint_eq(s.count, 1);
    ck_assert_uint_eq(s.list[0].at, 30);
    ck_assert(s.list[0].before == 158.25 && s.list[0].after == 164);
    steps_reset(&s);
    for (size_t i = 0; i < RUNS; i++)
        v[i] = 0; /* no level to take a percentage of */
    s = find(v, RUNS);
    ck_assert_uint_eq(s.count, 0);
    steps_reset(&s);
}
END_TEST

START_TEST(the_newest_runs_are_too_recent_to_tell)
{
    double v[12];
    struct steps s;

    for (size_t news = 1; news <= 4; news++) {
        for (size_t i = 0; i < 12; i++)
            v[i] = i < 12 - news ? 100 : 120;
        s = find(v, 12);
        ck_assert_uint_eq(s.count, 1);
        ck_assert_uint_eq(s.list[0].at, 12 - news);
        ck_assert_int_eq(s.list[0].recent, news < 3);
        steps_reset(&s);
    }
}
END_TEST

START_TEST(few_runs)
{
    const double v[] = {100, 150, 90, 100, 130};
    struct steps s;

    for (size_t count = 0; count <= 3; count++) {
        s = find(v, count);
        ck_assert_uint_eq(s.count, 0);
        steps_reset(&s);
    }
    ck_assert_int_eq(steps_find(v, STEPS_RUNS_MAX + 1, &step_defaults, &s), ERR_FULL);
    steps_reset(&s);
}
END_TEST

START_TEST(two_thousand_runs_in_well_under_a_second)
{
    struct rng r = rng_stream(35, 0, RNG_TEST);
    static double v[STEPS_RUNS_MAX];
    struct steps s, again;
    clock_t begin = clock();
    double took;

    make(v, STEPS_RUNS_MAX, 1500, 1.05, 0.01, &r);
    s = find(v, STEPS_RUNS_MAX);
    took = (double)(clock() - begin) / CLOCKS_PER_SEC;
    again = find(v, STEPS_RUNS_MAX);
    fprintf(stderr, "%d runs: %.2f s\n", STEPS_RUNS_MAX, took);
    ck_assert(took < 5); /* far from the 0.1 s without sanitizers, near enough to notice a cube */
    ck_assert_uint_eq(s.count, 1);
    ck_assert_uint_eq(s.list[0].at, again.list[0].at);
    ck_assert(s.list[0].change == again.list[0].change);
    steps_reset(&s);
    steps_reset(&again);
}
END_TEST

SUITE("steps", flat_noise_is_no_step, a_step_of_five_percent_is_found_where_it_is,
      noise_of_samples_is_not_that_of_medians, outliers_are_not_steps,
      an_outlier_does_not_hide_a_step, two_steps_up_and_down, a_ramp_is_a_staircase_of_its_height,
      a_small_step_is_none_and_the_option_says_what_small_is, constants_have_no_noise_and_no_step,
      the_newest_runs_are_too_recent_to_tell, few_runs, two_thousand_runs_in_well_under_a_second)
