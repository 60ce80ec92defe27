/*
 * Which IKE SA takes over from which while a re-authentication goes on beside the old SA (RFC 7296
 * §2.8.3): two entries each in one table, as few SAs have a partner at any time.
 */
#include "proto/core/internal.h"

static uint64_t key_of(const struct ike_endpoint *ep, const struct ike_sa *sa, bool next)
{
    return (uint64_t)ike_sa_index(ep, sa) << 1 | next;
}

static struct ike_sa *partner(const struct ike_endpoint *ep, const struct ike_sa *sa, bool next)
{
    uint32_t index;

    if (!sa->renewing || !table_get(&ep->store->renewals, key_of(ep, sa, next), &index))
        return NULL;
    return pool_slot(&ep->store->ikes, index);
}

struct ike_sa *renewal_old(const struct ike_endpoint *ep, const struct ike_sa *next)
{
    return partner(ep, next, true);
}

struct ike_sa *renewal_next(const struct ike_endpoint *ep, const struct ike_sa *old)
{
    return partner(ep, old, false);
}

enum err renewal_begin(struct ike_endpoint *ep, struct ike_sa *old, struct ike_sa *next)
{
    if (table_put(&ep->store->renewals, key_of(ep, old, false), ike_sa_index(ep, next)))
        return ERR_MEMORY;
    if (table_put(&ep->store->renewals, key_of(ep, next, true), ike_sa_index(ep, old))) {
        table_remove(&ep->store->renewals, key_of(ep, old, false));
        return ERR_MEMORY;
    }
    old->renewing = next->renewing = true;
    return OK;
}

/* One may renew another and be renewed itself: the other relation stays. */
static void part(struct ike_endpoint *ep, struct ike_sa *old, struct ike_sa *next)
{
    table_remove(&ep->store->renewals, key_of(ep, old, false));
    table_remove(&ep->store->renewals, key_of(ep, next, true));
    old->renewing = renewal_old(ep, old) != NULL;
    next->renewing = renewal_next(ep, next) != NULL;
}

void renewal_end(struct ike_endpoint *ep, struct ike_sa *sa)
{
    struct ike_sa *old = renewal_old(ep, sa), *next = renewal_next(ep, sa);

    if (old)
        part(ep, old, sa);
    if (next)
        part(ep, sa, next);
    sa->renewing = false; /* also where one waits for its turn to be made anew */
}
