/*
 * The Go benchmark data format, as benchstat and benchcmp read it: one line a sample, so that
 * benchstat has its repetitions. A line is "BenchmarkName iterations value unit ...", fields apart
 * by white space; "Unit u better=higher" tells benchstat which way is up.
 */
#include "bench/gate/export_formats.h"
#include "bench/gate/export_row.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* A byte of a name or unit: white space would end the field. */
static void put(struct text *t, char c)
{
    text_char(t, isspace((unsigned char)c) || iscntrl((unsigned char)c) ? '_' : c);
}

/* Where a last "-8" begins, which readers would take for GOMAXPROCS: "sas-1" becomes "sas=1", which
 * they show as the parameter it is. */
static const char *digits_at_end(const char *name)
{
    const char *at = name + strlen(name);

    while (at > name && isdigit((unsigned char)at[-1]))
        at--;
    return *at && at > name && at[-1] == '-' ? at - 1 : NULL;
}

static void write_name(const char *name, struct text *t)
{
    const char *digits = digits_at_end(name);

    text_raw(t, "Benchmark");
    if (!isalpha((unsigned char)*name))
        text_char(t, 'X');
    for (const char *c = name; *c; c++)
        put(t, c == digits ? '=' : c == name ? (char)toupper((unsigned char)*c) : *c);
}

static void unit_name(const struct measurement *m, char *out, size_t cap)
{
    struct unit unit = unit_of(m);

    snprintf(out, cap, "%s",
             unit.dimension == DIMENSION_TIME   ? "ns/op"
             : unit.dimension == DIMENSION_RATE ? "ops/s"
                                                : m->unit);
    for (char *c = out; *c; c++)
        if (isspace((unsigned char)*c) || iscntrl((unsigned char)*c))
            *c = '_';
}

static double scaled(const struct measurement *m, double value)
{
    struct unit unit = unit_of(m);

    return unit.dimension == DIMENSION_TIME ? value * unit.factor : value;
}

static void write_row(const struct measurement *m, struct text *t)
{
    char unit[64];

    unit_name(m, unit, sizeof unit);
    for (size_t i = 0; i < m->sample_count; i++) {
        write_name(m->name, t);
        text_raw(t, " 1 ");
        text_double(t, scaled(m, m->samples[i]));
        text_format(t, " %s", unit);
        if (m->bounds) {
            text_char(t, ' ');
            text_double(t, scaled(m, m->bounds[i]));
            text_format(t, " bound-%s", unit);
        }
        if (!isnan(m->instructions)) {
            text_char(t, ' ');
            text_double(t, m->instructions);
            text_raw(t, " instructions/op");
        }
        text_char(t, '\n');
    }
}

/* Once for each unit: a second line that says something else would be an error. */
static void write_units(const struct measurement_set *set, struct text *t)
{
    char unit[64], earlier[64];

    for (size_t i = 0; i < set->row_count; i++) {
        size_t j = 0;

        unit_name(&set->rows[i], unit, sizeof unit);
        for (; j < i; j++) {
            unit_name(&set->rows[j], earlier, sizeof earlier);
            if (strcmp(unit, earlier) == 0)
                break;
        }
        if (j == i)
            text_format(t, "Unit %s better=%s\n", unit,
                        set->rows[i].better == BETTER_LOWER ? "lower" : "higher");
    }
}

/* "key: value" of one line. */
static void write_key(const char *key, const char *value, struct text *t)
{
    text_format(t, "%s: ", key);
    for (const char *c = value; *c; c++)
        text_char(t, iscntrl((unsigned char)*c) ? ' ' : *c);
    text_char(t, '\n');
}

void gobench_write(const struct measurement_set *set, const struct comparison_set *verdicts,
                   struct text *t)
{
    (void)verdicts;
    text_raw(t, "goos: linux\npkg: ikelab\n");
    write_key("cpu", set->context.cpu, t);
    write_key("ikelab-version", set->context.version, t);
    write_key("ikelab-commit", set->context.commit, t);
    write_key("kernel", set->context.kernel, t);
    write_units(set, t);
    for (size_t i = 0; i < set->row_count; i++)
        write_row(&set->rows[i], t);
}
