#include "base/timerq.h"

#include "base/assert.h"

#include <stdlib.h>

enum err timerq_init(struct timerq *q, uint32_t capacity)
{
    ASSERT(capacity > 0 && capacity < UINT32_MAX);
    *q = (struct timerq){.capacity = capacity};
    q->heap = malloc(capacity * sizeof *q->heap);
    q->position = calloc(capacity, sizeof *q->position);
    if (!q->heap || !q->position) {
        timerq_reset(q);
        return ERR_MEMORY;
    }
    return OK;
}

void timerq_reset(struct timerq *q)
{
    free(q->heap);
    free(q->position);
    *q = (struct timerq){0};
}

static nsec deadline_of(const struct timerq_entry *e)
{
    return (nsec)e->high << 32 | e->low;
}

static bool earlier(const struct timerq_entry *a, const struct timerq_entry *b)
{
    nsec first = deadline_of(a), second = deadline_of(b);

    return first != second ? first < second : a->owner < b->owner;
}

static void place(struct timerq *q, uint32_t at, struct timerq_entry entry)
{
    q->heap[at] = entry;
    q->position[entry.owner] = at + 1;
}

/* Move `entry`, whose place is the hole at `at`, to where the heap order wants it. */
static void settle(struct timerq *q, uint32_t at, struct timerq_entry entry)
{
    while (at > 0 && earlier(&entry, &q->heap[(at - 1) / 2])) {
        place(q, at, q->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (;;) {
        uint32_t child = 2 * at + 1;

        if (child >= q->count)
            break;
        if (child + 1 < q->count && earlier(&q->heap[child + 1], &q->heap[child]))
            child++;
        if (!earlier(&q->heap[child], &entry))
            break;
        place(q, at, q->heap[child]);
        at = child;
    }
    place(q, at, entry);
}

void timerq_arm(struct timerq *q, uint32_t owner, nsec deadline)
{
    ASSERT(owner < q->capacity);
    if (deadline == NSEC_NEVER) {
        timerq_cancel(q, owner);
        return;
    }
    if (q->position[owner] == 0)
        q->position[owner] = ++q->count;
    settle(q, q->position[owner] - 1,
           (struct timerq_entry){(uint32_t)(deadline >> 32), (uint32_t)deadline, owner});
}

void timerq_cancel(struct timerq *q, uint32_t owner)
{
    uint32_t at;

    ASSERT(owner < q->capacity);
    if (q->position[owner] == 0)
        return;
    at = q->position[owner] - 1;
    q->position[owner] = 0;
    q->count--;
    if (at < q->count)
        settle(q, at, q->heap[q->count]);
}

nsec timerq_deadline(const struct timerq *q)
{
    return q->count > 0 ? deadline_of(&q->heap[0]) : NSEC_NEVER;
}

bool timerq_expire(struct timerq *q, nsec now, uint32_t *owner)
{
    if (q->count == 0 || deadline_of(&q->heap[0]) > now)
        return false;
    *owner = q->heap[0].owner;
    timerq_cancel(q, *owner);
    return true;
}
