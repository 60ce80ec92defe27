/*
 * What was measured, in the formats that other tools read: one name, one writer, one consumer
 * each. docs/regression.md lists them for users.
 *
 * Names of benchmarks arrive as they are wherever the format can hold them; where it cannot (Go's
 * names have no spaces, XML no control characters), what is in the way is replaced.
 */
#ifndef BENCH_GATE_EXPORT_H
#define BENCH_GATE_EXPORT_H

#include "bench/gate/compare.h"
#include "bench/gate/measurement.h"
#include "record/text.h"

#include <stdio.h>

struct export_format {
    const char *name;
    const char *reader; /* who reads it, for --help */
    /** Whether a row can be said in this format; NULL: every row. */
    bool (*takes)(const struct measurement *);
    /** Rows that are not taken are left out. `verdicts` may be NULL. */
    void (*write)(const struct measurement_set *, const struct comparison_set *verdicts,
                  struct text *);
};

/** All formats; a NULL name ends the list. */
extern const struct export_format export_formats[];
/** NULL if there is none of this name. */
const struct export_format *export_find(const char *name);
bool export_takes(const struct export_format *, const struct measurement *);

/**
 * @param verdicts  of a comparison whose `now` is this set, or NULL
 * @param[out] why  on error a sentence (MEASUREMENT_WHY_MAX bytes)
 * @retval ERR_USAGE   no row of the set can be said in this format
 * @retval ERR_IO, ERR_MEMORY
 */
enum err export_write(const struct export_format *, const struct measurement_set *,
                      const struct comparison_set *verdicts, FILE *, char *why) MUST_USE;
/** The same into a file that is there whole or not at all; "-" is standard output. */
enum err export_file(const struct export_format *, const struct measurement_set *,
                     const struct comparison_set *verdicts, const char *path, char *why) MUST_USE;

#endif
