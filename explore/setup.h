/*
 * What makes the two ends of a search different from each other, or from what they were when they
 * connected: lifetimes, groups, refusals. Sets of sides: 1 << 0 is A, 1 << 1 is B.
 *
 * A configuration may change with the time of a run, as when a daemon reads it again: the
 * handshake, then the run, and the later part of it after the first timer. So the successors of the
 * first SAs have no lifetimes, a refusal is mended, and every run comes to rest.
 */
#ifndef EXPLORE_SETUP_H
#define EXPLORE_SETUP_H

#include "proto/core/config.h"

#define SETUP_SOFT_TIME (20 * NSEC_PER_S) /* of first SAs; the same at both ends, no jitter */
#define SETUP_V1_PROPOSALS "aes128-sha256-ecp256"
#define SETUP_HARD_TIME (3 * NSEC_PER_S) /* before the first retransmission */

enum setup_phase { SETUP_HANDSHAKE, SETUP_RUN, SETUP_LATER };

struct world_setup {
    uint8_t soft_child, soft_ike; /* the first SA is due for rekeying by time */
    uint8_t hard_ike;  /* the first IKE SA ends early, and its driver connects again at once */
    uint8_t one_group; /* knows only the second of the two groups that the other end knows */
    uint8_t refuses;   /* agrees to no selectors and no IKE proposal until the first timer */
    uint8_t eager;     /* has QUIRK_EAGER_DELETE */
    bool v1;           /* both speak IKEv1, Main Mode; of the built-in ends only */
};

/** Whether a side, 0 or 1, is in a set of sides. */
bool setup_has(uint8_t sides, unsigned side);
/** What a side proposes for child SAs, in strongSwan's notation; NULL: what it is configured with.
 */
const char *setup_esp_proposals(const struct world_setup *, unsigned side);
/** Fit a plain configuration of one side to the setup. */
void setup_apply(const struct world_setup *, enum setup_phase, unsigned side, struct ike_config *);
/** Somebody is without an SA for a while, through nobody's fault. */
bool setup_has_gap(const struct world_setup *);
/** Child SAs that will be due for rekeying by time. */
unsigned setup_soft_children(const struct world_setup *);
/** Read a proposal in strongSwan's notation that is known to be good. */
void setup_propose(struct proposal_config *, bool ike, const char *text);

#endif
