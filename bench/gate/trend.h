/*
 * The trend of each benchmark in a history: a series of medians in the order in which the runs
 * began, and its steps. Runs of different machine classes are never in one series unless asked,
 * runs of different scenarios never, and runs that ended early are in none.
 */
#ifndef BENCH_GATE_TREND_H
#define BENCH_GATE_TREND_H

#include "bench/gate/history.h"
#include "bench/gate/steps.h"

struct trend_point {
    int64_t run;
    char *started, *commit;
    bool dirty;
    size_t samples;
    double median, low, high; /* low and high: quartiles, nearest-rank */
    double bound;             /* median of the bounds; NAN without */
    char *bound_kind;         /* what the bounds are, and by which libraries */
};

struct trend {
    char *bench, *metric, *unit;
    char *class;    /* "" where classes are mixed */
    char *scenario; /* its SHA-256, "" without one: what ran, to the letter */
    enum better better;
    struct trend_point *points;
    size_t count;
    bool beside_bound;  /* steps are sought in values as if the bounds had stayed the same */
    struct steps steps; /* `at` counts from points[0] */
    size_t unjudged;    /* points at the beginning beyond STEPS_RUNS_MAX, in which none is sought */
};

struct trend_query {
    const char *glob;  /* of the name; NULL: every benchmark */
    const char *class; /* NULL: every class */
    bool mixed;        /* all of them in one series */
    struct step_options steps;
};

struct trend_set {
    struct trend *list; /* by name, metric, class */
    size_t count;
    size_t left_out; /* runs of other classes */
};

/** @param[out] out  to be freed with trend_reset, also on error */
enum err trend_read(struct history *, const struct trend_query *, struct trend_set *out,
                    struct history_problem *) MUST_USE;
void trend_reset(struct trend_set *);

/** "better" or "worse": what a change of this sign is for a benchmark. */
const char *trend_word(const struct trend *, double change);

#endif
