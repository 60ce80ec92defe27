#include "proto/core/retransmit.h"

/* v * milli / 1000 without overflow; NSEC_NEVER where the product passes the end of time. */
static nsec scale(nsec v, uint32_t milli)
{
    unsigned __int128 product = (unsigned __int128)v * milli / 1000;

    return product >= NSEC_NEVER ? NSEC_NEVER : (nsec)product;
}

nsec retransmit_interval(const struct retransmit_config *c, uint32_t n)
{
    nsec interval = c->timeout;

    for (uint32_t i = 0; i < n && interval != NSEC_NEVER; i++) {
        interval = scale(interval, c->base_milli);
        if (c->limit && interval >= c->limit && c->base_milli >= 1000)
            return c->limit; /* it only grows from here */
    }
    return c->limit ? nsec_min(interval, c->limit) : interval;
}

nsec retransmit_delay(const struct retransmit_config *c, uint32_t n, struct rng *random)
{
    nsec interval = retransmit_interval(c, n);
    nsec most;

    if (!c->jitter_ppm || interval == NSEC_NEVER)
        return interval;
    most = (nsec)((unsigned __int128)interval * c->jitter_ppm / 1000000);
    most = nsec_min(most, interval);
    return interval - rng_below(random, most + 1);
}
