#include "base/rng.h"

#include "base/assert.h"

#include <string.h>

/* The finaliser of SplitMix64: a bijection with full avalanche. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

#define STEP UINT64_C(0x9e3779b97f4a7c15)

/* Two keyed rounds: one round alone would make streams with related keys overlap. */
static uint64_t value_at(const struct rng *r, uint64_t counter)
{
    return mix(mix(counter * STEP + r->key[0]) ^ r->key[1]);
}

/* What the number of a sub-stream does to the two words of a key. */
static void fork_words(uint64_t index, uint64_t words[2])
{
    words[0] = mix(index * STEP + 5);
    words[1] = mix(words[0] ^ STEP);
}

struct rng_family rng_family(uint64_t seed, enum rng_purpose purpose)
{
    struct rng_family f = {.seed = {mix(seed + STEP), mix(seed ^ UINT64_C(0x6a09e667f3bcc909))}};

    fork_words((uint64_t)purpose, f.purpose);
    return f;
}

struct rng rng_member(const struct rng_family *f, uint64_t entity)
{
    uint64_t a = mix(f->seed[0] + mix(entity + STEP) * 3);
    uint64_t b = mix(f->seed[1] ^ mix(entity * STEP + 1));

    return (struct rng){.key = {mix(a ^ f->purpose[0]), mix(b + f->purpose[1])}};
}

struct rng rng_streams(uint64_t seed, uint64_t entity)
{
    uint64_t a = mix(mix(seed + STEP) + mix(entity + STEP) * 3);
    uint64_t b = mix(mix(seed ^ UINT64_C(0x6a09e667f3bcc909)) ^ mix(entity * STEP + 1));

    return (struct rng){.key = {a, b}};
}

struct rng rng_stream(uint64_t seed, uint64_t entity, enum rng_purpose purpose)
{
    struct rng_family f = rng_family(seed, purpose);

    return rng_member(&f, entity);
}

struct rng rng_of(rng_source *source)
{
    return (struct rng){.source = source};
}

struct rng rng_fork(const struct rng *r, uint64_t index)
{
    uint64_t words[2];

    fork_words(index, words);
    return (struct rng){{mix(r->key[0] ^ words[0]), mix(r->key[1] + words[1])}, 0, r->source};
}

uint64_t rng_u64(struct rng *r)
{
    uint64_t v;

    if (!r->source)
        return value_at(r, r->counter++);
    r->source(&v, sizeof v);
    return v;
}

uint32_t rng_u32(struct rng *r)
{
    return (uint32_t)(rng_u64(r) >> 32);
}

uint64_t rng_below(struct rng *r, uint64_t bound)
{
    unsigned __int128 product;
    uint64_t reject_below;

    ASSERT(bound > 0);
    reject_below = (0 - bound) % bound;
    do
        product = (unsigned __int128)rng_u64(r) * bound;
    while ((uint64_t)product < reject_below);
    return (uint64_t)(product >> 64);
}

bool rng_chance(struct rng *r, uint64_t p)
{
    return (rng_u64(r) >> 32) < p;
}

void rng_fill(struct rng *r, void *out, size_t len)
{
    uint8_t *at = out;

    if (r->source) {
        r->source(out, len);
        return;
    }
    while (len > 0) {
        uint64_t v = rng_u64(r);
        size_t n = len < sizeof v ? len : sizeof v;

        memcpy(at, &v, n);
        at += n;
        len -= n;
    }
}
