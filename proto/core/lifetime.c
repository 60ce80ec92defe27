#include "proto/core/lifetime.h"

enum { VOLUME_JITTER = 16 };

struct lifetime lifetime_start(const struct lifetime_config *c, nsec now, struct rng *random)
{
    struct lifetime life = {NSEC_NEVER, NSEC_NEVER};
    nsec jitter = nsec_min(c->rekey_jitter, c->rekey_time);

    if (c->rekey_time) {
        nsec early = jitter ? rng_below(random, jitter + 1) : 0;

        life.soft = nsec_add(now, c->rekey_time - early);
    }
    if (c->hard_time)
        life.hard = nsec_add(now, c->hard_time);
    return life;
}

uint64_t lifetime_volume(uint64_t limit, struct rng *random)
{
    uint64_t part = limit / VOLUME_JITTER;

    return part ? limit - rng_below(random, part) : limit;
}
