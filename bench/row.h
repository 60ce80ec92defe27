/*
 * What `ikelab bench` can measure: families of rows. A family is one file of this folder and one
 * const record; it lists its rows, sets one up, runs it and takes it down. Repetition, order,
 * bounds and statistics are the runner's (bench/worker.c, bench/rounds.c).
 */
#ifndef BENCH_ROW_H
#define BENCH_ROW_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum row_sizes { ROW_NAME_MAX = 96, ROW_MAX = 256, ROW_PARTS = 5 };

/** When a row is measured. */
enum row_wanted {
    ROW_ALWAYS,
    ROW_IF_ASKED, /* minutes: if a word names it or its family */
    ROW_BY_NAME,  /* a big machine: if its name is given in full */
};

struct row;

struct family {
    const char *name; /* the first part of every row's name: "esp" */
    const char *help; /* one line */
    /**
     * Set up. The row is a copy of its own: what only this can know (bound_scale) it may put in.
     * @param[out] why  on error, a sentence
     * @return the state, NULL on error
     */
    void *(*open)(struct row *, const char **why);
    /**
     * Do `operations` of them, each through measured().
     * @param[out] value  the sum in the row's unit; the runner divides by `operations`
     */
    enum err (*run)(void *state, uint64_t operations, double *value);
    void (*close)(void *state);
};

/** One benchmark. */
struct row {
    const struct family *family;
    char name[ROW_NAME_MAX];
    const char *unit; /* per operation, lower is better */
    /** What to ask of which program of bench/bounds; NULL: run() cannot be bounded by a program
     * and `bound_value` says it in the row's unit, known from the start or put in by run(). */
    const char *bound_program;
    char bound_row[ROW_NAME_MAX];
    double bound_scale; /* operations of the bound for one of ours */
    double bound_value;
    const char *bound_name;      /* for people: "the cipher alone" */
    const char *bound_missing;   /* why its program may not be there; NULL: it always is */
    uint64_t bound_operations;   /* asked of the bound at once; 0: as many as fill a window */
    unsigned threads;            /* bound programs run at the same time */
    uint64_t operations;         /* in a window; 0: as many as fill one */
    enum row_wanted wanted;
    bool quick;                  /* part of --quick */
    bool alone;                  /* nothing else may have run in its process: memory */
    bool counted;                /* its instructions can be counted: one thread, no huge set-up */
    uint64_t counted_operations; /* then so many */
    uint32_t number[ROW_PARTS];  /* the family's own */
};

/** Rows of every family, in a fixed order. */
struct rows {
    struct row row[ROW_MAX];
    unsigned count;
};

void handshake_rows(struct rows *);
void crypto_rows(struct rows *);
void codec_rows(struct rows *);
void esp_rows(struct rows *);
void sim_rows(struct rows *);
void memory_rows(struct rows *);

/** A new row at the end, its name as printf; asserts that there is room. */
struct row *rows_add(struct rows *, const struct family *, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Every row of every family. */
void rows_all(struct rows *);
/** NULL if there is none of this name. */
const struct row *rows_find(const struct rows *, const char *name);

/**
 * Call `work(state)` and add the CPU time of this thread that it took to *ns. Everything measured
 * passes through here: counting of instructions is switched on by the name of this function.
 */
void measured(void (*work)(void *state), void *state, uint64_t *ns);

#endif
