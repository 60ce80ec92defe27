/*
 * What a sweep says in the end: sweep.json (docs/schema/sweep.schema.json), sweep.csv with one
 * number a line, and its rows for a terminal. Nothing in them depends on how many processes ran,
 * in which order, or how often it was stopped.
 */
#ifndef BENCH_SWEEP_OUTPUT_H
#define BENCH_SWEEP_OUTPUT_H

#include "bench/sweep/sweep.h"

/** What the runs of a cell say of one metric; numbers are NAN where there are too few values. */
struct cell_number {
    size_t count; /* of values that are there */
    double mean, median, low, high, min, max;
};

/** @retval ERR_MEMORY */
enum err sweep_cell_number(const struct sweep_plan *, const struct sweep_result *, uint64_t cell,
                           size_t metric, struct cell_number *out) MUST_USE;
/** The whole object. */
void sweep_json(const struct sweep_plan *, const struct sweep_result *, struct text *);
/**
 * sweep.json and sweep.csv into the folder, each whole or not at all.
 * @param[out] why  on error a sentence (SWEEP_WHY_MAX bytes)
 * @retval ERR_IO, ERR_MEMORY
 */
enum err sweep_write(const struct sweep_plan *, const struct sweep_result *, char *why) MUST_USE;

#endif
