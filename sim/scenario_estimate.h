/*
 * What the traffic of a scenario asks of its links, from its words alone: offered load per link
 * direction, expected loss, and memory of the packets on their way. For `ikelab explain FILE`; a
 * run measures the real thing. All other memory: sim/footprint.h.
 */
#ifndef SIM_SCENARIO_ESTIMATE_H
#define SIM_SCENARIO_ESTIMATE_H

#include "sim/scenario.h"

struct link_estimate {
    uint64_t load_bps[2]; /* of the busiest member, by enum link_direction_index, ESP overhead in */
    uint64_t loss[2];     /* long-run share of packets; UINT64_MAX: not known in closed form */
};

struct scenario_estimate {
    struct link_estimate *links;
    uint64_t packet_bytes; /* of traffic on its way */
};

/** @retval ERR_MEMORY */
enum err scenario_estimate(const struct scenario *, struct scenario_estimate *out) MUST_USE;
void scenario_estimate_reset(struct scenario_estimate *);
/** Average inner IP bytes of a flow's packets. */
uint32_t flow_mean_size(const struct scenario_flow *);

#endif
