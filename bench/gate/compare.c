/*
 * The verdict on each row. What a set must have to be compared is checked first, then every row is
 * measured by itself, then the p of all rows are corrected together, and only then is judged.
 */
#define _GNU_SOURCE
#include "bench/gate/compare.h"

#include "base/assert.h"
#include "base/digest.h"
#include "bench/gate/stats.h"
#include "bench/gate/virtual.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct compare_options compare_defaults = {
    .effect = 0.02,
    .tolerance = 0.10,
    .alpha = 0.02,
    .miss = 0.10,
    .doubt = 0.10,
    .instruction_effect = 0.01,
    .others = 0.2,
    .resamples = 2000,
    .seed = 1,
};

double compare_tolerance(const struct compare_options *o)
{
    return fmax(o->tolerance, o->effect);
}

const char *verdict_name(enum verdict v)
{
    static const char *const names[VERDICT_COUNT] = {"no change", "faster", "slower",
                                                     "cannot tell"};

    ASSERT(v < VERDICT_COUNT);
    return names[v];
}

void machine_class(const struct measurement_context *c, char *out, size_t cap)
{
    if (c->cores > 0)
        snprintf(out, cap, "%s, %u core%s", c->cpu, c->cores, c->cores == 1 ? "" : "s");
    else
        snprintf(out, cap, "%s, cores unknown", c->cpu);
}

static enum err same_machine(const struct measurement_set *base, const struct measurement_set *now,
                             char *why)
{
    char old[200], new[200];

    machine_class(&base->context, old, sizeof old);
    machine_class(&now->context, new, sizeof new);
    if (strcmp(old, new) == 0)
        return OK;
    snprintf(why, MEASUREMENT_WHY_MAX,
             "measured on different machines: BASE on %.190s; NEW on %.190s", old, new);
    return ERR_USAGE;
}

static bool wanted(const struct compare_options *o, const struct measurement *m)
{
    return !o->only || fnmatch(o->only, m->name, 0) == 0;
}

/* Rows in the order of BASE. */
static enum err pair_rows(const struct compare_options *o, struct comparison_set *out, char *why)
{
    out->rows = calloc(out->base->row_count + 1, sizeof *out->rows);
    if (!out->rows)
        return ERR_MEMORY;
    for (size_t i = 0; i < out->base->row_count; i++) {
        const struct measurement *base = &out->base->rows[i];
        const struct measurement *now = measurement_find(out->now, base->name);

        if (now && wanted(o, base))
            out->rows[out->row_count++] = (struct comparison){.base = base, .now = now};
    }
    if (out->row_count > 0)
        return OK;
    snprintf(why, MEASUREMENT_WHY_MAX, "no benchmark%s%.200s is in both %.100s and %.100s",
             o->only ? " like " : "", o->only ? o->only : "", out->base->source, out->now->source);
    return ERR_MISSING;
}

/* Borrowed names of rows that `other` has not, NULL at the end; NULL when out of memory. */
static char **names_without(const struct measurement_set *set, const struct measurement_set *other,
                            const struct compare_options *o)
{
    char **names = calloc(set->row_count + 1, sizeof *names);
    size_t count = 0;

    for (size_t i = 0; names && i < set->row_count; i++)
        if (wanted(o, &set->rows[i]) && !measurement_find(other, set->rows[i].name))
            names[count++] = set->rows[i].name;
    return names;
}

static bool all_positive(const double *value, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(value[i]) || value[i] <= 0)
            return false;
    return true;
}

static bool constant(const double *value, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (value[i] != value[0])
            return false;
    return true;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The bounds must be of one kind, and made by the same libraries: a faster library is a change of
 * the bound that says nothing about the machine. */
static bool same_bound(const struct comparison *c, const struct comparison_set *set)
{
    const struct measurement *base = c->base, *now = c->now;

    return base->bounds && now->bounds && same_text(base->bound_name, now->bound_name) &&
           strcmp(set->base->context.libraries, set->now->context.libraries) == 0 &&
           all_positive(base->bounds, base->sample_count) &&
           all_positive(now->bounds, now->sample_count);
}

static bool in_turns(const struct comparison_set *set)
{
    const struct measurement_context *base = &set->base->context, *now = &set->now->context;

    return *base->turns && strcmp(base->turns, now->turns) == 0;
}

/* Without bounds, what moved the machine is in both samples of a turn. */
static bool paired(const struct comparison *c, const struct comparison_set *set)
{
    return in_turns(set) && !c->base->bounds && !c->now->bounds &&
           c->base->sample_count == c->now->sample_count;
}

static double as_cost(double value, enum better better)
{
    return better == BETTER_LOWER ? value : 1 / value;
}

static double *costs(const struct measurement *m, bool beside_bound)
{
    double *cost = malloc(m->sample_count * sizeof *cost);

    ASSERT(cost);
    for (size_t i = 0; i < m->sample_count; i++)
        cost[i] = as_cost(beside_bound ? m->samples[i] / m->bounds[i] : m->samples[i], m->better);
    return cost;
}

/* The same test, asked whether NOW lies between a base that had changed by `factor` and BASE. */
static double p_below(const double *now, size_t now_count, const double *base, size_t base_count,
                      double factor)
{
    double *moved = malloc(base_count * sizeof *moved), p;

    ASSERT(moved);
    for (size_t i = 0; i < base_count; i++)
        moved[i] = base[i] * factor;
    p = factor > 1 ? stats_mann_whitney_below(now, now_count, moved, base_count)
                   : stats_mann_whitney_below(moved, base_count, now, now_count);
    free(moved);
    return p;
}

static bool enough(struct comparison *c)
{
    size_t old = c->base->sample_count, new = c->now->sample_count;

    if (old >= COMPARE_SAMPLES_MIN && new >= COMPARE_SAMPLES_MIN)
        return true;
    snprintf(c->why, sizeof c->why,
             "%zu and %zu samples, at least %d each are needed: --repetitions %d, or as many run "
             "folders in one",
             old, new, COMPARE_SAMPLES_MIN, 2 * COMPARE_SAMPLES_MIN);
    return false;
}

/* Named by the row: which rows stand beside it changes nothing. */
static struct bootstrap bootstrap_of(const struct comparison *c, const struct compare_options *o)
{
    return (struct bootstrap){.resamples = o->resamples,
                              .level = 0.95,
                              .seed = o->seed,
                              .stream = digest_of(c->base->name, strlen(c->base->name), 0)};
}

static void measure_costs(struct comparison *c, const double *base, const double *now,
                          const struct compare_options *o)
{
    size_t old = c->base->sample_count, new = c->now->sample_count;
    struct bootstrap b = bootstrap_of(c, o);
    struct interval ratio;

    c->change = stats_median(now, new) / stats_median(base, old);
    if (!enough(c))
        return;
    c->p = stats_mann_whitney(base, old, now, new);
    if (constant(base, old) && constant(now, new))
        c->p = base[0] == now[0] ? 1 : 0;
    c->p_slower = p_below(now, new, base, old, 1 + compare_tolerance(o));
    c->p_faster = p_below(now, new, base, old, 1 / (1 + compare_tolerance(o)));
    ratio = stats_ratio_interval(base, old, now, new, &b);
    c->low = ratio.low;
    c->high = ratio.high;
}

/* One-sided, asked whether the ratios lie below `factor`, or above it where that is below 1. */
static double p_of_pairs(const double *ratio, size_t count, double factor)
{
    double *difference = malloc(count * sizeof *difference), p;

    ASSERT(difference);
    for (size_t i = 0; i < count; i++)
        difference[i] = factor > 1 ? log(ratio[i] / factor) : log(factor / ratio[i]);
    p = stats_signed_rank_below(difference, count);
    free(difference);
    return p;
}

static void measure_pairs(struct comparison *c, double *base, double *now,
                          const struct compare_options *o)
{
    size_t count = c->now->sample_count;
    struct bootstrap b = bootstrap_of(c, o);
    struct interval ratio;

    for (size_t i = 0; i < count; i++) {
        now[i] /= base[i];
        base[i] = 1;
    }
    c->change = stats_median(now, count);
    if (!enough(c))
        return;
    ratio = stats_ratio_interval(base, count, now, count, &b);
    c->low = ratio.low;
    c->high = ratio.high;
    c->p_slower = p_of_pairs(now, count, 1 + compare_tolerance(o));
    c->p_faster = p_of_pairs(now, count, 1 / (1 + compare_tolerance(o)));
    if (constant(now, count)) {
        c->p = now[0] == 1 ? 1 : 0;
        return;
    }
    for (size_t i = 0; i < count; i++)
        now[i] = log(now[i]);
    c->p = stats_signed_rank(now, count);
}

static void measure_time(struct comparison *c, const struct comparison_set *set,
                         const struct compare_options *o)
{
    const struct measurement *base = c->base, *now = c->now;
    double *old, *new;

    c->beside_bound = !o->raw && same_bound(c, set);
    if (c->beside_bound)
        c->machine = as_cost(stats_median(now->bounds, now->sample_count), now->better) /
                     as_cost(stats_median(base->bounds, base->sample_count), base->better);
    old = costs(base, c->beside_bound);
    new = costs(now, c->beside_bound);
    c->paired = !o->raw && paired(c, set);
    if (c->paired)
        measure_pairs(c, old, new, o);
    else
        measure_costs(c, old, new, o);
    free(old);
    free(new);
}

double comparison_instructions(const struct comparison *c)
{
    double all = c->instructions, own = c->instructions_own;

    if (isnan(own) || isnan(all))
        return isnan(own) ? all : own;
    return fmax(all, own) > 1 ? fmax(all, own) : fmin(all, own);
}

bool comparison_only_counted(const struct comparison *c)
{
    return measurement_only_counted(c->base) && measurement_only_counted(c->now);
}

static enum verdict by_instructions(const struct comparison *c, double effect)
{
    double change = comparison_instructions(c);

    if (change >= 1 + effect)
        return VERDICT_SLOWER;
    return change <= 1 / (1 + effect) ? VERDICT_FASTER : VERDICT_NO_CHANGE;
}

static double ratio_of_counts(double base, double now)
{
    return base > 0 && now > 0 ? now / base : NAN;
}

/* A count on the path that the library takes under valgrind says nothing about one on another. */
static void measure_instructions(struct comparison *c, const struct compare_options *o)
{
    const struct measurement *base = c->base, *now = c->now;

    c->instructions = c->instructions_own = NAN;
    if (same_text(base->instructions_note, now->instructions_note)) {
        c->instructions = ratio_of_counts(base->instructions, now->instructions);
        c->instructions_own = ratio_of_counts(base->instructions_own, now->instructions_own);
    }
    c->instructions_verdict = by_instructions(c, o->instruction_effect);
}

static void refuse_samples(struct comparison *c, const char *side, const struct measurement *m)
{
    for (size_t i = 0; i < m->sample_count && !*c->why; i++)
        if (!isfinite(m->samples[i]) || m->samples[i] <= 0)
            snprintf(c->why, sizeof c->why,
                     "sample %zu of %s is %g, which gives no ratio: measure it again", i + 1, side,
                     m->samples[i]);
}

static void measure_row(struct comparison *c, const struct comparison_set *set,
                        const struct compare_options *o)
{
    const struct measurement *base = c->base, *now = c->now;

    c->base_median = stats_median(base->samples, base->sample_count);
    c->now_median = stats_median(now->samples, now->sample_count);
    c->change = c->low = c->high = c->p = c->p_holm = c->machine = NAN;
    c->p_slower = c->p_faster = NAN;
    measure_instructions(c, o);
    if (strcmp(base->unit, now->unit) != 0 || base->better != now->better)
        snprintf(c->why, sizeof c->why,
                 "BASE is in %.20s, NEW in %.20s: measure both with one version", base->unit,
                 now->unit);
    refuse_samples(c, "BASE", base);
    refuse_samples(c, "NEW", now);
    if (*c->why)
        return;
    if (!comparison_only_counted(c)) {
        measure_time(c, set, o);
        return;
    }
    c->change = c->low = c->high = c->now_median / c->base_median;
    c->p = c->change == 1;
}

/* Where nothing varies nothing is left to chance: such rows do not make the others doubtful. */
static bool is_test(const struct comparison *c)
{
    return !isnan(c->p) && !(c->low == c->high && (c->p == 0 || c->p == 1));
}

/* @return how many rows were tested together */
static size_t correct(struct comparison_set *set)
{
    double *p = malloc((set->row_count + 1) * sizeof *p);
    size_t count = 0, next = 0;

    ASSERT(p);
    for (size_t i = 0; i < set->row_count; i++)
        if (is_test(&set->rows[i]))
            p[count++] = set->rows[i].p;
    stats_holm(p, count);
    for (size_t i = 0; i < set->row_count; i++)
        set->rows[i].p_holm = is_test(&set->rows[i]) ? p[next++] : set->rows[i].p;
    free(p);
    return count;
}

static bool of_effect(const struct comparison *c, const struct compare_options *o)
{
    return fabs(c->change - 1) >= o->effect;
}

/* The whole interval beyond the effect, not just its middle: rows with little noise would
 * otherwise cross two percent by a hair, and a gate of many rows would fail by chance. */
static bool surely_changed(const struct comparison *c, const struct compare_options *o)
{
    return c->p_holm < o->alpha && (c->low >= 1 + o->effect || c->high <= 1 / (1 + o->effect));
}

static bool surely_not(const struct comparison *c, const struct compare_options *o)
{
    return c->p_slower < o->miss && c->p_faster < o->miss &&
           !(c->p_holm < o->doubt && of_effect(c, o));
}

/* The smallest p that a row can have with so many samples. */
static double least_p(const struct comparison *c, size_t old, size_t new)
{
    return c->paired ? stats_signed_rank_least(new) : stats_mann_whitney_least(old, new);
}

/* How many samples on each side could be told apart among so many rows. */
static size_t samples_needed(const struct comparison *c, size_t rows,
                             const struct compare_options *o)
{
    size_t n = COMPARE_SAMPLES_MIN;

    while (n < MEASUREMENT_SAMPLES_MAX && least_p(c, n, n) * (double)rows >= o->alpha)
        n++;
    return n;
}

/* An interval narrows with the root of the samples; at least half as many again, in tens, and no
 * more than can be measured. */
static size_t samples_advised(const struct comparison *c, const struct compare_options *o)
{
    double wider = (c->high - c->low) / compare_tolerance(o);
    size_t few =
        c->base->sample_count < c->now->sample_count ? c->base->sample_count : c->now->sample_count;
    double more = (double)few * fmin(fmax(wider * wider, 1.5), 10);

    return (size_t)fmin(ceil(more / 10) * 10, MEASUREMENT_SAMPLES_MAX);
}

static void explain(struct comparison *c, size_t rows, const struct compare_options *o)
{
    size_t old = c->base->sample_count, new = c->now->sample_count;
    double percent = 100 * compare_tolerance(o);

    if (least_p(c, old, new) * (double)rows >= o->alpha)
        snprintf(c->why, sizeof c->why,
                 "%zu and %zu samples cannot prove a change among %zu rows: --repetitions %zu, or "
                 "fewer rows (--only)",
                 old, new, rows, samples_needed(c, rows, o));
    else if (c->p_holm < o->alpha && of_effect(c, o))
        snprintf(c->why, sizeof c->why,
                 "it changed, but perhaps by less than %.3g %%: --repetitions %zu", 100 * o->effect,
                 samples_advised(c, o));
    else if (c->p_holm < o->doubt && of_effect(c, o))
        snprintf(c->why, sizeof c->why,
                 "it looks like a change, but among %zu rows chance does this in %.0f of 100 "
                 "cases: --repetitions %zu",
                 rows, ceil(100 * c->p_holm), samples_advised(c, o));
    else
        snprintf(
            c->why, sizeof c->why,
            "too noisy to exclude a change of %.3g %%: --repetitions %zu, or a quieter machine",
            percent, samples_advised(c, o));
}

/* What others did during one of two measurements is in all of its samples, and no statistics of
 * samples can tell it from a change. In turns it is in both. */
static bool crowded(const struct comparison_set *set, const struct compare_options *o, char *why,
                    size_t cap)
{
    const struct measurement_context *base = &set->base->context, *now = &set->now->context;
    bool old = base->others > o->others, new = now->others > o->others;

    if (in_turns(set))
        return false;
    if (old || new)
        snprintf(why, cap,
                 "others used %.1f cores while %s was measured: again when they are done, or both "
                 "in turns (bench --against)",
                 new ? now->others : base->others, new ? "NEW" : "BASE");
    return old || new;
}

static void judge(struct comparison *c, const struct comparison_set *set, size_t rows,
                  const struct compare_options *o)
{
    c->verdict = VERDICT_UNCLEAR;
    if (*c->why)
        return;
    if (comparison_only_counted(c)) {
        c->verdict = c->instructions_verdict;
        return;
    }
    if (surely_changed(c, o) && is_test(c) && crowded(set, o, c->why, sizeof c->why))
        return;
    if (surely_changed(c, o))
        c->verdict = c->change > 1 ? VERDICT_SLOWER : VERDICT_FASTER;
    else if (surely_not(c, o))
        c->verdict = VERDICT_NO_CHANGE;
    else
        explain(c, rows, o);
}

static void compare_virtual(struct comparison_set *out)
{
    const struct measurement_set *base = out->base, *now = out->now;
    const char *why = "";

    if (!base->virtual != !now->virtual)
        why = base->virtual ? "NEW is not a simulation of one seed"
                            : "BASE is not a simulation of one seed";
    else if (base->virtual &&
             strcmp(base->context.scenario_sha256, now->context.scenario_sha256) != 0)
        why = "the scenarios differ";
    else if (base->virtual && base->context.seed != now->context.seed)
        why = "the seeds differ";
    out->virtual = VIRTUAL_NONE;
    snprintf(out->virtual_where, sizeof out->virtual_where, "%s", why);
    if (!base->virtual || *why)
        return;
    out->virtual = virtual_equal(base->virtual, now->virtual, out->virtual_where,
                                 sizeof out->virtual_where)
                       ? VIRTUAL_EQUAL
                       : VIRTUAL_DIFFERS;
}

static void compare_rows(struct comparison_set *out, const struct compare_options *o)
{
    size_t tested;

    for (size_t i = 0; i < out->row_count; i++)
        measure_row(&out->rows[i], out, o);
    tested = correct(out);
    for (size_t i = 0; i < out->row_count; i++)
        judge(&out->rows[i], out, tested, o);
}

enum err compare(const struct measurement_set *base, const struct measurement_set *now,
                 const struct compare_options *o, struct comparison_set *out, char *why)
{
    enum err error = o->mixed ? OK : same_machine(base, now, why);

    *out = (struct comparison_set){.base = base, .now = now};
    if (error == OK)
        error = pair_rows(o, out, why);
    if (error != OK)
        return error;
    out->only_base = names_without(base, now, o);
    out->only_now = names_without(now, base, o);
    if (!out->only_base || !out->only_now)
        return ERR_MEMORY;
    compare_rows(out, o);
    compare_virtual(out);
    return OK;
}

void comparison_reset(struct comparison_set *set)
{
    free(set->rows);
    free(set->only_base);
    free(set->only_now);
    *set = (struct comparison_set){0};
}
