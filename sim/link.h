/*
 * Links: each joins two nodes; each of its two directions has its own queue, loss chain and
 * random stream, and speaks the words of tc-netem. What happens to a packet, in this order:
 *
 *   down?         dropped (link_down); what waits in the queue when a link goes down is lost too,
 *                 what has left the queue arrives
 *   fate          where `packets:` says what becomes of this one: lost, or it arrives at the given
 *                 times (at once where they have passed) and nothing below happens to it
 *   mtu           cut into fragments (RFC 791 §3.2), or dropped where DF forbids it and, in IPv6,
 *                 unless the sender is the packet's source; each fragment goes on by itself
 *   duplicate     a second copy goes the same way right behind the first
 *   loss          each copy is one step of the loss chain
 *   corrupt       one bit, anywhere in the packet
 *   limit         drop-tail: packets waiting for the wire or on it, only where there is a rate
 *   rate          serialisation one after the other; the fraction of a nanosecond is carried over
 *   delay         delay + jitter from the end of serialisation on
 *   reorder       instead of the delay: the packet arrives at once and so overtakes others
 *
 * Without jitter and reorder, packets arrive in the order sent. Jitter draws each packet's delay
 * by itself and therefore reorders, also where there is a rate (netem would not, then: it adds
 * the delay to the end of its queue).
 *
 * The sender of a direction is one node, so departure and arrival are computed when the packet is
 * handed over. With sim.no_shortcut each departure is an event of its own; results are equal.
 */
#ifndef SIM_LINK_H
#define SIM_LINK_H

#include "sim/fault.h"
#include "sim/sim.h"
#include "sim/words.h"

/** What directions have in common with many others; owned by the simulator. */
struct link_kind {
    struct link_words words;
    uint32_t link; /* of the scenario */
};

enum { LINK_KINDS_MAX = UINT16_MAX + 1 };

struct link_direction {
    uint16_t kind; /* in sim.link_kinds */
    struct loss_state loss;
    bool down;
    uint32_t to, to_port;
    uint32_t entity;  /* names its random stream, see link_add */
    uint32_t ordinal; /* packets that took draws so far */
    uint32_t on_it;   /* I8: sent + made - delivered - dropped. Modulo 2^32 */
    uint32_t wire;    /* in sim.wires; SIM_NONE: neither a rate nor fates */
};
_Static_assert(sizeof(struct link_direction) <= 28, "there may be millions of them");

/** What only a direction with a rate, or with packets whose fate is given, remembers. */
struct link_wire {
    uint32_t direction;
    uint32_t next_busy;            /* see sim.first_busy */
    bool busy;                     /* it is in that list */
    uint32_t numbered[FATE_KINDS]; /* packets handed over so far, where `packets:` counts */
    uint64_t busy_remainder;       /* of the division by rate, so that no fraction is lost */
    nsec busy_until;
    nsec *waiting; /* ring of departure times but the last, which is busy_until; a power of two */
    uint32_t waiting_head, waiting_count, waiting_capacity;
    uint64_t queue_bytes_peak;
};

/** Its words, and the link of the scenario that it belongs to. */
static inline const struct link_kind *link_kind(const struct sim *s, const struct link_direction *d)
{
    return s->link_kinds[d->kind];
}
/** The other direction of the same link: they are made in pairs. */
static inline uint32_t link_reverse(uint32_t direction)
{
    return direction ^ 1;
}
/** The node that sends on it, and by which of its ports. */
static inline uint32_t link_from(const struct sim *s, uint32_t direction)
{
    return s->links[link_reverse(direction)].to;
}
static inline uint32_t link_from_port(const struct sim *s, uint32_t direction)
{
    return s->links[link_reverse(direction)].to_port;
}

/**
 * Join two nodes. Streams are named by (seed, `entity` and the direction).
 * @param a_to_b, b_to_a  copied
 * @param entity  a number that no other link of the run has
 * @return the direction a to b; the other one is its link_reverse; SIM_NONE when out of memory
 */
uint32_t link_add(struct sim *, uint32_t a, uint32_t b, const struct link_words *a_to_b,
                  const struct link_words *b_to_a, uint32_t link, uint32_t entity);
enum err links_reserve(struct sim *, uint32_t directions) MUST_USE;
void links_reset(struct sim *);

/** Called by sim_send and the event loop only. */
void link_send(struct sim *, uint32_t direction, uint32_t packet);
void link_departed(struct sim *, uint32_t packet);
/** @return false when the packet was lost because the link went down under it; it is gone */
bool link_arrived(struct sim *, uint32_t packet);

/** Both directions. */
void link_set_down(struct sim *, uint32_t direction, bool down);
/** Bytes waiting for the wire now. */
uint64_t link_queue_bytes(const struct sim *, uint32_t direction);
/** The most that ever waited for it. */
uint64_t link_queue_peak(const struct sim *, uint32_t direction);
/** Set the gauges of sim.of_link: what waits now, over all members; the largest queue is there. */
void links_gauge(struct sim *);
/** Time one packet occupies the wire, rounded down. */
nsec link_serialisation(const struct link_words *, uint32_t bytes);

#endif
