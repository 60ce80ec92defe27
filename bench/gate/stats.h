/*
 * The statistics of a comparison: ranks and resampling, no assumption that timings are normal, no
 * removal of outliers. All work on copies; the samples keep their order. The exception is the mean
 * over seeds of a simulation, whose interval is Student's.
 */
#ifndef BENCH_GATE_STATS_H
#define BENCH_GATE_STATS_H

#include <stddef.h>
#include <stdint.h>

enum { STATS_EXACT_MAX = 50, STATS_RESAMPLES_MAX = 100000 };

/** Ascending, in place. */
void stats_sort(double *, size_t count);
/** @param count >= 1; an even count gives the mean of the middle two */
double stats_median(const double *, size_t count);
/** Coefficient of variation, percent; 0 for one sample. */
double stats_cv(const double *, size_t count);

/**
 * Two-sided p of the Mann-Whitney U test: how often chance alone separates two samples of one
 * population at least so far. Exact without ties up to STATS_EXACT_MAX values a side, otherwise the
 * normal approximation with corrections for ties and continuity.
 * @param na, nb  >= 1
 */
double stats_mann_whitney(const double *a, size_t na, const double *b, size_t nb);
/** One-sided: small when the values of `a` lie below those of `b`. */
double stats_mann_whitney_below(const double *a, size_t na, const double *b, size_t nb);
/** The smallest two-sided p that samples of these sizes can have: one lies wholly below the other.
 */
double stats_mann_whitney_least(size_t na, size_t nb);

/**
 * Two-sided p of Wilcoxon's signed-rank test: how often chance alone moves the differences of pairs
 * at least so far from 0. Differences of 0 are left out. Exact without ties up to STATS_EXACT_MAX
 * pairs, otherwise the normal approximation with corrections for ties and continuity.
 * @param count  >= 1
 */
double stats_signed_rank(const double *difference, size_t count);
/** One-sided: small when the differences lie below 0. */
double stats_signed_rank_below(const double *difference, size_t count);
/** The smallest two-sided p that so many pairs can have: all differences have one sign. */
double stats_signed_rank_least(size_t count);

/** Holm's step-down correction over all `count` tests, in place of their p. */
void stats_holm(double *p, size_t count);

struct bootstrap {
    uint32_t resamples; /* 1 to STATS_RESAMPLES_MAX */
    double level;       /* 0.95 */
    uint64_t seed, stream;
};

struct interval {
    double low, high;
};

/** Percentile interval of median(now) / median(base); the same values give the same interval. */
struct interval stats_ratio_interval(const double *base, size_t base_count, const double *now,
                                     size_t now_count, const struct bootstrap *);

double stats_mean(const double *, size_t count);
/**
 * Interval of the mean by Student's t, as for normal values; their one value when all are equal.
 * @param count  >= 2
 * @param level  below 1: 0.95
 */
struct interval stats_mean_interval(const double *, size_t count, double level);

#endif
