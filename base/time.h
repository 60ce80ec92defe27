/* Time is unsigned 64-bit nanoseconds, always passed in; no floor below sim and net reads a clock. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdint.h>

typedef uint64_t nsec;

#define NSEC_NEVER UINT64_MAX /* the absent deadline */
#define NSEC_PER_US UINT64_C(1000)
#define NSEC_PER_MS UINT64_C(1000000)
#define NSEC_PER_S UINT64_C(1000000000)

/** a + b, or NSEC_NEVER where that would pass the end of time. */
static inline nsec nsec_add(nsec a, nsec b)
{
    return a > NSEC_NEVER - b ? NSEC_NEVER : a + b;
}

static inline nsec nsec_min(nsec a, nsec b)
{
    return a < b ? a : b;
}

static inline nsec nsec_max(nsec a, nsec b)
{
    return a > b ? a : b;
}

#endif
