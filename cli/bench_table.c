/* What `ikelab bench` shows: progress while it measures, a table at the end. */
#include "cli/bench.h"

#include "bench/gate/stats.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 100 };

volatile int bench_interrupted;

static bool shown; /* a progress line stands on the terminal */

static void caught(int signal_number)
{
    bench_interrupted = signal_number;
}

void bench_catch_signals(void)
{
    struct sigaction action = {.sa_handler = caught};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* of a worker that died: said by its exit status */
}

void bench_progress(void *unused, const struct rounds_progress *p)
{
    uint64_t left = p->done ? p->wall_ns / p->done * (p->rows - p->done) / 1000000000 : 0;
    char line[2 * LINE];

    (void)unused;
    if (!isatty(STDERR_FILENO))
        return;
    snprintf(line, sizeof line, "repetition %u of %u, %u of %u rows, %llu:%02llu left  %s",
             p->repetition, p->repetitions, p->done, p->rows, (unsigned long long)left / 60,
             (unsigned long long)left % 60, p->row);
    fprintf(stderr, "\r%-*.*s", LINE, LINE, line);
    shown = true;
}

void bench_progress_end(void)
{
    if (shown)
        fprintf(stderr, "\r%*s\r", LINE, "");
    shown = false;
}

/* Of four in all. */
static int digits_after(double v)
{
    return v >= 1000 ? 0 : v >= 100 ? 1 : v >= 10 ? 2 : 3;
}

/* Six characters at most, whatever the size: 1.234, 12.34, 123.4, 1234, 12.3k, 1.23M */
static const char *short_number(double v, char *out, size_t cap)
{
    static const struct {
        double from, divide;
        const char *letter;
    } sizes[] = {{1e9, 1e9, "G"}, {1e6, 1e6, "M"}, {1e4, 1e3, "k"}, {0, 1, ""}};
    size_t i = 0;

    while (v < sizes[i].from)
        i++;
    v /= sizes[i].divide;
    snprintf(out, cap, "%.*f%s", v < 0.1 ? 6 : digits_after(v), v, sizes[i].letter);
    return out;
}

/* Operations per second, where the unit is a time. */
static const char *rate(const struct measurement *m, double median, char *out, size_t cap)
{
    double per_s = strcmp(m->unit, "ns") == 0 ? 1e9 : strcmp(m->unit, "us") == 0 ? 1e6 : 0;

    if (per_s == 0)
        return "";
    return short_number(per_s / median, out, cap);
}

static void print_row(const struct measurement *m)
{
    double median = stats_median(m->samples, m->sample_count), bound;
    char a[32], b[32], c[32];

    printf("%-46s %8s %-5.5s", m->name, short_number(median, a, sizeof a), m->unit);
    printf(" %8s", rate(m, median, b, sizeof b));
    printf(" %6.1f", stats_cv(m->samples, m->sample_count));
    if (m->bounds) {
        bound = stats_median(m->bounds, m->sample_count);
        printf(" %8s %6.3f", short_number(bound, c, sizeof c),
               m->better == BETTER_LOWER ? bound / median : median / bound);
    } else {
        printf(" %8s %6s", "-", "-");
    }
    if (!isnan(m->instructions))
        printf(" %8s %8s", short_number(m->instructions, a, sizeof a),
               short_number(m->instructions_own, b, sizeof b));
    putchar('\n');
}

/* What each family's bound is, once. */
static void print_bounds(const struct measurement_set *set)
{
    const char *last = "";

    for (size_t i = 0; i < set->row_count; i++) {
        const struct measurement *m = &set->rows[i];

        if (!m->bound_name || strcmp(m->bound_name, last) == 0)
            continue;
        last = m->bound_name;
        printf("bound of %.*s: %s\n", (int)strcspn(m->name, "/"), m->name, last);
    }
}

/* The same row measured in one thread; NULL: it was not, or this is no row of several. */
static const struct measurement *in_one_thread(const struct measurement_set *set,
                                               const struct measurement *many)
{
    const char *suffix = strstr(many->name, "/threads-");

    for (size_t i = 0; suffix && i < set->row_count; i++) {
        size_t len = (size_t)(suffix - many->name);

        if (strncmp(set->rows[i].name, many->name, len) == 0 && set->rows[i].name[len] == '\0')
            return &set->rows[i];
    }
    return NULL;
}

/* How many times as quick as one thread, beside what so many programs of the bound gain. */
static void print_gains(const struct measurement_set *set)
{
    for (size_t i = 0; i < set->row_count; i++) {
        const struct measurement *many = &set->rows[i], *one = in_one_thread(set, many);
        double ours, bound;

        if (!one || !one->bounds || !many->bounds)
            continue;
        ours = stats_median(one->samples, one->sample_count) /
               stats_median(many->samples, many->sample_count);
        bound = stats_median(one->bounds, one->sample_count) /
                stats_median(many->bounds, many->sample_count);
        printf("gain of %s: %.3f, of the bound %.3f, ratio %.3f\n", many->name, ours, bound,
               ours / bound);
    }
}

void bench_table(const struct measurement_set *set)
{
    const struct measurement_context *c = &set->context;
    bool counted = false;
    const char *line = c->warnings;

    for (size_t i = 0; i < set->row_count; i++)
        counted |= !isnan(set->rows[i].instructions);
    printf("%s, %u cores   ikelab %s %.12s%s\n\n", c->cpu, c->cores, c->version, c->commit,
           c->dirty ? " (changed)" : "");
    printf("%-46s %8s %-5s %8s %6s %8s %6s%s\n", "", "median", "", "per s", "cv %", "bound",
           "ratio", counted ? "   instr.  ours" : "");
    for (size_t i = 0; i < set->row_count; i++)
        print_row(&set->rows[i]);
    putchar('\n');
    print_bounds(set);
    print_gains(set);
    fflush(stdout);
    if (c->partial)
        fprintf(stderr, "stopped early: fewer samples than asked for\n");
    for (; *line; line += strcspn(line, "\n"), line += *line == '\n')
        fprintf(stderr, "warning: %.*s\n", (int)strcspn(line, "\n"), line);
}
