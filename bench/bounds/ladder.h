/*
 * A ladder queue (Tang, Goh, Thng 2005): the fastest queue of events we have measured. Events
 * far away lie unsorted in `top`; when they come near they are spread over the buckets of a
 * rung, a crowded bucket over a finer rung, and only the few events of the next bucket are sorted.
 * Rungs hold their events in chunks, which makes most of the work sequential in memory.
 */
#ifndef LADDER_H
#define LADDER_H

#include <stdbool.h>
#include <stdint.h>

enum ladder_sizes { LADDER_RUNGS = 12, LADDER_CHUNK = 31 };

/** Earliest first; of one time, in the order of `order`, which may wrap. */
struct event {
    uint64_t at_ns;
    uint32_t order;
    uint32_t id;
};

struct chunk {
    uint32_t count, next;
    struct event event[LADDER_CHUNK];
};

struct rung {
    uint64_t start_ns, width_ns;
    uint32_t buckets, current, cap;
    uint32_t *head;  /* first chunk of each bucket */
    uint32_t *count; /* events in each bucket */
};

struct ladder {
    struct chunk *chunks;
    uint32_t chunk_free, chunk_count;
    uint32_t top; /* first chunk */
    uint64_t top_count, top_start_ns, top_min_ns, top_max_ns;
    struct rung rung[LADDER_RUNGS];
    unsigned rungs;
    struct event *bottom; /* sorted: [bottom_next, bottom_count) is left */
    uint32_t bottom_next, bottom_count, bottom_cap;
};

void ladder_init(struct ladder *);
void ladder_reset(struct ladder *);
void ladder_push(struct ladder *, struct event);
/** The queue is not empty. */
struct event ladder_pop(struct ladder *);

static inline bool event_before(const struct event *a, const struct event *b)
{
    return a->at_ns < b->at_ns || (a->at_ns == b->at_ns && (int32_t)(a->order - b->order) < 0);
}

#endif
