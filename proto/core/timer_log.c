#include "proto/core/timer_log.h"

#include <stdlib.h>

enum err timer_log_init(struct timer_log *l, uint32_t capacity)
{
    *l = (struct timer_log){.capacity = capacity, .ring = malloc(capacity * sizeof *l->ring)};
    return l->ring ? OK : ERR_MEMORY;
}

void timer_log_reset(struct timer_log *l)
{
    free(l->ring);
    *l = (struct timer_log){0};
}

void timer_log_put(struct timer_log *l, const struct timer_event *e)
{
    if (!l->ring)
        return;
    if (l->count == l->capacity) {
        l->lost++;
        return;
    }
    l->ring[(l->head + l->count++) % l->capacity] = *e;
}

bool timer_log_next(struct timer_log *l, struct timer_event *out)
{
    if (!l->count)
        return false;
    *out = l->ring[l->head];
    l->count--;
    /* An empty ring starts over, so that a large one touches few pages. */
    l->head = l->count ? (l->head + 1) % l->capacity : 0;
    return true;
}
