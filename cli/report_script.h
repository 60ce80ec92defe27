/* The scripts of reports/ that draw what a result file holds, run by verbs with Debian's Python. */
#ifndef CLI_REPORT_SCRIPT_H
#define CLI_REPORT_SCRIPT_H

#include <jansson.h>
#include <stdbool.h>

enum { REPORT_SCRIPT_ARGUMENTS_MAX = 6 };

struct report_script {
    const char *name; /* "report.py" */
    const char *arguments[REPORT_SCRIPT_ARGUMENTS_MAX];
    const json_t *input; /* handed over on standard input; NULL: nothing is */
    bool silent;         /* what it prints on success is not for the user */
    bool dissects;       /* it is told where this program is: --ikelab PROGRAM */
};

/**
 * Run it and wait. What goes wrong is said on stderr with what to try.
 * @return whether it succeeded
 */
bool report_script_run(const struct report_script *);

#endif
