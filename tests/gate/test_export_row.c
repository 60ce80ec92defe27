/* What exports know of a row: its interval, its unit, and numbers that read back as they were. */
#include "bench/gate/export_row.h"

#include "suite.h"

#include <math.h>
#include <stdlib.h>

static struct measurement *row(struct measurement_set *set, const char *unit, size_t count)
{
    struct measurement *m;

    ck_assert_ok(measurement_init(set, "test"));
    m = measurement_add(set, "a/b", unit, BETTER_LOWER);
    ck_assert_ptr_nonnull(m);
    for (size_t i = count; i > 0; i--)
        ck_assert_ok(measurement_sample(m, (double)i, NAN));
    return m;
}

/* The ranks of the sign test's tables: the r-th from each end encloses the median with 95 %. */
START_TEST(the_interval_has_the_ranks_of_the_tables)
{
    static const struct {
        size_t count, rank;
    } known[] = {{1, 1},  {2, 1},  {5, 1},  {6, 1},   {8, 1},   {9, 2},     {10, 2},
                 {12, 3}, {15, 4}, {22, 6}, {30, 10}, {40, 14}, {1000, 469}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct measurement_set set;
        struct measurement *m = row(&set, "ns", known[i].count);
        struct row_interval got = row_interval(m);

        ck_assert_double_eq(got.low, (double)known[i].rank);
        ck_assert_double_eq(got.high, (double)(known[i].count + 1 - known[i].rank));
        ck_assert_double_eq(got.median, (double)(known[i].count + 1) / 2);
        measurement_reset(&set);
    }
}
END_TEST

START_TEST(units_come_in_their_base)
{
    static const struct unit known[] = {{"ns", DIMENSION_TIME, 1},       {"s", DIMENSION_TIME, 1e9},
                                        {"1/s", DIMENSION_RATE, 1},      {"B/s", DIMENSION_BITS, 8},
                                        {"Gbit/s", DIMENSION_BITS, 1e9}, {"B", DIMENSION_BYTES, 1},
                                        {"cycles", DIMENSION_OTHER, 1}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct measurement_set set;
        struct unit unit = unit_of(row(&set, known[i].name, 1));

        ck_assert_str_eq(unit.name, known[i].name);
        ck_assert_int_eq(unit.dimension, known[i].dimension);
        ck_assert_double_eq(unit.factor, known[i].factor);
        measurement_reset(&set);
    }
}
END_TEST

START_TEST(numbers_read_back_as_they_were)
{
    static const struct {
        double value;
        const char *text;
    } known[] = {{0, "0"},        {158, "158"},         {1000000, "1000000"}, {0.1, "0.1"},
                 {-2.5, "-2.5"},  {NAN, "null"},        {INFINITY, "null"},   {1e300, "1e+300"},
                 {1.0 / 3, NULL}, {512.3 * 1e-9, NULL}, {5e-324, NULL}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct text text;

        text_init(&text, NULL);
        text_double(&text, known[i].value);
        if (known[i].text)
            ck_assert_str_eq(text.data, known[i].text);
        else
            ck_assert(strtod(text.data, NULL) == known[i].value);
        text_reset(&text);
    }
}
END_TEST

START_TEST(a_rate_reaches_its_bound_from_below)
{
    struct measurement_set set;
    struct measurement *m;

    ck_assert_ok(measurement_init(&set, "test"));
    m = measurement_add(&set, "a/rate", "1/s", BETTER_HIGHER);
    ck_assert_ok(measurement_sample(m, 80, 100));
    ck_assert_double_eq(row_ratio(m), 0.8);
    m = measurement_add(&set, "a/time", "ns", BETTER_LOWER);
    ck_assert_ok(measurement_sample(m, 125, 100));
    ck_assert_double_eq(row_ratio(m), 0.8);
    m = measurement_add(&set, "a/alone", "ns", BETTER_LOWER);
    ck_assert_ok(measurement_sample(m, 125, NAN));
    ck_assert(isnan(row_ratio(m)) && isnan(row_bound(m)));
    measurement_reset(&set);
}
END_TEST

SUITE("export_row", the_interval_has_the_ranks_of_the_tables, units_come_in_their_base,
      numbers_read_back_as_they_were, a_rate_reaches_its_bound_from_below)
