#include "bench/sweep/output.h"

#include "bench/gate/stats.h"
#include "bench/gate/whole_file.h"
#include "record/json.h"
#include "record/provenance.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double level = 0.95;

/* The shortest text that reads back as the same number. */
static void text_number(struct text *out, double value)
{
    char text[40];

    if (isnan(value)) {
        text_raw(out, "null");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    text_raw(out, text);
}

static void json_number(struct json *j, const char *key, double value)
{
    json_key(j, key);
    text_number(j->text, value);
}

static const struct outcome *run_of(const struct sweep_plan *p, const struct sweep_result *r,
                                    uint64_t cell, uint32_t repeat)
{
    return &r->runs[cell * p->repeat + repeat];
}

static double value_of(const struct outcome *o, size_t metric)
{
    return o->values ? o->values[metric] : NAN;
}

enum err sweep_cell_number(const struct sweep_plan *p, const struct sweep_result *r, uint64_t cell,
                           size_t metric, struct cell_number *out)
{
    double *values = calloc(p->repeat, sizeof *values);

    *out = (struct cell_number){0, NAN, NAN, NAN, NAN, NAN, NAN};
    if (!values)
        return ERR_MEMORY;
    for (uint32_t i = 0; i < p->repeat; i++) {
        double value = value_of(run_of(p, r, cell, i), metric);

        if (!isnan(value))
            values[out->count++] = value;
    }
    if (out->count > 0) {
        out->mean = stats_mean(values, out->count);
        out->median = stats_median(values, out->count);
    }
    if (out->count > 1) {
        struct interval i = stats_mean_interval(values, out->count, level);

        out->low = i.low;
        out->high = i.high;
    }
    for (size_t i = 0; i < out->count; i++) {
        out->min = fmin(out->min, values[i]);
        out->max = fmax(out->max, values[i]);
    }
    free(values);
    return OK;
}

static void json_axes(struct json *j, const struct sweep_plan *p)
{
    json_array_begin(j, "axes");
    for (size_t i = 0; i < p->axis_count; i++) {
        const struct plan_axis *a = &p->axes[i];

        json_object_begin(j, NULL);
        json_text(j, "key", a->key);
        json_text(j, "unit", a->numbers ? a->unit : NULL);
        json_array_begin(j, "values");
        for (uint32_t k = 0; k < a->value_count; k++)
            json_text(j, NULL, a->values[k]);
        json_array_end(j);
        if (a->numbers) {
            json_array_begin(j, "numbers");
            for (uint32_t k = 0; k < a->value_count; k++)
                json_fixed(j, NULL, a->numbers[k]);
            json_array_end(j);
        } else {
            json_text(j, "numbers", NULL);
        }
        json_object_end(j);
    }
    json_array_end(j);
}

static void json_head(struct json *j, const struct sweep_plan *p, const struct sweep_result *r)
{
    const struct provenance *origin = provenance();

    json_u64(j, "schema_version", PLAN_SCHEMA_VERSION);
    json_object_begin(j, "scenario");
    json_text(j, "name", p->scenario_name);
    json_text(j, "file", p->scenario_file);
    json_text(j, "sha256", p->scenario_sha256);
    json_object_end(j);
    json_object_begin(j, "provenance");
    json_text(j, "version", origin->version);
    json_text(j, "commit", origin->commit);
    json_bool(j, "dirty", origin->dirty);
    json_text(j, "compiler", origin->compiler);
    json_text(j, "flags", origin->flags);
    json_object_end(j);
    json_object_begin(j, "settings");
    for (size_t i = 0; i < p->setting_count; i++)
        json_text(j, p->settings[i].key, p->settings[i].value);
    json_object_end(j);
    json_u64(j, "seed", p->seed);
    json_u64(j, "repeat", p->repeat);
    json_text(j, "thresholds", p->thresholds_ignored ? "ignore" : "judge");
    json_bool(j, "partial", r->state.done + r->state.kept < r->state.all);
    json_object_begin(j, "runs");
    json_u64(j, "all", r->state.all);
    json_u64(j, "failed", r->state.failed);
    json_u64(j, "threshold_failed", r->state.threshold);
    json_object_end(j);
    json_object_begin(j, "interval");
    json_text(j, "of", "mean");
    json_text(j, "method", "Student t over seeds");
    json_number(j, "level", level);
    json_object_end(j);
}

static void json_run(struct json *j, const struct sweep_plan *p, const struct outcome *o,
                     uint64_t run)
{
    static const char *const states[] = {[OUTCOME_MISSING] = "missing",
                                         [OUTCOME_DONE] = "done",
                                         [OUTCOME_THRESHOLD] = "threshold failed",
                                         [OUTCOME_FAILED] = "failed"};
    char name[PLAN_TEXT_MAX];

    json_object_begin(j, NULL);
    json_text(j, "folder", plan_run_name(p, run, name));
    json_u64(j, "seed", p->seed + run % p->repeat);
    json_text(j, "state", states[o->state]);
    json_text(j, "digest", o->digest[0] ? o->digest : NULL);
    json_object_end(j);
}

static void json_cell_metric(struct json *j, const struct sweep_plan *p,
                             const struct sweep_result *r, uint64_t cell, size_t metric)
{
    struct cell_number n;

    if (sweep_cell_number(p, r, cell, metric, &n) != OK)
        j->text->error = ERR_MEMORY;
    json_object_begin(j, p->metrics[metric].path);
    json_array_begin(j, "values");
    for (uint32_t i = 0; i < p->repeat; i++)
        json_number(j, NULL, value_of(run_of(p, r, cell, i), metric));
    json_array_end(j);
    json_u64(j, "count", n.count);
    json_number(j, "mean", n.mean);
    json_number(j, "low", n.low);
    json_number(j, "high", n.high);
    json_number(j, "median", n.median);
    json_number(j, "min", n.min);
    json_number(j, "max", n.max);
    json_object_end(j);
}

static void json_cell(struct json *j, const struct sweep_plan *p, const struct sweep_result *r,
                      uint64_t cell)
{
    struct text command;

    json_object_begin(j, NULL);
    json_u64(j, "cell", cell + 1);
    json_object_begin(j, "set");
    for (size_t i = 0; i < p->axis_count; i++)
        json_text(j, p->axes[i].key, p->axes[i].values[plan_choice(p, cell, i)]);
    json_object_end(j);
    text_init(&command, NULL);
    plan_command(p, cell * p->repeat, &command);
    json_text(j, "command", command.data);
    text_reset(&command);
    json_array_begin(j, "runs");
    for (uint32_t i = 0; i < p->repeat; i++)
        json_run(j, p, run_of(p, r, cell, i), cell * p->repeat + i);
    json_array_end(j);
    json_object_begin(j, "metrics");
    for (size_t i = 0; i < p->metric_count; i++)
        json_cell_metric(j, p, r, cell, i);
    json_object_end(j);
    json_object_end(j);
}

void sweep_json(const struct sweep_plan *p, const struct sweep_result *r, struct text *out)
{
    struct json j;

    json_init(&j, out, 0);
    json_object_begin(&j, NULL);
    json_head(&j, p, r);
    json_axes(&j, p);
    json_array_begin(&j, "metrics");
    for (size_t i = 0; i < p->metric_count; i++) {
        json_object_begin(&j, NULL);
        json_text(&j, "metric", p->metrics[i].path);
        json_text(&j, "unit", p->metrics[i].unit);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_array_begin(&j, "cells");
    for (uint64_t i = 0; i < plan_cells(p); i++)
        json_cell(&j, p, r, i);
    json_array_end(&j);
    json_object_end(&j);
    text_char(out, '\n');
}

static void csv_run(const struct sweep_plan *p, const struct outcome *o, uint64_t run,
                    struct text *out)
{
    for (size_t m = 0; m < p->metric_count && o->values; m++) {
        text_format(out, "%" PRIu64, run / p->repeat + 1);
        for (size_t i = 0; i < p->axis_count; i++) {
            text_char(out, ',');
            text_csv(out, p->axes[i].values[plan_choice(p, run / p->repeat, i)]);
        }
        text_format(out, ",%" PRIu64 ",", p->seed + run % p->repeat);
        text_csv(out, p->metrics[m].path);
        text_char(out, ',');
        text_csv(out, p->metrics[m].unit);
        text_char(out, ',');
        text_number(out, o->values[m]);
        text_char(out, '\n');
    }
}

static void sweep_csv(const struct sweep_plan *p, const struct sweep_result *r, struct text *out)
{
    text_raw(out, "cell");
    for (size_t i = 0; i < p->axis_count; i++) {
        text_char(out, ',');
        text_csv(out, p->axes[i].key);
    }
    text_raw(out, ",seed,metric,unit,value\n");
    for (uint64_t i = 0; i < r->state.all; i++)
        csv_run(p, &r->runs[i], i, out);
}

typedef void write_text(const struct sweep_plan *, const struct sweep_result *, struct text *);

static enum err write_file(const struct sweep_plan *p, const struct sweep_result *r,
                           const char *name, write_text *write, char *why)
{
    char path[PLAN_TEXT_MAX + 16];
    struct whole_file file;
    struct text text;
    enum err e;

    snprintf(path, sizeof path, "%s/%s", p->folder, name);
    e = whole_file_open(&file, path, why);
    if (e != OK)
        return e;
    text_init(&text, file.out);
    write(p, r, &text);
    e = text_flush(&text);
    text_reset(&text);
    if (e == OK || e == ERR_IO) /* what failed on its way to the disk is said by the commit */
        return whole_file_commit(&file, why);
    whole_file_drop(&file);
    snprintf(why, SWEEP_WHY_MAX, "%s", err_text(e));
    return e;
}

enum err sweep_write(const struct sweep_plan *p, const struct sweep_result *r, char *why)
{
    enum err e = write_file(p, r, "sweep.csv", sweep_csv, why);

    return e == OK ? write_file(p, r, "sweep.json", sweep_json, why) : e;
}
