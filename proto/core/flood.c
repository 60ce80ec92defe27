#include "proto/core/flood.h"

#include "base/assert.h"
#include "base/digest.h"

/* Never 0, which means none; ports do not count, as whoever holds an address has them all. */
static uint64_t source_of(const struct ike_endpoint *ep, const struct ip_addr *addr)
{
    return digest_of(addr->bytes, sizeof addr->bytes,
                     ep->store->digest_key[0] + addr->family + ep->scope) |
           1;
}

static uint32_t begun_by(const struct ike_endpoint *ep, uint64_t source)
{
    uint32_t count = 0;

    (void)table_get(&ep->store->by_source, source, &count);
    return count;
}

void flood_begun(struct ike_endpoint *ep, struct ike_sa *sa)
{
    struct handshake *hs = handshake_of(ep, sa);
    struct ip_endpoint remote = ike_sa_remote(ep, sa);
    uint64_t source;

    ep->half_open_asked++;
    if (!ep->store->config->flood.half_open_per_source)
        return;
    source = source_of(ep, &remote.addr);
    if (table_put(&ep->store->by_source, source, begun_by(ep, source) + 1) == OK)
        hs->source = source; /* a NAT may move it, and then it still counts there */
}

void flood_over(struct ike_endpoint *ep, struct ike_sa *sa)
{
    struct handshake *hs = handshake_of(ep, sa);
    uint64_t source = hs ? hs->source : 0;
    uint32_t left;

    ASSERT(ep->half_open_asked);
    ep->half_open_asked--;
    if (!source)
        return;
    hs->source = 0;
    left = begun_by(ep, source) - 1;
    if (!left)
        (void)table_remove(&ep->store->by_source, source);
    else if (table_put(&ep->store->by_source, source, left))
        ASSERT(!"replacing a value takes no memory");
}

bool flood_source_full(const struct ike_endpoint *ep, const struct ip_addr *addr)
{
    uint32_t most = ep->store->config->flood.half_open_per_source;

    return most && begun_by(ep, source_of(ep, addr)) >= most;
}

bool flood_version_said(struct ike_endpoint *ep, nsec now)
{
    struct ike_rare *rare = ike_rare(ep);

    if (!rare || (rare->version_answered && now - rare->version_answered < NSEC_PER_S))
        return false;
    rare->version_answered = now ? now : 1;
    return true;
}
