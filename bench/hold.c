/*
 * The hold model, two rows of the family sim: N events are pending; one operation takes the
 * earliest and puts it back later, by an increment of the mix. Mixes, their generator and the
 * times at the start are those of the bound program, so all see the same sequence.
 *
 *   sim/queue/MIX/N  sim/queue alone: queue_take and queue_put
 *   sim/hold/MIX/N   hold and dispatch: sim_run takes the event to a handler of one of N nodes,
 *                    which causes the node's next event. With `exp` all are timers: the handler
 *                    arms its timer again (sim_arm). With `net` increments under a second are
 *                    packets, which come by a link and are passed on by sim_arrive, without the
 *                    sending side of a link; a node makes its packet when it had a timer, and
 *                    frees it when the next one is a timer. In the time: the queue, the
 *                    generations of timers, the books and both digests of the node, the books of
 *                    its link, packet slots. Not in it: bytes of packets, taps, metrics.
 */
#include "bench/hold.h"

#include "sim/link.h"
#include "sim/queue.h"
#include "sim/sim.h"

#include <math.h>
#include <stdlib.h>

enum { INCREMENTS = 1 << 20, UNIT_NS = 16, PACKET_BYTES = 100 };

static const nsec settled_ns = UINT64_C(64000000000); /* twice the longest timer */
static const nsec packets_below_ns = UINT64_C(1000000000);

struct hold {
    struct queue queue; /* used without dispatch */
    struct sim sim;     /* used with it */
    bool dispatch, packets;
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

/* An event of the node: `packet` is what it has, SIM_NONE makes one. */
static void cause(struct sim *s, uint32_t node, uint32_t packet, nsec after)
{
    const struct hold *h = s->user;

    if (!h->packets || after >= packets_below_ns) {
        if (packet != SIM_NONE)
            packet_free(s, packet);
        sim_arm(s, node, 0, s->now + after);
        return;
    }
    if (packet == SIM_NONE) {
        packet = packet_new(s, node, PACKET_BYTES);
        if (packet == SIM_NONE)
            return;
        packet_at(s, packet)->len = PACKET_BYTES;
    }
    packet_at(s, packet)->direction = node;
    packet_at(s, packet)->hashed = true;
    sim_arrive(s, node, 0, packet, s->now + after);
}

static void receive(struct sim *s, uint32_t node, uint32_t port, uint32_t packet)
{
    (void)port;
    cause(s, node, packet, increment(s->user));
}

static void timer(struct sim *s, uint32_t node, uint32_t slot)
{
    (void)slot;
    cause(s, node, SIM_NONE, increment(s->user));
}

static bool no_further(void *context)
{
    (void)context;
    return false;
}

static const struct node_class class = {.name = "hold", .receive = receive, .timer = timer};

/* Nodes in pairs, so that each has a link for its packets to come by: links 2i and 2i + 1. */
static enum err add_nodes(struct hold *h, uint32_t count)
{
    static const struct link_words words = {.limit = 1, .mtu = 1500};
    struct sim *s = &h->sim;
    enum err e = sim_init(s, 1);

    s->user = h;
    s->hook.go_on = no_further;
    if (e == OK)
        e = sim_reserve(s, count + 1, count + 1); /* as a run does */
    for (uint32_t i = 0; i < count + count % 2 && e == OK; i++) {
        bool done = sim_add_node(s, &class, NULL, 0) != SIM_NONE &&
                    (i % 2 == 0 || link_add(s, i - 1, i, &words, &words, 0, i) != SIM_NONE);

        e = done ? OK : ERR_MEMORY;
    }
    return e;
}

/* What is pending of one of many events after a long time of holding. */
static nsec settled(struct hold *h, nsec *last)
{
    nsec at = 0;

    while (at <= settled_ns)
        at += *last = increment(h);
    return at - settled_ns;
}

static enum err fill(struct hold *h, uint32_t pending)
{
    enum err e = h->dispatch ? add_nodes(h, pending) : queue_init(&h->queue, no_order, NULL);

    for (uint32_t i = 0; i < pending && e == OK; i++) {
        nsec last = 0, at = settled(h, &last);
        bool timer = !h->packets || last >= packets_below_ns;

        if (!h->dispatch)
            e = queue_put(&h->queue, (struct event_entry){at, i, event_what(EVENT_TIMER, 0)});
        else if (timer)
            sim_arm(&h->sim, i, 0, at);
        else
            cause(&h->sim, i, SIM_NONE, at);
        if (e == OK)
            e = h->sim.error;
    }
    return e;
}

struct hold *hold_create(enum hold_mix mix, bool dispatch, uint32_t pending)
{
    struct hold *h = calloc(1, sizeof *h);
    uint64_t state = UINT64_C(88172645463325252);

    if (!h)
        return NULL;
    h->dispatch = dispatch;
    h->packets = mix == HOLD_NET;
    h->increments = malloc(INCREMENTS * sizeof *h->increments);
    if (!h->increments) {
        hold_destroy(h);
        return NULL;
    }
    for (uint32_t i = 0; i < INCREMENTS; i++)
        h->increments[i] = (uint32_t)(increment_ns(mix, &state) / UNIT_NS) + 1;
    if (fill(h, pending) != OK || hold_run(h, pending) != OK) {
        hold_destroy(h);
        return NULL;
    }
    return h;
}

void hold_destroy(struct hold *h)
{
    queue_reset(&h->queue);
    sim_reset(&h->sim);
    free(h->increments);
    free(h);
}

static enum err run_queue(struct hold *h, uint64_t operations)
{
    enum err e = OK;

    for (uint64_t i = 0; i < operations && e == OK; i++) {
        struct event_entry entry = queue_take(&h->queue);

        entry.at += increment(h);
        e = queue_put(&h->queue, entry);
    }
    return e;
}

/* The hook stops the loop when it has handled so many events. */
static enum err run_sim(struct hold *h, uint64_t operations)
{
    enum err e = OK;

    while (operations > 0 && e == OK) {
        h->sim.hook.every = operations < UINT32_MAX ? (uint32_t)operations : UINT32_MAX;
        h->sim.stopped = false;
        operations -= h->sim.hook.every;
        e = sim_run(&h->sim, NSEC_NEVER - 1);
    }
    return h->sim.broken ? ERR_STATE : e;
}

enum err hold_run(struct hold *h, uint64_t operations)
{
    return h->dispatch ? run_sim(h, operations) : run_queue(h, operations);
}
