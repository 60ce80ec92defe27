/*
 * What the scenario does to its own network while it runs: reboots, crashes, restarts, links going
 * down and up, nodes going from one network to another. Nodes and links that went away for a time
 * come back by themselves. Each disturbance of established tunnels becomes an entry of recovery_s.
 * What an operator asks of tunnels (rekeys, deletes) is no disturbance.
 */
#ifndef SIM_TIMELINE_H
#define SIM_TIMELINE_H

#include "sim/lab.h"

struct timeline_step;

struct timeline {
    struct timeline_step *steps; /* heap by (time, number) */
    uint32_t count, capacity, next_number;
};

enum err timeline_init(struct timeline *, const struct scenario *) MUST_USE;
void timeline_reset(struct timeline *);
/** When the next step is due, NSEC_NEVER if none. */
nsec timeline_deadline(const struct timeline *);
/** Do every step that is due now, before any packet of this instant. */
enum err timeline_act(struct timeline *, struct lab *) MUST_USE;

#endif
