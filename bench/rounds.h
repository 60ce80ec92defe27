/*
 * Measuring: repetitions in processes of their own, rows in a new random order each time, and where
 * two programs are measured against each other, both in every round in random order. Gives one
 * measurement set a program.
 */
#ifndef BENCH_ROUNDS_H
#define BENCH_ROUNDS_H

#include "bench/gate/measurement.h"
#include "bench/row.h"

#include <stddef.h>

enum rounds_sizes { ROUNDS_PROGRAMS = 2, ROUNDS_REPETITIONS_MAX = MEASUREMENT_SAMPLES_MAX };

struct rounds_progress {
    unsigned repetition, repetitions; /* from 1 */
    unsigned done, rows;              /* in all, of all */
    const char *row;                  /* just measured */
    uint64_t wall_ns;                 /* since the start */
};

/** What went wrong with a row. */
struct rounds_trouble {
    const char *program, *row, *why;
    bool failed; /* there is no sample of it; else only no bound */
};

struct rounds_options {
    const struct row *const *rows;
    unsigned row_count;
    /** Paths of ikelab; [1] is NULL unless two are measured. */
    const char *program[ROUNDS_PROGRAMS];
    unsigned repetitions;
    uint64_t window_ns;
    uint64_t seed; /* of the orders */
    const volatile int *interrupted;
    void (*progress)(void *context, const struct rounds_progress *);
    void *context;
    /** Said once a program and row. */
    void (*trouble)(void *context, const struct rounds_trouble *);
};

/**
 * @param[in,out] set  one a program, initialised; rows are appended in the order of `rows`, those
 *                     without a sample left out
 * @retval ERR_INTERRUPTED  ended early: what was measured is there, marked as partial
 * @retval ERR_IO           a program could not be run or died; likewise
 */
enum err rounds_run(const struct rounds_options *, struct measurement_set *set, char *why) MUST_USE;

/**
 * Whether rounds_count can be: asked before hours of measuring.
 * @retval ERR_NOT_FOUND  there is no valgrind; ERR_IO  no place for its files
 */
enum err rounds_count_ready(char *why) MUST_USE;
/**
 * Count instructions per operation: each row once, all in one run of the program under valgrind.
 * Fills `instructions` of the rows in `set` and adds rows that only were counted.
 * @retval ERR_NOT_FOUND  there is no valgrind
 */
enum err rounds_count(const struct rounds_options *, unsigned program, struct measurement_set *set,
                      char *why) MUST_USE;

#endif
