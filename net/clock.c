#include "net/clock.h"

#include <time.h>

nsec clock_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (nsec)t.tv_sec * NSEC_PER_S + (nsec)t.tv_nsec;
}

int64_t clock_epoch_s(void)
{
    return (int64_t)time(NULL) - (int64_t)(clock_now() / NSEC_PER_S);
}
