#include "proto/core/event_queue.h"

#include "base/assert.h"

#include <stdlib.h>

enum err event_queue_init(struct event_queue *q, uint32_t capacity, bool export_keys)
{
    *q = (struct event_queue){.capacity = capacity};
    q->ring = malloc(capacity * sizeof *q->ring);
    if (export_keys)
        q->keys = calloc(KEY_RECORDS, sizeof *q->keys);
    if (!q->ring || (export_keys && !q->keys)) {
        event_queue_reset(q);
        return ERR_MEMORY;
    }
    return OK;
}

void event_queue_reset(struct event_queue *q)
{
    if (q->keys)
        wipe(q->keys, KEY_RECORDS * sizeof *q->keys);
    free(q->keys);
    free(q->ring);
    *q = (struct event_queue){0};
}

void event_put(struct event_queue *q, const struct event_record *e)
{
    if (q->count == q->capacity) {
        q->lost++;
        return;
    }
    q->ring[(q->head + q->count++) % q->capacity] = *e;
}

struct key_record *event_keys_take(struct event_queue *q)
{
    if (!q->keys)
        return NULL;
    if (q->keys_count == KEY_RECORDS || q->count == q->capacity) {
        q->lost++;
        return NULL;
    }
    return &q->keys[(q->keys_head + q->keys_count++) % KEY_RECORDS];
}

static void forget_pulled_keys(struct event_queue *q)
{
    if (!q->keys_pulled)
        return;
    wipe(&q->keys[q->keys_head], sizeof *q->keys);
    q->keys_head = (q->keys_head + 1) % KEY_RECORDS;
    q->keys_count--;
    q->keys_pulled = false;
}

bool event_next(struct event_queue *q, struct ike_event *out)
{
    const struct event_record *e;

    forget_pulled_keys(q);
    if (!q->count)
        return false;
    e = &q->ring[q->head];
    *out = (struct ike_event){.kind = e->kind,
                              .at = e->at,
                              .ike = e->ike,
                              .child = e->child,
                              .other = e->other,
                              .reason = e->reason,
                              .count = e->count,
                              .certificate = e->certificate,
                              .version = e->version,
                              .initiator = e->initiator,
                              .installed = e->installed,
                              .spi_i = e->spi_i,
                              .spi_r = e->spi_r};
    if (e->kind == EVENT_KEYS) {
        ASSERT(q->keys_count);
        out->keys = &q->keys[q->keys_head].event;
        q->keys_pulled = true;
    }
    q->count--;
    /* An empty ring starts over, so that a large one touches few pages. */
    q->head = q->count ? (q->head + 1) % q->capacity : 0;
    return true;
}
