/*
 * A scenario file that replays a violation in `ikelab run`: the two endpoints, each request as an
 * event, each message with the times at which it arrives, or lost, traffic both ways, and a comment
 * that tells the story. Nonces are drawn from the seed and decide who wins a collision, so the file
 * is run with one seed after the other until its checkers find a violation too.
 */
#ifndef SIM_EXPLORE_REPLAY_H
#define SIM_EXPLORE_REPLAY_H

#include "sim/explore/subject.h"
#include "sim/explore/trial.h"

enum replay_sizes { REPLAY_SEEDS = 64 };

struct replay_options {
    const struct subject *subject; /* NULL: the built-in configuration */
    const char *name;              /* of the scenario */
    const char *found_by;          /* the command, for the comment */
    uint64_t first_seed;
    const struct search_options *search;
    const struct search_result *result;
};

struct replay {
    uint64_t seed; /* the one in the file */
    struct trial
        trial; /* what `ikelab run` finds with it; if nothing, so with REPLAY_SEEDS seeds */
};

/**
 * @param[out] out     the file
 * @retval ERR_UNSUPPORTED  its ends are configured anew while they run, which a scenario's are not
 * @retval ERR_STATE   one clock lets timers fire in another order, and then this is no way
 * @retval ERR_FULL    too many messages, or no rest behind the violation
 * @retval ERR_SYNTAX  the file does not read back, said on stderr
 * @retval ERR_MEMORY
 */
enum err replay_make(const struct replay_options *, struct text *out, struct replay *) MUST_USE;

#endif
