#include "ladder.h"

#include "loop.h"

#include <stdlib.h>
#include <string.h>

enum {
    NONE = INT32_MAX, /* no chunk */
    CROWDED = 64,     /* events in a bucket that make a rung of their own */
    INSERTION_SORT_MAX = 96,
    BUCKETS_MAX = 1 << 24,
    CHUNKS_MIN = 1024,
    BOTTOM_MIN = 4096,
};

static void *grow(void *memory, size_t bytes)
{
    void *grown = realloc(memory, bytes);

    need(grown != NULL, "memory");
    return grown;
}

static void chunk_give(struct ladder *q, uint32_t chunk)
{
    q->chunks[chunk].next = q->chunk_free;
    q->chunk_free = chunk;
}

static uint32_t chunk_take(struct ladder *q)
{
    uint32_t chunk;

    if (q->chunk_free == NONE) {
        uint32_t old = q->chunk_count;

        q->chunk_count = old ? old * 2 : CHUNKS_MIN;
        q->chunks = grow(q->chunks, q->chunk_count * sizeof q->chunks[0]);
        for (uint32_t i = q->chunk_count; i > old; i--)
            chunk_give(q, i - 1);
    }
    chunk = q->chunk_free;
    q->chunk_free = q->chunks[chunk].next;
    return chunk;
}

static inline void list_add(struct ladder *q, uint32_t *head, struct event event)
{
    struct chunk *c;

    if (*head == NONE || q->chunks[*head].count == LADDER_CHUNK) {
        uint32_t chunk = chunk_take(q);

        q->chunks[chunk].count = 0;
        q->chunks[chunk].next = *head;
        *head = chunk;
    }
    c = &q->chunks[*head];
    c->event[c->count++] = event;
}

void ladder_init(struct ladder *q)
{
    *q = (struct ladder){.chunk_free = NONE, .top = NONE, .top_min_ns = UINT64_MAX};
    q->bottom_cap = BOTTOM_MIN;
    q->bottom = grow(NULL, q->bottom_cap * sizeof q->bottom[0]);
}

void ladder_reset(struct ladder *q)
{
    for (unsigned i = 0; i < LADDER_RUNGS; i++) {
        free(q->rung[i].head);
        free(q->rung[i].count);
    }
    free(q->chunks);
    free(q->bottom);
}

/* A new finest rung for `count` events of [start, end], about one in a bucket. */
static struct rung *rung_add(struct ladder *q, uint64_t start_ns, uint64_t end_ns, uint64_t count)
{
    struct rung *r = &q->rung[q->rungs++];
    uint64_t buckets = count < 2 ? 2 : count < BUCKETS_MAX ? count : BUCKETS_MAX;

    r->start_ns = start_ns;
    r->width_ns = (end_ns - start_ns) / buckets + 1;
    r->buckets = (uint32_t)((end_ns - start_ns) / r->width_ns + 1);
    r->current = 0;
    if (r->cap < r->buckets) {
        r->cap = r->buckets;
        r->head = grow(r->head, r->cap * sizeof r->head[0]);
        r->count = grow(r->count, r->cap * sizeof r->count[0]);
    }
    for (uint32_t i = 0; i < r->buckets; i++)
        r->head[i] = NONE;
    memset(r->count, 0, r->buckets * sizeof r->count[0]);
    return r;
}

static inline void rung_put(struct ladder *q, struct rung *r, struct event event)
{
    uint64_t bucket = (event.at_ns - r->start_ns) / r->width_ns;

    list_add(q, &r->head[bucket], event);
    r->count[bucket]++;
}

/* Spread a list of chunks over a rung and give the chunks back. */
static void rung_spread(struct ladder *q, struct rung *r, uint32_t chunk)
{
    while (chunk != NONE) {
        uint32_t next = q->chunks[chunk].next;

        /* By index: the array of chunks may move while it grows. */
        for (uint32_t i = 0; i < q->chunks[chunk].count; i++)
            rung_put(q, r, q->chunks[chunk].event[i]);
        chunk_give(q, chunk);
        chunk = next;
    }
}

static void top_spread(struct ladder *q)
{
    struct rung *r = rung_add(q, q->top_min_ns, q->top_max_ns, q->top_count);

    rung_spread(q, r, q->top);
    q->top = NONE;
    q->top_count = 0;
    q->top_start_ns = r->start_ns + r->width_ns * r->buckets;
    q->top_min_ns = UINT64_MAX;
    q->top_max_ns = 0;
}

static int event_compare(const void *x, const void *y)
{
    const struct event *a = x, *b = y;

    return event_before(b, a) - event_before(a, b);
}

/* Move the event at `i` down to its place in the sorted events of [low, i). */
static inline void sink(struct event *events, uint32_t low, uint32_t i)
{
    struct event event = events[i];

    for (; i > low && event_before(&event, &events[i - 1]); i--)
        events[i] = events[i - 1];
    events[i] = event;
}

static void bottom_reserve(struct ladder *q, uint32_t count)
{
    if (q->bottom_cap >= count)
        return;
    while (q->bottom_cap < count)
        q->bottom_cap *= 2;
    q->bottom = grow(q->bottom, q->bottom_cap * sizeof q->bottom[0]);
}

static void bottom_fill(struct ladder *q, uint32_t chunk, uint32_t count)
{
    q->bottom_next = q->bottom_count = 0;
    bottom_reserve(q, count + CROWDED);
    while (chunk != NONE) {
        const struct chunk *c = &q->chunks[chunk];
        uint32_t next = c->next;

        memcpy(q->bottom + q->bottom_count, c->event, c->count * sizeof c->event[0]);
        q->bottom_count += c->count;
        chunk_give(q, chunk);
        chunk = next;
    }
    if (q->bottom_count > INSERTION_SORT_MAX)
        qsort(q->bottom, q->bottom_count, sizeof q->bottom[0], event_compare);
    else
        for (uint32_t i = 1; i < q->bottom_count; i++)
            sink(q->bottom, 0, i);
}

static void bottom_insert(struct ladder *q, struct event event)
{
    if (q->bottom_count == q->bottom_cap && q->bottom_next > 0) {
        q->bottom_count -= q->bottom_next;
        memmove(q->bottom, q->bottom + q->bottom_next, q->bottom_count * sizeof q->bottom[0]);
        q->bottom_next = 0;
    }
    bottom_reserve(q, q->bottom_count + 1);
    q->bottom[q->bottom_count] = event;
    sink(q->bottom, q->bottom_next, q->bottom_count++);
}

/* Sort the next bucket that has events into the bottom. */
static void refill(struct ladder *q)
{
    for (;;) {
        struct rung *r;
        uint32_t bucket;

        if (q->rungs == 0)
            top_spread(q);
        r = &q->rung[q->rungs - 1];
        while (r->current < r->buckets && r->count[r->current] == 0)
            r->current++;
        if (r->current == r->buckets) {
            q->rungs--;
            continue;
        }
        bucket = r->current++;
        if (r->count[bucket] <= CROWDED || q->rungs == LADDER_RUNGS || r->width_ns == 1) {
            bottom_fill(q, r->head[bucket], r->count[bucket]);
            return;
        }
        rung_spread(q,
                    rung_add(q, r->start_ns + r->width_ns * bucket,
                             r->start_ns + r->width_ns * (bucket + 1) - 1, r->count[bucket]),
                    r->head[bucket]);
    }
}

static void top_push(struct ladder *q, struct event event)
{
    list_add(q, &q->top, event);
    q->top_count++;
    if (event.at_ns < q->top_min_ns)
        q->top_min_ns = event.at_ns;
    if (event.at_ns > q->top_max_ns)
        q->top_max_ns = event.at_ns;
}

void ladder_push(struct ladder *q, struct event event)
{
    if (event.at_ns >= q->top_start_ns) {
        top_push(q, event);
        return;
    }
    for (unsigned i = 0; i < q->rungs; i++) {
        struct rung *r = &q->rung[i];

        if (event.at_ns >= r->start_ns + r->width_ns * r->current) {
            rung_put(q, r, event);
            return;
        }
    }
    bottom_insert(q, event);
}

struct event ladder_pop(struct ladder *q)
{
    if (q->bottom_next == q->bottom_count)
        refill(q);
    return q->bottom[q->bottom_next++];
}
