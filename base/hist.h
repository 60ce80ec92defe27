/*
 * Log-linear histogram of unsigned 64-bit values: exact below 2048, above that 1024 buckets per
 * power of two, so a bucket is never wider than 1/1024 of its values (three significant digits).
 * Integers only, so two runs compare equal. Memory is bounded (220 pages of 2 KiB) and follows
 * the values that occur: nothing before the first, one page for a cluster.
 *
 * Count, sum, minimum and maximum are exact. A percentile is the nearest-rank one: the smallest
 * recorded value such that at least p of all values are <= it, reported as the upper end of its
 * bucket and never above the exact maximum.
 */
#ifndef BASE_HIST_H
#define BASE_HIST_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum hist_sizes {
    HIST_PAGE = 256,                 /* buckets in a page */
    HIST_BUCKETS = 2048 + 53 * 1024, /* the last one ends at UINT64_MAX */
    HIST_PAGES = HIST_BUCKETS / HIST_PAGE,
};

struct hist {
    uint64_t **pages; /* HIST_PAGES pointers, NULL before the first value */
    uint64_t count;
    uint64_t min, max; /* of what was recorded; meaningless at count 0 */
    uint64_t lost;     /* values not recorded because memory ran out; a result must not hide them */
    unsigned __int128 sum;
};

/** All zero is an empty histogram: `struct hist h = {0}` needs no init. */
void hist_add(struct hist *h, uint64_t value);
void hist_add_n(struct hist *h, uint64_t value, uint64_t n);
/** Add everything in `from` to `to`; `from` stays as it is. */
void hist_merge(struct hist *to, const struct hist *from);
/** Forget all values but keep the pages: for histograms of one interval after another. */
void hist_clear(struct hist *h);
/** Free the pages; the histogram is empty again. */
void hist_reset(struct hist *h);

/**
 * Nearest-rank percentile.
 * @param ppm  parts per million, 0..1000000: 990000 is the 99th percentile, 1000000 the maximum
 * @return 0 at count 0: the caller asks h->count and prints null
 */
uint64_t hist_percentile(const struct hist *h, uint32_t ppm);
/** Sum divided by count, rounded down; 0 at count 0. */
uint64_t hist_mean(const struct hist *h);

struct hist_bucket {
    uint32_t index;
    uint64_t low, high; /* the values of this bucket: low..high inclusive */
    uint64_t count;
};

/** The next bucket with a count, in rising order: start with a zeroed `b`; false at the end. */
bool hist_next(const struct hist *h, struct hist_bucket *b);

#endif
