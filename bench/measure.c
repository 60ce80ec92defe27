#define _GNU_SOURCE
#include "bench/measure.h"

#include <sched.h>
#include <time.h>
#include <unistd.h>

uint64_t measure_cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* A process that is pinned already may be pinned elsewhere: what counts are the processors that
 * are on line, and the kernel refuses those that a container may not use. */
bool measure_pin(unsigned nth)
{
    cpu_set_t set;
    int cpu = sched_getcpu();
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    if (cpu < 0 || cpus <= (long)nth)
        return false;
    CPU_ZERO(&set);
    CPU_SET((size_t)((cpu + (long)nth) % cpus), &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}
