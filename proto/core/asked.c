#include "proto/core/asked.h"

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

enum err ike_asked_read(const struct ike_endpoint *ep, struct bytes packet,
                        struct asked_packet *asked)
{
    const struct child_config *c = &ep->store->config->child;
    struct flow flow;
    size_t total;
    enum err e = flow_read(packet, &flow, &total);

    if (e)
        return e;
    *asked = (struct asked_packet){.local = side_of(&flow, true), .remote = side_of(&flow, false)};
    if (!taken_by(c->local, c->local_count, &asked->local) ||
        !taken_by(c->remote, c->remote_count, &asked->remote))
        return ERR_NO_POLICY;
    return OK;
}

enum err ike_asked_note(struct ike_endpoint *ep, const struct ike_sa *sa,
                        const struct asked_packet *asked)
{
    struct ike_rare *rare = ike_rare(ep);

    if (!rare)
        return ERR_MEMORY;
    if (ike_sa_at(ep, rare->asked.ike.handle))
        return ERR_FULL;
    rare->asked = *asked;
    rare->asked.ike = ike_sa_ref(ep, sa);
    return OK;
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
