/*
 * What several formats need to know of one row: its unit in base units, an interval about its
 * median, its verdict, and numbers written so that reading them gives the same double.
 */
#ifndef BENCH_GATE_EXPORT_ROW_H
#define BENCH_GATE_EXPORT_ROW_H

#include "bench/gate/compare.h"
#include "bench/gate/measurement.h"
#include "record/text.h"

enum dimension { DIMENSION_TIME, DIMENSION_RATE, DIMENSION_BITS, DIMENSION_BYTES, DIMENSION_OTHER };

/** A unit of measurements: value * factor is in ns, per second, bit/s or bytes. */
struct unit {
    const char *name;
    enum dimension dimension;
    double factor;
};

/** A name that is not known is of DIMENSION_OTHER with factor 1. */
struct unit unit_of(const struct measurement *);

struct row_interval {
    double low, median, high;
};

/**
 * The distribution-free 95 % interval of the median: two order statistics of the samples, chosen
 * by the binomial distribution. With fewer than six samples no pair reaches 95 %: smallest and
 * largest.
 */
struct row_interval row_interval(const struct measurement *);
/** Median of the bounds; NAN without. */
double row_bound(const struct measurement *);
/** Share of the bound that is reached, 1 is the bound; NAN without. */
double row_ratio(const struct measurement *);

/** The comparison of the row of this name; NULL without. */
const struct comparison *row_verdict(const struct comparison_set *, const struct measurement *);

/** As few digits as give the same double when read; "null" for what is not finite. */
void text_double(struct text *, double);

#endif
