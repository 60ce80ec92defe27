/*
 * A fleet in ns-3, one at a time: its simulator is one per process. The topologies, links, starts
 * and messages are those of bench/opaque.h, to the number.
 *
 *   tree   clients - access routers, about as many as each has clients - core - server
 *   star   clients - one router - server
 *   lean   the smallest nodes there can be: no IPv6, no queue disciplines, no flow control, and
 *          routing by one look-up (table_routing.h)
 *   stock  as ns-3's helpers make them
 */
#ifndef BOUNDS_NS3_FLEET_H
#define BOUNDS_NS3_FLEET_H

#include "exchange.h"

#include <cstdint>

struct fleet_plan {
    bool star, lean;
    uint32_t clients;
};

/** Of one run; CPU time of this thread. */
struct fleet_cost {
    uint64_t setup_ns, run_ns;
    uint64_t events;
    tally counts;
};

/** Make one, run it unless only the set-up is wanted, and take it down. */
fleet_cost fleet_run(const fleet_plan &, bool setup_only);

#endif
