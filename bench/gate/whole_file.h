/*
 * A file that is there whole or not at all: written beside its place and renamed into it, so that
 * no reader ever meets half of it and a failed write leaves what was there before. What cannot be
 * renamed over (a device, a pipe, standard output) is written to as it is.
 */
#ifndef BENCH_GATE_WHOLE_FILE_H
#define BENCH_GATE_WHOLE_FILE_H

#include "base/err.h"

#include <stdio.h>

enum { WHOLE_FILE_PATH_MAX = 4096 };

struct whole_file {
    const char *path;                  /* borrowed; "-" is standard output, which is only flushed */
    char partial[WHOLE_FILE_PATH_MAX]; /* "" when written to as it is */
    FILE *out;
};

/** @param[out] why  on error a sentence with the path (MEASUREMENT_WHY_MAX bytes) */
enum err whole_file_open(struct whole_file *, const char *path, char *why) MUST_USE;
/** Put it in its place. On error nothing is left of it. */
enum err whole_file_commit(struct whole_file *, char *why) MUST_USE;
/** Leave nothing of it; what was at `path` stays. */
void whole_file_drop(struct whole_file *);
/**
 * Whether `path` can be written, found out before hours of work and without touching it.
 * @retval ERR_IO  it cannot; `why` says it as whole_file_open does
 */
enum err whole_file_try(const char *path, char *why) MUST_USE;

#endif
