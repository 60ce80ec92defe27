#include "proto/esp/expanded.h"

#include "base/assert.h"

#include <stdlib.h>

void expanded_init(struct expanded *e, uint32_t owners, uint32_t most)
{
    ASSERT(owners > 0 && most > SEAL_BATCH_MAX);
    *e = (struct expanded){.owners = owners, .capacity = owners < most ? owners : most};
}

static inline uint8_t *at(const struct expanded *e, uint32_t slot)
{
    return e->slots + (size_t)slot * SEAL_EXPANDED_MAX;
}

static void free_all(struct expanded *e)
{
    free(e->slots);
    free(e->tenants);
    free(e->slot_of);
    free(e->free);
    e->slots = NULL;
    e->tenants = NULL;
    e->slot_of = e->free = NULL;
}

void expanded_reset(struct expanded *e)
{
    for (uint32_t i = 0; i < e->fresh; i++)
        if (e->tenants[i].owner)
            wipe(at(e, i), SEAL_EXPANDED_MAX);
    free_all(e);
    *e = (struct expanded){0};
}

/* Untouched memory costs nothing: what is allocated grows with the slots that are taken. */
static bool make(struct expanded *e)
{
    e->slots = aligned_alloc(SEAL_EXPANDED_ALIGN, (size_t)e->capacity * SEAL_EXPANDED_MAX);
    e->tenants = calloc(e->capacity, sizeof *e->tenants);
    e->slot_of = calloc(e->owners, sizeof *e->slot_of);
    e->free = calloc(e->capacity, sizeof *e->free);
    if (e->slots && e->tenants && e->slot_of && e->free)
        return true;
    free_all(e);
    e->none = true;
    return false;
}

/* Of those that are taken, none of this turn; there are more slots than packets in a turn. */
static uint32_t slot_take(struct expanded *e)
{
    uint32_t slot;

    if (e->freed > 0)
        return e->free[--e->freed];
    if (e->fresh < e->capacity)
        return e->fresh++;
    do {
        slot = e->hand;
        e->hand = slot + 1 < e->capacity ? slot + 1 : 0;
    } while (e->tenants[slot].turn == e->turn);
    return slot;
}

/* The slot that the owner has, + 1; 0: none. */
static inline uint32_t find(const struct expanded *e, uint32_t owner)
{
    uint32_t slot = e->slots ? e->slot_of[owner] : 0;

    return slot && e->tenants[slot - 1].owner == owner + 1 ? slot : 0;
}

static bool expands(const struct expanded *e, struct crypto *c, const struct seal_key *key)
{
    return !e->none && c->class->expanded_len &&
           c->class->expanded_len(c, key->encr, key->integ) > 0;
}

const void *expanded_take(struct expanded *e, struct crypto *c, const struct seal_key *key,
                          uint32_t owner)
{
    uint32_t slot;

    ASSERT(owner < e->owners);
    slot = find(e, owner);
    if (slot == 0) {
        if (!expands(e, c, key) || (!e->slots && !make(e)))
            return NULL;
        slot = slot_take(e) + 1;
        c->class->expand(c, key, at(e, slot - 1));
        e->slot_of[owner] = slot;
    }
    e->tenants[slot - 1] = (struct expanded_tenant){owner + 1, e->turn};
    return at(e, slot - 1);
}

void expanded_drop(struct expanded *e, uint32_t owner)
{
    uint32_t slot;

    ASSERT(owner < e->owners);
    slot = find(e, owner);
    if (slot == 0)
        return;
    wipe(at(e, slot - 1), SEAL_EXPANDED_MAX);
    e->tenants[slot - 1].owner = 0;
    e->slot_of[owner] = 0;
    e->free[e->freed++] = slot - 1;
}
