#define _GNU_SOURCE
#include "loop.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPS_MAX = 64, REPS = 5, CACHE_LINE = 64 };

static const double WINDOW_S = 0.15;

/* Rows stay set up until the program ends: the same one is asked for again and again. */
struct kept {
    struct kept *next;
    char name[ROW_LEN_MAX];
    struct row row;
};

struct session {
    const struct loop *loop;
    struct kept *kept;
};

void loop_fail(const char *what)
{
    fprintf(stderr, "%s: %s failed\n", program_invocation_short_name, what);
    exit(1);
}

void *need_memory(size_t count, size_t size)
{
    size_t bytes;
    void *memory = NULL;

    if (!__builtin_mul_overflow(count, size, &bytes) && bytes < SIZE_MAX - CACHE_LINE)
        memory = aligned_alloc(CACHE_LINE, (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
    if (!memory)
        loop_fail("memory");
    memset(memory, 0, bytes);
    return memory;
}

bool loop_number(const char *text, uint64_t max, uint64_t *out)
{
    char *end;

    if (*text < '1' || *text > '9')
        return false;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' && *out <= max;
}

void loop_show(const char *row, const char *computed_by)
{
    printf("%-44s %s\n", row, computed_by);
}

static bool take_apart(const char *text, struct row_name *name)
{
    char *at = name->text;

    if (strlen(text) >= sizeof name->text)
        return false;
    strcpy(name->text, text);
    for (name->parts = 0; at && name->parts < ROW_PARTS_MAX; name->parts++) {
        name->part[name->parts] = at;
        at = strchr(at, '/');
        if (at)
            *at++ = '\0';
    }
    return at == NULL;
}

/* The row of this name, set up by now; NULL if there is none. */
static struct row *find(struct session *s, const char *text)
{
    struct row_name name;
    struct row row;
    struct kept *kept;

    for (kept = s->kept; kept; kept = kept->next)
        if (strcmp(kept->name, text) == 0)
            return &kept->row;
    if (!take_apart(text, &name) || !s->loop->open(s->loop->context, &name, &row))
        return NULL;
    kept = need_memory(1, sizeof *kept);
    strcpy(kept->name, text);
    kept->row = row;
    kept->next = s->kept;
    s->kept = kept;
    return &kept->row;
}

static void drop_all(struct session *s)
{
    while (s->kept) {
        struct kept *kept = s->kept;

        s->kept = kept->next;
        kept->row.drop(kept->row.state);
        free(kept);
    }
}

static uint64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static uint64_t timed(const struct loop *loop, const struct row *row, uint64_t count)
{
    uint64_t start = cpu_ns();

    if (loop->took)
        return loop->took(row->state, count);
    row->work(row->state, count);
    return cpu_ns() - start;
}

static void answer(struct session *s, char *line, size_t len)
{
    char *blank = strchr(line, ' ');
    struct row *row = NULL;
    uint64_t count;

    if (blank && strlen(line) == len) { /* else there are zero bytes in it */
        *blank = '\0';
        if (loop_number(blank + 1, UINT64_MAX, &count))
            row = find(s, line);
    }
    if (row)
        printf("%llu %s\n", (unsigned long long)timed(s->loop, row, count), row->by);
    else
        puts("?");
}

static int serve(struct session *s)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;

    while ((len = getline(&line, &cap, stdin)) > 0) {
        if (line[len - 1] == '\n')
            line[--len] = '\0';
        answer(s, line, (size_t)len);
        if (fflush(stdout) != 0)
            break;
    }
    free(line);
    return ferror(stdin) || ferror(stdout) ? 1 : 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* As many operations as fill a window; finding out warms up. */
static uint64_t fill_window(const struct loop *loop, const struct row *row, double window_ns)
{
    uint64_t count = 1;

    for (;;) {
        double ns = (double)timed(loop, row, count);

        if (ns > window_ns / 4)
            return (uint64_t)((double)count * window_ns / ns) + 1;
        count *= ns < window_ns / 64 ? 8 : 2;
    }
}

static void measure(const struct loop *loop, const struct row *row, double window_s, unsigned reps)
{
    uint64_t count = fill_window(loop, row, window_s * 1e9);
    double ns[REPS_MAX], median;

    for (unsigned i = 0; i < reps; i++)
        ns[i] = (double)timed(loop, row, count) / (double)count;
    qsort(ns, reps, sizeof ns[0], by_value);
    median = reps % 2 ? ns[reps / 2] : (ns[reps / 2 - 1] + ns[reps / 2]) / 2;
    printf("%.1f ns per operation, %u windows of %g s, spread %.1f %%\n", median, reps, window_s,
           100 * (ns[reps - 1] - ns[0]) / median);
}

static int usage(const struct loop *loop, FILE *to, int status)
{
    const char *program = program_invocation_short_name;

    fprintf(to,
            "usage: %s                          lines ROW COUNT in, CPU nanoseconds out\n"
            "       %s ROW [WINDOW_S [REPS]]    measure one row\n"
            "       %s --list                   rows, and what computes them\n"
            "\nrows:\n%s",
            program, program, program, loop->help);
    return status;
}

static int by_hand(struct session *s, int argc, char **argv)
{
    double window_s = argc > 2 ? atof(argv[2]) : WINDOW_S;
    uint64_t reps = REPS;
    struct row *row;

    if (!(window_s > 0 && window_s <= 60) || (argc > 3 && !loop_number(argv[3], REPS_MAX, &reps)))
        return usage(s->loop, stderr, 2);
    row = find(s, argv[1]);
    if (!row) {
        fprintf(stderr, "%s: no row %s; see --help\n", program_invocation_short_name, argv[1]);
        return 2;
    }
    measure(s->loop, row, window_s, (unsigned)reps);
    return 0;
}

int loop_main(const struct loop *loop, int argc, char **argv)
{
    struct session s = {.loop = loop};
    int status = 0;

    if (argc > 4)
        return usage(loop, stderr, 2);
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(loop, stdout, 0);
    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        loop->list(loop->context);
    else
        status = argc > 1 ? by_hand(&s, argc, argv) : serve(&s);
    drop_all(&s);
    return status;
}
