/*
 * A pool of processes: as many at a time as asked for, the next one as soon as one has ended. What
 * they say is kept, its beginning and its end, for when one fails.
 */
#ifndef BENCH_SWEEP_POOL_H
#define BENCH_SWEEP_POOL_H

#include "base/err.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

enum pool_sizes { POOL_JOBS_MAX = 1024, POOL_SAID_MAX = 4096 };

struct pool_options {
    unsigned jobs; /* 1 to POOL_JOBS_MAX */
    const volatile sig_atomic_t *interrupted;
    /**
     * The next job: its words (argv, borrowed until the call returns) and a number of its own.
     * @return false: there are no more
     */
    bool (*next)(void *context, const char *const **argv, uint64_t *job);
    /** A job has ended with `status`, 128 + n after signal n; `said` on either stream. */
    void (*done)(void *context, uint64_t job, int status, const char *said);
    /** Now and then, and after each job. */
    void (*tick)(void *context);
    void *context;
};

/**
 * Run all jobs. After an interruption the running ones are asked to end and waited for.
 * @retval ERR_INTERRUPTED
 * @retval ERR_IO      a process could not be started; those running were waited for
 * @retval ERR_MEMORY
 */
enum err pool_run(const struct pool_options *) MUST_USE;

#endif
