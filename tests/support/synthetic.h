/*
 * Made-up measurements with the vices of real ones: every row has its own spread (lognormal, CV 1
 * to 5 %), some samples lie far above, the machine drifts from one process to the next and from one
 * measuring to the next, a quarter of the rows comes from a coarse clock (ties), and memory rows do
 * not vary at all. Sets that were measured in turns have no bounds, and both meet the same moments.
 */
#ifndef TESTS_SUPPORT_SYNTHETIC_H
#define TESTS_SUPPORT_SYNTHETIC_H

#include "base/assert.h"
#include "base/rng.h"
#include "bench/gate/measurement.h"

#include <math.h>
#include <stdio.h>

struct synthetic {
    uint64_t seed;
    unsigned rows, samples;
    double cv_most; /* of the own noise of a row, least 1 % */
    double drift;   /* CV of the machine's speed, seen by sample and bound alike */
    bool turns;
    unsigned slow_row; /* >= rows: none */
    double slow_by;    /* factor of its cost */
    double slow_instructions;
};

static inline double synthetic_uniform(struct rng *r)
{
    return ((double)(rng_u64(r) >> 11) + 0.5) / 9007199254740992.0;
}

static inline double synthetic_noise(struct rng *r, double cv)
{
    double radius = sqrt(-2 * log(synthetic_uniform(r)));

    return exp(cv * radius * cos(2 * acos(-1) * synthetic_uniform(r)));
}

/* One in thirty is interrupted. */
static inline double synthetic_outlier(struct rng *r)
{
    return synthetic_uniform(r) < 1.0 / 30 ? 1 - 0.3 * log(synthetic_uniform(r)) : 1;
}

/* What a row is like is the same in every set of one seed; what was measured is not. */
static inline void synthetic_row(const struct synthetic *s, unsigned row, unsigned set,
                                 double machine, struct measurement_set *out)
{
    struct rng nature = rng_stream(s->seed, row, RNG_TEST);
    struct rng chance = rng_stream(s->seed, ((uint64_t)set + 1) << 32 | row, RNG_TEST);
    double level = 100 * exp(4 * synthetic_uniform(&nature));
    double cv = 0.01 + (s->cv_most - 0.01) * synthetic_uniform(&nature);
    struct rng moments = rng_stream(s->seed, UINT64_C(1) << 62 | row, RNG_TEST);
    bool memory = row % 10 == 9, bound = row % 5 != 4 && !s->turns, coarse = row % 4 == 1;
    bool slow = set == 1 && row == s->slow_row;
    double cost = level * (slow ? s->slow_by : 1);
    struct measurement *m;
    char name[32];

    snprintf(name, sizeof name, "row/%u", row);
    m = measurement_add(out, name, memory ? "B" : "ns", BETTER_LOWER);
    ASSERT(m);
    if (bound)
        ASSERT(measurement_text(&m->bound_name, "the bare work") == OK);
    m->instructions = memory ? NAN : ceil(level * 3 * (slow ? s->slow_instructions : 1));
    for (unsigned i = 0; i < s->samples; i++) {
        double moment = s->turns ? synthetic_noise(&moments, s->drift)
                        : bound  ? machine * synthetic_noise(&chance, s->drift)
                                 : 1;
        double value = cost * moment * synthetic_noise(&chance, cv) * synthetic_outlier(&chance);
        double beside =
            level / 2 * moment * synthetic_noise(&chance, cv / 2) * synthetic_outlier(&chance);

        if (coarse)
            value = ceil(value / (level / 100)) * (level / 100);
        if (memory)
            value = ceil(cost) * 4096;
        ASSERT(measurement_sample(m, value, bound && !memory ? beside : NAN) == OK);
    }
}

/* Set 0 is the base, 1 the new one. */
static inline void synthetic_set(const struct synthetic *s, unsigned set,
                                 struct measurement_set *out)
{
    struct rng chance = rng_stream(s->seed, (uint64_t)set << 40, RNG_TEST);
    double machine = synthetic_noise(&chance, s->drift);

    ASSERT(measurement_init(out, set ? "new" : "base") == OK);
    if (s->turns)
        ASSERT(measurement_text(&out->context.turns, "together") == OK);
    for (unsigned row = 0; row < s->rows; row++)
        synthetic_row(s, row, set, machine, out);
}

#endif
