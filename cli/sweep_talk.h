/* What a sweep says in a terminal: how far it is, what failed, and its numbers in the end. */
#ifndef CLI_SWEEP_TALK_H
#define CLI_SWEEP_TALK_H

#include "bench/sweep/sweep.h"

struct sweep_talk {
    const struct sweep_plan *plan;
    bool quiet, terminal;
    uint64_t said_ns; /* when the last plain line was written */
};

/** For sweep_options; the context is a struct sweep_talk. */
void sweep_talk_progress(void *context, const struct sweep_state *);
void sweep_talk_trouble(void *context, uint64_t run, int status, const char *said);
/** The line of progress goes. */
void sweep_talk_end(const struct sweep_talk *);
/** One row a cell on standard output, and where everything lies. */
void sweep_talk_table(const struct sweep_plan *, const struct sweep_result *, bool report);
void sweep_talk_stopped(const struct sweep_state *);

#endif
