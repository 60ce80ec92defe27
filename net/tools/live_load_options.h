/* The words of `ikelab-live initiate` about a load, as an argp parser that others take as a child.
 */
#ifndef NET_TOOLS_LIVE_LOAD_OPTIONS_H
#define NET_TOOLS_LIVE_LOAD_OPTIONS_H

#include "net/live.h"

#include <argp.h>

/** What was given; options of 0 were not. */
struct live_load_words {
    struct live_load_options load;
    bool imix;
    const char *first; /* of the words besides --load, to be named when that is missing */
};

/** Its input is a struct live_load_words. */
extern const struct argp live_load_argp;

/**
 * Check the words against each other and against the others, whose selectors are complete by now,
 * and make o->load of them. Ends the program with a message and exit code 2.
 */
void live_load_words_finish(struct argp_state *, const struct live_load_words *,
                            struct live_options *o);

#endif
