/*
 * What one run left: read from the result.json of its folder. A run counts if that is whole, of
 * this scenario, seed and program, and found no violation.
 */
#ifndef BENCH_SWEEP_OUTCOME_H
#define BENCH_SWEEP_OUTCOME_H

#include "bench/sweep/plan.h"

enum outcome_state {
    OUTCOME_MISSING, /* not run yet, or what is there does not count */
    OUTCOME_DONE,
    OUTCOME_THRESHOLD, /* done; a threshold failed */
    OUTCOME_FAILED,    /* run now, and there is nothing to count */
};

struct outcome {
    enum outcome_state state;
    char digest[32]; /* hex */
    double *values;  /* one a metric; NAN: nothing was measured. Owned; NULL unless done */
};

/**
 * @param[out] out  missing where there is nothing that counts
 * @retval ERR_MEMORY
 */
enum err outcome_read(const struct sweep_plan *, uint64_t run, struct outcome *out) MUST_USE;
void outcome_reset(struct outcome *);

#endif
