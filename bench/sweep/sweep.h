/*
 * A sweep: its folder, its runs in a pool of processes, and what came out of them. A run that is
 * there already, of the same plan, is not done again; so a sweep that was stopped goes on when it
 * is started again. Writing what came out: output.h.
 */
#ifndef BENCH_SWEEP_SWEEP_H
#define BENCH_SWEEP_SWEEP_H

#include "bench/sweep/outcome.h"
#include "bench/sweep/plan.h"

#include <signal.h>

enum { SWEEP_WHY_MAX = 9000 };

struct sweep_state {
    uint64_t all;  /* runs */
    uint64_t kept; /* were there before */
    uint64_t done; /* now */
    uint64_t failed, threshold;
    uint64_t wall_ns; /* since the first run started */
};

struct sweep_options {
    const struct sweep_plan *plan;
    unsigned jobs;
    bool force; /* replace another sweep in the folder */
    const volatile sig_atomic_t *interrupted;
    /** Several times a second. */
    void (*progress)(void *context, const struct sweep_state *);
    /** A run failed, with this exit status and these last words. */
    void (*trouble)(void *context, uint64_t run, int status, const char *said);
    void *context;
};

struct sweep_result {
    struct outcome *runs; /* plan_runs() of them; owned */
    struct sweep_state state;
};

/**
 * @param[out] out  what is there, also on error; to be freed with sweep_reset
 * @param[out] why  on error a sentence (SWEEP_WHY_MAX bytes)
 * @retval ERR_USAGE        the folder holds something else, or another sweep
 * @retval ERR_STATE        another process sweeps into this folder now
 * @retval ERR_IO           the folder cannot be made or read, or no process started
 * @retval ERR_SPACE        the settings do not fit a command line
 * @retval ERR_INTERRUPTED  stopped early; what is whole stays
 */
enum err sweep_run(const struct sweep_options *, struct sweep_result *out, char *why) MUST_USE;
void sweep_reset(const struct sweep_plan *, struct sweep_result *);

#endif
