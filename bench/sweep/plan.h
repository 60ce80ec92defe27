/*
 * What a sweep is to do, as numbers and texts: cells, one for each combination of the axes' values
 * in the order of counting (the last axis changes fastest), and `repeat` runs of each, with seeds
 * seed, seed + 1, ... which are the same in every cell. Whoever reads the scenario fills it.
 */
#ifndef BENCH_SWEEP_PLAN_H
#define BENCH_SWEEP_PLAN_H

#include "base/err.h"
#include "record/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum plan_sizes { PLAN_SCHEMA_VERSION = 1, PLAN_WORDS_MAX = 160, PLAN_TEXT_MAX = 4096 };

struct plan_axis {
    const char *key;
    const char *const *values;
    const struct fixed *numbers; /* of the values in `unit`, or NULL */
    const char *unit;
    uint32_t value_count;
};

struct plan_metric {
    const char *path; /* of `virtual`, with @ to narrow it */
    const char *unit;
};

struct plan_setting {
    const char *key, *value;
};

/** All of it is borrowed. */
struct sweep_plan {
    const char *program; /* ikelab */
    const char *scenario_file, *scenario_name, *scenario_sha256;
    const char *folder;
    const char *plant;                   /* NULL: no defect */
    bool thresholds_ignored;             /* those that fail are only counted */
    bool capture;                        /* runs leave whole run folders, not their numbers alone */
    const struct plan_setting *settings; /* of all runs: --set */
    size_t setting_count;
    const struct plan_axis *axes;
    size_t axis_count;
    const struct plan_metric *metrics;
    size_t metric_count;
    uint64_t seed;
    uint32_t repeat;
};

uint64_t plan_cells(const struct sweep_plan *);
/** Cells times repeats; run i is repeat i % repeat of cell i / repeat. */
uint64_t plan_runs(const struct sweep_plan *);
/** The value of an axis in a cell. */
uint32_t plan_choice(const struct sweep_plan *, uint64_t cell, size_t axis);

/** "cell-0001-r1" inside the folder; `out` has PLAN_TEXT_MAX bytes. */
const char *plan_run_name(const struct sweep_plan *, uint64_t run, char *out);
/** The command that makes the whole run folder of this run by itself, to be typed again. */
void plan_command(const struct sweep_plan *, uint64_t run, struct text *out);

/** The words of a run: its program, then its arguments, NULL at the end. */
struct plan_words {
    const char *word[PLAN_WORDS_MAX];
    char text[PLAN_TEXT_MAX * 4];
};
/** @retval ERR_SPACE  too many or too long */
enum err plan_words(const struct sweep_plan *, uint64_t run, struct plan_words *out) MUST_USE;

/** plan.json: two sweeps that have the same one but for `repeat` may share their runs. */
void plan_json(const struct sweep_plan *, struct text *out);

#endif
