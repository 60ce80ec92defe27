#include "bench/worker.h"

#include "bench/bound.h"
#include "bench/gate/stats.h"
#include "bench/measure.h"
#include "bench/row.h"

#include <math.h>
#include <signal.h>
#include <string.h>

/*
 * A window is cut into PARTS, each with one of the bound behind it, and the parts of CHUNK rows are
 * taken in turns. On a shared machine a tenth of a second is slow at a time, and only ever slow: by
 * turns such a burst falls on one part of each row, and the QUARTILE'th lowest part is the sample.
 */
enum { PARTS = 8, QUARTILE = 1, CHUNK = 40, GROWTH = 4, OPERATIONS_MAX = 1 << 28 };

/* A row at work. */
struct task {
    struct row row; /* of its own: open may complete what only it can know, the bound's scale */
    char name[ROW_NAME_MAX + 2];
    void *state;
    uint64_t operations;
    bool bounded;
    struct bound_use use;
    double value[PARTS], bound[PARTS];
    const char *why; /* of a failure; or why there is no bound, "" if there is one */
    enum err error;
};

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
        if (sum > window / 4 || *operations >= OPERATIONS_MAX)
            break;
    }
    *operations = (uint64_t)((double)*operations * window / (sum > 0 ? sum : 1)) + 1;
    return OK;
}

static double unit_ns(const struct row *row)
{
    return strcmp(row->unit, "us") == 0 ? 1e3 : 1;
}

static enum err one_part(struct task *t, double *value)
{
    double sum;
    enum err error = some(&t->row, t->state, t->operations, &sum);

    *value = sum / (double)t->operations;
    return error;
}

static void begin(const struct worker_options *o, struct bounds *bounds, const struct rows *rows,
                  struct task *t)
{
    const struct row *row = rows_find(rows, t->name);
    uint64_t window = o->window_ns / PARTS;

    t->error = ERR_NOT_FOUND;
    t->why = "this program has no such row";
    if (!row)
        return;
    t->row = *row;
    t->error = ERR_STATE;
    t->state = row->family->open(&t->row, &t->why);
    if (!t->state)
        return;
    t->error = OK;
    t->why = "";
    t->operations = o->count ? row->counted_operations : row->operations;
    if (!o->count && row->bound_program)
        t->bounded = bound_open(bounds, &t->row, window, &t->use, &t->why) == OK;
    if (!t->operations)
        t->error = fill(&t->row, t->state, (double)window / unit_ns(row), &t->operations);
}

static void part(struct task *t, unsigned nth)
{
    if (t->error == OK)
        t->error = one_part(t, &t->value[nth]);
    if (t->error == OK && t->bounded && bound_measure(&t->use, &t->bound[nth]) != OK) {
        t->why = "its bound program is gone";
        t->bounded = false;
    }
}

static double lowest(double *value, unsigned count)
{
    stats_sort(value, count);
    return value[count > QUARTILE ? QUARTILE : 0];
}

static void answer(FILE *to, struct task *t, unsigned parts)
{
    if (t->error != OK)
        fprintf(to, "%s\t!\t-\t%s\n", t->name, *t->why ? t->why : "an operation failed");
    else if (t->bounded)
        fprintf(to, "%s\t%.9g\t%.9g\t%s\n", t->name, lowest(t->value, parts),
                lowest(t->bound, parts) / unit_ns(&t->row), t->use.by);
    else if (isnan(t->row.bound_value))
        fprintf(to, "%s\t%.9g\t-\t%s\n", t->name, lowest(t->value, parts), t->why);
    else
        fprintf(to, "%s\t%.9g\t%.9g\t\n", t->name, lowest(t->value, parts), t->row.bound_value);
}

/* Marks the end of a row: valgrind is told to write down its count when this is left. */
__attribute__((noinline)) static void row_counted(const struct rows *rows)
{
    __asm__ volatile("" : : "r"(rows) : "memory");
}

static unsigned read_names(FILE *in, struct task *tasks, unsigned most)
{
    unsigned count = 0;

    while (count < most && fgets(tasks[count].name, sizeof tasks[count].name, in)) {
        struct task *t = &tasks[count++];

        t->name[strcspn(t->name, "\n")] = '\0';
    }
    return count;
}

/* @return whether there was anything */
static bool chunk(const struct worker_options *o, struct bounds *bounds, const struct rows *rows)
{
    static struct task tasks[CHUNK];
    unsigned count, parts;

    memset(tasks, 0, sizeof tasks);
    count = read_names(o->in, tasks, o->count ? 1 : CHUNK);
    for (unsigned i = 0; i < count; i++)
        begin(o, bounds, rows, &tasks[i]);
    /* What may be measured only once in its process comes alone. */
    parts = o->count || tasks[0].row.alone ? 1 : PARTS;
    for (unsigned nth = 0; nth < parts; nth++)
        for (unsigned i = 0; i < count; i++)
            part(&tasks[i], nth);
    for (unsigned i = 0; i < count; i++) {
        answer(o->out, &tasks[i], parts);
        if (tasks[i].state)
            tasks[i].row.family->close(tasks[i].state);
    }
    return count > 0;
}

enum err worker_run(const struct worker_options *o)
{
    static struct rows rows;
    struct bounds bounds = {0};

    signal(SIGPIPE, SIG_IGN); /* of a bound program that died: said by its row */
    (void)measure_pin(0);
    rows_all(&rows);
    while (chunk(o, &bounds, &rows) && fflush(o->out) == 0)
        if (o->count)
            row_counted(&rows);
    bounds_stop(&bounds);
    return ferror(o->out) ? ERR_IO : OK;
}
