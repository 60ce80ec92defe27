#include "bench/gate/trend.h"

#include "bench/gate/history_db.h"
#include "bench/gate/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum column {
    COLUMN_BENCH,
    COLUMN_METRIC,
    COLUMN_UNIT,
    COLUMN_BETTER,
    COLUMN_CLASS,
    COLUMN_RUN,
    COLUMN_STARTED,
    COLUMN_COMMIT,
    COLUMN_DIRTY,
    COLUMN_VALUE,
    COLUMN_BOUND,
    COLUMN_SCENARIO,
    COLUMN_BOUND_KIND,
};

/* The samples of one run of one benchmark, until the next run begins. */
struct reading {
    struct trend_set *set;
    double value[MEASUREMENT_SAMPLES_MAX], bound[MEASUREMENT_SAMPLES_MAX];
    size_t count;
    bool bounds;
};

static void end_point(struct reading *r)
{
    struct trend *t = r->set->count ? &r->set->list[r->set->count - 1] : NULL;
    struct trend_point *p;

    if (!t || r->count == 0)
        return;
    p = &t->points[t->count - 1];
    p->samples = r->count;
    p->median = stats_median(r->value, r->count);
    p->bound = r->bounds ? stats_median(r->bound, r->count) : NAN;
    stats_sort(r->value, r->count);
    p->low = r->value[(r->count - 1) / 4];
    p->high = r->value[r->count - 1 - (r->count - 1) / 4];
    r->count = 0;
}

static bool same_series(const struct trend *t, sqlite3_stmt *row)
{
    return strcmp(t->bench, history_text(row, COLUMN_BENCH)) == 0 &&
           strcmp(t->metric, history_text(row, COLUMN_METRIC)) == 0 &&
           strcmp(t->unit, history_text(row, COLUMN_UNIT)) == 0 &&
           t->better == (*history_text(row, COLUMN_BETTER) == 'l' ? BETTER_LOWER : BETTER_HIGHER) &&
           strcmp(t->class, history_text(row, COLUMN_CLASS)) == 0 &&
           strcmp(t->scenario, history_text(row, COLUMN_SCENARIO)) == 0;
}

static enum err begin_series(struct trend_set *set, sqlite3_stmt *row)
{
    struct trend *list = reallocarray(set->list, set->count + 1, sizeof *list), *t;

    if (!list)
        return ERR_MEMORY;
    set->list = list;
    t = &list[set->count++];
    *t = (struct trend){
        .bench = strdup(history_text(row, COLUMN_BENCH)),
        .metric = strdup(history_text(row, COLUMN_METRIC)),
        .unit = strdup(history_text(row, COLUMN_UNIT)),
        .class = strdup(history_text(row, COLUMN_CLASS)),
        .scenario = strdup(history_text(row, COLUMN_SCENARIO)),
        .better = *history_text(row, COLUMN_BETTER) == 'l' ? BETTER_LOWER : BETTER_HIGHER,
    };
    return t->bench && t->metric && t->unit && t->class && t->scenario ? OK : ERR_MEMORY;
}

static enum err begin_point(struct trend *t, sqlite3_stmt *row)
{
    struct trend_point *points = reallocarray(t->points, t->count + 1, sizeof *points), *p;

    if (!points)
        return ERR_MEMORY;
    t->points = points;
    p = &points[t->count++];
    *p = (struct trend_point){
        .run = sqlite3_column_int64(row, COLUMN_RUN),
        .started = strdup(history_text(row, COLUMN_STARTED)),
        .commit = strdup(history_text(row, COLUMN_COMMIT)),
        .dirty = sqlite3_column_int(row, COLUMN_DIRTY),
        .bound_kind = strdup(history_text(row, COLUMN_BOUND_KIND)),
    };
    return p->started && p->commit && p->bound_kind ? OK : ERR_MEMORY;
}

static enum err take_row(struct reading *r, sqlite3_stmt *row)
{
    struct trend_set *set = r->set;
    struct trend *t = set->count ? &set->list[set->count - 1] : NULL;
    bool same = t && same_series(t, row);
    enum err error = OK;

    if (!same || t->points[t->count - 1].run != sqlite3_column_int64(row, COLUMN_RUN)) {
        end_point(r);
        if (!same)
            error = begin_series(set, row);
        if (error == OK)
            error = begin_point(&set->list[set->count - 1], row);
    }
    if (error != OK || r->count == MEASUREMENT_SAMPLES_MAX)
        return error;
    r->bounds = sqlite3_column_type(row, COLUMN_BOUND) != SQLITE_NULL;
    r->bound[r->count] = sqlite3_column_double(row, COLUMN_BOUND);
    r->value[r->count++] = sqlite3_column_double(row, COLUMN_VALUE);
    return OK;
}

/* Runs lie hours apart, and the machine may have had another speed in each: where every run has
 * its bound, all of one kind, what they took is divided by what the bounds say the machine was
 * slower or faster than usual. A faster library moves the bound and says nothing of the machine. */
static void level(struct trend *t, size_t first, double *value)
{
    size_t count = t->count - first;
    double usual;

    t->beside_bound = true;
    for (size_t i = 0; i < count; i++) {
        value[i] = t->points[first + i].bound;
        t->beside_bound &= isfinite(value[i]) && value[i] > 0;
        t->beside_bound &=
            strcmp(t->points[first + i].bound_kind, t->points[first].bound_kind) == 0;
    }
    usual = t->beside_bound ? stats_median(value, count) : 1;
    for (size_t i = 0; i < count; i++)
        value[i] = t->points[first + i].median * usual / (t->beside_bound ? value[i] : 1);
}

static enum err find_steps(struct trend *t, const struct step_options *options)
{
    size_t first = t->count > STEPS_RUNS_MAX ? t->count - STEPS_RUNS_MAX : 0;
    double *median = malloc((t->count - first) * sizeof *median);
    enum err error;

    if (!median)
        return ERR_MEMORY;
    level(t, first, median);
    error = steps_find(median, t->count - first, options, &t->steps);
    for (size_t i = 0; i < t->steps.count; i++)
        t->steps.list[i].at += first;
    t->unjudged = first;
    free(median);
    return error;
}

static sqlite3_stmt *select_samples(struct history *h, const struct trend_query *q,
                                    struct history_problem *p)
{
    sqlite3_stmt *rows = history_prepare(
        h,
        "SELECT b.bench, k.name, k.unit, k.better, CASE WHEN ?3 THEN '' ELSE m.class END AS c,"
        " r.id, r.started, r.commit_sha, r.dirty, s.value, s.bound,"
        " r.scenario_sha256, coalesce(b.bound_name, '') || ' ' || m.libs_json"
        " FROM benchmark b JOIN run r ON r.id = b.run_id JOIN machine m ON m.id = r.machine_id"
        " JOIN metric k ON k.id = b.metric_id JOIN sample s"
        " ON (s.run_id, s.bench, s.metric_id) = (b.run_id, b.bench, b.metric_id)"
        " WHERE b.bench GLOB ?1 AND (?2 IS NULL OR m.class = ?2)"
        " AND NOT r.partial"
        " ORDER BY b.bench, k.id, c, r.scenario_sha256, r.started, r.id, s.repetition",
        p);

    if (!rows)
        return NULL;
    (void)sqlite3_bind_text(rows, 1, q->glob ? q->glob : "*", -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(rows, 2, q->class, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int(rows, 3, q->mixed);
    return rows;
}

static enum err read_rows(struct history *h, sqlite3_stmt *rows, struct trend_set *out,
                          struct history_problem *p)
{
    struct reading *r = calloc(1, sizeof *r);
    int step = SQLITE_DONE;
    enum err error = r ? OK : ERR_MEMORY;

    if (r)
        r->set = out;
    while (error == OK && (step = sqlite3_step(rows)) == SQLITE_ROW)
        error = take_row(r, rows);
    if (error == OK && step != SQLITE_DONE)
        error = history_failed(h, p);
    if (error == OK)
        end_point(r);
    free(r);
    return error;
}

static enum err count_left_out(struct history *h, const char *class, size_t *out,
                               struct history_problem *p)
{
    sqlite3_stmt *count = history_prepare(h,
                                          "SELECT count(*) FROM run JOIN machine m"
                                          " ON m.id = machine_id WHERE class <> ?",
                                          p);
    int step = SQLITE_ERROR;

    if (count) {
        (void)sqlite3_bind_text(count, 1, class, -1, SQLITE_STATIC);
        step = sqlite3_step(count);
    }
    *out = step == SQLITE_ROW ? (size_t)sqlite3_column_int64(count, 0) : 0;
    sqlite3_finalize(count);
    return step == SQLITE_ROW ? OK : ERR_IO;
}

enum err trend_read(struct history *h, const struct trend_query *q, struct trend_set *out,
                    struct history_problem *p)
{
    sqlite3_stmt *rows;
    enum err error;

    *out = (struct trend_set){0};
    (void)history_problem(p, OK, "fewer benchmarks: ikelab history GLOB", "out of memory");
    rows = select_samples(h, q, p);
    error = rows ? read_rows(h, rows, out, p) : ERR_IO;
    sqlite3_finalize(rows);
    for (size_t i = 0; i < out->count && error == OK; i++)
        error = find_steps(&out->list[i], &q->steps);
    if (error == OK && q->class)
        error = count_left_out(h, q->class, &out->left_out, p);
    return error;
}

static void reset_one(struct trend *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->points[i].started);
        free(t->points[i].commit);
        free(t->points[i].bound_kind);
    }
    free(t->points);
    free(t->bench);
    free(t->metric);
    free(t->unit);
    free(t->class);
    free(t->scenario);
    steps_reset(&t->steps);
}

void trend_reset(struct trend_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        reset_one(&set->list[i]);
    free(set->list);
    *set = (struct trend_set){0};
}

const char *trend_word(const struct trend *t, double change)
{
    return (change > 0) == (t->better == BETTER_HIGHER) ? "better" : "worse";
}
