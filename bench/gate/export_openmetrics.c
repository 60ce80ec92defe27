/*
 * OpenMetrics 1.0 text: base units, the unit as the suffix of the name, one family in one piece,
 * "# EOF". All families are gauges, so that Prometheus' older text format can be read from the
 * same bytes (node_exporter's textfile collector). A '#' inside a label would be a comment to
 * GitLab's reader, so there is none.
 */
#include "bench/gate/export_formats.h"
#include "bench/gate/export_row.h"
#include "bench/gate/stats.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { UNIT_MAX = 48 };

/* The suffix that names a unit, and what brings a value to it. */
static double base_unit(const struct measurement *m, char unit[UNIT_MAX])
{
    static const char *const names[] = {[DIMENSION_TIME] = "seconds",
                                        [DIMENSION_RATE] = "per_second",
                                        [DIMENSION_BITS] = "bits_per_second",
                                        [DIMENSION_BYTES] = "bytes"};
    struct unit u = unit_of(m);

    snprintf(unit, UNIT_MAX, "%s", u.dimension == DIMENSION_OTHER ? m->unit : names[u.dimension]);
    for (char *c = unit; *c; c++)
        if (!isalnum((unsigned char)*c))
            *c = '_';
    return u.dimension == DIMENSION_TIME ? u.factor / 1e9 : u.factor;
}

static void label(struct text *t, const char *name, const char *value)
{
    text_format(t, "%s=\"", name);
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            text_char(t, '\\');
        if (*value == '\n')
            text_raw(t, "\\n");
        else
            text_char(t, *value == '#' ? '_' : *value);
    }
    text_char(t, '"');
}

static void header(struct text *t, const char *name, const char *unit, const char *help)
{
    const char *join = *unit ? "_" : "";

    text_format(t, "# TYPE ikelab_%s%s%s gauge\n", name, join, unit);
    if (*unit)
        text_format(t, "# UNIT ikelab_%s%s%s %s\n", name, join, unit, unit);
    text_format(t, "# HELP ikelab_%s%s%s %s\n", name, join, unit, help);
}

static void begin_sample(struct text *t, const char *name, const char *unit,
                         const struct measurement *m)
{
    text_format(t, "ikelab_%s%s%s{", name, *unit ? "_" : "", unit);
    label(t, "benchmark", m->name);
}

static void sample(struct text *t, const char *name, const char *unit, const struct measurement *m,
                   double value)
{
    if (isnan(value))
        return;
    begin_sample(t, name, unit, m);
    text_format(t, ",better=\"%s\"} ", m->better == BETTER_LOWER ? "lower" : "higher");
    text_double(t, value);
    text_char(t, '\n');
}

static double median_of(const struct measurement *m)
{
    return stats_median(m->samples, m->sample_count);
}

/* A family holds all rows of one unit: the first such row writes them all. Rows that were only
 * counted are in the family of instructions, which has the name that their unit would give. */
static bool first_of_unit(const struct measurement_set *set, size_t at, bool bounds)
{
    char unit[UNIT_MAX], other[UNIT_MAX];

    if (measurement_only_counted(&set->rows[at]))
        return false;
    base_unit(&set->rows[at], unit);
    for (size_t i = 0; i < at; i++) {
        base_unit(&set->rows[i], other);
        if (strcmp(unit, other) == 0 && (!bounds || set->rows[i].bounds))
            return false;
    }
    return !bounds || set->rows[at].bounds;
}

static void write_family(const struct measurement_set *set, size_t first, const char *name,
                         const char *help, double (*value)(const struct measurement *),
                         struct text *t)
{
    char unit[UNIT_MAX], other[UNIT_MAX];

    base_unit(&set->rows[first], unit);
    header(t, name, unit, help);
    for (size_t i = first; i < set->row_count; i++) {
        double factor = base_unit(&set->rows[i], other);

        if (strcmp(unit, other) == 0)
            sample(t, name, unit, &set->rows[i], value(&set->rows[i]) * factor);
    }
}

static double sample_count(const struct measurement *m)
{
    return (double)m->sample_count;
}

static double instructions(const struct measurement *m)
{
    return m->instructions;
}

static void write_plain(const struct measurement_set *set, const char *name, const char *unit,
                        const char *help, double (*value)(const struct measurement *),
                        struct text *t)
{
    bool begun = false;

    for (size_t i = 0; i < set->row_count; i++) {
        if (isnan(value(&set->rows[i])))
            continue;
        if (!begun)
            header(t, name, unit, help);
        begun = true;
        sample(t, name, unit, &set->rows[i], value(&set->rows[i]));
    }
}

static void write_verdicts(const struct comparison_set *verdicts, struct text *t)
{
    header(t, "benchmark_change", "ratio", "Cost of now over base; above 1 is worse.");
    for (size_t i = 0; i < verdicts->row_count; i++)
        sample(t, "benchmark_change", "ratio", verdicts->rows[i].now, verdicts->rows[i].change);
    header(t, "benchmark_verdict", "", "The verdict of the comparison; always 1.");
    for (size_t i = 0; i < verdicts->row_count; i++) {
        begin_sample(t, "benchmark_verdict", "", verdicts->rows[i].now);
        text_char(t, ',');
        label(t, "verdict", verdict_name(verdicts->rows[i].verdict));
        text_raw(t, "} 1\n");
    }
}

static void write_context(const struct measurement_context *c, struct text *t)
{
    header(t, "benchmark_context", "", "What measured, on what; always 1.");
    text_raw(t, "ikelab_benchmark_context{");
    label(t, "version", c->version);
    text_char(t, ',');
    label(t, "commit", c->commit);
    text_char(t, ',');
    label(t, "cpu", c->cpu);
    text_char(t, ',');
    label(t, "compiler", c->compiler);
    text_raw(t, "} 1\n");
}

void openmetrics_write(const struct measurement_set *set, const struct comparison_set *verdicts,
                       struct text *t)
{
    for (size_t i = 0; i < set->row_count; i++)
        if (first_of_unit(set, i, false))
            write_family(set, i, "benchmark", "Median of the samples.", median_of, t);
    for (size_t i = 0; i < set->row_count; i++)
        if (first_of_unit(set, i, true))
            write_family(set, i, "benchmark_bound", "What the hardware allows, median.", row_bound,
                         t);
    write_plain(set, "benchmark_bound", "ratio", "Share of the bound that was reached.", row_ratio,
                t);
    write_plain(set, "benchmark_repetitions", "", "Samples behind the median.", sample_count, t);
    write_plain(set, "benchmark_instructions", "", "Executed per operation.", instructions, t);
    if (verdicts)
        write_verdicts(verdicts, t);
    write_context(&set->context, t);
    text_raw(t, "# EOF\n");
}
