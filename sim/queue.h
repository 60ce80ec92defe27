/*
 * Pending events: 16-byte entries in a binary heap. Equal times are ordered by entity, and for one
 * entity by a rule that does not depend on insertion (docs/determinism.md): departures, then
 * packets, then timers; departures and packets by the rank that the owner of the queue gives them,
 * timers by their number.
 */
#ifndef SIM_QUEUE_H
#define SIM_QUEUE_H

#include "base/err.h"
#include "base/time.h"

#include <stdbool.h>

/* The two lowest bits of `what` are the kind; the other 30 name the packet or the timer. */
enum event_class { EVENT_DEPARTURE = 0, EVENT_PACKET = 1, EVENT_TIMER = 2 };

struct event_entry {
    nsec at;
    uint32_t entity;
    uint32_t what;
};
_Static_assert(sizeof(struct event_entry) == 16, "the heap moves these a lot");

/** Order of two packets that meet at one entity at one time: < 0, 0, > 0. */
typedef int queue_packet_order(void *context, uint32_t packet_a, uint32_t packet_b);

struct queue {
    struct event_entry *heap;
    uint32_t count, capacity;
    queue_packet_order *order;
    void *context;
};

enum err queue_init(struct queue *q, queue_packet_order *order, void *context) MUST_USE;
void queue_reset(struct queue *q);
/** @retval ERR_MEMORY the queue could not grow */
enum err queue_put(struct queue *q, struct event_entry entry) MUST_USE;
/** The time of the first entry, NSEC_NEVER when empty. */
nsec queue_next(const struct queue *q);
/** Take out the first entry; the queue is not empty. */
struct event_entry queue_take(struct queue *q);

static inline uint32_t event_what(enum event_class class, uint32_t number)
{
    return number << 2 | (uint32_t) class;
}

static inline enum event_class event_class(uint32_t what)
{
    return (enum event_class)(what & 3);
}

static inline uint32_t event_number(uint32_t what)
{
    return what >> 2;
}

#endif
