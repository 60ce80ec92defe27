/*
 * The history of measurements: one SQLite file, whose tables docs/history.md explains. It is made
 * from the files that measuring leaves behind and can be made again from them. Every change is one
 * transaction: a process that dies leaves what was before or what came after. Several processes
 * may use one file at once; they wait for each other.
 */
#ifndef BENCH_GATE_HISTORY_H
#define BENCH_GATE_HISTORY_H

#include "bench/gate/measurement.h"

#include <stdio.h>

enum history_sizes {
    HISTORY_VERSION = 1,     /* of the tables: PRAGMA user_version */
    HISTORY_WAIT_MS = 10000, /* for another process that writes */
    HISTORY_ID = 0x494b454c, /* PRAGMA application_id: "IKEL" */
    HISTORY_CLASS_MAX = 256, /* of the text of a machine class */
};

struct history;

/** What went wrong, with its place, and what to try. */
struct history_problem {
    char text[MEASUREMENT_WHY_MAX];
    const char *hint;
};

enum history_use {
    HISTORY_READ,  /* it must be there; a file that cannot be written will do */
    HISTORY_WRITE, /* made where there is none; its folder must be there */
};

/**
 * Open the file; tables of an older version are brought up to date first.
 * @param[out] out  to be closed; NULL on error
 * @retval ERR_NOT_FOUND  there is none (HISTORY_READ), or no folder for it
 * @retval ERR_SYNTAX     not an SQLite database, one of something else, or a damaged one
 * @retval ERR_VERSION    a newer program wrote it
 * @retval ERR_IO         it cannot be opened, read or written, or another process holds it
 */
enum err history_open(const char *path, enum history_use, struct history **out,
                      struct history_problem *) MUST_USE;
/** An empty one that vanishes when it is closed. */
enum err history_open_scratch(struct history **out, struct history_problem *) MUST_USE;
void history_close(struct history *);

struct history_added {
    int64_t run; /* the new one, or the one that was there */
    bool known;  /* the same content was there already: nothing was added */
    size_t benchmarks, samples;
};

/** Add one set as one run, whole or not at all. */
enum err history_add(struct history *, const struct measurement_set *, struct history_added *,
                     struct history_problem *) MUST_USE;
/** Put everything of `from` in place of everything in `h`, whole or not at all. */
enum err history_replace(struct history *h, struct history *from,
                         struct history_problem *) MUST_USE;

/**
 * Integrity of the file, references between the tables, and no run without its samples.
 * @retval ERR_SYNTAX  something is wrong; the problem says what came first
 */
enum err history_check(struct history *, struct history_problem *) MUST_USE;

struct history_run {
    int64_t run;
    const char *started, *commit, *class, *command, *source;
    bool dirty, partial;
    size_t benchmarks, samples;
};

/** Each run in order of its start. What `run` points to lasts for the call. */
enum err history_runs(struct history *, void (*each)(void *context, const struct history_run *run),
                      void *context, struct history_problem *) MUST_USE;

/**
 * Write every sample in long form as CSV (RFC 4180).
 * @retval ERR_IO  also when `out` cannot be written
 */
enum err history_csv(struct history *, FILE *out, struct history_problem *) MUST_USE;

/**
 * The machine class to look at by default: `own` if a run of it is there, otherwise that of the
 * newest run, "" without runs.
 * @param[out] out  HISTORY_CLASS_MAX bytes
 */
enum err history_class(struct history *, const char *own, char *out,
                       struct history_problem *) MUST_USE;

#endif
