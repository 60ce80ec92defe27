/*
 * What every bound program shares: rows found by name, set up once and kept, timed by the CPU
 * time of this thread. A bound program says what the hardware allows: it calls the libraries
 * and includes nothing of ours but this.
 *
 * Protocol with a parent: the line `ROW COUNT` comes in; the CPU nanoseconds of COUNT operations, a
 * blank, and what computed them go out on a line; `?` for a row that is not known and for anything
 * else that is no question. The set-up of a row happens at its first use and is not in the time.
 * End of input ends the program. By hand: `PROGRAM --list`, or `PROGRAM ROW [WINDOW_S [REPS]]`.
 */
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum loop_sizes { ROW_PARTS_MAX = 5, ROW_LEN_MAX = 96 };

/** A row, ready to be measured. */
struct row {
    void (*work)(void *state, uint64_t count);
    void (*drop)(void *state);
    void *state;
    const char *by; /* what computes it: a library and its version; lives as long as the program */
};

/** A row's name taken apart at its slashes. */
struct row_name {
    char text[ROW_LEN_MAX];
    const char *part[ROW_PARTS_MAX];
    unsigned parts;
};

struct loop {
    const char *help; /* which rows there are, a line each */
    /** Set up the row of this name; false if there is none. */
    bool (*open)(void *context, const struct row_name *, struct row *out);
    /** Call loop_show for examples of every kind of row. */
    void (*list)(void *context);
    void *context;
    /** Instead of every row's work(), where that cannot be timed from outside because it sets up
     * again and again: does `count` operations and says how long they took. NULL: it can. */
    uint64_t (*took)(void *state, uint64_t count);
};

/** The whole program, but for making and dropping `context`. @return its exit status */
int loop_main(const struct loop *, int argc, char **argv);

/** A line of --list: a row and what computes it. */
void loop_show(const char *row, const char *computed_by);

/** A decimal number from 1 to `max`, without sign, blanks or leading zeros. */
bool loop_number(const char *text, uint64_t max, uint64_t *out);

/** End the program: `what` failed. */
_Noreturn void loop_fail(const char *what);

/** OpenSSL says no with what is not positive. */
static inline void need(int ok, const char *what)
{
    if (ok <= 0)
        loop_fail(what);
}

/** Memory aligned to a cache line, zeroed; ends the program if there is none. */
void *need_memory(size_t count, size_t size);

#endif
