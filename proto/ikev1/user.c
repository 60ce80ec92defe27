#include "proto/ikev1/user.h"

#include "base/assert.h"
#include "proto/ikev1/store.h"

bool v1_users_configured(const struct ike_config *c)
{
    return c->xauth.role != XAUTH_NONE || c->inside.ask || c->inside.pool.addr.family;
}

/* ---- records ---- */

struct v1_user *v1_user_of(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    const struct v1_store *v = ep->store->v1;
    uint32_t slot = v->user_slots ? v->user_slots[ike_sa_index(ep, sa)] : SA_INDEX_NONE;

    return slot == SA_INDEX_NONE ? NULL : pool_slot(&v->users, slot);
}

struct v1_user *v1_user_take(struct ike_endpoint *ep, const struct ike_sa *sa,
                             const struct v1_met *met)
{
    const struct ike_config *c = ep->store->config;
    struct v1_store *v = ep->store->v1;
    const struct v1_access_env env = {.sa = v1_sa_established(ep, sa),
                                      .xauth = &c->xauth,
                                      .gives = c->inside.pool.addr.family != 0};
    struct v1_user *u;
    struct handle h;

    if (!v->user_slots)
        return NULL;
    u = pool_take(&v->users, &h);
    if (!u)
        return NULL;
    v->user_slots[ike_sa_index(ep, sa)] = h.index;
    u->met = *met;
    u->lease = SA_INDEX_NONE;
    u->address_due = sa->initiator ? c->inside.ask : c->inside.push;
    v1_access_init(&u->access, &env);
    return u;
}

void v1_user_give(struct ike_endpoint *ep, const struct ike_sa *sa)
{
    struct v1_store *v = ep->store->v1;
    struct v1_user *u = v1_user_of(ep, sa);

    if (!u)
        return;
    v1_lease_give(ep, u);
    pool_give(&v->users, pool_handle(&v->users, v->user_slots[ike_sa_index(ep, sa)]));
    v->user_slots[ike_sa_index(ep, sa)] = SA_INDEX_NONE;
}

/* ---- addresses ---- */

/* The first one of the network is its own name. */
static struct ip_addr address_of(const struct ip_prefix *pool, uint32_t number)
{
    struct ip_addr a = pool->addr;
    size_t at = ip_addr_len(&a) - 4;

    store_be32(a.bytes + at, load_be32(a.bytes + at) + number + 1);
    return a;
}

static void lend(struct ike_endpoint *ep, struct v1_user *u, uint32_t number)
{
    const struct inside_config *c = &ep->store->config->inside;

    u->lease = number;
    u->internal = (struct v1_internal){.address = address_of(&c->pool, number),
                                       .netmask = c->netmask,
                                       .dns = {c->dns},
                                       .dns_count = c->dns.family != 0};
    u->access.env.internal = &u->internal;
}

bool v1_lease_take(struct ike_endpoint *ep, struct v1_user *u)
{
    struct handle h;

    if (u->lease != SA_INDEX_NONE || !ep->store->v1->leases.capacity ||
        !pool_take(&ep->store->v1->leases, &h))
        return false;
    lend(ep, u, h.index);
    return true;
}

static void forget(struct v1_user *u)
{
    u->lease = SA_INDEX_NONE;
    u->access.env.internal = NULL;
    u->internal = (struct v1_internal){.dns_count = 0};
}

void v1_lease_give(struct ike_endpoint *ep, struct v1_user *u)
{
    struct pool *all = &ep->store->v1->leases;

    if (u->lease != SA_INDEX_NONE)
        pool_give(all, pool_handle(all, u->lease));
    forget(u);
}

void v1_lease_pass(struct ike_endpoint *ep, const struct ike_sa *old, const struct ike_sa *next)
{
    struct v1_user *from = v1_user_of(ep, old), *to = v1_user_of(ep, next);

    if (!from || !to || from->lease == SA_INDEX_NONE || to->lease != SA_INDEX_NONE)
        return;
    lend(ep, to, from->lease);
    forget(from);
}

bool v1_leases_differ(const struct ike_endpoint *ep, const struct ike_sa *a, const struct ike_sa *b)
{
    const struct v1_user *one = v1_user_of(ep, a), *other = v1_user_of(ep, b);

    return one && other && one->lease != SA_INDEX_NONE && other->lease != SA_INDEX_NONE;
}

/* ---- what became of it ---- */

static const struct v1_internal *internal_of(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    static const struct v1_internal none;
    const struct v1_user *u = v1_user_of(ep, sa);

    if (!u)
        return &none;
    return u->access.configured ? &u->access.internal : &u->internal;
}

struct ip_addr v1_inside(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    return internal_of(ep, sa)->address;
}

void v1_inside_look(const struct ike_endpoint *ep, const struct ike_sa *sa, struct ike_sa_info *out)
{
    const struct v1_internal *i = internal_of(ep, sa);

    out->inside = i->address;
    out->inside_netmask = i->netmask;
    out->inside_dns = i->dns[0];
}

enum sa_reason v1_user_reason(const struct ike_endpoint *ep, const struct ike_sa *sa,
                              enum sa_reason otherwise)
{
    const struct v1_user *u = v1_user_of(ep, sa);

    return u && u->access.refusal != V1_REFUSAL_NONE ? REASON_USER_REFUSED : otherwise;
}
