/*
 * bench.json: reading and writing side by side. Its shape is docs/schema/bench.schema.json.
 */
#ifndef BENCH_GATE_BENCH_FILE_H
#define BENCH_GATE_BENCH_FILE_H

#include "bench/gate/measurement.h"

#include <jansson.h>

/** @param set  initialised and empty */
enum err bench_file_read(const json_t *root, struct measurement_set *set, char *why) MUST_USE;
/** A new reference, NULL when out of memory. */
json_t *bench_file_json(const struct measurement_set *);
/** A JSON string of words from outside; bytes above 0x7f become '?' where they are not UTF-8. */
json_t *bench_file_words(const char *);

#endif
