/* The hold model of the event queue: see bench/hold.c. */
#ifndef BENCH_HOLD_H
#define BENCH_HOLD_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum hold_mix {
    HOLD_EXP, /* exponential, mean 1 s: the classic */
    HOLD_NET, /* 7/8 packets at 20 ms and a little, 1/8 timers of 1 to 32 s: an IKE simulation */
};

struct hold;

/**
 * `pending` events, spread as the mix spreads them in the long run, held once each.
 *
 * @param dispatch  with nodes around the queue, whose handlers hold
 * @return NULL when out of memory
 */
struct hold *hold_create(enum hold_mix, bool dispatch, uint32_t pending);
void hold_destroy(struct hold *);
enum err hold_run(struct hold *, uint64_t operations) MUST_USE;

#endif
