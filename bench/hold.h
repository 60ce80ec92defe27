/* The hold model of the event queue: see bench/hold.c. */
#ifndef BENCH_HOLD_H
#define BENCH_HOLD_H

#include "base/err.h"

#include <stdint.h>

enum hold_mix {
    HOLD_EXP, /* exponential, mean 1 s: the classic */
    HOLD_NET, /* 7/8 packets at 20 ms and a little, 1/8 timers of 1 to 32 s: an IKE simulation */
};

struct hold;

/** `pending` events, held once each. NULL when out of memory. */
struct hold *hold_create(enum hold_mix, uint32_t pending);
void hold_destroy(struct hold *);
enum err hold_run(struct hold *, uint64_t operations) MUST_USE;

#endif
