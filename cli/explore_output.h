/* What `ikelab explore` says of a family that was searched: a row or an object, a violation. */
#ifndef CLI_EXPLORE_OUTPUT_H
#define CLI_EXPLORE_OUTPUT_H

#include "sim/explore/replay.h"

#include <jansson.h>

struct explore_output {
    bool json;
    json_t *results; /* of --json: one object per family */
    /* Where violations are written as scenarios; NULL: runs/replay-FAMILY.yaml */
    const char *file;
    bool force;
    unsigned written;              /* to `file` so far */
    char *command;                 /* as given */
    uint64_t seed;                 /* the first that a replay is tried with */
    const struct subject *subject; /* NULL: the built-in configuration */
};

/** The head of the table of rows. */
void explore_head(const struct explore_output *);
/** @return an exit code */
int explore_say(struct explore_output *, const struct family *, const struct family_result *,
                double seconds);

#endif
