#include "net/clock.h"

#include <time.h>

nsec clock_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (nsec)t.tv_sec * NSEC_PER_S + (nsec)t.tv_nsec;
}
