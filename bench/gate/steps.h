/*
 * Steps in a series: at which run a benchmark became slower or faster and stayed so. The series is
 * fitted by constant pieces, each its median, such that the sum of absolute distances plus a fixed
 * price for every step is smallest. A median does not follow an outlier, and no step is free.
 */
#ifndef BENCH_GATE_STEPS_H
#define BENCH_GATE_STEPS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum { STEPS_RUNS_MAX = 2000 }; /* the work grows with the square: 0.1 s for these */

struct step {
    size_t at;            /* index of the first run of the new level */
    double before, after; /* medians of the pieces on both sides */
    double change;        /* after / before - 1 */
    bool recent; /* fewer than `hold` runs since: a step or an outlier, too early to tell */
};

struct step_options {
    double effect; /* smallest relative change that is a step, 0.02 */
    size_t hold;   /* runs that a level must last on both sides, 3 */
};

extern const struct step_options step_defaults;

struct steps {
    struct step *list; /* in the order of the runs */
    size_t count;
    double noise; /* of one run about its level, in the unit of the series */
};

/**
 * @param value  `count` medians in the order of the runs, all finite
 * @param[out] out  to be freed with steps_reset, also on error
 * @retval ERR_FULL  more than STEPS_RUNS_MAX values; ERR_MEMORY
 */
enum err steps_find(const double *value, size_t count, const struct step_options *,
                    struct steps *out) MUST_USE;
void steps_reset(struct steps *);

#endif
