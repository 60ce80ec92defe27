/* Tables: Markdown as GitHub and GitLab render it, for people, and CSV in long tidy form, for
 * programs. Both escape what would end a cell. */
#include "bench/gate/export_formats.h"
#include "bench/gate/export_row.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Every one of these may begin markup somewhere; a backslash before punctuation always may. */
static void text_markdown(struct text *t, const char *s)
{
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20) {
            text_char(t, ' ');
            continue;
        }
        if (strchr("\\`*_{}[]<>#|~&!$", *s))
            text_char(t, '\\');
        text_char(t, *s);
    }
}

struct scale {
    enum dimension dimension;
    double size; /* in the unit that struct unit scales to */
    const char *name;
};

/* Large ones first: the first that is not larger than the value is taken, or else the last. */
static const struct scale scales[] = {
    {DIMENSION_TIME, 1e9, "s"},      {DIMENSION_TIME, 1e6, "ms"},
    {DIMENSION_TIME, 1e3, "us"},     {DIMENSION_TIME, 1, "ns"},
    {DIMENSION_BITS, 1e9, "Gbit/s"}, {DIMENSION_BITS, 1e6, "Mbit/s"},
    {DIMENSION_BITS, 1, "bit/s"},    {DIMENSION_BYTES, 1048576, "MiB"},
    {DIMENSION_BYTES, 1024, "KiB"},  {DIMENSION_BYTES, 1, "B"},
};

static struct scale scale_of(const struct measurement *m, double value)
{
    struct unit unit = unit_of(m);
    struct scale scale = {unit.dimension, 1, m->unit};

    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        if (scales[i].dimension != unit.dimension)
            continue;
        scale = scales[i];
        if (fabs(value) * unit.factor >= scale.size)
            break;
    }
    scale.size /= unit.factor;
    return scale;
}

/* Four digits at least: what a reader compares. The files have them all. */
static void number(struct text *t, double value)
{
    double size = fabs(value);

    if (size > 0 && size < 0.1)
        text_format(t, "%.4g", value);
    else
        text_format(t, "%.*f", size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3, value);
}

static void value_cell(struct text *t, double value, const struct measurement *m)
{
    struct scale scale = scale_of(m, value);

    number(t, value / scale.size);
    text_char(t, ' ');
    text_markdown(t, scale.name);
    text_raw(t, " | ");
}

/* Both ends in the unit of the median beside them. */
static void interval_cell(struct text *t, struct row_interval i, const struct measurement *m)
{
    struct scale scale = scale_of(m, i.median);

    number(t, i.low / scale.size);
    text_raw(t, " … ");
    number(t, i.high / scale.size);
    text_raw(t, " | ");
}

static void bound_cell(struct text *t, const struct measurement *m)
{
    if (m->bounds)
        text_format(t, "%.1f %% |", 100 * row_ratio(m));
    else
        text_raw(t, "– |");
}

static void begin_row(struct text *t, const char *name)
{
    text_raw(t, "| ");
    text_markdown(t, name);
    text_raw(t, " | ");
}

static void write_measured(const struct measurement_set *set, struct text *t)
{
    text_raw(t, "| benchmark | median | 95 % interval | of the bound |\n"
                "|:--|--:|--:|--:|\n");
    for (size_t i = 0; i < set->row_count; i++) {
        const struct measurement *m = &set->rows[i];
        struct row_interval interval = row_interval(m);

        begin_row(t, m->name);
        value_cell(t, interval.median, m);
        interval_cell(t, interval, m);
        bound_cell(t, m);
        text_char(t, '\n');
    }
}

static void percent_cell(struct text *t, double ratio)
{
    if (isnan(ratio))
        text_raw(t, "– | ");
    else
        text_format(t, "%+.1f %% | ", 100 * (ratio - 1));
}

/* Neither is there where samples are too few. */
static void evidence_cells(struct text *t, const struct comparison *c)
{
    if (isnan(c->p_holm))
        text_raw(t, "– | – | ");
    else
        text_format(t, "%+.1f … %+.1f | %.2g | ", 100 * (c->low - 1), 100 * (c->high - 1),
                    c->p_holm);
}

static void verdict_cell(struct text *t, const struct comparison *c)
{
    const char *strong = c->verdict == VERDICT_SLOWER || c->verdict == VERDICT_UNCLEAR ? "**" : "";

    text_format(t, "%s%s%s |", strong, verdict_name(c->verdict), strong);
}

static void write_compared(const struct comparison_set *verdicts, struct text *t)
{
    text_raw(t, "| benchmark | base | now | of the bound | change | 95 % interval | p | machine | "
                "instructions | verdict |\n"
                "|:--|--:|--:|--:|--:|--:|--:|--:|--:|:--|\n");
    for (size_t i = 0; i < verdicts->row_count; i++) {
        const struct comparison *c = &verdicts->rows[i];

        begin_row(t, c->now->name);
        value_cell(t, c->base_median, c->base);
        value_cell(t, c->now_median, c->now);
        bound_cell(t, c->now);
        text_char(t, ' ');
        percent_cell(t, c->change);
        evidence_cells(t, c);
        percent_cell(t, c->machine);
        percent_cell(t, comparison_instructions(c));
        verdict_cell(t, c);
        text_char(t, '\n');
    }
}

static void write_gone(char **names, const char *where, struct text *t)
{
    for (char **name = names; name && *name; name++) {
        text_raw(t, "\n- only in ");
        text_format(t, "%s: ", where);
        text_markdown(t, *name);
    }
    if (names && *names)
        text_char(t, '\n');
}

static void write_source(const char *what, const struct measurement_context *c, struct text *t)
{
    text_format(t, "%s ", what);
    text_markdown(t, c->version);
    text_raw(t, " (");
    text_markdown(t, c->commit);
    text_raw(t, c->dirty ? ", changed) on " : ") on ");
    text_markdown(t, c->cpu);
    text_raw(t, ", ");
    text_markdown(t, c->started);
}

void markdown_write(const struct measurement_set *set, const struct comparison_set *verdicts,
                    struct text *t)
{
    if (!verdicts) {
        write_measured(set, t);
        text_char(t, '\n');
        write_source("ikelab", &set->context, t);
        text_char(t, '\n');
        return;
    }
    write_compared(verdicts, t);
    write_gone(verdicts->only_base, "base", t);
    write_gone(verdicts->only_now, "now", t);
    text_raw(t, "\nChange is that of the cost: + is worse, whichever direction of a unit is "
                "better.\n\n");
    write_source("base: ikelab", &verdicts->base->context, t);
    text_raw(t, "<br>\n");
    write_source("now: ikelab", &set->context, t);
    text_char(t, '\n');
}

void csv_write(const struct measurement_set *set, const struct comparison_set *verdicts,
               struct text *t)
{
    (void)verdicts;
    text_raw(t, "benchmark,unit,better,repetition,value,bound\n");
    for (size_t i = 0; i < set->row_count; i++) {
        const struct measurement *m = &set->rows[i];

        for (size_t k = 0; k < m->sample_count; k++) {
            text_csv(t, m->name);
            text_char(t, ',');
            text_csv(t, m->unit);
            text_format(t, ",%s,%zu,", m->better == BETTER_LOWER ? "lower" : "higher", k + 1);
            text_double(t, m->samples[k]);
            text_char(t, ',');
            if (m->bounds)
                text_double(t, m->bounds[k]);
            text_char(t, '\n');
        }
    }
}
