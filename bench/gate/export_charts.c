/*
 * What services that chart one number a commit read: github-action-benchmark's custom format
 * (one direction a file; `range` and `extra` are strings) and Bencher's BMF (a measure per row,
 * named by its dimension and in the unit Bencher gives that measure).
 */
#include "bench/gate/export_formats.h"
#include "bench/gate/export_row.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

bool gab_smaller_takes(const struct measurement *m)
{
    return m->better == BETTER_LOWER;
}

bool gab_bigger_takes(const struct measurement *m)
{
    return m->better == BETTER_HIGHER;
}

static void write_extra(const struct measurement *m, const struct measurement_context *c,
                        struct text *t)
{
    char line[200];

    snprintf(line, sizeof line, "%zu samples\ncommit %.80s\n", m->sample_count, c->commit);
    text_raw(t, ", \"extra\": ");
    if (m->bounds)
        snprintf(line + strlen(line), sizeof line - strlen(line),
                 "bound %.6g %.20s, reached %.1f%%", row_bound(m), m->unit, 100 * row_ratio(m));
    else
        line[strlen(line) - 1] = '\0';
    text_json(t, line);
}

static void write_gab(const struct measurement *m, const struct measurement_context *c,
                      struct text *t)
{
    struct row_interval i = row_interval(m);
    char range[64];

    text_raw(t, "  {\"name\": ");
    text_json(t, m->name);
    text_raw(t, ", \"unit\": ");
    text_json(t, m->unit);
    text_raw(t, ", \"value\": ");
    text_double(t, i.median);
    text_raw(t, ", \"range\": ");
    snprintf(range, sizeof range, "± %.3g", fmax(i.high - i.median, i.median - i.low));
    text_json(t, range);
    write_extra(m, c, t);
    text_char(t, '}');
}

static void write_direction(const struct measurement_set *set, enum better better, struct text *t)
{
    const char *between = "[\n";

    for (size_t i = 0; i < set->row_count; i++) {
        if (set->rows[i].better != better)
            continue;
        text_raw(t, between);
        write_gab(&set->rows[i], &set->context, t);
        between = ",\n";
    }
    text_raw(t, "\n]\n");
}

void gab_smaller_write(const struct measurement_set *set, const struct comparison_set *verdicts,
                       struct text *t)
{
    (void)verdicts;
    write_direction(set, BETTER_LOWER, t);
}

void gab_bigger_write(const struct measurement_set *set, const struct comparison_set *verdicts,
                      struct text *t)
{
    (void)verdicts;
    write_direction(set, BETTER_HIGHER, t);
}

/* Bencher's slugs: small letters, digits and single hyphens, 64 at most. */
static void make_slug(const char *unit, char slug[65])
{
    size_t n = 0;

    for (const char *c = unit; *c && n < 64; c++) {
        if (isalnum((unsigned char)*c))
            slug[n++] = (char)tolower((unsigned char)*c);
        else if (n && slug[n - 1] != '-')
            slug[n++] = '-';
    }
    while (n && slug[n - 1] == '-')
        n--;
    slug[n] = '\0';
}

/* "latency" (ns) and "throughput" (per second) are Bencher's own measures; others are made when
 * first seen. */
static void measure_of(const struct measurement *m, const struct unit *unit, char slug[65])
{
    static const char *const names[] = {[DIMENSION_TIME] = "latency",
                                        [DIMENSION_RATE] = "throughput",
                                        [DIMENSION_BITS] = "bits-per-second",
                                        [DIMENSION_BYTES] = "bytes"};

    if (unit->dimension == DIMENSION_OTHER)
        make_slug(m->unit, slug);
    else
        snprintf(slug, 65, "%s", names[unit->dimension]);
    if (!*slug)
        snprintf(slug, 65, "value");
}

static void write_bmf(const struct measurement *m, struct text *t)
{
    struct row_interval i = row_interval(m);
    struct unit unit = unit_of(m);
    char slug[65];

    measure_of(m, &unit, slug);
    text_raw(t, "  ");
    text_json(t, m->name);
    text_format(t, ": {\"%s\": {\"value\": ", slug);
    text_double(t, i.median * unit.factor);
    if (m->sample_count > 1) {
        text_raw(t, ", \"lower_value\": ");
        text_double(t, i.low * unit.factor);
        text_raw(t, ", \"upper_value\": ");
        text_double(t, i.high * unit.factor);
    }
    text_char(t, '}');
    if (!isnan(m->instructions)) {
        text_raw(t, ", \"instructions\": {\"value\": ");
        text_double(t, m->instructions);
        text_char(t, '}');
    }
    text_char(t, '}');
}

void bmf_write(const struct measurement_set *set, const struct comparison_set *verdicts,
               struct text *t)
{
    (void)verdicts;
    for (size_t i = 0; i < set->row_count; i++) {
        text_raw(t, i ? ",\n" : "{\n");
        write_bmf(&set->rows[i], t);
    }
    text_raw(t, "\n}\n");
}
