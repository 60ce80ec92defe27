/*
 * Counter-based random streams. A stream is named by (seed, entity, purpose): adding a node to a
 * scenario shifts nobody else's draws, and a value depends only on the stream and its counter.
 * Repeatable by design, therefore NOT for secrets outside simulations: a program that talks to the
 * world makes its streams with rng_of, and every draw then comes from the source it names.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Fills `out` with bytes that nobody can predict or repeat; does not fail. */
typedef void rng_source(void *out, size_t len);

struct rng {
    uint64_t key[2];
    uint64_t counter;
    rng_source *source; /* NULL: the values follow from key and counter */
};

/** What a stream is for; part of its name, so values are never renumbered. */
enum rng_purpose {
    RNG_SPI = 1,
    RNG_NONCE = 2,
    RNG_IV = 3,
    RNG_KEY_EXCHANGE = 4,
    RNG_SIGNATURE = 5,
    RNG_RETRANSMIT = 6,
    RNG_LIFETIME = 7,
    RNG_COOKIE = 8,
    RNG_TOKEN = 9,
    RNG_INSTALL = 10,
    RNG_LINK_LOSS = 20,
    RNG_LINK_DELAY = 21,
    RNG_LINK_DUPLICATE = 22,
    RNG_LINK_REORDER = 23,
    RNG_LINK_CORRUPT = 24,
    RNG_LINK = 25, /* all that a link draws: eight values a packet (sim/link.c) */
    RNG_NAT_PORT = 30,
    RNG_ARRIVAL = 40,
    RNG_TRAFFIC_TIME = 41,
    RNG_TRAFFIC_SIZE = 42,
    RNG_TRAFFIC_TAG = 43,
    RNG_CREDENTIAL = 50,
    RNG_SAMPLE = 60,
    RNG_LOOK_UP = 61,
    RNG_BOOTSTRAP = 62,
    RNG_ATTACK = 63,
    RNG_CAPTURE = 64,
    RNG_BENCH = 70, /* orders and data of benchmarks */
    RNG_TEST = 99,
};

/** What the streams of all entities of one seed and purpose have in common. */
struct rng_family {
    uint64_t seed[2], purpose[2];
};

/** Name a stream; its counter starts at 0. */
struct rng rng_stream(uint64_t seed, uint64_t entity, enum rng_purpose purpose);
/** All streams of one entity: the sub-stream whose index is a purpose is what rng_stream names. */
struct rng rng_streams(uint64_t seed, uint64_t entity);
/** rng_member(rng_family(seed, purpose), entity) is rng_stream(seed, entity, purpose), for less. */
struct rng_family rng_family(uint64_t seed, enum rng_purpose purpose);
struct rng rng_member(const struct rng_family *, uint64_t entity);
/** A stream that is the source itself; so are its sub-streams. */
struct rng rng_of(rng_source *source);
/** The sub-stream number `index` of `r`; does not draw from `r`. */
struct rng rng_fork(const struct rng *r, uint64_t index);
uint64_t rng_u64(struct rng *r);
uint32_t rng_u32(struct rng *r);
/** Uniform in [0, bound), exactly; bound > 0. */
uint64_t rng_below(struct rng *r, uint64_t bound);
/** True with probability p / 2^32; p = 2^32 is certain. Always draws once. */
bool rng_chance(struct rng *r, uint64_t p);
void rng_fill(struct rng *r, void *out, size_t len);

#endif
