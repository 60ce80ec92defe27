#include "base/dist.h"

#include "base/assert.h"

#include <stdbool.h>

enum {
    STEPS = 4096,          /* entries of the inverse CDF of the normal distribution */
    STEPS_PER_SIGMA = 2048 /* of the integration */
};

#define LN2_Q32 UINT64_C(2977044472)

/* -log2(u / 2^64) in units of 2^-32: the integer part by counting, the rest by squaring. */
static uint64_t minus_log2(uint64_t u)
{
    unsigned zeros = (unsigned)__builtin_clzll(u);
    uint64_t fraction = 0, x = u << zeros; /* 1 <= x / 2^63 < 2 */

    for (int bit = 0; bit < 32; bit++) {
        unsigned __int128 square = (unsigned __int128)x * x;

        fraction <<= 1;
        if (square >> 127) {
            fraction |= 1;
            x = (uint64_t)(square >> 64);
        } else {
            x = (uint64_t)(square >> 63);
        }
    }
    return ((uint64_t)(zeros + 1) << 32) - fraction;
}

nsec dist_exponential(struct rng *r, nsec mean)
{
    uint64_t u = rng_u64(r) | 1;

    return (nsec)(((unsigned __int128)minus_log2(u) * LN2_Q32 >> 32) * mean >> 32);
}

/*
 * Quantiles of the normal distribution, Q16, for u = (i + 1/2) / 2 / STEPS above one half. The
 * density is integrated by the recurrence d(x+h) = d(x) * e^(-xh - h^2/2), whose factor itself
 * shrinks by e^(-h^2) a step: two integer multiplications, no exponential.
 */
static int32_t upper[STEPS];

static void make_normal(void)
{
    /* e^(-h^2) and e^(-h^2/2) for h = 1/2048, Q62. */
    const uint64_t shrink = UINT64_C(4611684918915891199), half = UINT64_C(4611685468671606783);
    uint64_t density = UINT64_C(1) << 62, factor = half;
    unsigned __int128 area = 0, whole;
    uint32_t i = 0;

    /* sqrt(pi / 2), Q62, is the area of the upper half; here in steps of h. */
    whole = (unsigned __int128)UINT64_C(5779891283755275865) * STEPS_PER_SIGMA;
    for (uint32_t step = 0; i < STEPS; step++) {
        uint64_t next = (uint64_t)((unsigned __int128)density * factor >> 62);

        area += ((unsigned __int128)density + next) / 2;
        factor = (uint64_t)((unsigned __int128)factor * shrink >> 62);
        density = next;
        while (i < STEPS &&
               (area >= whole / (2 * STEPS) * (2 * i + 1) || step > 4 * STEPS_PER_SIGMA))
            upper[i++] = (int32_t)(((uint64_t)step * 2 + 1) * 65536 / (2 * STEPS_PER_SIGMA));
    }
}

static int32_t normal(uint64_t u)
{
    uint32_t i = (uint32_t)(u >> 1) % STEPS;

    if (upper[STEPS - 1] == 0)
        make_normal();
    return u & 1 ? upper[i] : -upper[i];
}

/* Cube root of x, rounded down, by bits. */
static uint64_t cube_root(unsigned __int128 x)
{
    uint64_t root = 0;

    for (int bit = 27; bit >= 0; bit--) {
        uint64_t next = root | UINT64_C(1) << bit;

        if ((unsigned __int128)next * next * next <= x)
            root = next;
    }
    return root;
}

/* u^(-1/3), mean 3/2 and variance 3/4: moved and scaled to mean 0 and deviation 1. */
static int32_t pareto(uint64_t u)
{
    uint64_t v = (u >> 33) | 1; /* 31 bits: the tail ends at about 1290 */
    uint64_t root = cube_root(((unsigned __int128)1 << 79) / v); /* Q16 */
    int64_t centred = (int64_t)root - 3 * 32768;

    return (int32_t)(centred * 75674 / 65536); /* 2 / sqrt(3), Q16 */
}

/* One quarter and three quarters have the variance 10/16: scaled to deviation 1. */
static int32_t paretonormal(uint64_t u)
{
    int64_t mixed = normal(u & 0x1fff) + 3 * (int64_t)pareto(u);

    return (int32_t)(mixed * 82897 / (4 * 65536)); /* 4 / sqrt(10), Q16 */
}

int32_t dist_deviate(struct rng *r, enum distribution d)
{
    uint64_t u = rng_u64(r);

    switch (d) {
    case DIST_UNIFORM:
        return (int32_t)(u >> 47) - 65536;
    case DIST_NORMAL:
        return normal(u >> 32);
    case DIST_PARETO:
        return pareto(u);
    case DIST_PARETONORMAL:
        return paretonormal(u);
    }
    ASSERT(false);
    return 0;
}

nsec dist_jitter(struct rng *r, enum distribution d, nsec delay, nsec jitter)
{
    int32_t x = dist_deviate(r, d);
    uint64_t shift;

    shift = (uint64_t)((unsigned __int128)jitter * (uint64_t)(x < 0 ? -(int64_t)x : x) >> 16);
    if (x >= 0)
        return nsec_add(delay, shift);
    return delay > shift ? delay - shift : 0;
}
