#include "sim/queue.h"

#include "base/assert.h"
#include "base/pages.h"

#include <stdlib.h>
#include <string.h>

enum {
    BUCKET_ENTRIES = 8, /* in a bucket of a new rung, on average: that many to twice as many */
    NEAR_FIRST = 128,   /* capacity */
    BLOCK_MIN = 16,     /* chunks: 2 KiB; later an eighth of what there is, */
    BLOCK_LARGE = PAGES_LARGE_FROM / QUEUE_CHUNK, /* from so many on so many, in large pages */
    CHUNK_ENTRIES = sizeof((struct queue_chunk *)0)->entry / sizeof(struct event_entry),
};

enum err queue_init(struct queue *q, queue_packet_order *order, void *context)
{
    *q = (struct queue){.soon_up_to = FETCH_BEHIND,
                        .order = order,
                        .context = context,
                        .near_capacity = NEAR_FIRST,
                        .near_limit = QUEUE_NEAR_MIN,
                        .top_min = NSEC_NEVER};
    q->near = malloc(q->near_capacity * sizeof *q->near);
    return q->near ? OK : ERR_MEMORY;
}

void queue_reset(struct queue *q)
{
    while (q->blocks) {
        struct queue_chunk *next = q->blocks->next;

        free(q->blocks);
        q->blocks = next;
    }
    for (int i = 0; i < QUEUE_RUNGS; i++)
        free(q->rung[i].bucket);
    free(q->near);
    *q = (struct queue){0};
}

/* Nothing that is left could be taken in order. */
static enum err lose_all(struct queue *q)
{
    q->error = ERR_MEMORY;
    q->count = q->rungs = q->near_count = q->bottom_next = q->bottom_count = 0;
    q->top = NULL;
    return ERR_MEMORY;
}

static bool tie_before(const struct queue *q, const struct event_entry *a,
                       const struct event_entry *b)
{
    if (a->entity != b->entity)
        return a->entity < b->entity;
    if (event_class(a->what) != event_class(b->what))
        return event_class(a->what) < event_class(b->what);
    if (event_class(a->what) != EVENT_TIMER)
        return q->order(q->context, event_number(a->what), event_number(b->what)) < 0;
    return a->what < b->what;
}

static inline bool before(const struct queue *q, const struct event_entry *a,
                          const struct event_entry *b)
{
    return a->at != b->at ? a->at < b->at : tie_before(q, a, b);
}

/* The heap. */

static enum err heap_put(struct queue *q, struct event_entry entry)
{
    uint32_t at = q->near_count;

    if (at == q->near_capacity) {
        struct event_entry *bigger = realloc(q->near, 2 * (size_t)at * sizeof *bigger);

        if (!bigger)
            return ERR_MEMORY;
        q->near = bigger;
        q->near_capacity *= 2;
    }
    q->near_count++;
    while (at > 0 && before(q, &entry, &q->near[(at - 1) / 2])) {
        q->near[at] = q->near[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    q->near[at] = entry;
    return OK;
}

static struct event_entry heap_take(struct queue *q)
{
    struct event_entry first = q->near[0], last = q->near[--q->near_count];
    uint32_t at = 0;

    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= q->near_count)
            break;
        if (child + 1 < q->near_count && before(q, &q->near[child + 1], &q->near[child]))
            child++;
        if (!before(q, &q->near[child], &last))
            break;
        q->near[at] = q->near[child];
        at = child;
    }
    q->near[at] = last;
    return first;
}

/* Chunks: from the free ones, or the next of the newest block, whose first one links the blocks. */

static bool block_add(struct queue *q)
{
    bool large = q->chunks >= BLOCK_LARGE;
    size_t count = q->chunks / 8;
    struct queue_chunk *block;

    count = large ? BLOCK_LARGE : count < BLOCK_MIN ? BLOCK_MIN : count;
    block = aligned_alloc(large ? PAGES_LARGE : QUEUE_CHUNK, count * sizeof *block);
    if (!block)
        return false;
    pages_large(block, count * sizeof *block);
    block->next = q->blocks;
    q->blocks = block;
    q->chunks += count;
    q->fresh = block + 1;
    q->fresh_end = block + count;
    return true;
}

static struct queue_chunk *chunk_take(struct queue *q)
{
    struct queue_chunk *c = q->free;

    if (c) {
        q->free = c->next;
        return c;
    }
    return q->fresh < q->fresh_end || block_add(q) ? q->fresh++ : NULL;
}

static void chunk_give(struct queue *q, struct queue_chunk *c)
{
    c->next = q->free;
    q->free = c;
}

static bool at_chunk_end(queue_bucket b)
{
    return (uintptr_t)b % QUEUE_CHUNK == 0;
}

/* The chunk that the last entry of a bucket is in. */
static struct queue_chunk *bucket_chunk(queue_bucket b)
{
    char *last = (char *)(b - 1);

    return (struct queue_chunk *)(void *)(last - (uintptr_t)last % QUEUE_CHUNK);
}

static uint32_t bucket_count(queue_bucket b)
{
    const struct queue_chunk *c = bucket_chunk(b);

    return c->below + (uint32_t)(b - c->entry);
}

static bool bucket_lengthen(struct queue *q, queue_bucket *b)
{
    struct queue_chunk *c = chunk_take(q);

    if (!c)
        return false;
    c->next = *b ? bucket_chunk(*b) : NULL;
    c->below = c->next ? c->next->below + CHUNK_ENTRIES : 0;
    *b = c->entry;
    return true;
}

static inline enum err bucket_put(struct queue *q, queue_bucket *b, struct event_entry entry)
{
    if (at_chunk_end(*b) && !bucket_lengthen(q, b))
        return ERR_MEMORY;
    *(*b)++ = entry;
    return OK;
}

/* A walk over the entries of a bucket, chunk by chunk. */
struct run {
    struct queue_chunk *chunk;
    uint32_t count;
};

static struct run bucket_run(queue_bucket b)
{
    struct queue_chunk *c = bucket_chunk(b);

    return (struct run){c, (uint32_t)(b - c->entry)};
}

static struct run run_next(struct run r)
{
    return (struct run){r.chunk->next, CHUNK_ENTRIES};
}

/* Rungs. */

static inline enum err rung_put(struct queue *q, struct queue_rung *r, struct event_entry entry)
{
    uint64_t i = ((r->by_entity ? entry.entity : entry.at) - r->start) >> r->shift;

    return bucket_put(q, &r->bucket[i < r->buckets ? i : r->buckets - 1], entry);
}

static unsigned bits(uint64_t v)
{
    return v ? 64 - (unsigned)__builtin_clzll(v) : 0;
}

/* A new finest rung for `count` entries from `min` to `max`; NULL when out of memory. The last of
 * its buckets is for what comes later than they, up to where the rung above goes on. */
static struct queue_rung *rung_add(struct queue *q, uint64_t min, uint64_t max, uint32_t count,
                                   bool by_entity)
{
    struct queue_rung *r = &q->rung[q->rungs];
    uint32_t full = count / BUCKET_ENTRIES + 1;
    unsigned shift = bits(max - min) > bits(full) ? bits(max - min) - bits(full) : 0;

    ASSERT(q->rungs < QUEUE_RUNGS);
    while (((max - min) >> shift) >= full && shift < 63)
        shift++;
    r->start = min;
    r->shift = shift;
    r->by_entity = by_entity;
    r->buckets = (uint32_t)((max - min) >> shift) + 2;
    r->current = 0;
    if (r->buckets > r->capacity) {
        free(r->bucket);
        r->capacity = 0;
        r->bucket = malloc(r->buckets * sizeof *r->bucket);
        if (!r->bucket)
            return NULL;
        r->capacity = r->buckets;
    }
    memset(r->bucket, 0, r->buckets * sizeof *r->bucket);
    /* While entities of one time are in turn, everything that comes at that time goes to `near`. */
    q->from[++q->rungs] = by_entity ? NSEC_NEVER : min;
    return r;
}

/* The time from which on the rung still takes entries. */
static nsec rung_from(const struct queue_rung *r)
{
    uint64_t done = (uint64_t)r->current << r->shift;

    return done >> r->shift == r->current && done < NSEC_NEVER - r->start ? r->start + done
                                                                          : NSEC_NEVER;
}

static inline void tell_soon(const struct queue *q, const struct event_entry *e, uint32_t count,
                             enum queue_fetch fetch)
{
    if (q->soon)
        q->soon(q->context, e, count, fetch);
}

/* Spread a bucket over a rung and give its chunks back. */
static enum err spread(struct queue *q, struct queue_rung *r, queue_bucket b)
{
    bool soon = bucket_count(b) <= QUEUE_SOON;
    struct run run = bucket_run(b);

    while (run.chunk) {
        struct run next = run_next(run);

        if (soon)
            tell_soon(q, run.chunk->entry, run.count, FETCH_BEHIND);
        for (uint32_t i = 0; i < run.count; i++)
            if (rung_put(q, r, run.chunk->entry[i]) != OK)
                return ERR_MEMORY;
        chunk_give(q, run.chunk);
        run = next;
    }
    return OK;
}

/* Earliest and latest time, lowest and highest entity. */
struct extent {
    nsec min, max;
    uint32_t lowest, highest;
};

static struct extent extent_add(struct extent x, const struct event_entry *e, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        x.min = e[i].at < x.min ? e[i].at : x.min;
        x.max = e[i].at > x.max ? e[i].at : x.max;
        x.lowest = e[i].entity < x.lowest ? e[i].entity : x.lowest;
        x.highest = e[i].entity > x.highest ? e[i].entity : x.highest;
    }
    return x;
}

static const struct extent nothing = {.min = NSEC_NEVER, .lowest = UINT32_MAX};

static struct extent bucket_extent(const struct queue *q, queue_bucket b)
{
    bool soon = bucket_count(b) <= QUEUE_SOON;
    struct extent x = nothing;

    for (struct run run = bucket_run(b); run.chunk; run = run_next(run)) {
        if (soon)
            tell_soon(q, run.chunk->entry, run.count, FETCH_NAMED);
        x = extent_add(x, run.chunk->entry, run.count);
    }
    return x;
}

/*
 * The heap has grown: its bucket was wide for what happens in it. Spread it over a new rung, with
 * what is left at the bottom. The heap must double before it is spread again, so each entry pays
 * for a fixed number of moves.
 */
static enum err spread_near(struct queue *q)
{
    const struct event_entry *bottom = q->bottom + q->bottom_next;
    uint32_t bottom_left = q->bottom_count - q->bottom_next, heap = q->near_count;
    struct extent x = extent_add(extent_add(nothing, q->near, heap), bottom, bottom_left);
    struct queue_rung *r = rung_add(q, x.min, x.max, heap + bottom_left, false);

    if (!r)
        return lose_all(q);
    q->near_count = q->bottom_next = q->bottom_count = 0;
    q->near_limit = QUEUE_NEAR_MIN;
    for (uint32_t i = 0; i < heap; i++)
        if (rung_put(q, r, q->near[i]) != OK)
            return lose_all(q);
    for (uint32_t i = 0; i < bottom_left; i++)
        if (rung_put(q, r, bottom[i]) != OK)
            return lose_all(q);
    return OK;
}

/* Entities of one time are in turn: what is still in their buckets may be before `near`. */
static inline bool in_entities(const struct queue *q)
{
    return q->rungs > 0 && q->rung[q->rungs - 1].by_entity;
}

static enum err near_put(struct queue *q, struct event_entry entry)
{
    enum err e = heap_put(q, entry);

    if (e != OK || q->near_count <= q->near_limit)
        return e;
    q->near_limit = 2 * q->near_count;
    return in_entities(q) || q->rungs == QUEUE_RUNGS ? OK : spread_near(q);
}

static enum err top_put(struct queue *q, struct event_entry entry)
{
    enum err e = bucket_put(q, &q->top, entry);

    if (e != OK)
        return e;
    if (entry.at < q->top_min)
        q->top_min = entry.at;
    if (entry.at > q->top_max)
        q->top_max = entry.at;
    return OK;
}

static inline enum err put(struct queue *q, struct event_entry entry)
{
    if (entry.at >= q->from[0])
        return top_put(q, entry);
    for (uint32_t i = 0; i < q->rungs; i++)
        if (entry.at >= q->from[i + 1])
            return rung_put(q, &q->rung[i], entry);
    return near_put(q, entry);
}

enum err queue_put(struct queue *q, struct event_entry entry)
{
    enum err e = q->error;

    ASSERT(entry.at != NSEC_NEVER);
    if (e == OK)
        e = put(q, entry);
    if (e == OK)
        q->count++;
    return e;
}

/* Sort a bucket into the bottom, which is empty. */
static void bottom_fill(struct queue *q, queue_bucket b)
{
    uint32_t count = 0;

    for (struct run run = bucket_run(b), next; run.chunk; run = next) {
        next = run_next(run);
        for (uint32_t i = 0; i < run.count; i++) {
            struct event_entry e = run.chunk->entry[i];
            uint32_t at = count++;

            for (; at > 0 && before(q, &e, &q->bottom[at - 1]); at--)
                q->bottom[at] = q->bottom[at - 1];
            q->bottom[at] = e;
        }
        chunk_give(q, run.chunk);
    }
    q->bottom_next = 0;
    q->bottom_count = count;
    for (enum queue_fetch f = FETCH_NAMED; f <= q->soon_up_to; f++)
        tell_soon(q, q->bottom, count, f);
}

/* A bucket that no rung can make smaller. */
static enum err near_fill(struct queue *q, queue_bucket b)
{
    for (struct run run = bucket_run(b), next; run.chunk; run = next) {
        next = run_next(run);
        for (uint32_t i = 0; i < run.count; i++)
            if (heap_put(q, run.chunk->entry[i]) != OK)
                return ERR_MEMORY;
        chunk_give(q, run.chunk);
    }
    q->near_limit = 2 * q->near_count;
    return OK;
}

/* A rung for what comes after the only time of a bucket: from now on, `near` is of that time. */
static enum err fence(struct queue *q, nsec at)
{
    struct queue_rung *r;

    if (q->from[q->rungs] == at + 1)
        return OK;
    r = rung_add(q, at, at, 0, false);
    if (!r)
        return ERR_MEMORY;
    r->current = 1;
    q->from[q->rungs] = at + 1;
    return OK;
}

/* It is the turn of a bucket; its rung has left it behind. */
static enum err bucket_up(struct queue *q, queue_bucket b, bool by_entity)
{
    uint32_t count = bucket_count(b);
    struct queue_rung *r;
    struct extent x;

    if (count <= QUEUE_BOTTOM) {
        bottom_fill(q, b);
        return OK;
    }
    x = bucket_extent(q, b);
    if (q->rungs + 2 > QUEUE_RUNGS)
        return near_fill(q, b);
    if (!by_entity && x.min == x.max) {
        by_entity = true;
        if (fence(q, x.min) != OK)
            return ERR_MEMORY;
    }
    if (by_entity && x.lowest == x.highest)
        return near_fill(q, b);
    r = by_entity ? rung_add(q, x.lowest, x.highest, count, true)
                  : rung_add(q, x.min, x.max, count, false);
    return r ? spread(q, r, b) : ERR_MEMORY;
}

static enum err top_up(struct queue *q)
{
    queue_bucket top = q->top;

    q->from[0] = q->top_max + 1;
    q->top = NULL;
    q->top_min = NSEC_NEVER;
    q->top_max = 0;
    return bucket_up(q, top, false);
}

/* The next bucket of the finest rung that has entries; the rung goes with its last bucket. */
static enum err rung_up(struct queue *q)
{
    struct queue_rung *r = &q->rung[q->rungs - 1];
    bool by_entity = r->by_entity;
    queue_bucket b = NULL;

    while (r->current < r->buckets && !b)
        b = r->bucket[r->current++];
    if (r->current == r->buckets)
        q->rungs--;
    else if (!by_entity)
        q->from[q->rungs] = rung_from(r);
    return b ? bucket_up(q, b, by_entity) : OK;
}

static inline bool bottom_empty(const struct queue *q)
{
    return q->bottom_next == q->bottom_count;
}

/* Neither the bottom nor the heap says what is first. */
static inline bool to_be_filled(const struct queue *q)
{
    return bottom_empty(q) && (q->near_count == 0 || in_entities(q));
}

static void refill(struct queue *q)
{
    q->near_limit = QUEUE_NEAR_MIN;
    while (to_be_filled(q) && (q->rungs > 0 || q->top))
        if ((q->rungs > 0 ? rung_up(q) : top_up(q)) != OK)
            lose_all(q);
}

static inline bool near_first(const struct queue *q)
{
    return q->near_count > 0 &&
           (bottom_empty(q) || before(q, &q->near[0], &q->bottom[q->bottom_next]));
}

nsec queue_next(struct queue *q)
{
    if (to_be_filled(q))
        refill(q);
    if (q->count == 0)
        return NSEC_NEVER;
    return near_first(q) ? q->near[0].at : q->bottom[q->bottom_next].at;
}

struct event_entry queue_take(struct queue *q)
{
    if (to_be_filled(q))
        refill(q);
    ASSERT(q->count > 0);
    q->count--;
    return near_first(q) ? heap_take(q) : q->bottom[q->bottom_next++];
}

const struct event_entry *queue_look(const struct queue *q)
{
    if (to_be_filled(q))
        return NULL;
    return near_first(q) ? &q->near[0] : &q->bottom[q->bottom_next];
}

/* A chunk is given back before its entries are put, so there is always one for them. */
static uint32_t bucket_sweep(struct queue *q, queue_bucket *bucket, queue_wanted *wanted)
{
    struct event_entry entry[CHUNK_ENTRIES];
    queue_bucket kept = NULL;
    uint32_t dropped = 0;

    for (struct run run = bucket_run(*bucket), next; run.chunk; run = next) {
        next = run_next(run);
        memcpy(entry, run.chunk->entry, run.count * sizeof *entry);
        chunk_give(q, run.chunk);
        for (uint32_t i = 0; i < run.count; i++) {
            bool keep = wanted(q->context, &entry[i]);

            dropped += !keep;
            if (keep)
                ASSERT(bucket_put(q, &kept, entry[i]) == OK);
        }
    }
    *bucket = kept;
    return dropped;
}

/* What is wanted moves to the front, in its order. */
static uint32_t array_sweep(struct queue *q, struct event_entry *e, uint32_t count,
                            queue_wanted *wanted)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++)
        if (wanted(q->context, &e[i]))
            e[kept++] = e[i];
    return kept;
}

void queue_sweep(struct queue *q, queue_wanted *wanted)
{
    uint32_t heap = q->near_count, bottom = q->bottom_count - q->bottom_next, left;

    if (q->top)
        q->count -= bucket_sweep(q, &q->top, wanted);
    for (uint32_t i = 0; i < q->rungs; i++) {
        struct queue_rung *r = &q->rung[i];

        for (uint32_t k = r->current; k < r->buckets; k++)
            if (r->bucket[k])
                q->count -= bucket_sweep(q, &r->bucket[k], wanted);
    }
    left = array_sweep(q, q->bottom + q->bottom_next, bottom, wanted);
    q->bottom_count = q->bottom_next + left;
    left += array_sweep(q, q->near, heap, wanted);
    q->count -= heap + bottom - left;
    heap = left - (q->bottom_count - q->bottom_next);
    q->near_count = 0;
    for (uint32_t i = 0; i < heap; i++)
        ASSERT(heap_put(q, q->near[i]) == OK);
}
