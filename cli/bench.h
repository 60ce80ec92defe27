/* What the files of `ikelab bench` share. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "bench/gate/measurement.h"
#include "bench/rounds.h"

/** Rows beside their bounds, aligned, on stdout; then warnings on stderr. */
void bench_table(const struct measurement_set *);
/** A progress line on stderr, if that is a terminal. */
void bench_progress(void *unused, const struct rounds_progress *);
void bench_progress_end(void);
/** Becomes the signal's number at SIGINT or SIGTERM, once caught by bench_catch_signals. */
extern volatile int bench_interrupted;
void bench_catch_signals(void);

/** `ikelab bench live ...`. */
int bench_live(int argc, char **argv);

#endif
