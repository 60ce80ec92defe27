#include "proto/ike/asked.h"

#include "proto/core/wish.h"
#include "proto/ike/ike.h"

/* One side of the packet as the very specific selector of §2.9. */
static struct selector side_of(const struct flow *f, bool local)
{
    struct selector s = selector_host(local ? f->src : f->dst);
    uint16_t port = local ? f->src_port : f->dst_port;

    s.protocol = f->protocol;
    if (f->ports_known)
        s.port_first = s.port_last = port;
    return s;
}

static bool taken_by(const struct selector *list, uint8_t count, const struct selector *s)
{
    for (uint8_t i = 0; i < count; i++)
        if (selector_subset(s, &list[i]))
            return true;
    return false;
}

enum err ike_ask_for(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, struct bytes packet)
{
    const struct child_config *c = &ep->store->config->child;
    struct asked_packet asked = {.ike = ike_sa_ref(ep, sa)};
    struct ike_rare *rare;
    struct flow flow;
    size_t total;
    enum err e = flow_read(packet, &flow, &total);

    if (e)
        return e;
    asked.local = side_of(&flow, true);
    asked.remote = side_of(&flow, false);
    if (!taken_by(c->local, c->local_count, &asked.local) ||
        !taken_by(c->remote, c->remote_count, &asked.remote))
        return ERR_NO_POLICY;
    if (flight_of_kind(ep, sa, KIND_CHILD_NEW))
        return ERR_STATE; /* its offer is out already */
    rare = ike_rare(ep);
    if (!rare)
        return ERR_MEMORY;
    if (ike_sa_at(ep, rare->asked.ike.handle))
        return ERR_FULL;
    rare->asked = asked;
    e = ike_wish_for(ep, now, sa, WISH_CHILD);
    if (e)
        rare->asked.ike = SA_NONE;
    return e;
}

bool ike_asked_for(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    return ep->rare && ike_sa_at(ep, ep->rare->asked.ike.handle) == sa;
}

void ike_asked_done(struct ike_endpoint *ep, const struct ike_sa *sa)
{
    if (ike_asked_for(ep, sa))
        ep->rare->asked.ike = SA_NONE;
}

void ike_asked_move(struct ike_endpoint *ep, const struct ike_sa *old, struct ike_sa *next)
{
    next->one_pair = old->one_pair;
    next->more_ts = old->more_ts;
    next->resources = old->resources;
    if (ike_asked_for(ep, old))
        ep->rare->asked.ike = ike_sa_ref(ep, next);
}

bool ike_ask_single_pair(struct ike_sa *sa, uint16_t notify)
{
    if (notify != NOTIFY_SINGLE_PAIR_REQUIRED || sa->one_pair)
        return false; /* a single pair was refused: there is nothing narrower to ask for */
    sa->one_pair = true;
    return ike_wish_child(sa);
}
