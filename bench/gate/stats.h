/*
 * The statistics of a comparison: ranks and resampling, no assumption that timings are normal, no
 * removal of outliers. All work on copies; the samples keep their order.
 */
#ifndef BENCH_GATE_STATS_H
#define BENCH_GATE_STATS_H

#include <stddef.h>
#include <stdint.h>

/** @param count >= 1; an even count gives the mean of the middle two */
double stats_median(const double *, size_t count);
/** Coefficient of variation, percent; 0 for one sample. */
double stats_cv(const double *, size_t count);
/** Spread about the median: 1.4826 times the median absolute deviation. */
double stats_mad(const double *, size_t count);

#endif
