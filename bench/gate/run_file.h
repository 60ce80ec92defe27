/*
 * result.json of a run folder, and the object of a live run, as measurements: one sample a row. Of
 * a simulation `wall` is measured and `virtual` must be equal; of a live run `virtual` is measured.
 */
#ifndef BENCH_GATE_RUN_FILE_H
#define BENCH_GATE_RUN_FILE_H

#include "bench/gate/measurement.h"

#include <jansson.h>

/** @param set  initialised and empty */
enum err run_file_read(const json_t *root, struct measurement_set *set, char *why) MUST_USE;

#endif
