#include "base/pool.h"

#include "base/bytes.h"

#include <stdlib.h>

/* Newton's iteration: each step doubles the number of low bits that are right; odd * odd is 1
 * modulo 8, so three are to begin with. */
static uint64_t inverse_of(uint64_t odd)
{
    uint64_t inverse = odd;

    for (int right = 3; right < 64; right *= 2)
        inverse *= 2 - odd * inverse;
    return inverse;
}

enum err pool_init(struct pool *p, size_t slot_size, uint32_t capacity)
{
    size_t rounded = (slot_size + 7) & ~(size_t)7;

    ASSERT(capacity > 0 && capacity < POOL_NONE && slot_size > 0 && rounded <= UINT32_MAX);
    *p = (struct pool){.capacity = capacity, .slot_size = (uint32_t)rounded};
    p->shift = (uint32_t)__builtin_ctz(p->slot_size);
    p->inverse = inverse_of(p->slot_size >> p->shift);
    /* Not zeroed here: a slot is when it is first taken, so that unused ones cost no memory. Nor
     * are generations: calloc clears what it finds in the heap, used or not. */
    p->slots = malloc(capacity * rounded);
    p->generations = malloc(capacity * sizeof *p->generations);
    if (!p->slots || !p->generations) {
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
                wipe(p->slots + (size_t)i * p->slot_size, p->slot_size);
    free(p->slots);
    free(p->generations);
    *p = (struct pool){0};
}

void *pool_take(struct pool *p, struct handle *out)
{
    uint32_t index;
    uint8_t *slot;

    *out = HANDLE_NONE;
    if (p->free_head) {
        index = p->free_head - 1;
        slot = p->slots + (size_t)index * p->slot_size;
        memcpy(&p->free_head, slot, sizeof p->free_head);
        memset(slot, 0, sizeof p->free_head);
    } else if (p->fresh < p->capacity) {
        index = p->fresh++;
        slot = p->slots + (size_t)index * p->slot_size;
        memset(slot, 0, p->slot_size);
        p->generations[index] = 0;
    } else {
        return NULL;
    }
    p->generations[index]++;
    ASSERT(p->generations[index] & 1);
    p->taken++;
    if (p->taken > p->taken_peak)
        p->taken_peak = p->taken;
    *out = (struct handle){index, p->generations[index]};
    return slot;
}

void pool_give(struct pool *p, struct handle h)
{
    uint8_t *slot = pool_at(p, h);

    ASSERT(slot);
    wipe(slot, p->slot_size);
    memcpy(slot, &p->free_head, sizeof p->free_head);
    p->free_head = h.index + 1;
    p->generations[h.index]++;
    p->taken--;
}
