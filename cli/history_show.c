/* `ikelab history show`: the trend as text, or as JSON. */
#define _GNU_SOURCE
#include "cli/history.h"

#include "bench/gate/stats.h"

#include <jansson.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_MAX = 1000, COMMIT_SHOWN = 12 };

static bool utf8(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", NULL);
    bool yes = locale && strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;

    if (locale)
        freelocale(locale);
    return yes;
}

static size_t terminal_width(void)
{
    const char *columns = getenv("COLUMNS");
    long told = columns ? strtol(columns, NULL, 10) : 0;
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        told = size.ws_col;
    if (told <= 0)
        told = 80;
    return told < 20 ? 20 : told > WIDTH_MAX ? WIDTH_MAX : (size_t)told;
}

/* One value a column; where there are more runs than columns, the median of those that share it. */
static size_t columns_of(const struct trend *t, size_t width, double *out)
{
    size_t columns = t->count < width ? t->count : width;
    double *median = malloc(t->count * sizeof *median);

    if (!median)
        return 0;
    for (size_t i = 0; i < t->count; i++)
        median[i] = t->points[i].median;
    for (size_t c = 0; c < columns; c++) {
        size_t begin = c * t->count / columns, end = (c + 1) * t->count / columns;

        out[c] = stats_median(median + begin, end - begin);
    }
    free(median);
    return columns;
}

/* From the lowest to the highest median, but never less than a tenth of them: what hardly moves
 * shall look flat. */
static void print_spark(const struct trend *t, size_t width, bool blocks)
{
    static const char *const block[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double value[WIDTH_MAX], low = INFINITY, high = -INFINITY, span;
    size_t columns = columns_of(t, width, value), levels = blocks ? 8 : 10;

    for (size_t c = 0; c < columns; c++) {
        low = fmin(low, value[c]);
        high = fmax(high, value[c]);
    }
    span = fmax(fmax(high - low, 0.1 * fabs(low + high) / 2), 1e-300);
    fputs("  ", stdout);
    for (size_t c = 0; c < columns; c++) {
        double share = 0.5 + (value[c] - (low + high) / 2) / span;
        size_t level = (size_t)fmin(share * (double)levels, (double)levels - 1);

        if (blocks)
            fputs(block[level], stdout);
        else
            putchar('0' + (int)level);
    }
    putchar('\n');
}

/* Four digits that say something. */
static const char *number(char out[32], double value)
{
    double size = fabs(value);
    int digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3;

    if (size > 0 && size < 0.1)
        snprintf(out, 32, "%.4g", value);
    else
        snprintf(out, 32, "%.*f", digits, value);
    return out;
}

/* A value with its unit; a count has none. */
static void print_values(const struct trend *t, double from, double to)
{
    char before[32], after[32];

    printf("%s -> %s%s%s", number(before, from), number(after, to),
           strcmp(t->unit, "1") == 0 ? "" : " ", strcmp(t->unit, "1") == 0 ? "" : t->unit);
}

static void print_step(const struct trend *t, const struct step *s)
{
    const struct trend_point *p = &t->points[s->at];

    printf("  at %.*s%s %+.1f %% (%s): ", COMMIT_SHOWN, p->commit, p->dirty ? "+" : "",
           100 * s->change, trend_word(t, s->change));
    print_values(t, s->before, s->after);
    printf(", %s%s\n", p->started, s->recent ? "; too recent to tell" : "");
}

static void print_trend(const struct trend *t, bool classes, size_t width, bool blocks)
{
    double first = t->points[0].median, last = t->points[t->count - 1].median;

    printf("%s%s  %zu run%s  ", t->bench,
           strcmp(t->metric, "instructions") == 0 ? " (instructions)" : "", t->count,
           t->count == 1 ? "" : "s");
    print_values(t, first, last);
    if (first != 0)
        printf("  %+.1f %%", round(1000 * (last / first - 1)) / 10 + 0.0);
    if (t->scenario[0])
        printf("  scenario %.8s", t->scenario);
    printf("%s%s\n", classes ? "  on " : "", classes ? t->class : "");
    print_spark(t, width - 2, blocks);
    for (size_t i = 0; i < t->steps.count; i++)
        print_step(t, &t->steps.list[i]);
    if (t->unjudged)
        printf("  steps are sought in the newest %d runs only\n", STEPS_RUNS_MAX);
}

void history_print(const struct history_view *v)
{
    size_t width = terminal_width();
    bool blocks = utf8();

    if (v->class[0])
        printf("%s\n", v->class);
    else if (v->mixed)
        printf("machine classes MIXED: a step may be another machine\n");
    for (size_t i = 0; i < v->trends.count; i++)
        print_trend(&v->trends.list[i], !v->class[0] && !v->mixed, width, blocks);
}

static json_t *real(double value)
{
    return isnan(value) ? json_null() : json_real(value);
}

static json_t *run_json(const struct trend_point *p)
{
    return json_pack("{s:I,s:s,s:s,s:b,s:I,s:o,s:o,s:o,s:o}", "run", (json_int_t)p->run, "started",
                     p->started, "commit", p->commit, "dirty", p->dirty, "samples",
                     (json_int_t)p->samples, "median", real(p->median), "low", real(p->low), "high",
                     real(p->high), "bound", real(p->bound));
}

static json_t *step_json(const struct trend *t, const struct step *s)
{
    const struct trend_point *p = &t->points[s->at];

    return json_pack("{s:I,s:I,s:s,s:o,s:o,s:o,s:s,s:b}", "index", (json_int_t)s->at, "run",
                     (json_int_t)p->run, "commit", p->commit, "before", real(s->before), "after",
                     real(s->after), "change", real(s->change), "verdict", trend_word(t, s->change),
                     "recent", s->recent);
}

static json_t *trend_json(const struct trend *t)
{
    json_t *runs = json_array(), *steps = json_array();

    for (size_t i = 0; i < t->count; i++)
        json_array_append_new(runs, run_json(&t->points[i]));
    for (size_t i = 0; i < t->steps.count; i++)
        json_array_append_new(steps, step_json(t, &t->steps.list[i]));
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:o}", "benchmark", t->bench, "metric",
                     t->metric, "unit", t->unit, "better",
                     t->better == BETTER_LOWER ? "lower" : "higher", "class", t->class,
                     "scenario_sha256", t->scenario, "noise", real(t->steps.noise), "runs", runs,
                     "steps", steps);
}

json_t *history_json(const struct history_view *v)
{
    json_t *series = json_array();

    for (size_t i = 0; i < v->trends.count; i++)
        json_array_append_new(series, trend_json(&v->trends.list[i]));
    return json_pack("{s:i,s:s,s:s,s:b,s:I,s:f,s:I,s:o}", "schema_version", 1, "db", v->db, "class",
                     v->class, "mixed", v->mixed, "left_out_runs", (json_int_t)v->trends.left_out,
                     "effect", v->steps.effect, "hold", (json_int_t)v->steps.hold, "series",
                     series);
}
