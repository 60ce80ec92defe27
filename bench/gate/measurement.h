/*
 * What any measuring leaves behind, read from whichever file holds it: a bench.json
 * (docs/schema/bench.schema.json), the result.json of a run folder, the object of a live run.
 * Comparison, history and exports know only this shape. A folder that holds several run folders
 * is one set: each folder gives one sample.
 */
#ifndef BENCH_GATE_MEASUREMENT_H
#define BENCH_GATE_MEASUREMENT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum measurement_sizes {
    BENCH_SCHEMA_VERSION = 1,
    MEASUREMENT_WHY_MAX = 512,
    MEASUREMENT_SAMPLES_MAX = 1000,
};

enum better { BETTER_LOWER, BETTER_HIGHER };

/** One benchmark: the same thing measured several times. */
struct measurement {
    char *name; /* "esp/aes256gcm16/encrypt/1400/sas-1"; unique within its set */
    char *unit; /* of samples and bound: "ns", "us", "B", "1/s", ... per operation */
    enum better better;
    double *samples;     /* in the order they were taken */
    size_t sample_count; /* >= 1 */
    /** What the hardware allows, each taken right beside the sample of the same index. */
    double *bounds;      /* sample_count of them, or NULL */
    char *bound_name;    /* what the bound is: "OpenSSL 3.0, contexts kept"; NULL without bounds */
    double instructions; /* per operation; NAN: not counted */
    double instructions_own; /* those of them in Ikelab's own code; NAN likewise */
    char *instructions_note; /* "fallback path" or NULL */
};

/** Where and from what a set comes. Texts are never NULL; "unknown" where nothing is known. */
struct measurement_context {
    char *started;      /* ISO 8601, UTC */
    bool dated_by_file; /* it does not say when itself: `started` is the time of its file */
    char *version, *commit;
    bool dirty;
    char *command; /* as it can be typed again */
    char *compiler, *flags;
    char *cpu, *kernel, *governor;
    uint32_t cores;
    double load; /* of the machine when it began, over one minute; NAN: unknown */
    /** Processor time that others used meanwhile, in cores; NAN: unknown. */
    double others;
    char *turns;           /* the same in two sets that were measured in turns; "" otherwise */
    char *warnings;        /* what makes these numbers doubtful, a line each; "" if nothing does */
    char *libraries;       /* JSON object in text: {"OpenSSL": "3.0.22"} */
    char *scenario_sha256; /* "" where there is no scenario */
    uint64_t seed;
    bool partial; /* ended early */
};

struct measurement_set {
    char *source; /* the path it was read from */
    struct measurement_context context;
    struct measurement *rows; /* in the order of the file */
    size_t row_count;
    /** A simulation: `virtual` of result.json as JSON text with sorted keys, NULL otherwise. It
     * must be equal between two runs of one scenario, seed and version. */
    char *virtual;
    char *digest; /* of the run, or NULL */
};

/**
 * Read `path`: a file, a run folder, or a folder of run folders.
 * @param[out] out  to be freed with measurement_reset, also on error
 * @param[out] why  on error a sentence with the place, without "try:" (MEASUREMENT_WHY_MAX bytes)
 * @retval ERR_IO      it cannot be read
 * @retval ERR_SYNTAX  it is none of these files, of a later schema_version, or damaged
 */
enum err measurement_read(const char *path, struct measurement_set *out, char *why) MUST_USE;
/** The same from an open file; `name` stands for it in errors. */
enum err measurement_parse(FILE *, const char *name, struct measurement_set *out,
                           char *why) MUST_USE;
void measurement_reset(struct measurement_set *);
/**
 * Take the samples of one run, `one`, into `set` (zeroed at first) and empty it.
 * @retval ERR_SYNTAX  they are of different things, or two simulations of one scenario and seed
 *                     differ in `virtual`
 */
enum err measurement_join(struct measurement_set *set, struct measurement_set *one,
                          char *why) MUST_USE;

/** Write as bench.json, whole or not at all (a new file renamed into place; "-": stdout). */
enum err measurement_write(const struct measurement_set *, const char *path, char *why) MUST_USE;

/**
 * An empty set whose texts are "unknown" or "", and rows appended to it. Texts are copied.
 * @retval ERR_MEMORY; a row needs `name`, `unit` and nothing else yet
 */
enum err measurement_init(struct measurement_set *, const char *source) MUST_USE;
/** A new row at the end; NULL when out of memory. Pointers to earlier rows become stale. */
struct measurement *measurement_add(struct measurement_set *, const char *name, const char *unit,
                                    enum better);
/** One more sample, with its bound unless that is NAN (in all samples of a row or in none). */
enum err measurement_sample(struct measurement *, double value, double bound) MUST_USE;
/** Put a copy of `value` in place of a text of the set. */
enum err measurement_text(char **place, const char *value) MUST_USE;

/** It was counted and not timed: its one sample is the count. */
bool measurement_only_counted(const struct measurement *);
/** The row of this name, NULL if there is none. */
const struct measurement *measurement_find(const struct measurement_set *, const char *name);

#endif
