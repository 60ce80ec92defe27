/*
 * bench/gate/stats asked from outside: one JSON question a line on stdin, one answer a line.
 *   {"a": [...], "b": [...], "resamples": 2000, "seed": 1}  ->  p, p_below, low, high
 *   {"holm": [...]}                                          ->  holm
 *   {"mean": [...], "level": 0.95}                           ->  mean, low, high
 *   {"pairs": [...]}                                         ->  p, p_below, least of differences
 */
#include "bench/gate/stats.h"

#include <jansson.h>
#include <stdio.h>

enum { VALUES_MAX = 2000, LINE_MAX_BYTES = 1 << 20 };

static size_t values(const json_t *array, double out[VALUES_MAX])
{
    size_t i;
    const json_t *value;

    json_array_foreach(array, i, value)
    {
        out[i] = json_number_value(value);
    }
    return json_array_size(array);
}

static json_t *two_samples(const json_t *question)
{
    static double a[VALUES_MAX], b[VALUES_MAX];
    size_t na = values(json_object_get(question, "a"), a);
    size_t nb = values(json_object_get(question, "b"), b);
    struct bootstrap boot = {
        .resamples = (uint32_t)json_integer_value(json_object_get(question, "resamples")),
        .seed = (uint64_t)json_integer_value(json_object_get(question, "seed")),
        .level = 0.95,
    };
    struct interval ratio = stats_ratio_interval(a, na, b, nb, &boot);

    return json_pack("{s:f, s:f, s:f, s:f, s:f}", "p", stats_mann_whitney(a, na, b, nb), "p_below",
                     stats_mann_whitney_below(a, na, b, nb), "least",
                     stats_mann_whitney_least(na, nb), "low", ratio.low, "high", ratio.high);
}

static json_t *corrected(const json_t *question)
{
    static double p[VALUES_MAX];
    size_t count = values(json_object_get(question, "holm"), p);
    json_t *out = json_array();

    stats_holm(p, count);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(out, json_real(p[i]));
    return json_pack("{s:o}", "holm", out);
}

static json_t *of_pairs(const json_t *question)
{
    static double d[VALUES_MAX];
    size_t n = values(json_object_get(question, "pairs"), d);

    return json_pack("{s:f, s:f, s:f}", "p", stats_signed_rank(d, n), "p_below",
                     stats_signed_rank_below(d, n), "least", stats_signed_rank_least(n));
}

static json_t *of_mean(const json_t *question)
{
    static double v[VALUES_MAX];
    size_t n = values(json_object_get(question, "mean"), v);
    double level = json_number_value(json_object_get(question, "level"));
    struct interval i = stats_mean_interval(v, n, level);

    return json_pack("{s:f, s:f, s:f}", "mean", stats_mean(v, n), "low", i.low, "high", i.high);
}

static json_t *answer_to(const json_t *question)
{
    if (json_object_get(question, "holm"))
        return corrected(question);
    if (json_object_get(question, "mean"))
        return of_mean(question);
    return json_object_get(question, "pairs") ? of_pairs(question) : two_samples(question);
}

int main(void)
{
    static char line[LINE_MAX_BYTES];

    while (fgets(line, sizeof line, stdin)) {
        json_t *question = json_loads(line, 0, NULL), *answer;

        if (!question)
            return 1;
        answer = answer_to(question);
        json_dumpf(answer, stdout, JSON_REAL_PRECISION(17) | JSON_COMPACT);
        putchar('\n');
        json_decref(answer);
        json_decref(question);
    }
    return 0;
}
