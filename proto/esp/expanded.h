/*
 * Expanded keys of the SAs that carry packets now: what the provider works out of a key once
 * (crypto/provider.h), in slots that are aligned to cache lines. It is a cache: nothing is there
 * before the first packet, there is a bound to it, and the slot that has been there longest makes
 * room for the next. So a tunnel that is idle has no part in it, and with a provider that expands
 * no keys (crypto: modelled) it is never made at all.
 *
 * An owner is one direction of one SA, by a number that is free for another when expanded_drop was
 * called. Slots are wiped when they are given back. All keys are expanded by the same instance of
 * the provider, which must be there as long as they are.
 */
#ifndef PROTO_ESP_EXPANDED_H
#define PROTO_ESP_EXPANDED_H

#include "crypto/provider.h"

enum expanded_sizes {
    EXPANDED_MAX = 32768, /* slots: 32 MiB, both directions of 16,384 SAs */
    EXPANDED_OWNERS = INT32_MAX - 1,
};

/** Who has a slot. */
struct expanded_tenant {
    uint32_t owner : 31; /* + 1; 0: nobody */
    bool outside : 1;    /* the provider has something to give back for it */
};

/** What an owner has. */
struct expanded_place {
    uint32_t slot; /* + 1; 0: none */
    uint32_t turn; /* in which it was last asked for */
};

struct expanded {
    struct crypto *crypto; /* who expands; borrowed; NULL: no packet yet */
    uint8_t *slots;        /* NULL: no packet yet */
    struct expanded_tenant *tenants;
    struct expanded_place *places; /* of each owner: all that a packet asks for is in one line */
    uint32_t *free;                /* slots given back, the last one first */
    uint32_t owners, capacity;
    uint32_t fresh; /* slots from here on were never taken */
    uint32_t freed; /* as many are in `free` */
    uint32_t hand;  /* whoever has this slot makes room next */
    uint32_t turn;
    bool none; /* no memory: keys are used as they are */
};

/**
 * Allocates nothing.
 * @param owners  numbers there may be, from 0; EXPANDED_OWNERS at most
 * @param most    slots: EXPANDED_MAX; more than SEAL_BATCH_MAX
 */
void expanded_init(struct expanded *, uint32_t owners, uint32_t most);
void expanded_reset(struct expanded *);

/** Begin a turn, of SEAL_BATCH_MAX packets at most: what is taken in it holds until the next. */
static inline void expanded_turn(struct expanded *e)
{
    e->turn++;
}

/** As expanded_take, where the owner has none yet. */
const void *expanded_make(struct expanded *, struct crypto *, const struct seal_key *key,
                          uint32_t owner);

/**
 * The expanded key of an owner, made if it is not there; NULL where there is none.
 * @param key  of this owner, always the same until it is dropped
 */
static inline const void *expanded_take(struct expanded *e, struct crypto *c,
                                        const struct seal_key *key, uint32_t owner)
{
    struct expanded_place *place = e->places ? &e->places[owner] : NULL;

    if (__builtin_expect(!place || place->slot == 0, 0))
        return expanded_make(e, c, key, owner);
    place->turn = e->turn;
    return e->slots + (size_t)(place->slot - 1) * SEAL_EXPANDED_MAX;
}

/** It will soon be asked for what this owner has. */
static inline void expanded_expect(const struct expanded *e, uint32_t owner)
{
    if (e->places)
        __builtin_prefetch(&e->places[owner], 1);
}

/** Wipe what the owner has, if anything. */
void expanded_drop(struct expanded *, uint32_t owner);

#endif
