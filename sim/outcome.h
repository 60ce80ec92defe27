/*
 * What a run amounts to: thresholds judged, the security context said, both ends of every quiet
 * tunnel compared (I17). Used by run.c at checkpoints and at the end.
 */
#ifndef SIM_OUTCOME_H
#define SIM_OUTCOME_H

#include "sim/lab.h"
#include "sim/run.h"

/** Time from the first transmission to giving up. */
nsec outcome_ladder(const struct retransmit_config *);
/** I17: each established tunnel that carries no traffic has the same child SA at both ends. */
void outcome_compare_ends(struct lab *);
/** Result, verdicts, violation. Metrics are finished. @retval ERR_MEMORY */
enum err outcome_fill(struct lab *, struct run_outcome *) MUST_USE;

#endif
