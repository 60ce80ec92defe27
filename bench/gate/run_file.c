#define _GNU_SOURCE
#include "bench/gate/run_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One number of a result file and the row it becomes. */
struct reading {
    const char *path; /* dots between the keys */
    const char *row, *unit;
    enum better better;
};

static const struct reading simulation[] = {
    {"wall.run_s", "wall/run_s", "s", BETTER_LOWER},
    {"wall.setup_s", "wall/setup_s", "s", BETTER_LOWER},
    {"wall.last_up_s", "wall/last_up_s", "s", BETTER_LOWER},
    {"wall.events_per_s", "wall/events_per_s", "1/s", BETTER_HIGHER},
    {"wall.sim_handshakes_per_s", "wall/sim_handshakes_per_s", "1/s", BETTER_HIGHER},
    {"wall.esp_gbit_per_s", "wall/esp_gbit_per_s", "Gbit/s", BETTER_HIGHER},
    {"wall.peak_rss_bytes", "wall/peak_rss", "B", BETTER_LOWER},
};

static const struct reading live[] = {
    {"virtual.ike.rate_per_s.mean", "live/handshakes", "1/s", BETTER_HIGHER},
    {"virtual.ike.setup_time_s.p50", "live/setup_time/p50", "s", BETTER_LOWER},
    {"virtual.ike.setup_time_s.p99", "live/setup_time/p99", "s", BETTER_LOWER},
};

/* Of each flow of a live run, when it measured them. */
static const struct reading live_flow[] = {
    {"esp.delivered_per_s", "packets", "1/s", BETTER_HIGHER},
    {"esp.throughput_bps", "throughput", "bit/s", BETTER_HIGHER},
    {"esp.delivered_ratio", "delivered", "1", BETTER_HIGHER},
    {"esp.round_trip_s.p50", "round_trip/p50", "s", BETTER_LOWER},
    {"esp.round_trip_s.p99", "round_trip/p99", "s", BETTER_LOWER},
};

static const json_t *at(const json_t *root, const char *path)
{
    char key[64];

    while (root && *path) {
        size_t n = strcspn(path, ".");

        snprintf(key, sizeof key, "%.*s", (int)n, path);
        root = json_object_get(root, key);
        path += n + (path[n] == '.');
    }
    return root;
}

/* A null or a zero was not measured: there were no such packets, no such handshake. */
static enum err take(const json_t *root, const struct reading *r, const char *row,
                     struct measurement_set *set)
{
    double value = json_number_value(at(root, r->path));
    struct measurement *m;

    if (!(value > 0))
        return OK;
    m = measurement_add(set, row, r->unit, r->better);
    return m ? measurement_sample(m, value, NAN) : ERR_MEMORY;
}

static enum err take_all(const json_t *root, const struct reading *readings, size_t count,
                         struct measurement_set *set)
{
    enum err error = OK;

    for (size_t i = 0; i < count && error == OK; i++)
        error = take(root, &readings[i], readings[i].row, set);
    return error;
}

static enum err take_flows(json_t *flows, struct measurement_set *set)
{
    const char *name;
    json_t *flow;
    enum err error = OK;

    json_object_foreach(flows, name, flow)
    {
        for (size_t i = 0; i < sizeof live_flow / sizeof *live_flow && error == OK; i++) {
            char row[160];

            snprintf(row, sizeof row, "live/%.100s/%s", name, live_flow[i].row);
            error = take(flow, &live_flow[i], row, set);
        }
    }
    return error;
}

static enum err text_at(const json_t *root, const char *path, char **place)
{
    const char *text = json_string_value(at(root, path));

    return text ? measurement_text(place, text) : OK;
}

static enum err read_context(const json_t *root, struct measurement_set *set)
{
    struct measurement_context *c = &set->context;
    const struct {
        const char *path;
        char **place;
    } texts[] = {
        {"provenance.version", &c->version},
        {"provenance.commit", &c->commit},
        {"provenance.compiler", &c->compiler},
        {"provenance.flags", &c->flags},
        {"provenance.cpu", &c->cpu},
        {"provenance.kernel", &c->kernel},
        {"scenario.name", &c->command},
        {"scenario.sha256", &c->scenario_sha256},
        {"digest", &set->digest},
    };
    char *libraries = json_dumps(at(root, "provenance.libraries"), JSON_COMPACT | JSON_SORT_KEYS);
    enum err error = OK;

    for (size_t i = 0; i < sizeof texts / sizeof *texts && error == OK; i++)
        error = text_at(root, texts[i].path, texts[i].place);
    c->dirty = json_is_true(at(root, "provenance.dirty"));
    c->cores = (uint32_t)json_integer_value(at(root, "provenance.cores"));
    c->partial = json_is_true(at(root, "partial"));
    c->seed = (uint64_t)json_integer_value(at(root, "seed"));
    if (error == OK && libraries)
        error = measurement_text(&c->libraries, libraries);
    free(libraries);
    return error;
}

enum err run_file_read(const json_t *root, struct measurement_set *set, char *why)
{
    const char *name = json_string_value(at(root, "scenario.name"));
    enum err error = read_context(root, set);

    if (!name || !json_is_object(at(root, "virtual")) || !json_is_object(at(root, "wall"))) {
        snprintf(why, MEASUREMENT_WHY_MAX, "it has no scenario.name, 'virtual' or 'wall'");
        return ERR_SYNTAX;
    }
    if (error == OK && strncmp(name, "live-", 5) == 0) {
        free(set->digest); /* chance and real clocks: nothing of it repeats */
        set->digest = NULL;
        error = take_all(root, live, sizeof live / sizeof *live, set);
        if (error == OK)
            error = take_flows(json_object_get(json_object_get(root, "virtual"), "flows"), set);
        return error;
    }
    if (error == OK)
        error = take_all(root, simulation, sizeof simulation / sizeof *simulation, set);
    set->virtual = json_dumps(at(root, "virtual"), JSON_COMPACT | JSON_SORT_KEYS);
    return error == OK && !set->virtual ? ERR_MEMORY : error;
}

static void move(struct measurement_set *to, struct measurement_set *from)
{
    measurement_reset(to);
    *to = *from;
    *from = (struct measurement_set){0};
}

static enum err same_thing(const struct measurement_set *set, const struct measurement_set *one,
                           char *why)
{
    bool same = strcmp(set->context.scenario_sha256, one->context.scenario_sha256) == 0 &&
                strcmp(set->context.command, one->context.command) == 0;

    if (!same) {
        snprintf(why, MEASUREMENT_WHY_MAX, "%.200s is a run of something else than %.200s",
                 one->source, set->source);
        return ERR_SYNTAX;
    }
    if (set->virtual && one->virtual && set->context.seed == one->context.seed &&
        strcmp(set->context.commit, one->context.commit) == 0 &&
        strcmp(set->virtual, one->virtual) != 0) {
        snprintf(why, MEASUREMENT_WHY_MAX,
                 "%.200s and the runs before it have one scenario, seed and commit, and differ in "
                 "'virtual'",
                 one->source);
        return ERR_SYNTAX;
    }
    return OK;
}

/* A run gives one sample a row and no bounds; a folder may hold anything under that name. */
static enum err one_sample_each(const struct measurement_set *one, char *why)
{
    for (size_t i = 0; i < one->row_count; i++)
        if (one->rows[i].sample_count != 1 || one->rows[i].bounds) {
            snprintf(why, MEASUREMENT_WHY_MAX, "%.200s is a measurement of its own, not one run",
                     one->source);
            return ERR_SYNTAX;
        }
    return OK;
}

/* Other seeds are other runs: nothing of `virtual` can be asked to be equal any more. */
static void forget_virtual(struct measurement_set *set, const struct measurement_set *one)
{
    if (set->context.seed == one->context.seed)
        return;
    free(set->virtual);
    free(set->digest);
    set->virtual = set->digest = NULL;
}

enum err measurement_join(struct measurement_set *set, struct measurement_set *one, char *why)
{
    enum err error = one_sample_each(one, why);

    if (error != OK)
        return error;
    if (set->row_count == 0) {
        move(set, one);
        return OK;
    }
    error = same_thing(set, one, why);
    forget_virtual(set, one);
    for (size_t i = 0; i < one->row_count && error == OK; i++) {
        struct measurement *m = (struct measurement *)measurement_find(set, one->rows[i].name);

        if (!m)
            m = measurement_add(set, one->rows[i].name, one->rows[i].unit, one->rows[i].better);
        error = m ? measurement_sample(m, one->rows[i].samples[0], NAN) : ERR_MEMORY;
    }
    set->context.partial |= one->context.partial;
    measurement_reset(one);
    return error;
}
