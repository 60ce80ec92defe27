/*
 * Expanded keys of the SAs that carry packets now: what the provider works out of a key once
 * (crypto/provider.h), in slots that are aligned to cache lines. It is a cache: nothing is there
 * before the first packet, there is a bound to it, and the slot that has been there longest makes
 * room for the next. So a tunnel that is idle has no part in it, and with a provider that expands
 * no keys (crypto: modelled) it is never made at all.
 *
 * An owner is one direction of one SA, by a number that is free for another when expanded_drop was
 * called. Slots are wiped when they are given back.
 */
#ifndef PROTO_ESP_EXPANDED_H
#define PROTO_ESP_EXPANDED_H

#include "crypto/provider.h"

enum { EXPANDED_MAX = 32768 }; /* slots: 32 MiB, both directions of 16,384 SAs */

/** Who has a slot. */
struct expanded_tenant {
    uint32_t owner; /* + 1; 0: nobody */
    uint32_t turn;  /* in which it was last asked for */
};

struct expanded {
    uint8_t *slots; /* NULL: no packet yet */
    struct expanded_tenant *tenants;
    uint32_t *slot_of; /* of each owner, + 1; holds if the slot's tenant is this owner */
    uint32_t *free;    /* slots given back, the last one first */
    uint32_t owners, capacity;
    uint32_t fresh; /* slots from here on were never taken */
    uint32_t freed; /* as many are in `free` */
    uint32_t hand;  /* whoever has this slot makes room next */
    uint32_t turn;
    bool none; /* no memory: keys are used as they are */
};

/**
 * Allocates nothing.
 * @param owners  numbers there may be, from 0
 * @param most    slots: EXPANDED_MAX; more than SEAL_BATCH_MAX
 */
void expanded_init(struct expanded *, uint32_t owners, uint32_t most);
void expanded_reset(struct expanded *);

/** Begin a turn, of SEAL_BATCH_MAX packets at most: what is taken in it holds until the next. */
static inline void expanded_turn(struct expanded *e)
{
    e->turn++;
}

/**
 * The expanded key of an owner, made if it is not there; NULL where there is none.
 * @param key  of this owner, always the same until it is dropped
 */
const void *expanded_take(struct expanded *, struct crypto *, const struct seal_key *key,
                          uint32_t owner);
/** Wipe what the owner has, if anything. */
void expanded_drop(struct expanded *, uint32_t owner);

#endif
