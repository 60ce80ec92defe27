/*
 * Random delays (base/dist): moments and quantiles against their closed forms, and single values,
 * so that another compiler or another optimisation cannot change a draw unseen.
 */
#include "base/dist.h"
#include "suite.h"

#include <math.h>

enum { DRAWS = 1000000 };

static struct rng stream(uint64_t entity)
{
    return rng_stream(1, entity, RNG_TEST);
}

static double in_deviations(int32_t x)
{
    return x / 65536.0;
}

static void ck_near(double value, double expected, double tolerance)
{
    ck_assert_double_ge(value, expected - tolerance);
    ck_assert_double_le(value, expected + tolerance);
}

/* The share of values that are at most `limit`. */
static double share_below(enum distribution d, double limit)
{
    struct rng r = stream(d);
    unsigned below = 0;

    for (int i = 0; i < DRAWS; i++)
        below += in_deviations(dist_deviate(&r, d)) <= limit;
    return (double)below / DRAWS;
}

static void moments(enum distribution d, double *mean, double *deviation)
{
    struct rng r = stream(d);
    double sum = 0, squares = 0;

    for (int i = 0; i < DRAWS; i++) {
        double x = in_deviations(dist_deviate(&r, d));

        sum += x;
        squares += x * x;
    }
    *mean = sum / DRAWS;
    *deviation = sqrt(squares / DRAWS - *mean * *mean);
}

/* Five sigma of the sampling error of a share. */
static double share_error(double p)
{
    return 5 * sqrt(p * (1 - p) / DRAWS);
}

START_TEST(exponential_has_mean_variance_and_quantiles)
{
    static const double shares[] = {.01, .1, .5, .9, .99, .999};
    unsigned below[6] = {0};
    struct rng r = stream(9);
    double sum = 0, squares = 0;

    for (int i = 0; i < DRAWS; i++) {
        double x = (double)dist_exponential(&r, NSEC_PER_S) / 1e9;

        sum += x;
        squares += x * x;
        for (int k = 0; k < 6; k++)
            below[k] += x <= -log(1 - shares[k]);
    }
    ck_near(sum / DRAWS, 1, .005);
    ck_near(squares / DRAWS - sum / DRAWS * sum / DRAWS, 1, .015);
    for (int k = 0; k < 6; k++)
        ck_near((double)below[k] / DRAWS, shares[k], share_error(shares[k]));
}
END_TEST

/* The same draw of a stream, so that only the logarithm is tested: to the last nanosecond. */
START_TEST(exponential_is_the_logarithm)
{
    for (uint64_t i = 0; i < 10000; i++) {
        struct rng r = stream(i), same = r;
        uint64_t u = rng_u64(&same) | 1;
        double expected = -1e9 * (log((double)u) - 64 * log(2));

        ck_near((double)dist_exponential(&r, NSEC_PER_S), expected, 1.5);
        ck_assert_uint_eq(r.counter, 1);
    }
}
END_TEST

START_TEST(exponential_of_extreme_means)
{
    struct rng r = stream(3);

    for (int i = 0; i < 1000; i++)
        ck_assert_uint_eq(dist_exponential(&r, 0), 0);
    /* A year: nothing overflows on the way. */
    for (int i = 0; i < 100000; i++)
        ck_assert_uint_lt(dist_exponential(&r, 31536000 * NSEC_PER_S), 45 * 31536000 * NSEC_PER_S);
}
END_TEST

START_TEST(uniform_fills_its_interval)
{
    double mean, deviation;

    moments(DIST_UNIFORM, &mean, &deviation);
    ck_near(mean, 0, .003);
    ck_near(deviation, 1 / sqrt(3), .002);
    for (double x = -1; x <= 1; x += .125)
        ck_near(share_below(DIST_UNIFORM, x), (x + 1) / 2, share_error((x + 1) / 2) + 2e-5);
    ck_assert_double_eq(share_below(DIST_UNIFORM, 1), 1);
}
END_TEST

START_TEST(normal_is_normal)
{
    double mean, deviation;

    moments(DIST_NORMAL, &mean, &deviation);
    ck_near(mean, 0, .005);
    ck_near(deviation, 1, .005);
    for (double x = -3.5; x <= 3.5; x += .25) {
        double expected = .5 * erfc(-x / sqrt(2));

        /* The table has 8192 steps. */
        ck_near(share_below(DIST_NORMAL, x), expected, share_error(expected) + 1.3e-4);
    }
    ck_assert_double_eq(share_below(DIST_NORMAL, 4), 1);
    ck_assert_double_eq(share_below(DIST_NORMAL, -4), 0);
}
END_TEST

/* X = (u^(-1/3) - 3/2) / sqrt(3/4); its fourth moment is infinite, so shares say more. */
static double pareto_below(double x)
{
    double root = x * sqrt(.75) + 1.5;

    return root <= 1 ? 0 : 1 - 1 / (root * root * root);
}

START_TEST(pareto_has_shape_three)
{
    double mean, deviation;

    moments(DIST_PARETO, &mean, &deviation);
    ck_near(mean, 0, .005);
    ck_near(deviation, 1, .1);
    for (double x = -.55; x < 10; x += .35)
        ck_near(share_below(DIST_PARETO, x), pareto_below(x), share_error(pareto_below(x)) + 1e-4);
    /* u = 1 is its smallest value: (1 - 3/2) / sqrt(3/4). */
    ck_assert_double_eq(share_below(DIST_PARETO, -.5775), 0);
}
END_TEST

START_TEST(paretonormal_is_their_mixture)
{
    double mean, deviation, sum = 0;

    moments(DIST_PARETONORMAL, &mean, &deviation);
    ck_near(mean, 0, .005);
    ck_near(deviation, 1, .1);
    /* P(X <= 0) by the definition, numerically over the normal part: midpoint rule. */
    for (int i = 0; i < 16000; i++) {
        double z = -8 + (i + .5) / 1000;

        sum += exp(-z * z / 2) / sqrt(2 * M_PI) / 1000 * pareto_below(-z / 3);
    }
    ck_near(share_below(DIST_PARETONORMAL, 0), sum, share_error(sum) + 1e-3);
}
END_TEST

START_TEST(jitter_scales_and_never_goes_below_zero)
{
    struct rng r = stream(5), same = r;
    bool cut = false, later = false;

    for (int i = 0; i < 100000; i++) {
        int32_t x = dist_deviate(&same, DIST_NORMAL);
        nsec delay = dist_jitter(&r, DIST_NORMAL, 10 * NSEC_PER_MS, 10 * NSEC_PER_MS);
        double expected = 10e6 + 10e6 * in_deviations(x);

        ck_near((double)delay, expected < 0 ? 0 : expected, 1);
        cut = cut || delay == 0;
        later = later || delay > 20 * NSEC_PER_MS;
    }
    ck_assert(cut && later);
}
END_TEST

START_TEST(jitter_draws_once_whatever_it_is)
{
    for (enum distribution d = DIST_UNIFORM; d <= DIST_PARETONORMAL; d++) {
        struct rng r = stream(d);

        ck_assert_uint_eq(dist_jitter(&r, d, 77, 0), 77);
        ck_assert_uint_eq(r.counter, 1);
        (void)dist_jitter(&r, d, 77, NSEC_PER_S);
        ck_assert_uint_eq(r.counter, 2);
    }
}
END_TEST

START_TEST(jitter_at_the_end_of_time)
{
    struct rng r = stream(6);

    for (int i = 0; i < 1000; i++) {
        nsec at = dist_jitter(&r, DIST_UNIFORM, NSEC_NEVER - 5, 100);

        ck_assert(at >= NSEC_NEVER - 105);
    }
}
END_TEST

/* A change here changes every digest ever stored: say so where it happens. */
START_TEST(values_are_pinned)
{
    static const int32_t deviates[4][6] = {
        {-18840, -7100, -29633, 17207, 62883, 17197},
        {-38256, 76400, 13648, -123536, 35952, 4624},
        {82330, -36066, -33068, -33850, -5905, 11639},
        {-53678, 2396, -30689, -6911, -3621, 1998},
    };
    static const nsec exponentials[6] = {170908087, 166070336, 11195598,
                                         506811241, 728121586, 254684516};
    struct rng r = stream(9);

    for (int i = 0; i < 6; i++)
        ck_assert_uint_eq(dist_exponential(&r, NSEC_PER_S), exponentials[i]);
    for (enum distribution d = DIST_UNIFORM; d <= DIST_PARETONORMAL; d++) {
        r = stream(d);
        for (int i = 0; i < 6; i++)
            ck_assert_int_eq(dist_deviate(&r, d), deviates[d][i]);
    }
}
END_TEST

SUITE("dist", exponential_has_mean_variance_and_quantiles, exponential_is_the_logarithm,
      exponential_of_extreme_means, uniform_fills_its_interval, normal_is_normal,
      pareto_has_shape_three, paretonormal_is_their_mixture,
      jitter_scales_and_never_goes_below_zero, jitter_draws_once_whatever_it_is,
      jitter_at_the_end_of_time, values_are_pinned)
