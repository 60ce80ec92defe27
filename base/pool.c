#include "base/pool.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <stdlib.h>

enum err pool_init(struct pool *p, size_t slot_size, uint32_t capacity)
{
    ASSERT(capacity > 0 && capacity < POOL_NONE);
    *p = (struct pool){.capacity = capacity, .free_head = POOL_NONE};
    p->slot_size = (slot_size + 15) & ~(size_t)15;
    /* Not zeroed here: a slot is when it is first taken, so that unused ones cost no memory. */
    p->slots = malloc(capacity * p->slot_size);
    p->generations = calloc(capacity, sizeof *p->generations);
    p->free_next = malloc(capacity * sizeof *p->free_next);
    if (!p->slots || !p->generations || !p->free_next) {
        pool_reset(p);
        return ERR_MEMORY;
    }
    return OK;
}

void pool_reset(struct pool *p)
{
    if (p->slots)
        for (uint32_t i = 0; i < p->fresh; i++)
            if (p->generations[i] & 1)
                wipe(p->slots + i * p->slot_size, p->slot_size);
    free(p->slots);
    free(p->generations);
    free(p->free_next);
    *p = (struct pool){.free_head = POOL_NONE};
}

static uint32_t fresh_slot(struct pool *p)
{
    memset(p->slots + p->fresh * p->slot_size, 0, p->slot_size);
    return p->fresh++;
}

void *pool_take(struct pool *p, struct handle *out)
{
    uint32_t index = p->free_head;

    *out = HANDLE_NONE;
    if (index != POOL_NONE)
        p->free_head = p->free_next[index];
    else if (p->fresh < p->capacity)
        index = fresh_slot(p);
    else
        return NULL;
    p->generations[index]++;
    ASSERT(p->generations[index] & 1);
    p->taken++;
    if (p->taken > p->taken_peak)
        p->taken_peak = p->taken;
    *out = (struct handle){index, p->generations[index]};
    return p->slots + index * p->slot_size;
}

void pool_give(struct pool *p, struct handle h)
{
    void *slot = pool_at(p, h);

    ASSERT(slot);
    wipe(slot, p->slot_size);
    p->generations[h.index]++;
    p->free_next[h.index] = p->free_head;
    p->free_head = h.index;
    p->taken--;
}

void *pool_at(const struct pool *p, struct handle h)
{
    if (h.index >= p->fresh || p->generations[h.index] != h.generation || !(h.generation & 1))
        return NULL;
    return p->slots + h.index * p->slot_size;
}

void *pool_slot(const struct pool *p, uint32_t index)
{
    if (index >= p->fresh || !(p->generations[index] & 1))
        return NULL;
    return p->slots + index * p->slot_size;
}

struct handle pool_handle(const struct pool *p, uint32_t index)
{
    ASSERT(pool_slot(p, index));
    return (struct handle){index, p->generations[index]};
}
