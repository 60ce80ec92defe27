/*
 * What must hold in every world of a search (docs/checkers.md has the whole list):
 *
 *   I1  no packet shows the clear mark it carries
 *   I2  both ends of an SA hold equal keys, SPIs and mirrored selectors; no two have one SPI
 *   I3  no two child SAs of an endpoint send or receive with one key
 *   I4  a packet is accepted once
 *   I5  a packet sent through an SA is accepted, however late, as long as the RFC lets it arrive
 *   I6  at rest: one IKE SA, one child pair per policy; none where a user deleted it
 *   I7  at rest: nothing is left of exchanges that are over
 *   I9  a request runs at most once; what is sent again has the same bytes; no child SA is rekeyed
 *       more often than users and lifetimes ask
 *   I10 the next message IDs of both ends fit together
 *   I17 whoever did not delete it can send at every step, and at rest both ways
 *
 * I8, I12, I13, I14, I16 need a network or load, I15 the simulator's clock and events; I11 and I18
 * to I20 are checked elsewhere.
 */
#ifndef EXPLORE_INVARIANT_H
#define EXPLORE_INVARIANT_H

#include "explore/world.h"

struct violation {
    const char *invariant; /* "I6"; NULL: none */
    char text[160];
};

/**
 * The part of it that depends on the way here and not on the state alone: I9, and whether the
 * search has room for this way. It changes nothing in the world.
 * @return false and what is violated
 */
bool way_holds(const struct world *, struct violation *);
/**
 * Look at a world, and at the way to it. Packets arrive in it, so it must not be walked on.
 * @return false and what is violated
 */
bool invariants_hold(struct world *, struct violation *);

#endif
