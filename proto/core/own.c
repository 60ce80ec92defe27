/* What is an endpoint's own besides SAs: its random streams, and what few endpoints need. */
#include "base/assert.h"
#include "proto/core/internal.h"

#include <stdlib.h>

/* An endpoint names several in a row. */
static struct rng stream_of(const struct ike_endpoint *ep, enum rng_purpose purpose)
{
    struct ike_store *s = ep->store;

    if (s->env.entropy)
        return rng_of(s->env.entropy);
    if (s->streams_of != ep->scope) {
        s->streams = rng_streams(s->env.seed, ep->entity);
        s->streams_of = ep->scope;
    }
    return rng_fork(&s->streams, (uint64_t)purpose);
}

struct rng ike_stream(const struct ike_endpoint *ep, enum ike_stream which)
{
    static const enum rng_purpose purposes[IKE_STREAM_COUNT] = {
        [STREAM_SPI] = RNG_SPI,
        [STREAM_NONCE] = RNG_NONCE,
        [STREAM_IV] = RNG_IV,
        [STREAM_RETRANSMIT] = RNG_RETRANSMIT,
        [STREAM_LIFETIME] = RNG_LIFETIME,
        [STREAM_KEY_EXCHANGE] = RNG_KEY_EXCHANGE,
        [STREAM_SIGNATURE] = RNG_SIGNATURE,
    };
    struct rng r = stream_of(ep, purposes[which]);

    r.counter = ep->drawn[which];
    return r;
}

/* No value may come twice. A simulation does not live to see the end of a stream, and outside of
 * simulations nothing is counted. */
void ike_drew(struct ike_endpoint *ep, enum ike_stream which, const struct rng *r)
{
    ASSERT(r->counter < UINT32_MAX);
    ep->drawn[which] = (uint32_t)r->counter;
}

void ike_draw(struct ike_endpoint *ep, enum ike_stream which, void *out, size_t len)
{
    struct rng r = ike_stream(ep, which);

    rng_fill(&r, out, len);
    ike_drew(ep, which, &r);
}

uint64_t ike_draw_below(struct ike_endpoint *ep, enum ike_stream which, uint64_t bound)
{
    struct rng r = ike_stream(ep, which);
    uint64_t value = rng_below(&r, bound);

    ike_drew(ep, which, &r);
    return value;
}

struct rng ike_draw_stream(struct ike_endpoint *ep, enum ike_stream which)
{
    struct rng all = ike_stream(ep, which), one = rng_fork(&all, all.counter);

    all.counter += !all.source;
    ike_drew(ep, which, &all);
    return one;
}

struct lifetime ike_draw_lifetime(struct ike_endpoint *ep, nsec now,
                                  const struct lifetime_config *c)
{
    struct lifetime life;
    struct rng r;

    if (!c->rekey_time || !c->rekey_jitter)
        return lifetime_start(c, now, NULL); /* naming a stream takes time */
    r = ike_stream(ep, STREAM_LIFETIME);
    life = lifetime_start(c, now, &r);
    ike_drew(ep, STREAM_LIFETIME, &r);
    return life;
}

struct ike_rare *ike_rare(struct ike_endpoint *ep)
{
    if (ep->rare)
        return ep->rare;
    ep->rare = calloc(1, sizeof *ep->rare);
    if (!ep->rare)
        return NULL;
    ep->rare->asked.ike = SA_NONE;
    ep->rare->cookies.random = stream_of(ep, RNG_COOKIE);
    ep->rare->qcd.random = stream_of(ep, RNG_TOKEN);
    return ep->rare;
}
