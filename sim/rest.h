/*
 * What both ends of each tunnel hold, for I6 and I7. A tunnel is at rest when it is up and neither
 * end has an exchange under way or something to do. Then there must be one live IKE SA and one live
 * child pair, the same at both ends (RFC 7296 §2.8); what is replaced or lost a collision may be
 * held besides, for its time. Lifetimes may end all the time: tunnels that are not at rest are
 * judged another time, and counted.
 */
#ifndef SIM_REST_H
#define SIM_REST_H

#include "sim/lab.h"

/**
 * Look at all tunnels that the checkers watch, judge those at rest, and set the gauges of
 * metrics.tunnels. For checkpoints: it walks every SA.
 * @param last  the end of the run: also at tunnels that are not watched, which are not judged
 */
void rest_look(struct lab *, bool last);

#endif
