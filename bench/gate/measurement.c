#define _GNU_SOURCE
#include "bench/gate/measurement.h"

#include "base/assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum err measurement_text(char **place, const char *value)
{
    char *copy = strdup(value);

    if (!copy)
        return ERR_MEMORY;
    free(*place);
    *place = copy;
    return OK;
}

enum err measurement_init(struct measurement_set *set, const char *source)
{
    struct measurement_context *c = &set->context;
    struct {
        char **place;
        const char *value;
    } texts[] = {
        {&set->source, source},    {&c->started, "unknown"},  {&c->version, "unknown"},
        {&c->commit, "unknown"},   {&c->command, "unknown"},  {&c->compiler, "unknown"},
        {&c->flags, "unknown"},    {&c->cpu, "unknown"},      {&c->kernel, "unknown"},
        {&c->governor, "unknown"}, {&c->libraries, "{}"},     {&c->warnings, ""},
        {&c->turns, ""},           {&c->scenario_sha256, ""},
    };
    enum err error = OK;

    *set = (struct measurement_set){.context = {.load = NAN, .others = NAN}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts && error == OK; i++)
        error = measurement_text(texts[i].place, texts[i].value);
    return error;
}

static void row_reset(struct measurement *m)
{
    free(m->name);
    free(m->unit);
    free(m->samples);
    free(m->bounds);
    free(m->bound_name);
    free(m->instructions_note);
}

void measurement_reset(struct measurement_set *set)
{
    struct measurement_context *c = &set->context;
    char *texts[] = {set->source, set->virtual, set->digest,        c->started,
                     c->version,  c->commit,    c->command,         c->compiler,
                     c->flags,    c->cpu,       c->kernel,          c->governor,
                     c->warnings, c->libraries, c->scenario_sha256, c->turns};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    for (size_t i = 0; i < set->row_count; i++)
        row_reset(&set->rows[i]);
    free(set->rows);
    *set = (struct measurement_set){0};
}

struct measurement *measurement_add(struct measurement_set *set, const char *name, const char *unit,
                                    enum better better)
{
    struct measurement *rows = reallocarray(set->rows, set->row_count + 1, sizeof *rows);
    struct measurement *m;

    if (!rows)
        return NULL;
    set->rows = rows;
    m = &rows[set->row_count];
    *m = (struct measurement){.better = better, .instructions = NAN, .instructions_own = NAN};
    if (measurement_text(&m->name, name) != OK || measurement_text(&m->unit, unit) != OK) {
        row_reset(m);
        return NULL;
    }
    set->row_count++;
    return m;
}

enum err measurement_sample(struct measurement *m, double value, double bound)
{
    double *samples = reallocarray(m->samples, m->sample_count + 1, sizeof *samples);
    double *bounds;

    ASSERT(isnan(bound) ? !m->bounds : m->sample_count == 0 || m->bounds);
    if (!samples)
        return ERR_MEMORY;
    m->samples = samples;
    if (!isnan(bound)) {
        bounds = reallocarray(m->bounds, m->sample_count + 1, sizeof *bounds);
        if (!bounds)
            return ERR_MEMORY;
        m->bounds = bounds;
        m->bounds[m->sample_count] = bound;
    }
    m->samples[m->sample_count++] = value;
    return OK;
}

bool measurement_only_counted(const struct measurement *m)
{
    return strcmp(m->unit, "instructions") == 0;
}

const struct measurement *measurement_find(const struct measurement_set *set, const char *name)
{
    for (size_t i = 0; i < set->row_count; i++)
        if (strcmp(set->rows[i].name, name) == 0)
            return &set->rows[i];
    return NULL;
}
