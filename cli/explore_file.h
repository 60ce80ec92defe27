/* Where `ikelab explore` writes the scenario that replays a violation. */
#ifndef CLI_EXPLORE_FILE_H
#define CLI_EXPLORE_FILE_H

#include "cli/explore_output.h"

enum { EXPLORE_PATH_MAX = 4096 };

struct explore_replay {
    struct replay made;
    char path[EXPLORE_PATH_MAX]; /* "": there is none, said on stderr */
};

/** @return EXIT_DONE or EXIT_FAILED: it could not be written, said on stderr */
int explore_replay(struct explore_output *, const struct family *, const struct family_result *,
                   struct explore_replay *out);

#endif
