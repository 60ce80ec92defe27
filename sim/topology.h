/*
 * From a checked scenario to nodes, links, routes and tunnels. Node numbers are those of the
 * scenario (group by group); a link between groups of n >= m members is n links, member i to
 * member floor(i * m / n).
 */
#ifndef SIM_TOPOLOGY_H
#define SIM_TOPOLOGY_H

#include "sim/lab.h"

/** Lay out the scenario in lab->sim; lab->plan, metrics, checker and crypto are there already. */
enum err topology_make(struct lab *) MUST_USE;
/** Frees what topology_make made outside the simulator. */
void topology_reset(struct lab *);

/** Make the endpoints: after recorder_choose, because captured nodes export keys. */
enum err topology_endpoints(struct lab *) MUST_USE;

typedef void topology_visitor(void *context, uint32_t node, uint32_t direction);
/**
 * Visit every node and outgoing link direction on the way from a client to its gateway; SIM_NONE
 * for the direction at the last node.
 * @return false when the way does not lead there
 */
bool topology_path(struct lab *, uint32_t tunnel, topology_visitor *, void *context);

/** Directions of the first members of a scenario's link: link i of it begins at this number. */
uint32_t topology_link(const struct lab *, uint32_t link, uint32_t member);

#endif
