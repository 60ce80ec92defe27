/*
 * The few SAs of an endpoint in a shared store: a list of its IKE SAs, in the order of the slots
 * that they would have in a store of their own, so that an endpoint does the same in either. Child
 * SAs are reached through their IKE SAs, and have such a number as well.
 */
#include "proto/core/internal.h"

#include <stdlib.h>

enum err siblings_init(struct siblings *s, uint32_t ikes, uint32_t children)
{
    s->next = malloc(ikes * sizeof *s->next);
    s->ike = malloc(ikes * sizeof *s->ike);
    s->child = malloc(children * sizeof *s->child);
    return s->next && s->ike && s->child ? OK : ERR_MEMORY;
}

void siblings_reset(struct siblings *s)
{
    free(s->next);
    free(s->ike);
    free(s->child);
    *s = (struct siblings){0};
}

/* As base/pool does it: what was given back last is taken first, then what was never taken. Free
 * slots are the digits of a number, the next one the lowest. */
static uint8_t take_slot(uint64_t *free)
{
    uint8_t slot = *free & 15;

    *free >>= 4;
    return slot;
}

static void give_slot(uint64_t *free, uint8_t slot)
{
    *free = *free << 4 | slot;
}

static uint32_t next_taken(const struct pool *p, uint32_t after)
{
    for (uint32_t i = after == SA_INDEX_NONE ? 0 : after + 1; i < p->fresh; i++)
        if (pool_slot(p, i))
            return i;
    return SA_INDEX_NONE;
}

/* ---- IKE SAs ---- */

uint32_t ike_sa_walk(const struct ike_endpoint *ep, uint32_t after)
{
    const struct siblings *s = &ep->store->siblings;
    uint32_t at = ep->first;

    if (!store_shared(ep->store))
        return next_taken(&ep->store->ikes, after);
    if (after == SA_INDEX_NONE)
        return at;
    while (at != SA_INDEX_NONE && s->ike[at] <= s->ike[after])
        at = s->next[at];
    return at;
}

void sibling_ike(struct ike_endpoint *ep, uint32_t index)
{
    struct siblings *s = &ep->store->siblings;
    uint32_t *at = &ep->first;

    if (!store_shared(ep->store))
        return;
    s->ike[index] = take_slot(&ep->ike_slots);
    while (*at != SA_INDEX_NONE && s->ike[*at] < s->ike[index])
        at = &s->next[*at];
    s->next[index] = *at;
    *at = index;
}

void sibling_ike_gone(struct ike_endpoint *ep, uint32_t index)
{
    struct siblings *s = &ep->store->siblings;
    uint32_t *at = &ep->first;

    if (!store_shared(ep->store))
        return;
    while (*at != index)
        at = &s->next[*at];
    *at = s->next[index];
    give_slot(&ep->ike_slots, s->ike[index]);
}

/* ---- child SAs ---- */

/* The one with the lowest slot that is at least `slot`. */
static uint32_t child_from(const struct ike_endpoint *ep, uint32_t slot)
{
    const struct siblings *s = &ep->store->siblings;
    uint32_t found = SA_INDEX_NONE;

    for (uint32_t i = ep->first; i != SA_INDEX_NONE; i = s->next[i]) {
        const struct ike_sa *sa = pool_slot(&ep->store->ikes, i);
        const struct child_sa *c;

        for (uint32_t k = sa->first_child; (c = child_sa_by_index(ep, k)); k = c->next)
            if (s->child[k] >= slot && (found == SA_INDEX_NONE || s->child[k] < s->child[found]))
                found = k;
    }
    return found;
}

uint32_t child_sa_walk(const struct ike_endpoint *ep, uint32_t after)
{
    if (!store_shared(ep->store))
        return next_taken(&ep->store->children, after);
    return child_from(ep, after == SA_INDEX_NONE ? 0 : ep->store->siblings.child[after] + 1u);
}

void sibling_child(struct ike_endpoint *ep, uint32_t index)
{
    if (store_shared(ep->store))
        ep->store->siblings.child[index] = take_slot(&ep->child_slots);
}

void sibling_child_gone(struct ike_endpoint *ep, uint32_t index)
{
    if (store_shared(ep->store))
        give_slot(&ep->child_slots, ep->store->siblings.child[index]);
}
