/* The options that every verb with a scenario file has: --set KEY=VALUE and --seed N. */
#ifndef CLI_SCENARIO_OPTIONS_H
#define CLI_SCENARIO_OPTIONS_H

#include "sim/scenario.h"

#include <argp.h>

enum { OVERRIDES_MAX = 64 };

struct scenario_options {
    struct scenario_override overrides[OVERRIDES_MAX]; /* keys are owned, values borrowed */
    size_t count;
};

/** For `children` of a verb's argp; its input is a struct scenario_options. */
extern const struct argp scenario_argp;
void scenario_options_reset(struct scenario_options *);
/** scenario_load with errors on stderr and, after them, what to try. @return an exit code */
int scenario_open(const char *path, const struct scenario_options *, struct scenario *out);
/** The same, and every cell of its sweep is checked. */
int scenario_open_sweep(const char *path, const struct scenario_options *, struct scenario *out);

#endif
