/*
 * Hash index over numbered records (the slots of a pool, say). It holds their numbers only: 4 bytes
 * each for the heads of chains; the link to the next in the chain, 4 bytes more, lies wherever the
 * caller has it, mostly in the record. Keys stay in the records, too, where the caller compares:
 *
 *     for (i = chains_first(c, hash); i != CHAINS_END; i = chains_next(c, records, i))
 *         if (record i has the key) ...
 *
 * Equal keys may be in it more than once. It grows by one chain for each record (linear hashing),
 * so no moment needs room for two indexes, and memory beyond what was needed at once is never
 * touched. The caller's hash is of nothing but the key, so the layout repeats from run to run.
 */
#ifndef BASE_CHAINS_H
#define BASE_CHAINS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define CHAINS_END UINT32_MAX

/** How to get at the caller's records; `records` is what the caller passes along. */
struct chains_class {
    uint32_t (*hash)(const void *records, uint32_t number); /* of its key */
    uint32_t *(*link)(const void *records, uint32_t number);
};

struct chains {
    const struct chains_class *class;
    uint32_t *heads; /* number + 1 of the first in each chain, 0: none; so are the links */
    uint32_t capacity;
    uint32_t count; /* records in it */
    uint32_t used;  /* chains there are */
    uint32_t mask;  /* used <= mask + 1 < 2 * used */
};

/** @param capacity  records at once
 *  @retval ERR_MEMORY nothing was allocated. No allocation after this. */
enum err chains_init(struct chains *, const struct chains_class *, uint32_t capacity) MUST_USE;
void chains_reset(struct chains *);
/** So many records are likely to come into the empty index: it has chains for them at once, and
 * none has to be split until there are more. Costs their heads. */
void chains_expect(struct chains *, uint32_t records);
/** Take all out. */
void chains_clear(struct chains *);

/** The chain of this hash: those that are not there yet are in the one they will come from. */
static inline uint32_t *chains_head(const struct chains *c, uint32_t hash)
{
    uint32_t at = hash & c->mask;

    return &c->heads[at < c->used ? at : at & c->mask >> 1];
}

static inline uint32_t chains_first(const struct chains *c, uint32_t hash)
{
    return *chains_head(c, hash) - 1;
}

static inline uint32_t chains_next(const struct chains *c, const void *records, uint32_t number)
{
    return *c->class->link(records, number) - 1;
}

/** A key of this hash will soon be looked up; only the cache hears of it. */
static inline void chains_fetch_head(const struct chains *c, uint32_t hash)
{
    __builtin_prefetch(chains_head(c, hash));
}

/** Put in a record behind `after`, which is in the chain of its hash; CHAINS_END: before all. */
void chains_insert(struct chains *, const void *records, uint32_t hash, uint32_t after,
                   uint32_t number);
/** Put it in behind all of its chain: among equal keys the oldest comes first. */
void chains_add(struct chains *, const void *records, uint32_t hash, uint32_t number);
/** Take it out if it is in. @return whether it was */
bool chains_drop(struct chains *, const void *records, uint32_t hash, uint32_t number);
/** Take it out; it must be in. */
void chains_remove(struct chains *, const void *records, uint32_t hash, uint32_t number);

/** 32 bits of hash of 64 bits. */
static inline uint32_t chains_mix(uint64_t key)
{
    key = (key ^ key >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    key = (key ^ key >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    return (uint32_t)(key >> 32);
}

#endif
