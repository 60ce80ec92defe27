/* Adding one measurement set to the history, in one transaction. */
#include "bench/gate/bench_file.h"
#include "bench/gate/compare.h"
#include "bench/gate/history_db.h"

#include "base/assert.h"
#include "base/digest.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The statements of one transaction, made once for its many rows. */
struct adding {
    struct history *h;
    struct history_problem *problem;
    sqlite3_stmt *metric, *benchmark, *sample;
    const char *prefix; /* of the names of benchmarks */
    struct history_added *added;
};

/* Values bound in their order: t text (NULL: NULL), i integer, r real (NAN: NULL). */
static void bind(sqlite3_stmt *statement, const char *types, ...)
{
    va_list args;

    va_start(args, types);
    for (int i = 1; *types; i++, types++) {
        double real;

        switch (*types) {
        case 't':
            (void)sqlite3_bind_text(statement, i, va_arg(args, const char *), -1, SQLITE_STATIC);
            break;
        case 'i':
            (void)sqlite3_bind_int64(statement, i, va_arg(args, int64_t));
            break;
        default:
            ASSERT(*types == 'r');
            real = va_arg(args, double);
            if (isnan(real))
                (void)sqlite3_bind_null(statement, i);
            else
                (void)sqlite3_bind_double(statement, i, real);
        }
    }
    va_end(args);
}

/* Run a bound statement once; `id` takes the number it returns, if it returns one. */
static enum err once(const struct adding *a, sqlite3_stmt *statement, int64_t *id)
{
    int step = sqlite3_step(statement);

    if (step == SQLITE_ROW) {
        if (id)
            *id = sqlite3_column_int64(statement, 0);
        step = sqlite3_step(statement);
    }
    if (step != SQLITE_DONE)
        (void)history_failed(a->h, a->problem);
    return sqlite3_reset(statement) == SQLITE_OK && step == SQLITE_DONE ? OK : ERR_IO;
}

/* All that was measured and where, but not the path: a file that was moved is the same one. Nor the
 * time of a file that does not say itself when it was made: a copy of it is the same one. */
static enum err hash_of(const struct measurement_set *set, char out[17])
{
    struct digest d = {0};
    json_t *content = bench_file_json(set);
    char *text;

    if (content && set->context.dated_by_file)
        (void)json_object_del(json_object_get(content, "context"), "started");
    text = content ? json_dumps(content, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(content);
    if (!text)
        return ERR_MEMORY;
    digest_add(&d, text, strlen(text));
    if (set->virtual)
        digest_add(&d, set->virtual, strlen(set->virtual));
    free(text);
    snprintf(out, 17, "%016" PRIx64, d.value);
    return OK;
}

static enum err find_known(const struct adding *a, const char *hash)
{
    sqlite3_stmt *find = history_prepare(a->h, "SELECT id FROM run WHERE hash = ?", a->problem);
    enum err error = ERR_IO;

    if (find) {
        bind(find, "t", hash);
        error = once(a, find, &a->added->run);
    }
    sqlite3_finalize(find);
    a->added->known = a->added->run != 0;
    return error;
}

static enum err add_machine(const struct adding *a, const struct measurement_context *c,
                            int64_t *id)
{
    char class[HISTORY_CLASS_MAX];
    enum err error = ERR_IO;
    sqlite3_stmt *insert = history_prepare(
        a->h,
        "INSERT INTO machine(class, cpu, cores, governor, kernel, compiler, flags, libs_json)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET cpu = cpu RETURNING id",
        a->problem);

    machine_class(c, class, sizeof class);
    if (insert) {
        bind(insert, "ttittttt", class, c->cpu, (int64_t)c->cores, c->governor, c->kernel,
             c->compiler, c->flags, c->libraries);
        error = once(a, insert, id);
    }
    sqlite3_finalize(insert);
    return error;
}

/* What a set says beside what the tables have columns for. */
static char *config_json(const struct measurement_set *set)
{
    const struct measurement_context *c = &set->context;
    json_t *out = json_object();
    char *text;

    json_object_set_new(out, "digest", set->digest ? json_string(set->digest) : json_null());
    json_object_set_new(out, "load", isnan(c->load) ? json_null() : json_real(c->load));
    json_object_set_new(out, "warnings", json_string(c->warnings));
    text = json_dumps(out, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    json_decref(out);
    return text;
}

static enum err add_run(const struct adding *a, const struct measurement_set *set, const char *hash)
{
    const struct measurement_context *c = &set->context;
    char *config = config_json(set);
    int64_t machine = 0;
    enum err error = add_machine(a, c, &machine);
    sqlite3_stmt *insert = history_prepare(
        a->h,
        "INSERT INTO run(hash, source, started, commit_sha, dirty, version, machine_id, command,"
        " scenario_sha256, seed, partial, config_json)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        a->problem);

    if (error == OK && insert && config) {
        bind(insert, "ttttitittiit", hash, set->source, c->started, c->commit, (int64_t)c->dirty,
             c->version, machine, c->command, c->scenario_sha256, (int64_t)c->seed,
             (int64_t)c->partial, config);
        error = once(a, insert, &a->added->run);
    } else if (error == OK) {
        error = ERR_IO;
    }
    sqlite3_finalize(insert);
    free(config);
    return error;
}

/* What a unit measures, for those who group by it. */
static const char *metric_of(const char *unit)
{
    static const char *const words[][2] = {
        {"ns", "time"}, {"us", "time"},  {"ms", "time"},    {"s", "time"},
        {"B", "size"},  {"1/s", "rate"}, {"bit/s", "rate"}, {"Gbit/s", "rate"},
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i][0], unit) == 0)
            return words[i][1];
    return "value";
}

/* A metric of a benchmark of the run, with its samples. */
static enum err add_values(const struct adding *a, const struct measurement *m, int64_t metric,
                           const double *value, const double *bound, size_t count)
{
    const char *note = value == m->samples ? NULL : m->instructions_note;
    char name[512];
    enum err error;

    snprintf(name, sizeof name, "%s%s", a->prefix, m->name);
    bind(a->benchmark, "ititt", a->added->run, name, metric, bound ? m->bound_name : NULL, note);
    error = once(a, a->benchmark, NULL);
    for (size_t i = 0; i < count && error == OK; i++) {
        bind(a->sample, "itiirr", a->added->run, name, metric, (int64_t)i, value[i],
             bound ? bound[i] : NAN);
        error = once(a, a->sample, NULL);
    }
    a->added->samples += count;
    return error;
}

static enum err add_metric(const struct adding *a, const char *name, const char *unit,
                           enum better better, int64_t *id)
{
    bind(a->metric, "ttt", name, unit, better == BETTER_LOWER ? "lower" : "higher");
    return once(a, a->metric, id);
}

static enum err add_row(const struct adding *a, const struct measurement *m)
{
    int64_t metric = 0;
    bool timed = !measurement_only_counted(m) || isnan(m->instructions);
    enum err error = timed ? add_metric(a, metric_of(m->unit), m->unit, m->better, &metric) : OK;

    /* The one sample of a row that was only counted is its count, which follows. */
    if (error == OK && timed)
        error = add_values(a, m, metric, m->samples, m->bounds, m->sample_count);
    if (error == OK && !isnan(m->instructions)) {
        error = add_metric(a, "instructions", "1", BETTER_LOWER, &metric);
        if (error == OK)
            error = add_values(a, m, metric, &m->instructions, NULL, 1);
    }
    a->added->benchmarks++;
    return error;
}

static enum err add_rows(struct adding *a, const struct measurement_set *set)
{
    enum err error = OK;

    a->metric = history_prepare(a->h,
                                "INSERT INTO metric(name, unit, better) VALUES(?, ?, ?)"
                                " ON CONFLICT DO UPDATE SET name = name RETURNING id",
                                a->problem);
    a->benchmark = history_prepare(a->h,
                                   "INSERT INTO benchmark(run_id, bench, metric_id, bound_name,"
                                   " note) VALUES(?, ?, ?, ?, ?)",
                                   a->problem);
    a->sample = history_prepare(a->h,
                                "INSERT INTO sample(run_id, bench, metric_id, repetition, value,"
                                " bound) VALUES(?, ?, ?, ?, ?, ?)",
                                a->problem);
    if (!a->metric || !a->benchmark || !a->sample)
        error = ERR_IO;
    for (size_t i = 0; i < set->row_count && error == OK; i++)
        error = add_row(a, &set->rows[i]);
    sqlite3_finalize(a->metric);
    sqlite3_finalize(a->benchmark);
    sqlite3_finalize(a->sample);
    return error;
}

static enum err add_set(struct adding *a, const struct measurement_set *set, const char *hash)
{
    char prefix[256] = "";
    enum err error = find_known(a, hash);

    if (error != OK || a->added->known)
        return error;
    /* Run folders of all scenarios name their rows alike; `command` is the scenario there. */
    if (set->context.dated_by_file)
        snprintf(prefix, sizeof prefix, "%.200s/", set->context.command);
    a->prefix = prefix;
    error = add_run(a, set, hash);
    return error == OK ? add_rows(a, set) : error;
}

enum err history_add(struct history *h, const struct measurement_set *set,
                     struct history_added *added, struct history_problem *problem)
{
    struct adding a = {.h = h, .problem = problem, .added = added};
    char hash[17];
    enum err error;

    *added = (struct history_added){0};
    if (set->row_count == 0)
        return history_problem(problem, ERR_USAGE, "a file of a run that was not cut short",
                               "%.300s: nothing was measured in it", set->source);
    /* What SQLite does not say itself is memory. */
    (void)history_problem(problem, OK, "a smaller file", "%.300s: out of memory", set->source);
    if (hash_of(set, hash) != OK)
        return ERR_MEMORY;
    error = history_exec(h, "BEGIN IMMEDIATE", problem);
    if (error != OK)
        return error;
    error = add_set(&a, set, hash);
    if (error == OK)
        error = history_exec(h, "COMMIT", problem);
    if (error != OK)
        (void)sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
    return error;
}
