/*
 * What `ikelab doctor` looks at: this build, this machine, and the programs beside it. Looks only:
 * nothing is installed, and what is made to see whether it can be is gone at once.
 */
#ifndef CLI_DOCTOR_LOOK_H
#define CLI_DOCTOR_LOOK_H

#include <stddef.h>

enum doctor_level {
    DOCTOR_OK,
    DOCTOR_WARNING, /* something is slower, or one purpose is missed */
    DOCTOR_FAILED,  /* `ikelab run` does not do all of its work here */
};

enum doctor_sizes { DOCTOR_FINDINGS_MAX = 32, DOCTOR_TEXT_MAX = 256 };

struct doctor_finding {
    enum doctor_level level;
    const char *name; /* "ESP" */
    char text[DOCTOR_TEXT_MAX];
    char hint[DOCTOR_TEXT_MAX]; /* what to try; "" where all is well */
};

/** @return how many findings there are, in a fixed order */
size_t doctor_look(struct doctor_finding *out, size_t cap);

#endif
