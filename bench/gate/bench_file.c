#define _GNU_SOURCE
#include "bench/gate/bench_file.h"

#include "bench/gate/stats.h"
#include "bench/gate/whole_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err bad(char *why, const char *name, const char *what)
{
    snprintf(why, MEASUREMENT_WHY_MAX, "benchmark '%.100s': %s", name, what);
    return ERR_SYNTAX;
}

struct text_field {
    const char *key;
    char **place;
};

enum { TEXT_FIELDS = 11 };

static void text_fields(struct measurement_context *c, struct text_field out[TEXT_FIELDS])
{
    const struct text_field fields[TEXT_FIELDS] = {
        {"started", &c->started},   {"version", &c->version},
        {"commit", &c->commit},     {"command", &c->command},
        {"compiler", &c->compiler}, {"flags", &c->flags},
        {"cpu", &c->cpu},           {"kernel", &c->kernel},
        {"governor", &c->governor}, {"scenario_sha256", &c->scenario_sha256},
        {"turns", &c->turns},
    };

    memcpy(out, fields, sizeof fields);
}

static enum err read_libraries(const json_t *libraries, char **place)
{
    char *text =
        json_is_object(libraries) ? json_dumps(libraries, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

    if (!text)
        return OK;
    free(*place);
    *place = text;
    return OK;
}

/* Warnings are an array of lines in the file, and lines of one text here. */
static enum err read_warnings(const json_t *warnings, char **place)
{
    size_t i;
    const json_t *line;

    json_array_foreach(warnings, i, line)
    {
        char *joined = NULL;

        if (!json_is_string(line))
            continue;
        if (asprintf(&joined, "%s%s%s", *place, **place ? "\n" : "", json_string_value(line)) < 0)
            return ERR_MEMORY;
        free(*place);
        *place = joined;
    }
    return OK;
}

static enum err read_context(const json_t *context, struct measurement_context *c)
{
    struct text_field fields[TEXT_FIELDS];
    const json_t *load = json_object_get(context, "load");
    const json_t *others = json_object_get(context, "others");
    enum err error = OK;

    text_fields(c, fields);
    for (int i = 0; i < TEXT_FIELDS && error == OK; i++) {
        const char *text = json_string_value(json_object_get(context, fields[i].key));

        if (text)
            error = measurement_text(fields[i].place, text);
    }
    c->dirty = json_is_true(json_object_get(context, "dirty"));
    c->partial = json_is_true(json_object_get(context, "partial"));
    c->cores = (uint32_t)json_integer_value(json_object_get(context, "cores"));
    c->seed = (uint64_t)json_integer_value(json_object_get(context, "seed"));
    c->load = json_is_number(load) ? json_number_value(load) : NAN;
    c->others = json_is_number(others) ? json_number_value(others) : NAN;
    if (error == OK)
        error = read_libraries(json_object_get(context, "libraries"), &c->libraries);
    if (error == OK)
        error = read_warnings(json_object_get(context, "warnings"), &c->warnings);
    return error;
}

static enum err read_samples(const json_t *entry, struct measurement *m, char *why)
{
    const json_t *samples = json_object_get(entry, "samples");
    const json_t *bounds = json_object_get(entry, "bound_samples");
    size_t count = json_array_size(samples);
    enum err error = OK;

    if (count == 0 || count > MEASUREMENT_SAMPLES_MAX)
        return bad(why, m->name, "'samples' is not an array of 1 to 1000 numbers");
    if (json_array_size(bounds) != 0 && json_array_size(bounds) != count)
        return bad(why, m->name, "'bound_samples' has not one number for each sample");
    for (size_t i = 0; i < count && error == OK; i++) {
        const json_t *value = json_array_get(samples, i), *bound = json_array_get(bounds, i);

        if (!json_is_number(value) || (bound && !json_is_number(bound)))
            return bad(why, m->name, "a sample is not a number");
        error =
            measurement_sample(m, json_number_value(value), bound ? json_number_value(bound) : NAN);
    }
    return error;
}

static enum err read_row(const json_t *entry, struct measurement_set *set, char *why)
{
    const char *name = json_string_value(json_object_get(entry, "name"));
    const char *unit = json_string_value(json_object_get(entry, "unit"));
    const char *better = json_string_value(json_object_get(entry, "better"));
    const char *bound_name = json_string_value(json_object_get(entry, "bound_name"));
    const char *note = json_string_value(json_object_get(entry, "instructions_note"));
    const json_t *instructions = json_object_get(entry, "instructions");
    const json_t *own = json_object_get(entry, "instructions_own");
    struct measurement *m;
    enum err error;

    if (!name)
        return bad(why, "?", "it has no 'name'");
    if (!unit || !better || (strcmp(better, "lower") != 0 && strcmp(better, "higher") != 0))
        return bad(why, name, "it has no 'unit', or 'better' is neither \"lower\" nor \"higher\"");
    if (measurement_find(set, name))
        return bad(why, name, "it is there twice");
    m = measurement_add(set, name, unit, *better == 'l' ? BETTER_LOWER : BETTER_HIGHER);
    if (!m)
        return ERR_MEMORY;
    error = read_samples(entry, m, why);
    if (error == OK && json_is_number(instructions))
        m->instructions = json_number_value(instructions);
    if (error == OK && json_is_number(own))
        m->instructions_own = json_number_value(own);
    if (error == OK && bound_name)
        error = measurement_text(&m->bound_name, bound_name);
    if (error == OK && note)
        error = measurement_text(&m->instructions_note, note);
    return error;
}

enum err bench_file_read(const json_t *root, struct measurement_set *set, char *why)
{
    const json_t *rows = json_object_get(root, "benchmarks"), *entry;
    enum err error = read_context(json_object_get(root, "context"), &set->context);
    size_t i;

    if (!json_is_array(rows)) {
        snprintf(why, MEASUREMENT_WHY_MAX, "'benchmarks' is not an array");
        return ERR_SYNTAX;
    }
    json_array_foreach(rows, i, entry)
    {
        if (error == OK)
            error = read_row(entry, set, why);
    }
    return error;
}

json_t *bench_file_words(const char *words)
{
    json_t *out = json_string(words);
    char *copy = out ? NULL : strdup(words);

    for (char *c = copy; c && *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    if (copy)
        out = json_string(copy);
    free(copy);
    return out;
}

static json_t *context_json(const struct measurement_context *given)
{
    struct measurement_context c = *given;
    struct text_field fields[TEXT_FIELDS];
    json_t *out = json_object(), *warnings = json_array();
    const char *line = c.warnings;

    text_fields(&c, fields);
    for (int i = 0; i < TEXT_FIELDS; i++)
        json_object_set_new(out, fields[i].key, bench_file_words(*fields[i].place));
    json_object_set_new(out, "dirty", json_boolean(c.dirty));
    json_object_set_new(out, "partial", json_boolean(c.partial));
    json_object_set_new(out, "cores", json_integer(c.cores));
    json_object_set_new(out, "seed", json_integer((json_int_t)c.seed));
    json_object_set_new(out, "load", isnan(c.load) ? json_null() : json_real(c.load));
    json_object_set_new(out, "others", isnan(c.others) ? json_null() : json_real(c.others));
    json_object_set_new(out, "libraries", json_loads(c.libraries, 0, NULL));
    while (*line) {
        size_t n = strcspn(line, "\n");

        json_array_append_new(warnings, json_stringn(line, n));
        line += n + (line[n] == '\n');
    }
    json_object_set_new(out, "warnings", warnings);
    return out;
}

static json_t *numbers(const double *value, size_t count)
{
    json_t *out = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(out, json_real(value[i]));
    return out;
}

static json_t *row_json(const struct measurement *m)
{
    json_t *out = json_object();
    double median = stats_median(m->samples, m->sample_count);

    json_object_set_new(out, "name", json_string(m->name));
    json_object_set_new(out, "unit", json_string(m->unit));
    json_object_set_new(out, "better", json_string(m->better == BETTER_LOWER ? "lower" : "higher"));
    json_object_set_new(out, "median", json_real(median));
    json_object_set_new(out, "samples", numbers(m->samples, m->sample_count));
    if (m->bounds) {
        double bound = stats_median(m->bounds, m->sample_count);

        json_object_set_new(out, "bound", json_real(bound));
        json_object_set_new(out, "bound_name", json_string(m->bound_name ? m->bound_name : ""));
        json_object_set_new(out, "bound_samples", numbers(m->bounds, m->sample_count));
        json_object_set_new(out, "ratio",
                            json_real(m->better == BETTER_LOWER ? bound / median : median / bound));
    } else {
        json_object_set_new(out, "bound", json_null());
        json_object_set_new(out, "ratio", json_null());
    }
    json_object_set_new(out, "instructions",
                        isnan(m->instructions) ? json_null() : json_real(m->instructions));
    if (!isnan(m->instructions_own))
        json_object_set_new(out, "instructions_own", json_real(m->instructions_own));
    if (m->instructions_note)
        json_object_set_new(out, "instructions_note", json_string(m->instructions_note));
    return out;
}

json_t *bench_file_json(const struct measurement_set *set)
{
    json_t *root = json_object(), *rows = json_array();

    json_object_set_new(root, "schema_version", json_integer(BENCH_SCHEMA_VERSION));
    json_object_set_new(root, "context", context_json(&set->context));
    for (size_t i = 0; i < set->row_count; i++)
        json_array_append_new(rows, row_json(&set->rows[i]));
    json_object_set_new(root, "benchmarks", rows);
    return root;
}

enum err measurement_write(const struct measurement_set *set, const char *path, char *why)
{
    json_t *root = bench_file_json(set);
    struct whole_file file;
    enum err error = whole_file_open(&file, path, why);

    if (error == OK) {
        /* A failure stays with the stream; committing finds it. */
        json_dumpf(root, file.out, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
        fputc('\n', file.out);
        error = whole_file_commit(&file, why);
    }
    json_decref(root);
    return error;
}
