#include "sim/queue.h"

#include "base/assert.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 1024 };

enum err queue_init(struct queue *q, queue_packet_order *order, void *context)
{
    *q = (struct queue){.capacity = FIRST_CAPACITY, .order = order, .context = context};
    q->heap = malloc(q->capacity * sizeof *q->heap);
    return q->heap ? OK : ERR_MEMORY;
}

void queue_reset(struct queue *q)
{
    free(q->heap);
    *q = (struct queue){0};
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

static bool before(const struct queue *q, const struct event_entry *a, const struct event_entry *b)
{
    return a->at != b->at ? a->at < b->at : tie_before(q, a, b);
}

enum err queue_put(struct queue *q, struct event_entry entry)
{
    uint32_t at = q->count;

    if (q->count == q->capacity) {
        struct event_entry *bigger = realloc(q->heap, 2 * (size_t)q->capacity * sizeof *bigger);

        if (!bigger)
            return ERR_MEMORY;
        q->heap = bigger;
        q->capacity *= 2;
    }
    q->count++;
    while (at > 0 && before(q, &entry, &q->heap[(at - 1) / 2])) {
        q->heap[at] = q->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    q->heap[at] = entry;
    return OK;
}

nsec queue_next(const struct queue *q)
{
    return q->count > 0 ? q->heap[0].at : NSEC_NEVER;
}

struct event_entry queue_take(struct queue *q)
{
    struct event_entry first = q->heap[0], last = q->heap[--q->count];
    uint32_t at = 0;

    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= q->count)
            break;
        if (child + 1 < q->count && before(q, &q->heap[child + 1], &q->heap[child]))
            child++;
        if (!before(q, &q->heap[child], &last))
            break;
        q->heap[at] = q->heap[child];
        at = child;
    }
    q->heap[at] = last;
    return first;
}
