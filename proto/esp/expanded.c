#include "proto/esp/expanded.h"

#include "base/assert.h"
#include "base/pages.h"

#include <stdlib.h>

void expanded_init(struct expanded *e, uint32_t owners, uint32_t most)
{
    ASSERT(owners > 0 && owners <= EXPANDED_OWNERS && most > SEAL_BATCH_MAX);
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
    free(e->places);
    free(e->free);
    e->slots = NULL;
    e->tenants = NULL;
    e->places = NULL;
    e->free = NULL;
}

/* What the provider has for this slot besides. */
static void forget(struct expanded *e, uint32_t slot)
{
    if (e->tenants[slot].outside)
        e->crypto->class->forget(e->crypto, at(e, slot));
    e->tenants[slot].outside = false;
}

static void clear(struct expanded *e, uint32_t slot)
{
    forget(e, slot);
    wipe(at(e, slot), SEAL_EXPANDED_MAX);
    e->tenants[slot].owner = 0;
}

void expanded_reset(struct expanded *e)
{
    for (uint32_t i = 0; i < e->fresh; i++)
        if (e->tenants[i].owner)
            clear(e, i);
    free_all(e);
    *e = (struct expanded){0};
}

/* Untouched memory costs nothing: what is allocated grows with the slots that are taken. */
static bool make(struct expanded *e, struct crypto *c)
{
    size_t bytes = (size_t)e->capacity * SEAL_EXPANDED_MAX;

    e->crypto = c;
    e->slots = aligned_alloc(SEAL_EXPANDED_ALIGN, bytes);
    e->tenants = calloc(e->capacity, sizeof *e->tenants);
    e->places = calloc(e->owners, sizeof *e->places);
    e->free = calloc(e->capacity, sizeof *e->free);
    if (e->slots && e->tenants && e->places && e->free) {
        pages_large(e->slots, bytes);
        return true;
    }
    free_all(e);
    e->none = true;
    return false;
}

static struct expanded_place *place_of(const struct expanded *e, uint32_t slot)
{
    return &e->places[e->tenants[slot].owner - 1];
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
    } while (place_of(e, slot)->turn == e->turn);
    place_of(e, slot)->slot = 0;
    clear(e, slot); /* the next may need less of it */
    return slot;
}

static bool expands(const struct expanded *e, struct crypto *c, const struct seal_key *key)
{
    return !e->none && c->class->expanded_len &&
           c->class->expanded_len(c, key->encr, key->integ) > 0;
}

const void *expanded_make(struct expanded *e, struct crypto *c, const struct seal_key *key,
                          uint32_t owner)
{
    uint32_t slot;

    ASSERT(owner < e->owners);
    if (!expands(e, c, key) || (!e->slots && !make(e, c)))
        return NULL;
    slot = slot_take(e);
    e->tenants[slot].outside = c->class->expand(c, key, at(e, slot));
    e->tenants[slot].owner = (owner + 1) & INT32_MAX;
    e->places[owner] = (struct expanded_place){slot + 1, e->turn};
    return at(e, slot);
}

void expanded_drop(struct expanded *e, uint32_t owner)
{
    uint32_t slot;

    ASSERT(owner < e->owners);
    if (!e->places || e->places[owner].slot == 0)
        return;
    slot = e->places[owner].slot - 1;
    clear(e, slot);
    e->places[owner].slot = 0;
    e->free[e->freed++] = slot;
}
