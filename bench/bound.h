/*
 * The programs of bench/bounds: what the hardware allows, measured by processes of their own that
 * call the crypto libraries and nothing of ours. They answer a line "ROW COUNT" with the CPU
 * nanoseconds that COUNT operations took.
 */
#ifndef BENCH_BOUND_H
#define BENCH_BOUND_H

#include "bench/child.h"
#include "bench/row.h"

enum bound_sizes { BOUND_PROGRAMS_MAX = 8, BOUND_THREADS_MAX = 2 };

/** One running program. */
struct bound {
    const char *program;
    unsigned instance; /* several of one program run side by side, each on a core of its own */
    struct child child;
};

/** Those that were needed so far; zeroed at the start. */
struct bounds {
    struct bound bound[BOUND_PROGRAMS_MAX * BOUND_THREADS_MAX];
    unsigned count;
};

/**
 * Nanoseconds for one operation of the row's bound, over about `window_ns`; with row->threads
 * programs at once, the time of all of them together.
 * @param[out] ns   NAN when the program is missing or does not know this row: *why says it
 */
enum err bound_measure(struct bounds *, const struct row *, uint64_t window_ns, double *ns,
                       const char **why) MUST_USE;
/** End them all. */
void bounds_stop(struct bounds *);

#endif
