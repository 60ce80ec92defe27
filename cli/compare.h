/* What `ikelab compare` found, and its two forms: a table for people, one object for programs. */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H

#include "bench/gate/fail_if.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum { COMPARE_FAIL_IF_MAX = 32 };

struct compare_report {
    struct comparison_set set;
    struct compare_options options;
    struct fail_if fail_if[COMPARE_FAIL_IF_MAX];
    enum fail_if_answer answers[COMPARE_FAIL_IF_MAX];
    size_t fail_if_count;
    enum fail_if_answer answer; /* the worst of them */
};

/** What the sets give, without what a gate makes of it: for a page too. A new reference. */
json_t *compare_json(const struct comparison_set *, const struct compare_options *);
void compare_print(FILE *, const struct compare_report *, bool coloured);
void compare_print_json(FILE *, const struct compare_report *);

#endif
