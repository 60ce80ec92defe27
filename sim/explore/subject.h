/*
 * A scenario file as what a search looks at: one initiator (A) and one responder (B) with the
 * configuration that the file gives them, and what is asked of them: what its `events:` ask, or,
 * where it has none, what their lifetimes and liveness checks would. When things are asked is left
 * to the search, which tries every order.
 */
#ifndef SIM_EXPLORE_SUBJECT_H
#define SIM_EXPLORE_SUBJECT_H

#include "explore/family.h"
#include "record/text.h"
#include "sim/scenario.h"

enum subject_sizes { SUBJECT_TEXT_MAX = 400 };

struct subject {
    const struct scenario *scenario; /* borrowed */
    uint32_t group[2];
    struct world_ends ends;
    struct family family; /* case_count 0: it asks for nothing, see `family` of the command line */
    char left_out[SUBJECT_TEXT_MAX]; /* what of the file is not searched; "": nothing */
};

/** Why a scenario cannot be searched. */
struct refusal {
    char why[SUBJECT_TEXT_MAX], hint[SUBJECT_TEXT_MAX];
};

/**
 * @param[out] refused  on ERR_USAGE why, and what to try
 * @retval ERR_USAGE    this scenario cannot be searched
 * @retval ERR_MEMORY
 */
enum err subject_init(struct subject *, const struct scenario *, struct refusal *refused) MUST_USE;

#endif
