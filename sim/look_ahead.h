/*
 * Looking at all tunnels of a gateway, one after the other, at both ends: what the next looks will
 * touch is fetched meanwhile, as of many tunnels none is in a cache.
 */
#ifndef SIM_LOOK_AHEAD_H
#define SIM_LOOK_AHEAD_H

#include "sim/ike_node.h"

/** The `at`-th tunnel of this gateway is looked at now. */
void look_ahead(struct lab *, const struct ike_node *gateway, uint32_t at);

#endif
