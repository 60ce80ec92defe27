#include "bench/worker.h"

#include "bench/bound.h"
#include "bench/measure.h"
#include "bench/row.h"

#include <math.h>
#include <signal.h>
#include <string.h>

/* ikelab-extra (cli/CMakeLists.txt) does 103 operations and says it were 100: the regression that
 * the gate's own tests put in. */
#ifndef IKELAB_BENCH_EXTRA_PERCENT
#define IKELAB_BENCH_EXTRA_PERCENT 0
#endif

enum { GROWTH = 4, OPERATIONS_MAX = 1 << 28 };

struct outcome {
    double value, bound;
    const char *why;
};

unsigned worker_extra_percent(void)
{
    return IKELAB_BENCH_EXTRA_PERCENT;
}

static enum err some(const struct row *row, void *state, uint64_t operations, double *sum)
{
    *sum = 0;
    return row->family->run(state, operations + operations * worker_extra_percent() / 100, sum);
}

/* So many operations that they fill the window: also the warm-up. */
static enum err fill(const struct row *row, void *state, double window, uint64_t *operations)
{
    double sum;

    for (*operations = 1;; *operations *= GROWTH) {
        enum err error = some(row, state, *operations, &sum);

        if (error != OK)
            return error;
        if (sum > window / 8 || *operations >= OPERATIONS_MAX)
            break;
    }
    *operations = (uint64_t)((double)*operations * window / (sum > 0 ? sum : 1)) + 1;
    return OK;
}

static double unit_ns(const struct row *row)
{
    return strcmp(row->unit, "us") == 0 ? 1e3 : 1;
}

static enum err timed(const struct worker_options *o, const struct row *row, void *state,
                      struct outcome *out)
{
    uint64_t operations = o->count ? row->counted_operations : row->operations;
    enum err error = OK;
    double sum;

    if (!operations)
        error = fill(row, state, (double)o->window_ns / unit_ns(row), &operations);
    if (error == OK)
        error = some(row, state, operations, &sum);
    if (error == OK)
        out->value = sum / (double)operations;
    return error;
}

/* A row without its bound is still a row. */
static void bounded(const struct worker_options *o, struct bounds *bounds, const struct row *row,
                    struct outcome *out)
{
    out->bound = row->bound_value;
    out->why = "";
    if (!row->bound_program || o->count)
        return;
    if (bound_measure(bounds, row, o->window_ns, &out->bound, &out->why) == OK)
        out->bound /= unit_ns(row);
}

static enum err measure_row(const struct worker_options *o, struct bounds *bounds,
                            const struct row *row, struct outcome *out)
{
    struct row mine = *row; /* open may complete what only it can know, the scale of the bound */
    void *state = row->family->open(&mine, &out->why);
    enum err error = ERR_STATE;

    if (!state)
        return error;
    error = timed(o, &mine, state, out);
    row->family->close(state);
    if (error != OK)
        out->why = "an operation failed";
    else
        bounded(o, bounds, &mine, out);
    return error;
}

static void answer(FILE *to, const char *name, enum err error, const struct outcome *out)
{
    if (error != OK)
        fprintf(to, "%s\t!\t-\t%s\n", name, out->why);
    else if (isnan(out->bound))
        fprintf(to, "%s\t%.9g\t-\t%s\n", name, out->value, out->why);
    else
        fprintf(to, "%s\t%.9g\t%.9g\t\n", name, out->value, out->bound);
}

/* Marks the end of a row: valgrind is told to write down its count when this is left. */
__attribute__((noinline, noclone)) static void row_counted(const struct row *row)
{
    __asm__ volatile("" : : "r"(row) : "memory");
}

enum err worker_run(const struct worker_options *o)
{
    static struct rows rows;
    struct bounds bounds = {0};
    char name[ROW_NAME_MAX + 2];
    enum err error = OK;

    signal(SIGPIPE, SIG_IGN); /* of a bound program that died: said by its row */
    (void)measure_pin(0);
    rows_all(&rows);
    while (error == OK && fgets(name, sizeof name, o->in)) {
        struct outcome out = {.bound = NAN, .why = "this program has no such row"};
        const struct row *row;

        name[strcspn(name, "\n")] = '\0';
        row = rows_find(&rows, name);
        answer(o->out, name, row ? measure_row(o, &bounds, row, &out) : ERR_NOT_FOUND, &out);
        error = fflush(o->out) == 0 ? OK : ERR_IO;
        if (o->count)
            row_counted(row);
    }
    bounds_stop(&bounds);
    return error;
}
