/*
 * One repetition: a process of its own that measures the rows it is told, each with its bound
 * right beside it, and ends. Another process is another layout of memory: what that alone does to
 * a time is part of the spread over repetitions, where it belongs.
 *
 * In: names of rows, a line each. Out: a line each, "NAME<tab>VALUE<tab>BOUND<tab>WORDS" in the
 * row's unit per operation. VALUE is "!" when it failed, BOUND "-" where there is none, and WORDS
 * say why; else WORDS are what computed the bound.
 */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct worker_options {
    uint64_t window_ns; /* CPU time of one window */
    FILE *in, *out;
    /** Run each row's counted_operations and nothing else, no bound: under valgrind. */
    bool count;
};

/** How much more work than asked for a row does on purpose: 0 but in a test build. */
unsigned worker_extra_percent(void);

/** @retval ERR_IO  the parent is gone */
enum err worker_run(const struct worker_options *) MUST_USE;

#endif
