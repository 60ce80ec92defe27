/*
 * What a gate refuses: `--fail-if EXPR`, EXPR being WHAT>PERCENT[@GLOB] or `virtual`. WHAT is
 * `slower` (by time, for memory: larger) or `instructions`; GLOB chooses rows by name, and * in it
 * stands for slashes too.
 */
#ifndef BENCH_GATE_FAIL_IF_H
#define BENCH_GATE_FAIL_IF_H

#include "bench/gate/compare.h"

enum fail_if_what { FAIL_IF_SLOWER, FAIL_IF_INSTRUCTIONS, FAIL_IF_VIRTUAL };

struct fail_if {
    const char *text; /* borrowed: as it was given */
    const char *glob; /* inside `text`; "*" without */
    enum fail_if_what what;
    double more_than; /* 0.02 */
};

enum fail_if_answer { FAIL_IF_OK, FAIL_IF_UNCLEAR, FAIL_IF_HOLDS };

/**
 * @param[out] why  on error a sentence, MEASUREMENT_WHY_MAX bytes
 * @retval ERR_SYNTAX
 */
enum err fail_if_read(const char *text, struct fail_if *out, char *why) MUST_USE;

/** Whether it is about this row at all. */
bool fail_if_covers(const struct fail_if *, const struct comparison *);
/** Of a row that it covers. */
enum fail_if_answer fail_if_row(const struct fail_if *, const struct comparison *,
                                const struct compare_options *);
/** Of all rows, or of `virtual`. UNCLEAR also where nothing could be checked. */
enum fail_if_answer fail_if_judge(const struct fail_if *, const struct comparison_set *,
                                  const struct compare_options *);

#endif
