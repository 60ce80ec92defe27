#define _GNU_SOURCE
#include "bench/rounds.h"

#include "base/assert.h"
#include "base/rng.h"
#include "bench/child.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WRONG_USE = 2 }; /* exit status of an ikelab without --worker */

/* What is known while it goes on. */
struct rounds {
    const struct rounds_options *o;
    struct measurement_set *set;
    unsigned programs;
    bool (*failed)[ROUNDS_PROGRAMS]; /* by row: said already */
    struct rounds_progress progress;
    uint64_t start;
};

static uint64_t wall_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static void shuffle(struct rng *r, unsigned *order, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        order[i] = i;
    for (unsigned i = count; i > 1; i--) {
        unsigned k = (unsigned)rng_below(r, i), held = order[k];

        order[k] = order[i - 1];
        order[i - 1] = held;
    }
}

static int row_named(const struct rounds_options *o, const char *name)
{
    for (unsigned i = 0; i < o->row_count; i++)
        if (strcmp(o->rows[i]->name, name) == 0)
            return (int)i;
    return -1;
}

/* "the cipher alone: libipsec-mb 1.3.0, direct": bounds of different libraries have different names
 * and are never taken for one. */
static enum err name_bound(struct measurement *m, const struct row *row, const char *by)
{
    char name[160];

    snprintf(name, sizeof name, "%s%s%s", row->bound_name, *by ? ": " : "", by);
    return measurement_text(&m->bound_name, name);
}

static enum err take_sample(struct measurement_set *set, const struct row *row, double value,
                            double bound, const char *by)
{
    struct measurement *m = (struct measurement *)measurement_find(set, row->name);

    if (!m)
        m = measurement_add(set, row->name, row->unit, BETTER_LOWER);
    if (!m)
        return ERR_MEMORY;
    if (!isnan(bound) && !m->bound_name && row->bound_name && name_bound(m, row, by) != OK)
        return ERR_MEMORY;
    /* A bound in all samples or in none: where it came once and not again, it goes. */
    if (m->sample_count > 0 && isnan(bound) != !m->bounds) {
        free(m->bounds);
        m->bounds = NULL;
        bound = NAN;
    }
    return measurement_sample(m, value, bound);
}

static void trouble(struct rounds *r, unsigned program, unsigned row, const char *why, bool failed)
{
    if (r->failed[row][program])
        return;
    r->failed[row][program] = true;
    r->o->trouble(r->o->context, &(struct rounds_trouble){r->o->program[program],
                                                          r->o->rows[row]->name, why, failed});
}

/* "NAME<tab>VALUE<tab>BOUND<tab>WORDS" */
static enum err take_line(struct rounds *r, unsigned program, char *line)
{
    char *name = strsep(&line, "\t"), *value = strsep(&line, "\t"), *bound = strsep(&line, "\t");
    char *words = line;
    int row = row_named(r->o, name);

    if (row < 0 || !value || !bound || !words)
        return OK; /* not an answer: something that a library printed */
    words[strcspn(words, "\n")] = '\0';
    r->progress.done++;
    r->progress.row = r->o->rows[row]->name;
    r->progress.wall_ns = wall_ns() - r->start;
    r->o->progress(r->o->context, &r->progress);
    if (*bound == '-' && *words)
        trouble(r, program, (unsigned)row, words, *value == '!');
    if (*value == '!')
        return OK;
    return take_sample(&r->set[program], r->o->rows[row], strtod(value, NULL),
                       *bound == '-' ? NAN : strtod(bound, NULL), words);
}

/* All that may share a process, or the one row that may not. */
static void ask_rows(struct rounds *r, struct child *c, const unsigned *order,
                     const struct row *alone)
{
    for (unsigned i = 0; i < r->o->row_count; i++) {
        const struct row *row = r->o->rows[order[i]];

        if (alone ? row == alone : !row->alone)
            fprintf(c->to, "%s\n", row->name);
    }
    child_asked(c);
}

static enum err hear_answers(struct rounds *r, struct child *c, unsigned program)
{
    char line[512];
    enum err error = OK;

    while (error == OK && fgets(line, sizeof line, c->from))
        error = *r->o->interrupted ? ERR_INTERRUPTED : take_line(r, program, line);
    return error;
}

static enum err run_worker(struct rounds *r, unsigned program, const unsigned *order,
                           const struct row *alone, char *why)
{
    char window[32];
    const char *argv[] = {r->o->program[program], "bench", "--worker", "--window", window, NULL};
    struct child child;
    enum err error;
    int status;

    snprintf(window, sizeof window, "%llu", (unsigned long long)r->o->window_ns / 1000000);
    error = child_start(&child, argv, 0);
    if (error == OK) {
        ask_rows(r, &child, order, alone);
        error = hear_answers(r, &child, program);
    }
    if (*r->o->interrupted)
        child_dismiss(&child);
    status = child_end(&child);
    if (*r->o->interrupted)
        return ERR_INTERRUPTED;
    if (error == OK && status != 0) {
        snprintf(why, MEASUREMENT_WHY_MAX, "%.200s: its worker ended with status %d%s",
                 r->o->program[program], status,
                 status == WRONG_USE ? ": it is too old to be measured in turns" : "");
        return ERR_IO;
    }
    return error;
}

static enum err run_workers(struct rounds *r, unsigned program, const unsigned *order, char *why)
{
    enum err error = run_worker(r, program, order, NULL, why);

    for (unsigned i = 0; i < r->o->row_count && error == OK; i++)
        if (r->o->rows[order[i]]->alone)
            error = run_worker(r, program, order, r->o->rows[order[i]], why);
    return error;
}

static enum err one_round(struct rounds *r, struct rng *random, unsigned *order, char *why)
{
    unsigned programs[ROUNDS_PROGRAMS] = {0};
    enum err error = OK;

    shuffle(random, programs, r->programs);
    shuffle(random, order, r->o->row_count);
    for (unsigned i = 0; i < r->programs && error == OK; i++)
        error = run_workers(r, programs[i], order, why);
    return error;
}

/* Samples came in random order; rows shall stand in that of the list. */
static int by_list(const void *a, const void *b, void *options)
{
    const struct measurement *x = a, *y = b;

    return row_named(options, x->name) - row_named(options, y->name);
}

static void sort_rows(const struct rounds_options *o, struct measurement_set *set)
{
    if (set->row_count > 1)
        qsort_r(set->rows, set->row_count, sizeof *set->rows, by_list, (void *)o);
}

enum err rounds_run(const struct rounds_options *o, struct measurement_set *set, char *why)
{
    struct rounds r = {.o = o, .set = set, .programs = o->program[1] ? 2 : 1, .start = wall_ns()};
    struct rng random = rng_stream(o->seed, 0, RNG_BENCH);
    unsigned *order = calloc(o->row_count, sizeof *order);
    enum err error = OK;

    ASSERT(o->row_count > 0 && o->repetitions > 0);
    r.failed = calloc(o->row_count, sizeof *r.failed);
    r.progress.repetitions = o->repetitions;
    r.progress.rows = o->row_count * o->repetitions * r.programs;
    if (!order || !r.failed)
        error = ERR_MEMORY;
    for (unsigned i = 0; i < o->repetitions && error == OK; i++) {
        r.progress.repetition = i + 1;
        error = one_round(&r, &random, order, why);
    }
    for (unsigned i = 0; i < r.programs; i++) {
        set[i].context.partial = error != OK;
        sort_rows(o, &set[i]);
    }
    free(order);
    free(r.failed);
    return error;
}
