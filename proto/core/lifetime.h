/*
 * When an SA is due for rekeying (soft) and when it may not be used any more (hard): RFC 7296
 * §2.8, RFC 4301 §4.4.2.1. Soft times are shortened by a jitter drawn from a named stream so that
 * SAs made together do not rekey together (RFC 7296 §2.8).
 */
#ifndef PROTO_CORE_LIFETIME_H
#define PROTO_CORE_LIFETIME_H

#include "base/rng.h"
#include "base/time.h"
#include "proto/core/config.h"

struct lifetime {
    nsec soft, hard; /* points in time; NSEC_NEVER: no limit */
};

/** The two deadlines of an SA made at `now`. One draw if there is a soft time with jitter. */
struct lifetime lifetime_start(const struct lifetime_config *, nsec now, struct rng *random);

/**
 * A soft limit in packets or bytes, shortened by a random part of up to 1/16 in the same spirit;
 * 0 stays 0 (no limit) and draws nothing.
 */
uint64_t lifetime_volume(uint64_t limit, struct rng *random);

#endif
