#include "bench/gate/export_row.h"

#include "base/assert.h"
#include "bench/gate/stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct unit units[] = {
    {"ns", DIMENSION_TIME, 1},       {"us", DIMENSION_TIME, 1e3},
    {"ms", DIMENSION_TIME, 1e6},     {"s", DIMENSION_TIME, 1e9},
    {"1/s", DIMENSION_RATE, 1},      {"bit/s", DIMENSION_BITS, 1},
    {"Mbit/s", DIMENSION_BITS, 1e6}, {"Gbit/s", DIMENSION_BITS, 1e9},
    {"B/s", DIMENSION_BITS, 8},      {"B", DIMENSION_BYTES, 1},
    {"KiB", DIMENSION_BYTES, 1024},  {"MiB", DIMENSION_BYTES, 1048576},
};

struct unit unit_of(const struct measurement *m)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(m->unit, units[i].name) == 0)
            return units[i];
    return (struct unit){m->unit, DIMENSION_OTHER, 1};
}

/* How many samples may be cut off at each end: the largest r with P(Bin(n, 1/2) < r) <= 2.5 %. */
static size_t samples_outside(size_t n)
{
    double chance = pow(0.5, (double)n), below = chance;
    size_t r = 0;

    while (below <= 0.025 && r < n / 2) {
        r++;
        chance *= (double)(n - r + 1) / (double)r;
        below += chance;
    }
    return r ? r - 1 : 0;
}

struct row_interval row_interval(const struct measurement *m)
{
    double *sorted = malloc(m->sample_count * sizeof *sorted);
    size_t out = samples_outside(m->sample_count);
    struct row_interval interval;

    ASSERT(sorted && m->sample_count > 0);
    memcpy(sorted, m->samples, m->sample_count * sizeof *sorted);
    stats_sort(sorted, m->sample_count);
    interval = (struct row_interval){.low = sorted[out],
                                     .median = stats_median(m->samples, m->sample_count),
                                     .high = sorted[m->sample_count - 1 - out]};
    free(sorted);
    return interval;
}

double row_bound(const struct measurement *m)
{
    return m->bounds ? stats_median(m->bounds, m->sample_count) : NAN;
}

double row_ratio(const struct measurement *m)
{
    double median = stats_median(m->samples, m->sample_count), bound = row_bound(m);

    return m->better == BETTER_LOWER ? bound / median : median / bound;
}

const struct comparison *row_verdict(const struct comparison_set *set, const struct measurement *m)
{
    for (size_t i = 0; set && i < set->row_count; i++)
        if (strcmp(set->rows[i].now->name, m->name) == 0)
            return &set->rows[i];
    return NULL;
}

void text_double(struct text *t, double value)
{
    char digits[40];

    if (!isfinite(value)) {
        text_raw(t, "null");
        return;
    }
    if (value == floor(value) && fabs(value) < 1e15) {
        text_format(t, "%.0f", value);
        return;
    }
    for (int precision = 6; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    text_raw(t, digits);
}
