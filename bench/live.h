/*
 * A live run, repeated: `ikelab-live ARGS --json` again and again, each run one sample of each
 * number it tells. Two different ones may take turns, so that both meet the same machine.
 */
#ifndef BENCH_LIVE_H
#define BENCH_LIVE_H

#include "bench/gate/measurement.h"

enum { LIVE_SUBJECTS = 2 };

struct live_rounds {
    /* of ikelab-live: argv[0] its path, "--json" included, NULL at the end; a second one takes
     * turns with the first, or is NULL */
    const char *const *argv[LIVE_SUBJECTS];
    unsigned warm_up, repetitions; /* of each */
    const volatile int *interrupted;
    void (*progress)(unsigned done, unsigned all);
};

/**
 * @param[out] set  zeroed, one for each argv; what was measured stays in it also on error
 * @retval ERR_USAGE        the words for ikelab-live are wrong (it says which on stderr)
 * @retval ERR_STATE        a run failed (its own words are on stderr): *why says which
 * @retval ERR_INTERRUPTED  ended early
 */
enum err live_rounds_run(const struct live_rounds *, struct measurement_set set[LIVE_SUBJECTS],
                         char *why) MUST_USE;

#endif
