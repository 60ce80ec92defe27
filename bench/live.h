/*
 * A live run, repeated: `ikelab-live ARGS --json` again and again, each run one sample of each
 * number it tells.
 */
#ifndef BENCH_LIVE_H
#define BENCH_LIVE_H

#include "bench/gate/measurement.h"

struct live_rounds {
    const char *const
        *argv; /* of ikelab-live, argv[0] its path, "--json" included; NULL at the end */
    unsigned warm_up, repetitions;
    const volatile int *interrupted;
    void (*progress)(unsigned done, unsigned all);
};

/**
 * @param[out] set  zeroed; what was measured stays in it also on error
 * @retval ERR_USAGE        the words for ikelab-live are wrong (it says which on stderr)
 * @retval ERR_STATE        a run failed (its own words are on stderr): *why says which
 * @retval ERR_INTERRUPTED  ended early
 */
enum err live_rounds_run(const struct live_rounds *, struct measurement_set *set,
                         char *why) MUST_USE;

#endif
