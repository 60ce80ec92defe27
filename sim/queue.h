/*
 * Pending events: 16-byte entries in a ladder queue (docs/decisions/0016). Equal times are ordered
 * by entity, and for one entity by a rule that does not depend on insertion (docs/determinism.md):
 * departures, then packets, then timers; departures and packets by the rank that the owner of the
 * queue gives them, timers by their number.
 *
 *   top      what is far away, unsorted
 *   rungs    what is nearer, in buckets of times, unsorted; a crowded bucket that comes up is
 * spread over a finer rung, one whose times are all equal over a rung of entities bottom   the few
 * entries of the bucket that came up last, sorted near     a heap: entries that are put when their
 * bucket has come up already, as are those for the current time
 *
 * The first entry is that of bottom or that of near. Entries lie in chunks of two cache lines,
 * which buckets fill from their ends and the queue uses again; no entry is ever allocated.
 */
#ifndef SIM_QUEUE_H
#define SIM_QUEUE_H

#include "base/err.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>

/* The two lowest bits of `what` are the kind; the other 30 name the packet or the timer. */
enum event_class { EVENT_DEPARTURE = 0, EVENT_PACKET = 1, EVENT_TIMER = 2 };

struct event_entry {
    nsec at;
    uint32_t entity;
    uint32_t what;
};
_Static_assert(sizeof(struct event_entry) == 16, "the queue moves these a lot");

/** Order of two packets that meet at one entity at one time: < 0, 0, > 0. */
typedef int queue_packet_order(void *context, uint32_t packet_a, uint32_t packet_b);

/*
 * What an event touches is found by its entry, by what that names, by what lies behind that, and so
 * on: the one must have come before the other can be fetched.
 */
enum queue_fetch { FETCH_NAMED, FETCH_BEHIND, FETCH_FURTHER, FETCH_LAST = FETCH_FURTHER + 4 };

/**
 * These come soon: a chance to fetch what they touch before they do. The queue tells of the same
 * entries with one after the other, and may tell of entries twice.
 */
typedef void queue_soon(void *context, const struct event_entry *, uint32_t count,
                        enum queue_fetch);

enum queue_sizes {
    QUEUE_CHUNK = 128,   /* bytes */
    QUEUE_RUNGS = 24,    /* deeper than that, crowded buckets go to the heap */
    QUEUE_BOTTOM = 48,   /* entries of a bucket that are sorted at once */
    QUEUE_SOON = 1024,   /* entries of a bucket that come soon when it is their turn */
    QUEUE_NEAR_MIN = 64, /* entries in the heap before it is spread over a rung */
};

struct queue_chunk {
    struct queue_chunk *next; /* in the bucket, or among the free ones */
    uint32_t below;           /* entries of the bucket in the chunks that follow */
    struct event_entry entry[QUEUE_CHUNK / sizeof(struct event_entry) - 1];
};
_Static_assert(sizeof(struct queue_chunk) == QUEUE_CHUNK, "ends of chunks are known by address");

/* Where the next entry of a bucket goes. The end of a chunk, or NULL: into a new one. */
typedef struct event_entry *queue_bucket;

struct queue_rung {
    uint64_t start; /* time or entity where its first bucket begins */
    unsigned shift; /* a bucket is 2^shift wide; the last one has no end of its own */
    bool by_entity;
    uint32_t buckets, current; /* those before `current` have come up */
    uint32_t capacity;
    queue_bucket *bucket;
};

struct queue {
    uint32_t count;
    uint32_t rungs;           /* [rungs - 1] is the finest */
    struct event_entry *near; /* heap */
    uint32_t near_count, near_capacity;
    uint32_t near_limit; /* spread the heap when it is larger */
    uint32_t bottom_next, bottom_count;
    nsec from[QUEUE_RUNGS + 1]; /* times from here on: [0] to top, [i] to rung i - 1 */
    struct event_entry bottom[QUEUE_BOTTOM];
    struct queue_rung rung[QUEUE_RUNGS];
    queue_bucket top;
    nsec top_min, top_max;
    struct queue_chunk *free, *fresh, *fresh_end, *blocks;
    size_t chunks;  /* in all blocks */
    enum err error; /* sticky: memory was short while entries were moved */
    queue_packet_order *order;
    queue_soon *soon;            /* NULL after queue_init */
    enum queue_fetch soon_up_to; /* what it is told of, the others not; FETCH_BEHIND after that */
    void *context;
};

enum err queue_init(struct queue *q, queue_packet_order *order, void *context) MUST_USE;
void queue_reset(struct queue *q);
/**
 * Times earlier than that of an entry already taken are allowed, and come out next.
 *
 * @param entry  before NSEC_NEVER
 * @retval ERR_MEMORY the queue could not grow; this and others of its entries may be lost
 */
enum err queue_put(struct queue *q, struct event_entry entry) MUST_USE;
/**
 * The time of the first entry, NSEC_NEVER when empty. Sorts the next entries when it is their turn;
 * where memory is too short for that, the queue is empty from then on and q->error is ERR_MEMORY.
 */
nsec queue_next(struct queue *q);
/** Take out the first entry, the one of queue_next; the queue is not empty. */
struct event_entry queue_take(struct queue *q);

/** The first entry, if it is known without sorting any; NULL: it is not, or there is none. */
const struct event_entry *queue_look(const struct queue *q);

/** Does the owner still want this entry? */
typedef bool queue_wanted(void *context, const struct event_entry *);
/** Take out every entry that is not wanted: a walk over all, which needs no memory. */
void queue_sweep(struct queue *q, queue_wanted *wanted);

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
