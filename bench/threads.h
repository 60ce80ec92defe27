/*
 * The same work in several threads at the same time, each on a processor of its own, for rows that
 * tell what a second core is worth.
 */
#ifndef BENCH_THREADS_H
#define BENCH_THREADS_H

#include "base/err.h"

#include <stdint.h>

enum { BENCH_THREADS_MAX = 2 };

/** One thread's part; it adds the CPU time that it took. */
typedef enum err threads_work(void *state, uint64_t operations, uint64_t *ns);

/**
 * `operations` in all, shared out evenly.
 * @param state    one a thread
 * @param[out] ns  of the slowest thread
 */
enum err threads_run(unsigned threads, threads_work *, void *const state[], uint64_t operations,
                     uint64_t *ns) MUST_USE;

#endif
