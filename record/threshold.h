/*
 * Thresholds of a scenario, judged over the finished metrics: a metric of `virtual`, one number
 * of it, a comparison, a limit. The scenario loader parses the text (`p(99)<2s`) into these;
 * here they are compared, in integers.
 */
#ifndef RECORD_THRESHOLD_H
#define RECORD_THRESHOLD_H

#include "record/metrics.h"

enum aggregate {
    AGGREGATE_VALUE, /* the plain number itself */
    AGGREGATE_COUNT, /* of a histogram; of a plain number: the number */
    AGGREGATE_MIN,   /* histograms only, as are the following */
    AGGREGATE_MEAN,
    AGGREGATE_MAX,
    AGGREGATE_PERCENTILE,
};

enum comparison { COMPARE_LT, COMPARE_LE, COMPARE_EQ, COMPARE_NE, COMPARE_GE, COMPARE_GT };

struct threshold {
    const char *metric; /* "ike.setup_time_s", "esp.delivered_ratio@upload"; borrowed */
    const char *expect; /* as written: "p(99)<2s"; borrowed */
    enum aggregate aggregate;
    uint32_t percentile_ppm; /* 990000 for p(99) */
    enum comparison op;
    struct fixed limit; /* in the metric's unit: seconds, ratio, bit/s, a count */
};

struct threshold_result {
    struct fixed value; /* none: nothing was measured, which fails */
    const char *unit;
    bool pass;
};

/**
 * @retval ERR_NOT_FOUND  no such metric, group, link or flow
 * @retval ERR_USAGE      the metric has no such aggregate (p(99) of a plain number)
 * On error the result is untouched. Metrics just created with the scenario's names answer the
 * same question before the run.
 */
enum err threshold_judge(const struct threshold *, const struct metrics *,
                         struct threshold_result *out) MUST_USE;

#endif
