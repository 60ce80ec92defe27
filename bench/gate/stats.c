#define _GNU_SOURCE
#include "bench/gate/stats.h"

#include "base/assert.h"
#include "base/rng.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void stats_sort(double *value, size_t count)
{
    qsort(value, count, sizeof *value, by_value);
}

static double *sorted_copy(const double *value, size_t count)
{
    double *copy = malloc(count * sizeof *copy);

    ASSERT(copy && count > 0);
    memcpy(copy, value, count * sizeof *copy);
    stats_sort(copy, count);
    return copy;
}

static void *zeroed(size_t count, size_t size)
{
    void *room = calloc(count, size);

    ASSERT(room);
    return room;
}

static double median_of_sorted(const double *sorted, size_t count)
{
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

double stats_median(const double *value, size_t count)
{
    double *sorted = sorted_copy(value, count);
    double median = median_of_sorted(sorted, count);

    free(sorted);
    return median;
}

double stats_cv(const double *value, size_t count)
{
    double sum = 0, squares = 0, mean;

    for (size_t i = 0; i < count; i++)
        sum += value[i];
    mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (value[i] - mean) * (value[i] - mean);
    return count > 1 && mean > 0 ? 100 * sqrt(squares / (double)(count - 1)) / mean : 0;
}

struct ranked {
    double value;
    bool of_a;
};

static int by_ranked_value(const void *a, const void *b)
{
    return by_value(&((const struct ranked *)a)->value, &((const struct ranked *)b)->value);
}

static struct ranked *merged(const double *a, size_t na, const double *b, size_t nb)
{
    struct ranked *all = zeroed(na + nb, sizeof *all);

    for (size_t i = 0; i < na + nb; i++)
        all[i] = i < na ? (struct ranked){a[i], true} : (struct ranked){b[i - na], false};
    qsort(all, na + nb, sizeof *all, by_ranked_value);
    return all;
}

/* The sum of the ranks of `a`, equal values sharing the mean of theirs. `ties` becomes the sum of
 * t^3 - t over the groups of t equal values. */
static double rank_sum(const struct ranked *all, size_t count, double *ties)
{
    double sum = 0;

    *ties = 0;
    for (size_t i = 0, end; i < count; i = end) {
        size_t of_a = 0;
        double t;

        for (end = i; end < count && all[end].value == all[i].value; end++)
            of_a += all[end].of_a;
        t = (double)(end - i);
        *ties += t * t * t - t;
        sum += (double)of_a * (double)(i + 1 + end) / 2;
    }
    return sum;
}

/* Out of n + m different values, in how many ways can n be chosen? */
static double choices(size_t n, size_t m)
{
    double ways = 1;

    for (size_t i = 1; i <= n; i++)
        ways *= (double)(m + i) / (double)i;
    return ways;
}

/*
 * P(U <= u) without ties. Mann and Whitney's recursion over the largest value of all: it is one of
 * the n and stands above all m, or it is one of the m:  c(n, m, u) = c(n-1, m, u-m) + c(n, m-1, u).
 * Row i of `ways` holds c(i, j, .) while j grows to m.
 */
static double exact_below(size_t n, size_t m, size_t u)
{
    size_t width = u + 1;
    double *ways = zeroed((n + 1) * width, sizeof *ways), sum = 0;

    for (size_t i = 0; i <= n; i++)
        ways[i * width] = 1;
    for (size_t j = 1; j <= m; j++)
        for (size_t i = 1; i <= n; i++)
            for (size_t at = j; at < width; at++)
                ways[i * width + at] += ways[(i - 1) * width + at - j];
    for (size_t at = 0; at < width; at++)
        sum += ways[n * width + at];
    free(ways);
    return sum / choices(n, m);
}

/* P(U <= u), with a continuity correction. */
static double normal_below(double u, double na, double nb, double ties)
{
    double n = na + nb;
    double variance = na * nb / 12 * (n + 1 - ties / (n * (n - 1)));

    return variance > 0 ? erfc((na * nb / 2 - u - 0.5) / sqrt(2 * variance)) / 2 : 1;
}

static double chance_below(double u, size_t na, size_t nb, double ties)
{
    if (ties == 0 && na <= STATS_EXACT_MAX && nb <= STATS_EXACT_MAX)
        return exact_below(na, nb, (size_t)u);
    return normal_below(u, (double)na, (double)nb, ties);
}

/* How many of the pairs (a, b) have a above b, equal ones counting a half. */
static double pairs_above(const double *a, size_t na, const double *b, size_t nb, double *ties)
{
    struct ranked *all = merged(a, na, b, nb);
    double n = (double)na, u = rank_sum(all, na + nb, ties) - n * (n + 1) / 2;

    free(all);
    return u;
}

double stats_mann_whitney(const double *a, size_t na, const double *b, size_t nb)
{
    double ties, u = pairs_above(a, na, b, nb, &ties);

    return fmin(1, 2 * chance_below(fmin(u, (double)na * (double)nb - u), na, nb, ties));
}

double stats_mann_whitney_below(const double *a, size_t na, const double *b, size_t nb)
{
    double ties, u = pairs_above(a, na, b, nb, &ties);

    return chance_below(u, na, nb, ties);
}

double stats_mann_whitney_least(size_t na, size_t nb)
{
    return fmin(1, 2 * chance_below(0, na, nb, 0));
}

/* ---- pairs ---- */

/* In how many of the 2^n ways to sign the ranks 1 to n is the sum of the positive ones at most w?
 * Rank by rank, each adds itself to the sums there are, or does not. */
static double exact_signs_below(size_t n, size_t w)
{
    double *ways = zeroed(w + 1, sizeof *ways), sum = 0;

    ways[0] = 1;
    for (size_t rank = 1; rank <= n; rank++)
        for (size_t at = w; at >= rank; at--)
            ways[at] += ways[at - rank];
    for (size_t at = 0; at <= w; at++)
        sum += ways[at];
    free(ways);
    return sum / exp2((double)n);
}

/* P(W <= w) for the sum of the ranks of n differences. */
static double chance_of_signs(double w, size_t n, double ties)
{
    double count = (double)n, mean = count * (count + 1) / 4;
    double variance = count * (count + 1) * (2 * count + 1) / 24 - ties / 48;

    if (ties == 0 && n <= STATS_EXACT_MAX)
        return exact_signs_below(n, (size_t)w);
    return variance > 0 ? erfc((mean - w - 0.5) / sqrt(2 * variance)) / 2 : 1;
}

/* The sum of the ranks of the positive differences, by size; how many are not 0; their ties. */
static double positive_ranks(const double *difference, size_t *count, double *ties)
{
    struct ranked *all = zeroed(*count + 1, sizeof *all);
    size_t n = 0;
    double sum;

    for (size_t i = 0; i < *count; i++)
        if (difference[i] != 0)
            all[n++] = (struct ranked){fabs(difference[i]), difference[i] > 0};
    qsort(all, n, sizeof *all, by_ranked_value);
    sum = rank_sum(all, n, ties);
    free(all);
    *count = n;
    return sum;
}

double stats_signed_rank(const double *difference, size_t count)
{
    double ties, w = positive_ranks(difference, &count, &ties);
    double whole = (double)count * (double)(count + 1) / 2;

    return fmin(1, 2 * chance_of_signs(fmin(w, whole - w), count, ties));
}

double stats_signed_rank_below(const double *difference, size_t count)
{
    double ties, w = positive_ranks(difference, &count, &ties);

    return chance_of_signs(w, count, ties);
}

double stats_signed_rank_least(size_t count)
{
    return fmin(1, exp2(1 - (double)count));
}

struct placed {
    double p;
    size_t place;
};

static int by_p(const void *a, const void *b)
{
    return by_value(&((const struct placed *)a)->p, &((const struct placed *)b)->p);
}

/* The smallest p is multiplied by all tests, the next by one less; none falls below one before. */
void stats_holm(double *p, size_t count)
{
    struct placed *order = zeroed(count + 1, sizeof *order);
    double least = 0;

    for (size_t i = 0; i < count; i++)
        order[i] = (struct placed){p[i], i};
    qsort(order, count, sizeof *order, by_p);
    for (size_t i = 0; i < count; i++) {
        least = fmax(least, fmin(1, (double)(count - i) * order[i].p));
        p[order[i].place] = least;
    }
    free(order);
}

/* The value at `rank` of a resample, given how often each of the sorted values was drawn. */
static double drawn_at(const double *sorted, const uint32_t *drawn, size_t rank)
{
    size_t i = 0;

    for (size_t below = drawn[0]; below <= rank; below += drawn[i])
        i++;
    return sorted[i];
}

/* A resample is known by how often it has each value: its median needs no sorting. */
static double resampled_median(const double *sorted, uint32_t *drawn, size_t count, struct rng *r)
{
    double upper;

    memset(drawn, 0, count * sizeof *drawn);
    for (size_t i = 0; i < count; i++)
        drawn[rng_below(r, count)]++;
    upper = drawn_at(sorted, drawn, count / 2);
    return count % 2 ? upper : (drawn_at(sorted, drawn, count / 2 - 1) + upper) / 2;
}

static double quantile_of_sorted(const double *sorted, size_t count, double q)
{
    double at = q * (double)(count - 1);
    size_t below = (size_t)at, above = below + 1 < count ? below + 1 : below;

    return sorted[below] + (at - (double)below) * (sorted[above] - sorted[below]);
}

struct interval stats_ratio_interval(const double *base, size_t base_count, const double *now,
                                     size_t now_count, const struct bootstrap *b)
{
    double *old = sorted_copy(base, base_count), *new = sorted_copy(now, now_count);
    double *ratios = zeroed(b->resamples, sizeof *ratios);
    uint32_t *drawn = zeroed(base_count > now_count ? base_count : now_count, sizeof *drawn);
    struct rng r = rng_stream(b->seed, b->stream, RNG_BOOTSTRAP);
    struct interval out;

    for (uint32_t i = 0; i < b->resamples; i++) {
        double below = resampled_median(old, drawn, base_count, &r);

        ratios[i] = resampled_median(new, drawn, now_count, &r) / below;
    }
    stats_sort(ratios, b->resamples);
    out.low = quantile_of_sorted(ratios, b->resamples, (1 - b->level) / 2);
    out.high = quantile_of_sorted(ratios, b->resamples, (1 + b->level) / 2);
    free(old);
    free(new);
    free(ratios);
    free(drawn);
    return out;
}

/* From the first value on: the mean of equal values is that value, to the last bit. */
double stats_mean(const double *value, size_t count)
{
    double sum = 0;

    ASSERT(count > 0);
    for (size_t i = 1; i < count; i++)
        sum += value[i] - value[0];
    return value[0] + sum / (double)count;
}

/* P(|T| < t) of Student's distribution, in closed form for whole degrees of freedom. */
static double student_within(double t, size_t freedom)
{
    double angle = atan(t / sqrt((double)freedom)), c = cos(angle) * cos(angle), sum = 0, term = 1;
    bool odd = freedom % 2 == 1;

    for (size_t k = odd ? 1 : 0; k + 2 <= freedom; k += 2) {
        sum += term;
        term *= c * (double)(k + 1) / (double)(k + 2);
    }
    if (odd)
        return (angle + sin(angle) * cos(angle) * sum) * 2 / M_PI;
    return sin(angle) * sum;
}

/* By halving: it is asked for once a row. */
static double student_quantile(double level, size_t freedom)
{
    double low = 0, high = 1;

    while (student_within(high, freedom) < level)
        high *= 2;
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;

        *(student_within(middle, freedom) < level ? &low : &high) = middle;
    }
    return high;
}

struct interval stats_mean_interval(const double *value, size_t count, double level)
{
    double mean = stats_mean(value, count), squares = 0, half;

    ASSERT(count > 1 && level > 0 && level < 1);
    for (size_t i = 0; i < count; i++)
        squares += (value[i] - mean) * (value[i] - mean);
    half =
        student_quantile(level, count - 1) * sqrt(squares / ((double)(count - 1) * (double)count));
    return (struct interval){mean - half, mean + half};
}
