/*
 * The hold model of sim/queue, a row of the family sim: N events are pending; one operation takes
 * the earliest, moves its time on by an increment, and puts it back. Mixes of increments and
 * their generator are those of the bound program, so both queues see the same sequence.
 */
#include "bench/hold.h"

#include "sim/queue.h"

#include <math.h>
#include <stdlib.h>

enum { INCREMENTS = 1 << 20, UNIT_NS = 16 };

struct hold {
    struct queue queue;
    uint32_t *increments; /* in units of 16 ns: 68 s fit into 32 bits */
    uint64_t next;
};

/* xorshift64 with the seed of its author's example. */
static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static double increment_ns(enum hold_mix mix, uint64_t *state)
{
    double u = ((double)(draw(state) >> 11) + 1) * 0x1p-53;

    if (mix == HOLD_EXP)
        return -log(u) * 1e9;
    if (draw(state) & 7)
        return 20e6 * (1 + 0.05 * u);
    return 1e9 * (double)(1u << (draw(state) % 6)) * (1 + 0.1 * u);
}

static nsec increment(struct hold *h)
{
    return (nsec)h->increments[h->next++ % INCREMENTS] * UNIT_NS;
}

/* Events differ in their entity, which decides before packets would be compared. */
static int no_order(void *context, uint32_t a, uint32_t b)
{
    (void)context;
    return (a > b) - (a < b);
}

static enum err fill(struct hold *h, uint32_t pending)
{
    enum err e = queue_init(&h->queue, no_order, NULL);

    for (uint32_t i = 0; i < pending && e == OK; i++)
        e = queue_put(&h->queue, (struct event_entry){.at = increment(h),
                                                      .entity = i,
                                                      .what = event_what(EVENT_TIMER, 0)});
    return e;
}

struct hold *hold_create(enum hold_mix mix, uint32_t pending)
{
    struct hold *h = calloc(1, sizeof *h);
    uint64_t state = UINT64_C(88172645463325252);

    if (!h)
        return NULL;
    h->increments = malloc(INCREMENTS * sizeof *h->increments);
    if (!h->increments) {
        hold_destroy(h);
        return NULL;
    }
    for (uint32_t i = 0; i < INCREMENTS; i++)
        h->increments[i] = (uint32_t)(increment_ns(mix, &state) / UNIT_NS) + 1;
    if (fill(h, pending) != OK || hold_run(h, pending) != OK) { /* until the mix has settled */
        hold_destroy(h);
        return NULL;
    }
    return h;
}

void hold_destroy(struct hold *h)
{
    queue_reset(&h->queue);
    free(h->increments);
    free(h);
}

enum err hold_run(struct hold *h, uint64_t operations)
{
    enum err e = OK;

    for (uint64_t i = 0; i < operations && e == OK; i++) {
        struct event_entry entry = queue_take(&h->queue);

        entry.at += increment(h);
        e = queue_put(&h->queue, entry);
    }
    return e;
}
