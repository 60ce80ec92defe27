#include "proto/ike/flood.h"

#include "base/assert.h"
#include "base/digest.h"
#include "proto/ike/cookie.h"

/* ---- how many there are ---- */

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

/* ---- who may ---- */

/* Not to be switched with every handshake: on at the limit, off when less than half of it is left.
 */
static bool cookie_wanted(struct ike_endpoint *ep)
{
    const struct flood_config *c = &ep->store->config->flood;

    struct ike_rare *rare;

    if (c->cookie_always || !c->cookie_above)
        return c->cookie_always;
    rare = ike_rare(ep);
    if (!rare)
        return true; /* short of memory: the more so */
    if (ep->half_open_asked >= c->cookie_above)
        rare->cookies.wanted = true;
    else if (ep->half_open_asked < (c->cookie_above + 1) / 2)
        rare->cookies.wanted = false;
    return rare->cookies.wanted;
}

static bool source_full(const struct ike_endpoint *ep, const struct ip_addr *addr)
{
    uint32_t most = ep->store->config->flood.half_open_per_source;

    return most && begun_by(ep, source_of(ep, addr)) >= most;
}

enum err flood_admit(struct step *s, const struct message_view *view)
{
    if (cookie_wanted(s->ep) && !cookie_returned(s, view)) {
        drop_count(s->ep, IKE_DROP_COOKIE);
        cookie_ask(s, view);
        return ERR_STATE;
    }
    if (source_full(s->ep, &s->dgram->remote.addr)) {
        drop_count(s->ep, IKE_DROP_SOURCE);
        return ERR_FULL;
    }
    return OK;
}
