/* base/hist: against a sorted array of the same values. */
#include "base/hist.h"
#include "base/rng.h"
#include "suite.h"

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

START_TEST(empty_histogram_answers_zero)
{
    struct hist h = {0};
    struct hist_bucket b = {0};

    ck_assert_uint_eq(hist_percentile(&h, 500000), 0);
    ck_assert_uint_eq(hist_mean(&h), 0);
    ck_assert(!hist_next(&h, &b));
    hist_add_n(&h, 7, 0);
    ck_assert_uint_eq(h.count, 0);
    ck_assert_ptr_null(h.pages);
    hist_reset(&h);
}
END_TEST

START_TEST(buckets_tile_the_whole_range)
{
    struct hist h = {0};
    struct hist_bucket b = {0};
    uint64_t next = 0;
    uint32_t seen = 0;

    /* One value at each power of two, around it, and at the ends. */
    for (int bit = 0; bit < 64; bit++) {
        hist_add(&h, UINT64_C(1) << bit);
        hist_add(&h, (UINT64_C(1) << bit) - 1);
        hist_add(&h, (UINT64_C(1) << bit) + 1);
    }
    hist_add(&h, UINT64_MAX);
    while (hist_next(&h, &b)) {
        ck_assert_uint_ge(b.low, next);
        ck_assert_uint_ge(b.high, b.low);
        if (b.low >= 2048)
            ck_assert_uint_le(b.high - b.low, b.low / 1024);
        else
            ck_assert_uint_eq(b.low, b.high);
        next = b.high; /* rising; high of one lies below low of the next */
        seen++;
    }
    ck_assert_uint_eq(next, UINT64_MAX);
    ck_assert_uint_gt(seen, 64);
    ck_assert_uint_eq(h.min, 0);
    ck_assert_uint_eq(h.max, UINT64_MAX);
    hist_reset(&h);
}
END_TEST

START_TEST(percentiles_are_nearest_rank)
{
    const uint32_t ranks[] = {0, 1, 100000, 500000, 900000, 990000, 999000, 1000000};
    struct hist h = {0};

    for (uint64_t v = 1; v <= 1000; v++)
        hist_add(&h, v);
    ck_assert_uint_eq(hist_percentile(&h, 500000), 500);
    ck_assert_uint_eq(hist_percentile(&h, 990000), 990);
    ck_assert_uint_eq(hist_percentile(&h, 999000), 999);
    ck_assert_uint_eq(hist_percentile(&h, 999001), 1000);
    ck_assert_uint_eq(hist_percentile(&h, 1000000), 1000);
    ck_assert_uint_eq(hist_percentile(&h, 0), 1);
    ck_assert_uint_eq(hist_mean(&h), 500);
    hist_reset(&h);

    hist_add(&h, 123456789);
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++)
        ck_assert_uint_eq(hist_percentile(&h, ranks[i]), 123456789); /* never above the maximum */
    hist_reset(&h);
}
END_TEST

START_TEST(percentiles_agree_with_sorting)
{
    enum { VALUES = 5000 };
    static uint64_t values[VALUES];
    struct rng r = rng_stream(1, 2, RNG_TEST);
    struct hist h = {0};
    unsigned __int128 sum = 0;

    for (int i = 0; i < VALUES; i++) {
        values[i] = rng_u64(&r) >> (rng_u64(&r) % 64);
        sum += values[i];
        hist_add(&h, values[i]);
    }
    qsort(values, VALUES, sizeof *values, by_value);
    for (uint32_t ppm = 0; ppm <= 1000000; ppm += 997) {
        uint64_t rank = ((uint64_t)VALUES * ppm + 999999) / 1000000;
        uint64_t exact = values[rank ? rank - 1 : 0];
        uint64_t got = hist_percentile(&h, ppm);

        ck_assert_uint_ge(got, exact);
        ck_assert_uint_le(got - exact, exact / 1024);
    }
    ck_assert(h.sum == sum);
    ck_assert_uint_eq(h.min, values[0]);
    ck_assert_uint_eq(h.max, values[VALUES - 1]);
    hist_reset(&h);
}
END_TEST

START_TEST(merging_equals_adding_to_one)
{
    struct rng r = rng_stream(3, 4, RNG_TEST);
    struct hist whole = {0}, parts[3] = {0}, merged = {0};
    struct hist_bucket a = {0}, b = {0};

    for (int i = 0; i < 3000; i++) {
        uint64_t v = rng_u64(&r) >> (rng_u64(&r) % 64), n = 1 + rng_u64(&r) % 3;

        hist_add_n(&whole, v, n);
        hist_add_n(&parts[i % 2], v, n); /* the third part stays empty */
    }
    for (int i = 0; i < 3; i++)
        hist_merge(&merged, &parts[i]);
    while (hist_next(&whole, &a)) {
        ck_assert(hist_next(&merged, &b));
        ck_assert_uint_eq(a.index, b.index);
        ck_assert_uint_eq(a.count, b.count);
    }
    ck_assert(!hist_next(&merged, &b));
    ck_assert_uint_eq(whole.count, merged.count);
    ck_assert_uint_eq(whole.min, merged.min);
    ck_assert_uint_eq(whole.max, merged.max);
    ck_assert(whole.sum == merged.sum);
    hist_clear(&merged);
    b = (struct hist_bucket){0};
    ck_assert(!hist_next(&merged, &b));
    ck_assert_uint_eq(merged.count, 0);
    hist_add(&merged, 5);
    ck_assert_uint_eq(merged.min, 5);
    hist_reset(&whole);
    hist_reset(&merged);
    for (int i = 0; i < 3; i++)
        hist_reset(&parts[i]);
}
END_TEST

SUITE("hist", empty_histogram_answers_zero, buckets_tile_the_whole_range,
      percentiles_are_nearest_rank, percentiles_agree_with_sorting, merging_equals_adding_to_one)
