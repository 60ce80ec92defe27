#include "record/threshold.h"
#include "base/assert.h"

static enum err aggregate_hist(const struct threshold *t, const struct hist *h, struct fixed *out)
{
    if (t->aggregate == AGGREGATE_VALUE)
        return ERR_USAGE;
    if (t->aggregate == AGGREGATE_COUNT) {
        *out = fixed_count(h->count);
        return OK;
    }
    if (h->count == 0)
        *out = FIXED_NONE;
    else if (t->aggregate == AGGREGATE_MIN)
        *out = fixed_seconds(h->min);
    else if (t->aggregate == AGGREGATE_MEAN)
        *out = fixed_seconds(hist_mean(h));
    else if (t->aggregate == AGGREGATE_MAX)
        *out = fixed_seconds(h->max);
    else
        *out = fixed_seconds(hist_percentile(h, t->percentile_ppm));
    return OK;
}

static bool holds(struct fixed value, enum comparison op, struct fixed limit)
{
    int order = fixed_compare(value, limit);

    switch (op) {
    case COMPARE_LT:
        return order < 0;
    case COMPARE_LE:
        return order <= 0;
    case COMPARE_EQ:
        return order == 0;
    case COMPARE_NE:
        return order != 0;
    case COMPARE_GE:
        return order >= 0;
    case COMPARE_GT:
        return order > 0;
    }
    ASSERT(false);
    return false;
}

enum err threshold_judge(const struct threshold *t, const struct metrics *m,
                         struct threshold_result *out)
{
    struct metric metric;
    struct fixed value;

    if (!metrics_find(m, t->metric, &metric))
        return ERR_NOT_FOUND;
    if (metric.kind == METRIC_HIST) {
        enum err e = aggregate_hist(t, metric.hist, &value);

        if (e != OK)
            return e;
    } else if (t->aggregate == AGGREGATE_VALUE || t->aggregate == AGGREGATE_COUNT) {
        value = metric.value;
    } else {
        return ERR_USAGE;
    }
    out->value = value;
    out->unit = t->aggregate == AGGREGATE_COUNT && metric.kind == METRIC_HIST ? "1" : metric.unit;
    out->pass = !value.none && holds(value, t->op, t->limit);
    return OK;
}
