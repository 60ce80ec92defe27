/*
 * The programs of bench/bounds: what the hardware allows, measured by processes of their own that
 * call the crypto libraries and nothing of ours. They answer a line "ROW COUNT" with the CPU
 * nanoseconds that COUNT operations took, and what computed them. They lie beside the binary, or
 * where the environment's IKELAB_BOUNDS says: two programs that are measured in turns have one
 * reference.
 */
#ifndef BENCH_BOUND_H
#define BENCH_BOUND_H

#include "bench/child.h"
#include "bench/row.h"

/** Of the environment: another folder for them. */
#define BOUNDS_VARIABLE "IKELAB_BOUNDS"

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

/** The bound of one row, ready to be measured again and again. */
struct bound_use {
    struct bound *bound[BOUND_THREADS_MAX];
    const struct row *row;
    char by[64];    /* what computes it, known after bound_open */
    uint64_t count; /* operations that fill a window */
};

/**
 * Start what the row needs and find out how much of it fills `window_ns`: also the warm-up.
 * @param[out] why  on error, a sentence
 * @retval ERR_NOT_FOUND  the program is missing; ERR_IO  it does not know this row, or is gone
 */
enum err bound_open(struct bounds *, const struct row *, uint64_t window_ns, struct bound_use *,
                    const char **why) MUST_USE;
/**
 * Nanoseconds for one operation, over one window; with row->threads programs at once, the time of
 * all of them together. @retval ERR_IO it is gone
 */
enum err bound_measure(struct bound_use *, double *ns) MUST_USE;
/** Where the bound programs of this program lie. */
bool bounds_folder(char *path, size_t cap);
/** End them all. */
void bounds_stop(struct bounds *);

#endif
