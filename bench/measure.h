/*
 * How Ikelab measures: CPU time of this thread on a pinned core, medians over windows, and the
 * bound of the hardware beside it, taken window by window in turn from a program of its own
 * (bench/bounds), so that a drifting machine moves both.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum measure_sizes { MEASURE_WINDOWS_MAX = 64 };

/** CPU nanoseconds that this thread has used. */
uint64_t measure_cpu_ns(void);
/** Pin this process to the processor it runs on; false where the kernel refuses. */
bool measure_pin(void);

struct samples {
    double value[MEASURE_WINDOWS_MAX];
    unsigned count;
};

void samples_add(struct samples *, double value);
double samples_median(const struct samples *);
/** Coefficient of variation, percent. */
double samples_cv(const struct samples *);

/** A program of bench/bounds, driven through its standard input and output. */
struct bound {
    pid_t pid;
    FILE *to, *from;
};

/** @param name  file name of the program, found beside the running ikelab binary */
enum err bound_start(struct bound *, const char *name) MUST_USE;
/** CPU nanoseconds for `count` operations. */
enum err bound_measure(struct bound *, uint64_t count, uint64_t *ns) MUST_USE;
void bound_stop(struct bound *);

#endif
