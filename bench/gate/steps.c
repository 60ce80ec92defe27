#include "bench/gate/steps.h"

#include "base/assert.h"
#include "bench/gate/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct step_options step_defaults = {.effect = 0.02, .hold = 3};

/* The values of one piece while it grows: the lower half as a heap with its largest on top, the
 * upper half, negated, as another. Between them lies the median. */
struct half {
    double *heap;
    size_t count;
    double sum;
};

struct piece {
    struct half low, high;
};

static void half_push(struct half *h, double value)
{
    size_t i = h->count++;

    for (; i > 0 && h->heap[(i - 1) / 2] < value; i = (i - 1) / 2)
        h->heap[i] = h->heap[(i - 1) / 2];
    h->heap[i] = value;
    h->sum += value;
}

static double half_pop(struct half *h)
{
    double top = h->heap[0], last = h->heap[--h->count];
    size_t i = 0, child;

    for (; (child = 2 * i + 1) < h->count; i = child) {
        if (child + 1 < h->count && h->heap[child + 1] > h->heap[child])
            child++;
        if (h->heap[child] <= last)
            break;
        h->heap[i] = h->heap[child];
    }
    h->heap[i] = last;
    h->sum -= top;
    return top;
}

static void piece_add(struct piece *p, double value)
{
    if (p->low.count == 0 || value <= p->low.heap[0])
        half_push(&p->low, value);
    else
        half_push(&p->high, -value);
    if (p->low.count > p->high.count + 1)
        half_push(&p->high, -half_pop(&p->low));
    else if (p->high.count > p->low.count)
        half_push(&p->low, -half_pop(&p->high));
}

/* The sum of absolute distances from the median; the upper half is negated. */
static double piece_cost(const struct piece *p)
{
    double middle = p->low.count > p->high.count ? p->low.heap[0] : 0;

    return -p->high.sum - p->low.sum + middle;
}

static void piece_clear(struct piece *p)
{
    p->low.count = p->high.count = 0;
    p->low.sum = p->high.sum = 0;
}

/* What the fit works on; one allocation each, freed together. */
struct fit {
    const struct step_options *options;
    size_t count;
    double *value; /* in units of the noise, about the median of all */
    double *best;  /* [j]: cheapest fit of the first j values */
    size_t *from;  /* [j]: where the last piece of that fit begins */
    struct piece piece;
};

static bool fit_alloc(struct fit *f, size_t count)
{
    f->count = count;
    f->value = malloc(count * sizeof *f->value);
    f->best = malloc((count + 1) * sizeof *f->best);
    f->from = calloc(count + 1, sizeof *f->from);
    f->piece.low.heap = malloc((count + 1) * sizeof(double));
    f->piece.high.heap = malloc((count + 1) * sizeof(double));
    return f->value && f->best && f->from && f->piece.low.heap && f->piece.high.heap;
}

static void fit_free(struct fit *f)
{
    free(f->value);
    free(f->best);
    free(f->from);
    free(f->piece.low.heap);
    free(f->piece.high.heap);
}

/* A level that drifts or steps moves few differences of neighbours, so their median shows the noise
 * alone. Few differences may agree by chance: then more is assumed. Below an eighth of the effect
 * noise does not matter, and a price of zero would make every last digit a step. */
static double noise_of(const double *value, size_t count, double effect, double *work)
{
    double level = fabs(stats_median(value, count)), least = level * effect / 8, noise;

    if (count < 2)
        return least > 0 ? least : 1;
    for (size_t i = 1; i < count; i++)
        work[i - 1] = fabs(value[i] - value[i - 1]);
    noise = 1.4826 / M_SQRT2 * stats_median(work, count - 1) * (1 + 4 / (double)count);
    noise = fmax(noise, least);
    return noise > 0 ? noise : 1;
}

/* The price of a step, in units of the noise. Found by trying: in flat series of 4 to 1000 runs
 * with normal noise the best cut gains as much in one of a hundred at most
 * (tests/gate/test_steps.c). */
static double price_of(size_t count)
{
    return 5.5 + 0.5 * log((double)count);
}

static void fit_find(struct fit *f)
{
    double price = price_of(f->count);

    f->best[0] = -price;
    for (size_t j = 1; j <= f->count; j++)
        f->best[j] = INFINITY;
    for (size_t i = 0; i < f->count; i++) {
        if (isinf(f->best[i]))
            continue;
        piece_clear(&f->piece);
        for (size_t j = i + 1; j <= f->count; j++) {
            double cost;

            piece_add(&f->piece, f->value[j - 1]);
            if (j - i < f->options->hold && j < f->count)
                continue;
            cost = f->best[i] + price + piece_cost(&f->piece);
            if (cost < f->best[j]) {
                f->best[j] = cost;
                f->from[j] = i;
            }
        }
    }
}

/* Where pieces begin, the first of them 0, and `count` after the last. @return how many pieces */
static size_t fit_cuts(const struct fit *f, size_t *cut)
{
    size_t pieces = 0, k;

    for (size_t j = f->count; j > 0; j = f->from[j])
        pieces++;
    k = pieces;
    for (size_t j = f->count; k > 0; j = f->from[j])
        cut[k--] = j;
    cut[0] = 0;
    return pieces;
}

static struct step step_between(const double *value, const size_t *cut, size_t k, size_t hold)
{
    struct step s = {.at = cut[k], .recent = cut[k + 1] - cut[k] < hold};

    s.before = stats_median(value + cut[k - 1], cut[k] - cut[k - 1]);
    s.after = stats_median(value + cut[k], cut[k + 1] - cut[k]);
    s.change = s.before != 0 ? s.after / s.before - 1 : 0;
    return s;
}

/* Whether a piece lasts at its level against that of its neighbour: two outliers side by side can
 * pull the median of three to theirs. What is newest may be short, and is then called recent. */
static bool lasts(const double *value, const size_t *cut, size_t k, size_t hold, double other)
{
    size_t begin = cut[k], length = cut[k + 1] - begin, near = 0;
    double own = stats_median(value + begin, length);

    for (size_t i = begin; i < begin + length; i++)
        near += fabs(value[i] - own) < fabs(value[i] - other);
    return near >= (length < hold ? length : hold);
}

/* How much of a step the cut before piece k is; 0: none. */
static double strength(const double *value, const size_t *cut, size_t k, size_t hold)
{
    struct step s = step_between(value, cut, k, hold);

    if (!lasts(value, cut, k - 1, hold, s.after) || !lasts(value, cut, k, hold, s.before))
        return 0;
    return fabs(s.change);
}

/* Pieces that differ by less than what counts are one: the smallest step goes first, because
 * without it the ones beside it are other steps. @return how many pieces are left */
static size_t drop_small(const double *value, size_t *cut, size_t pieces,
                         const struct step_options *o)
{
    while (pieces > 1) {
        double least = INFINITY;
        size_t at = 0;

        for (size_t k = 1; k < pieces; k++) {
            double found = strength(value, cut, k, o->hold);

            if (found < least) {
                least = found;
                at = k;
            }
        }
        if (least >= o->effect)
            break;
        memmove(cut + at, cut + at + 1, (pieces - at) * sizeof *cut);
        pieces--;
    }
    return pieces;
}

static enum err list_steps(const double *value, const size_t *cut, size_t pieces, size_t hold,
                           struct steps *out)
{
    ASSERT(pieces > 0);
    out->list = calloc(pieces, sizeof *out->list);
    if (!out->list)
        return ERR_MEMORY;
    for (size_t k = 1; k < pieces; k++)
        out->list[out->count++] = step_between(value, cut, k, hold);
    return OK;
}

static enum err fit_and_list(struct fit *f, const double *value, struct steps *out)
{
    double middle = stats_median(value, f->count);
    size_t *cut = malloc((f->count + 1) * sizeof *cut), pieces;
    enum err error;

    if (!cut)
        return ERR_MEMORY;
    out->noise = noise_of(value, f->count, f->options->effect, f->value);
    for (size_t i = 0; i < f->count; i++)
        f->value[i] = (value[i] - middle) / out->noise;
    fit_find(f);
    pieces = drop_small(value, cut, fit_cuts(f, cut), f->options);
    error = list_steps(value, cut, pieces, f->options->hold, out);
    free(cut);
    return error;
}

enum err steps_find(const double *value, size_t count, const struct step_options *options,
                    struct steps *out)
{
    struct fit f = {.options = options};
    enum err error = ERR_MEMORY;

    ASSERT(options->hold >= 1 && options->effect > 0);
    *out = (struct steps){0};
    if (count > STEPS_RUNS_MAX)
        return ERR_FULL;
    if (count == 0)
        return OK;
    if (fit_alloc(&f, count))
        error = fit_and_list(&f, value, out);
    fit_free(&f);
    return error;
}

void steps_reset(struct steps *s)
{
    free(s->list);
    *s = (struct steps){0};
}
