/*
 * Loss of a link direction, in the words of tc-netem: independent, Gilbert-Elliott, or the
 * four-state Markov chain. Probabilities are 32-bit fixed point: p * 2^32, and 2^32 is certain.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "base/rng.h"
#include "sim/words.h"

struct loss_state {
    uint8_t state; /* gemodel: 0 good, 1 bad; state: 1..4 */
};

/** A Gilbert-Elliott chain starts in its stationary state, by one draw; the others draw nothing. */
void loss_init(struct loss_state *, const struct loss_words *, struct rng *);
/** Whether the next packet is lost: at most two draws. */
bool loss_next(struct loss_state *, const struct loss_words *, struct rng *);
/** Long-run loss, p * 2^32 (for `explain`); the four-state chain's is not given: 0. */
uint64_t loss_expected(const struct loss_words *);

#endif
