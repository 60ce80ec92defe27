/*
 * ikelab-extra (cli/CMakeLists.txt) does 103 operations and says it were 100: the regression that the
 * gate's own tests put in. Link-time optimisation does not see into this file, or the two programs
 * would differ in more than the number.
 */
#include "bench/worker.h"

#ifndef IKELAB_BENCH_EXTRA_PERCENT
#define IKELAB_BENCH_EXTRA_PERCENT 0
#endif

unsigned worker_extra_percent(void)
{
    return IKELAB_BENCH_EXTRA_PERCENT;
}
