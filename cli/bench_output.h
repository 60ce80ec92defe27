/*
 * Where `ikelab bench` and `ikelab bench live` put what they measured: a table, bench.json,
 * exports.
 */
#ifndef CLI_BENCH_OUTPUT_H
#define CLI_BENCH_OUTPUT_H

#include "cli/export_options.h"

struct bench_output {
    const char *file; /* NULL: none; "-": standard output */
    const char *base; /* where the other one of two measured in turns goes; NULL: there is none */
    bool json;        /* bench.json on standard output instead of the table */
    struct export_options exports;
};

/** For `children` of a verb's argp; its input is a struct bench_output. */
extern const struct argp bench_output_argp;
/** Before hours of measuring: whether all that is asked for can be written. @return an exit code */
int bench_output_try(const struct bench_output *);
/**
 * Write all of it; says on stderr what comes next.
 * @param base  the other one of two measured in turns, if o->base names a file
 * @return an exit code
 */
int bench_output_write(const struct bench_output *o, const struct measurement_set *,
                       const struct measurement_set *base);
/** Say in both sets that they were measured in turns: whatever happened to the machine happened to
 * both. @retval ERR_MEMORY */
enum err bench_in_turns(struct measurement_set set[2]) MUST_USE;

/** A word of an option as a number; ends the program with a usage error if it is none. */
unsigned bench_number(struct argp_state *, const char *text, unsigned least, unsigned most);

#endif
