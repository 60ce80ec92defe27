/*
 * A child process that measures: `ikelab bench --worker`, alone or under valgrind, with its lines
 * of answers read one by one; or one that simulates a cell of a sweep.
 */
#ifndef BENCH_CHILD_H
#define BENCH_CHILD_H

#include "base/err.h"

#include <stdio.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    FILE *to, *from;
};

/**
 * @param argv  NULL at the end; argv[0] is looked up in PATH
 * @param nth   other than 0: pinned to the nth processor from this one, if there is one
 * @retval ERR_IO
 */
enum err child_start(struct child *, const char *const argv[], unsigned nth) MUST_USE;
/** The same, and what it says on standard error is among its answers. */
enum err child_start_heard(struct child *, const char *const argv[]) MUST_USE;
/** No more questions: closes its standard input. */
void child_asked(struct child *);
/** Ask it to end (SIGTERM): its answers are not wanted any more. */
void child_dismiss(const struct child *);
/**
 * Wait for its end. @return its exit status, 128 + n after signal n
 */
int child_end(struct child *);

#endif
