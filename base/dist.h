/*
 * Random delays from integers only: no libm, no floating point, the same value on every compiler.
 * The shapes are those of tc-netem: uniform, normal, pareto (shape 3), paretonormal (1/4 normal,
 * 3/4 pareto). All have mean 0; uniform lies in [-1, 1], the others have standard deviation 1. The
 * normal distribution ends at 3.84 deviations; the tail of pareto is not cut (netem: at 4).
 */
#ifndef BASE_DIST_H
#define BASE_DIST_H

#include "base/rng.h"
#include "base/time.h"

enum distribution { DIST_UNIFORM, DIST_NORMAL, DIST_PARETO, DIST_PARETONORMAL };

/** Exponential with this mean: one draw, -ln(u) by integer binary logarithm. */
nsec dist_exponential(struct rng *r, nsec mean);
/**
 * delay + jitter * X, never below 0; X has deviation 1 (uniform: X in [-1, 1], as netem has it).
 * Draws once, also for jitter 0, so that a changed jitter shifts no later draw.
 */
nsec dist_jitter(struct rng *r, enum distribution d, nsec delay, nsec jitter);
/** X of the distribution in units of 2^-16 deviations. */
int32_t dist_deviate(struct rng *r, enum distribution d);

#endif
