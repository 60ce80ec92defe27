/*
 * A pool of equal slots. Slots are named by handle = index + generation, so a stale handle is
 * found out instead of reaching the next tenant. Slots are zeroed when given back (secrets do not
 * wait for reuse) and never move. Besides itself a slot costs 4 bytes; one that was never taken
 * costs none, as its memory has not been touched.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/assert.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_NONE UINT32_MAX

struct handle {
    uint32_t index;      /* POOL_NONE: no slot */
    uint32_t generation; /* odd while the slot is taken */
};

/* Octets of a slot that pool_expect fetches: all of a record, the beginning of a long message. */
enum { POOL_EXPECTED = 320 };

#define HANDLE_NONE ((struct handle){POOL_NONE, 0})

struct pool {
    uint8_t *slots;
    uint32_t *generations;
    uint64_t inverse;   /* of the odd part of slot_size, modulo 2^64 */
    uint32_t slot_size; /* a multiple of 8 */
    uint32_t shift;     /* slot_size is its odd part times 2^shift */
    uint32_t capacity;
    uint32_t free_head; /* index + 1 of a free slot, which begins with that of the next; 0: none */
    uint32_t fresh;     /* slots [fresh, capacity) were never taken */
    uint32_t taken;
    uint32_t taken_peak;
};

/** @param slot_size  raised to a multiple of 8, to which slots are aligned
 *  @retval ERR_MEMORY nothing was allocated */
enum err pool_init(struct pool *p, size_t slot_size, uint32_t capacity) MUST_USE;
void pool_reset(struct pool *p);
/** A zeroed slot and its handle, or NULL when all are taken. */
void *pool_take(struct pool *p, struct handle *out);
void pool_give(struct pool *p, struct handle h);

/** The slot by index alone, or NULL when it is free: for walking a pool in index order. */
static inline void *pool_slot(const struct pool *p, uint32_t index)
{
    if (index >= p->fresh || !(p->generations[index] & 1))
        return NULL;
    return p->slots + (size_t)index * p->slot_size;
}

/** The slot, or NULL when it was given back since. */
static inline void *pool_at(const struct pool *p, struct handle h)
{
    if (h.index >= p->fresh || p->generations[h.index] != h.generation || !(h.generation & 1))
        return NULL;
    return p->slots + (size_t)h.index * p->slot_size;
}

static inline struct handle pool_handle(const struct pool *p, uint32_t index)
{
    ASSERT(index < p->fresh && (p->generations[index] & 1));
    return (struct handle){index, p->generations[index]};
}

/** The index of a slot of this pool, which begins at `slot`. */
static inline uint32_t pool_index(const struct pool *p, const void *slot)
{
    /* An exact division, without dividing. */
    uint64_t offset = (uint64_t)((const uint8_t *)slot - p->slots);

    return (uint32_t)((offset >> p->shift) * p->inverse);
}

/** Slots that were given back and not taken since. */
static inline uint32_t pool_free(const struct pool *p)
{
    return p->fresh - p->taken;
}

/** Somebody will look at this slot soon; only the cache hears of it. Any index is allowed. */
static inline void pool_expect(const struct pool *p, uint32_t index)
{
    const uint8_t *slot;

    if (index >= p->fresh)
        return;
    slot = p->slots + (size_t)index * p->slot_size;
    __builtin_prefetch(&p->generations[index]);
    for (uint32_t at = 0; at < p->slot_size && at < POOL_EXPECTED; at += 64)
        __builtin_prefetch(slot + at);
}

static inline bool handle_none(struct handle h)
{
    return h.index == POOL_NONE;
}

#endif
