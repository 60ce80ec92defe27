/*
 * Events waiting to be pulled, in order. The ring holds more than one call can cause (its size
 * follows from the limits), so nothing is lost when the driver pulls after each call; a driver that
 * does not is told by `lost`. Keys travel beside the ring and are wiped after the pull.
 */
#ifndef PROTO_CORE_EVENT_QUEUE_H
#define PROTO_CORE_EVENT_QUEUE_H

#include "proto/core/event.h"

enum event_queue_sizes { KEY_RECORDS = 8 };

struct event_record {
    nsec at;
    struct sa_ref ike, child, other;
    uint64_t spi_i, spi_r;
    uint32_t count;
    uint8_t kind, reason; /* enum event_kind, enum sa_reason */
    uint8_t certificate;  /* enum x509_result */
    uint8_t version;      /* of IKE, major: 1 or 2 */
    bool initiator, installed;
};

struct key_record {
    struct ike_key_event event; /* its views point into `bytes` */
    uint8_t bytes[PRF_OUT_MAX + IKE_KEYS_MAX];
};

struct event_queue {
    struct event_record *ring;
    struct key_record *keys; /* KEY_RECORDS of them, or NULL */
    uint32_t capacity, head, count;
    uint32_t keys_head, keys_count;
    bool keys_pulled; /* the record at keys_head is in the driver's hands */
    uint64_t lost;
};

enum err event_queue_init(struct event_queue *, uint32_t capacity, bool export_keys) MUST_USE;
void event_queue_reset(struct event_queue *);
void event_put(struct event_queue *, const struct event_record *);
/** A record to fill, to be followed by event_put of EVENT_KEYS; NULL: not exported, or full. */
struct key_record *event_keys_take(struct event_queue *);
bool event_next(struct event_queue *, struct ike_event *out);
static inline uint32_t event_room(const struct event_queue *q)
{
    return q->capacity - q->count;
}

#endif
