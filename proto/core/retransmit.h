/*
 * When a request is sent again and when it is given up: RFC 7296 §2.1, §2.4. The ladder is
 * strongSwan's: interval n is timeout * base^n, cut to the limit, shortened by a random part of up
 * to jitter; after `tries` retransmissions one more interval passes, then the request is given up.
 * Integer arithmetic only. The bytes sent again are the cached ones (sa.h), never made anew.
 */
#ifndef PROTO_CORE_RETRANSMIT_H
#define PROTO_CORE_RETRANSMIT_H

#include "base/rng.h"
#include "base/time.h"
#include "proto/core/config.h"

/** The interval behind transmission number `n` (0: the first), without jitter, in nanoseconds. */
nsec retransmit_interval(const struct retransmit_config *, uint32_t n);

/** The same with jitter drawn from `random`; nothing is drawn when the jitter is 0. */
nsec retransmit_delay(const struct retransmit_config *, uint32_t n, struct rng *random);

/** Whether transmission number `n` was the last one allowed: after its interval, give up. */
static inline bool retransmit_last(const struct retransmit_config *c, uint32_t n)
{
    return n >= c->tries;
}

#endif
