/*
 * What it costs to leave events, capture and keys behind: the same fleet is run with a folder to
 * write to and without one (numbers only), in turns. The folder is made for each run below TMPDIR
 * (else /tmp) and is removed after it, also when the run fails or the program is asked to end.
 */
#ifndef BENCH_RECORDING_H
#define BENCH_RECORDING_H

#include "base/err.h"

#include <stdint.h>

/** CPU time of whole runs: set-up, loop, and what is written at the end. */
struct recording_cost {
    uint64_t recorded_ns, numbers_ns;
};

struct recording;

/**
 * @param nodes     one gateway, the others its clients
 * @param[out] why  on error a sentence. @return NULL on error
 */
struct recording *recording_open(uint32_t nodes, const char **why);
/**
 * Both kinds of run, one after the other, in the other order each time; adds to *cost.
 * @retval ERR_STATE  not every client completed, or a checker was not content
 * @retval ERR_IO     the folder could not be made or written
 */
enum err recording_run(struct recording *, struct recording_cost *) MUST_USE;
void recording_close(struct recording *);

#endif
