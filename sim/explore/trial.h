/* A scenario run in memory, to see whether the checkers of `ikelab run` find something. */
#ifndef SIM_EXPLORE_TRIAL_H
#define SIM_EXPLORE_TRIAL_H

#include "sim/scenario.h"

enum trial_sizes { TRIAL_TEXT_MAX = 256 };

struct trial {
    bool violated;
    char invariant[8];
    nsec at;
    char text[TRIAL_TEXT_MAX];
};

/**
 * @retval ERR_SYNTAX  `text` is no scenario, said on stderr
 * @retval ERR_MEMORY, ERR_IO
 */
enum err trial_run(const char *name, const char *text, struct trial *out) MUST_USE;
/** How long the checkers wait before a silent tunnel of this group is a violation, and a bit. */
nsec trial_patience(const struct scenario_group *);

#endif
