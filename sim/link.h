/*
 * Links: each joins two nodes; each of its two directions has its own queue, loss chain and
 * random streams, and speaks the words of tc-netem. A packet waits in a drop-tail queue for the
 * wire (rate), leaves, and arrives after the delay. The sender of a direction is one node, so
 * departure and arrival are computed when the packet is handed over; nothing else may overtake
 * that knowledge but the link going down, which link_arrived sees.
 *
 * Without jitter and reorder, packets arrive in the order sent. Jitter draws each packet's delay
 * independently and therefore reorders, as netem does.
 */
#ifndef SIM_LINK_H
#define SIM_LINK_H

#include "sim/fault.h"
#include "sim/sim.h"
#include "sim/words.h"

struct link_direction {
    struct link_words words;
    uint32_t from, to;
    uint32_t from_port, to_port;
    uint32_t link; /* of the scenario */
    uint32_t reverse;
    struct loss_state loss;
    struct rng delay_random, duplicate_random, reorder_random, corrupt_random;
    nsec busy_until;
    uint64_t busy_remainder; /* of the division by rate, so that no fraction is lost */
    nsec *waiting;           /* ring of departure times */
    uint32_t waiting_head, waiting_count, waiting_capacity;
    uint64_t queue_bytes_peak;
    bool down;
    nsec down_at;                /* when it last went down; what was queued by then is lost */
    struct net_metrics *metrics; /* of the scenario's link: both directions of all members */
};

/**
 * Join two nodes. Streams are named by (seed, `entity` and the direction).
 * @param entity  a number that no other link of the run has
 * @return the direction a to b; the other one is its `reverse`; SIM_NONE when out of memory
 */
uint32_t link_add(struct sim *, uint32_t a, uint32_t b, const struct link_words *a_to_b,
                  const struct link_words *b_to_a, uint32_t link, uint32_t entity);
void links_reset(struct sim *);

/** Called by sim_send and the event loop only. */
void link_send(struct sim *, uint32_t direction, uint32_t packet);
/** @return false when the packet was lost because the link went down under it; it is gone */
bool link_arrived(struct sim *, uint32_t out_direction_of_port, uint32_t packet);

/** Both directions. */
void link_set_down(struct sim *, uint32_t direction, bool down);
/** Bytes waiting for the wire now. */
uint64_t link_queue_bytes(const struct sim *, uint32_t direction);
/** Time one packet occupies the wire. */
nsec link_serialisation(const struct link_words *, uint32_t bytes);

#endif
