/*
 * The traffic of a scenario's flows: per tunnel and direction a generator at the sending node
 * makes inner packets at a rate, constant or Poisson, one at a time or in bursts, of fixed, uniform
 * or IMIX sizes (7:4:1 of 64, 570, 1400 inner IP bytes). Each has random streams of its own.
 */
#ifndef SIM_TRAFFIC_H
#define SIM_TRAFFIC_H

#include "base/timerq.h"
#include "sim/lab.h"
#include "sim/payload.h"

struct generator {
    struct payload next;  /* the packet it makes next */
    nsec until;           /* end of the flow in this tunnel */
    uint64_t remainder;   /* of the division by the rate, so that no fraction is lost */
    uint64_t burst_bytes; /* of the burst that is leaving */
    uint32_t burst;       /* its packets so far */
    struct rng time_random, size_random;
    uint32_t largest;   /* bytes that are said to fit; 0: nobody has said anything */
    nsec largest_until; /* then it is forgotten */
    bool started;
};

/** All generators of one node, flow by flow, and in each by tunnel. */
struct traffic {
    struct generator *generators;
    struct timerq due;
    uint32_t count;
    uint32_t tunnels; /* of this node: 1 at a client */
};

/** Make the generators of `node`, which is an end of `tunnels` tunnels; none: count is 0. */
enum err traffic_init(struct lab *, uint32_t node, uint32_t tunnels, struct traffic *) MUST_USE;
void traffic_reset(struct traffic *);
/**
 * A tunnel of this node came up: flows that wait for that begin now. `slot` is the tunnel's
 * position among the node's tunnels. Flows with a start time of their own begin at that.
 */
void traffic_begin(struct lab *, struct traffic *, uint32_t node, uint32_t tunnel, uint32_t slot);
static inline nsec traffic_deadline(const struct traffic *t)
{
    return t->count ? timerq_deadline(&t->due) : NSEC_NEVER;
}
/** An ICMP message came back to the sender: a "too big" about one of its packets is heeded. */
void traffic_icmp(struct lab *, struct traffic *, struct bytes packet);
/** The next packet that is due by now: what it is and its inner size in bytes; false if none. */
bool traffic_next(struct lab *, struct traffic *, struct payload *out, uint32_t *size);

#endif
