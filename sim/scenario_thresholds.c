/* `thresholds:`: paths of `virtual`, an aggregate, a comparison and a limit with its unit; and the
 * paths that a sweep reports. */
#include "base/assert.h"
#include "sim/scenario_read.h"

#include <ctype.h>
#include <string.h>

enum { PATHS_MAX = 512 };

struct judge {
    struct scenario_reader *r;
    struct metrics *metrics;
};

/* Paths for suggestions: of the whole run, or inside one scope. */
struct collector {
    struct arena *arena;
    const char *prefix; /* "flows.upload." or "" */
    const char **paths;
    size_t count;
};

static void collect(void *context, const struct metric *m)
{
    static const char *const scopes[] = {"groups.", "links.", "flows.", "hosts."};
    struct collector *c = context;
    size_t len = strlen(c->prefix);

    if ((m->kind != METRIC_VALUE && m->kind != METRIC_HIST) || c->count == PATHS_MAX - 1 ||
        strncmp(m->path, c->prefix, len) != 0)
        return;
    for (size_t i = 0; i < 4 && !len; i++)
        if (strncmp(m->path, scopes[i], strlen(scopes[i])) == 0)
            return;
    c->paths[c->count] = arena_text(c->arena, m->path + len, strlen(m->path + len));
    c->count += c->paths[c->count] != NULL;
}

static const char *suggest(struct judge *j, const char *prefix, const char *wrong, char *space)
{
    struct collector c = {.arena = j->r->arena, .prefix = prefix};

    space[0] = 0;
    c.paths = reader_take(j->r, PATHS_MAX * sizeof *c.paths);
    if (!c.paths)
        return space;
    metrics_visit(j->metrics, collect, &c);
    return diag_nearest(wrong, c.paths, space);
}

/* The scope a name belongs to ("flows"), or NULL. */
static const char *scope_of(const struct scenario *s, const char *name)
{
    for (uint32_t i = 0; i < s->group_count; i++)
        if (strcmp(s->groups[i].name, name) == 0)
            return "groups";
    for (uint32_t i = 0; i < s->link_count; i++)
        if (strcmp(s->links[i].name, name) == 0)
            return "links";
    for (uint32_t i = 0; i < s->flow_count; i++)
        if (strcmp(s->flows[i].name, name) == 0)
            return "flows";
    return NULL;
}

static const char *suggest_scope(struct judge *j, const char *wrong, char *space)
{
    const struct scenario *s = j->r->scenario;
    size_t n = 0, most = (size_t)s->group_count + s->link_count + s->flow_count;
    const char **names = reader_take(j->r, (most + 1) * sizeof *names);

    space[0] = 0;
    if (!names)
        return space;
    for (uint32_t i = 0; i < s->flow_count; i++)
        names[n++] = s->flows[i].name;
    for (uint32_t i = 0; i < s->group_count; i++)
        names[n++] = s->groups[i].name;
    for (uint32_t i = 0; i < s->link_count; i++)
        names[n++] = s->links[i].name;
    return diag_nearest(wrong, names, space);
}

static void unknown_metric(struct judge *j, const struct tree *key)
{
    const char *at = strrchr(key->text, '@'), *scope, *path;
    char space[128], prefix[128] = "";

    if (at) {
        scope = scope_of(j->r->scenario, at + 1);
        if (!scope) {
            diag_error(&j->r->diag, key, "no group, link or flow '%.64s'%s", at + 1,
                       suggest_scope(j, at + 1, space));
            return;
        }
        snprintf(prefix, sizeof prefix, "%s.%.64s.", scope, at + 1);
    }
    path = arena_text(j->r->arena, key->text, at ? (size_t)(at - key->text) : strlen(key->text));
    if (path)
        diag_error(&j->r->diag, key,
                   "no metric '%.80s'%s%.32s%s; metrics are paths of `virtual` "
                   "in result.json, such as ike.setup_time_s",
                   path, at ? " of " : "", at ? at + 1 : "", suggest(j, prefix, path, space));
}

static const char *skip_spaces(const char *p)
{
    return p + strspn(p, " ");
}

/* p(99), p(99.9), count, min, mean, max, value, or nothing. NULL: none of these. */
static const char *read_aggregate(const char *p, struct threshold *t)
{
    static const struct {
        const char *word;
        enum aggregate aggregate;
    } words[] = {{"count", AGGREGATE_COUNT},
                 {"min", AGGREGATE_MIN},
                 {"mean", AGGREGATE_MEAN},
                 {"max", AGGREGATE_MAX},
                 {"value", AGGREGATE_VALUE}};
    char number[16] = "";
    uint64_t milli;
    size_t len;

    t->aggregate = AGGREGATE_VALUE;
    if (strncmp(p, "p(", 2) == 0) {
        len = strcspn(p + 2, ")");
        if (p[2 + len] != ')' || len >= sizeof number)
            return NULL;
        memcpy(number, p + 2, len);
        if (unit_read(DIMENSION_MILLI, number, &milli) || milli > 100000)
            return NULL;
        t->aggregate = AGGREGATE_PERCENTILE;
        t->percentile_ppm = (uint32_t)milli * 10;
        return p + len + 3;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        len = strlen(words[i].word);
        if (strncmp(p, words[i].word, len) == 0) {
            t->aggregate = words[i].aggregate;
            return p + len;
        }
    }
    return isalpha((unsigned char)*p) ? NULL : p;
}

static const char *read_comparison(const char *p, enum comparison *op)
{
    static const struct {
        const char *sign;
        enum comparison op;
    } signs[] = {{"<=", COMPARE_LE}, {">=", COMPARE_GE}, {"==", COMPARE_EQ},
                 {"!=", COMPARE_NE}, {"<", COMPARE_LT},  {">", COMPARE_GT}};

    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (strncmp(p, signs[i].sign, strlen(signs[i].sign)) == 0) {
            *op = signs[i].op;
            return p + strlen(signs[i].sign);
        }
    return NULL;
}

/* A ratio or a plain number: digits as written, or a percentage. */
static bool read_plain(const char *p, struct fixed *out)
{
    size_t len = strspn(p, "0123456789"), decimals = 0;
    uint64_t v = 0;

    if (len == 0)
        return false;
    if (p[len] == '.') {
        decimals = strspn(p + len + 1, "0123456789");
        if (decimals == 0)
            return false;
        decimals += 0;
    }
    if (len + decimals > 15)
        return false;
    for (const char *c = p; c < p + len + (decimals ? decimals + 1 : 0); c++)
        if (*c != '.')
            v = v * 10 + (uint64_t)(*c - '0');
    p += len + (decimals ? decimals + 1 : 0);
    *out = (struct fixed){.value = v, .decimals = (uint8_t)(decimals + (*p == '%' ? 2 : 0))};
    return *p == 0 || strcmp(p, "%") == 0;
}

static bool read_limit(struct judge *j, const struct tree *n, const char *p, const char *unit,
                       struct fixed *out)
{
    enum dimension dimension = strcmp(unit, "s") == 0       ? DIMENSION_TIME
                               : strcmp(unit, "bit/s") == 0 ? DIMENSION_BITRATE
                               : strcmp(unit, "B") == 0     ? DIMENSION_SIZE
                               : strcmp(unit, "1/s") == 0   ? DIMENSION_FREQUENCY
                                                            : DIMENSION_COUNT_OF;
    const char *wrong;

    if (dimension == DIMENSION_COUNT_OF) {
        if (read_plain(p, out))
            return true;
        diag_error(&j->r->diag, n,
                   "'%.64s' is no limit for this metric, which takes a number, "
                   "such as 0 or 0.95",
                   p);
        return false;
    }
    out->decimals = dimension == DIMENSION_TIME ? 9 : dimension == DIMENSION_FREQUENCY ? 6 : 0;
    wrong = unit_read(dimension, p, &out->value);
    if (wrong)
        diag_error(&j->r->diag, n, "'%.64s' %s; this metric takes %s", p, wrong,
                   unit_accepted(dimension));
    return !wrong;
}

static void read_threshold(struct judge *j, const struct tree *key, const struct tree *n)
{
    struct scenario *s = j->r->scenario;
    struct threshold t = {.metric = key->text};
    struct threshold_result unused;
    struct metric metric;
    const char *p = text_of(j->r, n, "a text such as \"p(99)<2s\"");

    if (!p)
        return;
    t.expect = p;
    p = read_aggregate(skip_spaces(p), &t);
    if (p)
        p = read_comparison(skip_spaces(p), &t.op);
    if (!p) {
        diag_error(&j->r->diag, n,
                   "'%.64s' is no threshold, which is value, count, min, mean, "
                   "max or p(N), then <, <=, ==, !=, >= or >, then a limit, such as \"p(99)<2s\"",
                   n->text);
        return;
    }
    if (!metrics_find(j->metrics, key->text, &metric))
        return; /* said before */
    if (threshold_judge(&t, j->metrics, &unused) == ERR_USAGE) {
        diag_error(&j->r->diag, n,
                   metric.kind == METRIC_HIST
                       ? "'%.40s' has many values: say which, such as p(99), mean, max or count"
                       : "'%.40s' is one number: compare it itself, such as \"==0\"",
                   key->text);
        return;
    }
    if (read_limit(j, n, skip_spaces(p),
                   metric.kind == METRIC_HIST && t.aggregate == AGGREGATE_COUNT ? "1" : metric.unit,
                   &t.limit))
        s->thresholds[s->threshold_count++] = t;
}

static uint32_t count_thresholds(const struct tree *map)
{
    uint32_t n = 0;

    for (const struct tree *v = map->first; v; v = v->next)
        n += v->kind == TREE_LIST ? v->count : 1;
    return n;
}

static void judge_all(struct judge *j, const struct tree *map)
{
    struct metric unused;

    for (const struct tree *v = map->first; v; v = v->next) {
        if (is_ignored(v))
            continue;
        if (!metrics_find(j->metrics, v->key->text, &unused))
            unknown_metric(j, v->key);
        if (v->kind != TREE_LIST)
            read_threshold(j, v->key, v);
        for (const struct tree *n = v->first; n && v->kind == TREE_LIST; n = n->next)
            read_threshold(j, v->key, n);
    }
}

static void judge_thresholds(struct judge *j)
{
    struct scenario *s = j->r->scenario;
    const struct tree *map = tree_get(j->r->root, "thresholds");

    if (!map || tree_is_null(map))
        return;
    if (map->kind != TREE_MAP) {
        diag_error(&j->r->diag, map,
                   "'thresholds' is a mapping, such as {ike.failed: [\"count==0\"]}");
        return;
    }
    s->thresholds = reader_take(j->r, count_thresholds(map) * sizeof *s->thresholds);
    if (s->thresholds)
        judge_all(j, map);
}

/* What a sweep reports: single numbers, so of a distribution one of these. */
static const char *const numbers_of_many[] = {"count", "min", "mean", "p50",
                                              "p90",   "p99", "p999", "max"};

/* "ike.setup_time_s@homes" and "p99" are "ike.setup_time_s.p99@homes". */
static const char *with_number(struct judge *j, const char *path, const char *number)
{
    size_t len = strcspn(path, "@");

    return arena_format(j->r->arena, "%.*s.%s%s", (int)len, path, number, path + len);
}

/* The reverse. @return which number, or NULL: `path` has none behind it */
static const char *without_number(struct judge *j, const char *path, const char **rest)
{
    size_t len = strcspn(path, "@"), dot = len;

    while (dot > 0 && path[dot] != '.')
        dot--;
    *rest = arena_format(j->r->arena, "%.*s%s", (int)dot, path, path + len);
    for (size_t i = 0; i < sizeof numbers_of_many / sizeof *numbers_of_many && dot > 0; i++)
        if (strlen(numbers_of_many[i]) == len - dot - 1 &&
            strncmp(numbers_of_many[i], path + dot + 1, len - dot - 1) == 0)
            return numbers_of_many[i];
    return NULL;
}

static const char *unit_of_number(const char *unit, const char *number)
{
    return strcmp(number, "count") == 0 ? "1" : unit;
}

static void add_metric(struct sweep *s, const char *path, const char *unit)
{
    struct sweep_metric *list = (struct sweep_metric *)s->metrics;

    for (uint32_t i = 0; i < s->metric_count; i++)
        if (strcmp(list[i].path, path) == 0)
            return;
    list[s->metric_count++] = (struct sweep_metric){path, unit};
}

static void report_written(struct judge *j, const struct tree *n)
{
    struct sweep *s = &j->r->scenario->sweep;
    struct metric m;
    const char *rest, *number;

    if (n->kind != TREE_SCALAR)
        return; /* said before */
    if (metrics_find(j->metrics, n->text, &m) && m.kind == METRIC_VALUE) {
        add_metric(s, n->text, m.unit);
        return;
    }
    if (metrics_find(j->metrics, n->text, &m)) {
        diag_error(&j->r->diag, n, "'%.80s' has many values: say which, such as %s", n->text,
                   with_number(j, n->text, "p99"));
        return;
    }
    number = without_number(j, n->text, &rest);
    if (number && metrics_find(j->metrics, rest, &m) && m.kind == METRIC_HIST)
        add_metric(s, n->text, unit_of_number(m.unit, number));
    else
        unknown_metric(j, n);
}

/* Of the percentiles that result.json has, the next one: p95 is seen in p99. */
static const char *number_of(const struct threshold *t)
{
    switch (t->aggregate) {
    case AGGREGATE_MIN:
        return "min";
    case AGGREGATE_MEAN:
        return "mean";
    case AGGREGATE_MAX:
        return "max";
    case AGGREGATE_PERCENTILE:
        return t->percentile_ppm <= 500000   ? "p50"
               : t->percentile_ppm <= 900000 ? "p90"
               : t->percentile_ppm <= 990000 ? "p99"
                                             : "p999";
    default:
        return "count";
    }
}

static void report_judged(struct judge *j, const struct threshold *t)
{
    struct sweep *s = &j->r->scenario->sweep;
    struct metric m;

    if (!metrics_find(j->metrics, t->metric, &m))
        return;
    if (m.kind == METRIC_HIST)
        add_metric(s, with_number(j, t->metric, number_of(t)),
                   unit_of_number(m.unit, number_of(t)));
    else
        add_metric(s, t->metric, m.unit);
}

/* `report`, else the thresholds, else what every scenario has. */
static void choose_report(struct judge *j)
{
    static const char *const usual[] = {"ike.failed", "ike.setup_time_s.p50",
                                        "ike.setup_time_s.p99", "esp.delivered_ratio"};
    static const char *const units[] = {"1", "s", "s", "1"};
    struct scenario *s = j->r->scenario;
    const struct tree *report = tree_get(tree_get(j->r->root, "sweep"), "report");
    size_t most = (size_t)s->sweep.report_count + s->threshold_count + 4;

    s->sweep.metrics = reader_take(j->r, most * sizeof *s->sweep.metrics);
    if (!s->sweep.metrics)
        return;
    if (report && report->kind == TREE_SCALAR)
        report_written(j, report);
    for (const struct tree *n = report ? report->first : NULL; n; n = n->next)
        report_written(j, n);
    for (uint32_t i = 0; i < s->threshold_count && !report; i++)
        report_judged(j, &s->thresholds[i]);
    if (report || s->threshold_count)
        return;
    for (size_t i = 0; i < sizeof usual / sizeof *usual - (s->flow_count == 0); i++)
        add_metric(&s->sweep, usual[i], units[i]);
}

void read_thresholds(struct scenario_reader *r)
{
    struct metrics_options options = {0};
    struct judge j = {.r = r};

    if (!tree_get(r->root, "thresholds") && !tree_get(r->root, "sweep"))
        return;
    if (scenario_metrics(r->scenario, &options) || metrics_create(&options, &j.metrics)) {
        r->diag.no_memory = true;
        return;
    }
    for (uint32_t i = 0; i < r->scenario->group_count; i++)
        j.metrics->groups[i].role = node_role_name(r->scenario->groups[i].role);
    judge_thresholds(&j);
    choose_report(&j);
    metrics_destroy(j.metrics);
}
