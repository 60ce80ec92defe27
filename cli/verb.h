/*
 * A verb of `ikelab`: one file each, one line in the table of cli/main.c. Data goes to stdout,
 * talk to stderr; every error ends with a line that says what to try.
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include <argp.h>
#include <stddef.h>

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_WRONG_USE = 2, /* command line or scenario */
    EXIT_THRESHOLD = 3, /* a threshold or regression failed */
    EXIT_UNCLEAR = 4,   /* too noisy to tell */
};

struct verb {
    const char *name;
    const char *help; /* one line */
    /** argv[0] is "ikelab VERB". @return an exit code */
    int (*run)(int argc, char **argv);
};

extern const struct verb verb_run;
extern const struct verb verb_sweep;
extern const struct verb verb_lint;
extern const struct verb verb_explain;
extern const struct verb verb_schema;
extern const struct verb verb_list;
extern const struct verb verb_bench;
extern const struct verb verb_compare;
extern const struct verb verb_live;
extern const struct verb verb_import;
extern const struct verb verb_history;
extern const struct verb verb_report;
extern const struct verb verb_explore;
extern const struct verb verb_dissect;
extern const struct verb verb_doctor;
extern const struct verb verb_completion;

/** The verbs in the order of the help; NULL behind the last. */
const struct verb *verb_at(size_t index);

/** "ikelab: error: MESSAGE" and "try: HINT" on stderr. @return `code` */
int say_error(int code, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
