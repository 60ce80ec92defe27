/*
 * Putting fragments together at a node, with the books of sim.h kept: fragments that wait are held
 * by the run (sim.held_fragments), k joined ones leave k - 1 as reassembled away, lost ones are
 * dropped as `reassembly`. Memory is taken when the first fragment comes: most nodes see none.
 */
#ifndef SIM_JOIN_H
#define SIM_JOIN_H

#include "proto/ip/reassembly.h"
#include "sim/sim.h"

struct joiner {
    struct reassembly *reassembly; /* NULL before the first fragment */
    uint32_t node;
    uint64_t lost; /* of its fragments_lost, counted as dropped so far */
};

/**
 * Take a fragment (`ip` is its view). @return the whole packet, owned by the caller, named as the
 * fragment that completed it; SIM_NONE while pieces are missing or when the fragment was dropped
 */
uint32_t joiner_add(struct sim *, uint32_t node, struct joiner *, uint32_t packet,
                    const struct ip_packet *ip);
/** Give up what is overdue. @return the next deadline, NSEC_NEVER if nothing waits */
nsec joiner_expire(struct sim *, struct joiner *);
/** The node crashes: drop what waits, with `cause`. */
void joiner_drop(struct sim *, struct joiner *, enum net_drop cause);
/** The run is over: free the memory, count nothing. */
void joiner_reset(struct joiner *);

#endif
