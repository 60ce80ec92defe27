/*
 * A pool of equal slots. Slots are named by handle = index + generation, so a stale handle is
 * found out instead of reaching the next tenant. Slots are zeroed when given back (secrets do not
 * wait for reuse) and never move.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POOL_NONE UINT32_MAX

struct handle {
    uint32_t index;      /* POOL_NONE: no slot */
    uint32_t generation; /* odd while the slot is taken */
};

#define HANDLE_NONE ((struct handle){POOL_NONE, 0})

struct pool {
    uint8_t *slots;
    uint32_t *generations;
    uint32_t *free_next;
    size_t slot_size;
    uint32_t capacity;
    uint32_t free_head;
    uint32_t fresh; /* slots [fresh, capacity) were never taken */
    uint32_t taken;
    uint32_t taken_peak;
};

/** @retval ERR_MEMORY nothing was allocated */
enum err pool_init(struct pool *p, size_t slot_size, uint32_t capacity) MUST_USE;
void pool_reset(struct pool *p);
/** A zeroed slot and its handle, or NULL when all are taken. */
void *pool_take(struct pool *p, struct handle *out);
void pool_give(struct pool *p, struct handle h);
/** The slot, or NULL when it was given back since. */
void *pool_at(const struct pool *p, struct handle h);
/** The slot by index alone, or NULL when it is free: for walking a pool in index order. */
void *pool_slot(const struct pool *p, uint32_t index);
struct handle pool_handle(const struct pool *p, uint32_t index);
static inline bool handle_none(struct handle h)
{
    return h.index == POOL_NONE;
}

#endif
