#include "base/chains.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CHAINS = 4 };

enum err chains_init(struct chains *c, const struct chains_class *class, uint32_t capacity)
{
    size_t heads = capacity > FIRST_CHAINS ? capacity : FIRST_CHAINS;

    ASSERT(capacity < CHAINS_END);
    /* Not zeroed here: a head is written when its chain is made. */
    *c = (struct chains){
        .class = class, .heads = malloc(heads * sizeof *c->heads), .capacity = capacity};
    if (!c->heads)
        return ERR_MEMORY;
    chains_clear(c);
    return OK;
}

void chains_reset(struct chains *c)
{
    free(c->heads);
    *c = (struct chains){0};
}

void chains_clear(struct chains *c)
{
    memset(c->heads, 0, FIRST_CHAINS * sizeof *c->heads);
    c->used = FIRST_CHAINS;
    c->mask = FIRST_CHAINS - 1;
    c->count = 0;
}

void chains_expect(struct chains *c, uint32_t records)
{
    ASSERT(c->count == 0);
    while (c->used < records && c->used <= c->capacity / 2) {
        memset(c->heads + c->used, 0, c->used * sizeof *c->heads);
        c->used *= 2;
    }
    c->mask = c->used - 1;
}

/* The first of the chain that the one numbered `fresh` will take from; 0: none. */
static uint32_t to_split(const struct chains *c, uint32_t fresh)
{
    uint32_t mask = fresh > c->mask ? c->mask : c->mask >> 1;

    return c->heads[fresh & mask];
}

/* Chains split in their order, so what the next splits read can be fetched long before: the first
 * record of one, and of the one before, whose first is here by now, the second. */
static void fetch(const struct chains *c, const void *records)
{
    uint32_t second = to_split(c, c->used), first = to_split(c, c->used + 1);

    if (first)
        __builtin_prefetch(c->class->link(records, first - 1));
    if (second)
        second = *c->class->link(records, second - 1);
    if (second)
        __builtin_prefetch(c->class->link(records, second - 1));
}

/* One more chain takes from another what has the next bit of the hash set; in both the order
 * stays. */
static void split(struct chains *c, const void *records)
{
    uint32_t fresh = c->used++;
    uint32_t *stay, *go = &c->heads[fresh], number;

    if (fresh > c->mask)
        c->mask = 2 * c->mask + 1;
    stay = &c->heads[fresh & c->mask >> 1];
    for (number = *stay; number;) {
        uint32_t **end = (c->class->hash(records, number - 1) & c->mask) == fresh ? &go : &stay;

        **end = number;
        *end = c->class->link(records, number - 1);
        number = **end;
    }
    *stay = *go = 0;
    fetch(c, records);
}

static void put(struct chains *c, const void *records, uint32_t *link, uint32_t number)
{
    ASSERT(c->count < c->capacity);
    *c->class->link(records, number) = *link;
    *link = number + 1;
    if (++c->count > c->used)
        split(c, records);
}

void chains_insert(struct chains *c, const void *records, uint32_t hash, uint32_t after,
                   uint32_t number)
{
    put(c, records, after == CHAINS_END ? chains_head(c, hash) : c->class->link(records, after),
        number);
}

void chains_add(struct chains *c, const void *records, uint32_t hash, uint32_t number)
{
    uint32_t *link = chains_head(c, hash);

    while (*link)
        link = c->class->link(records, *link - 1);
    put(c, records, link, number);
}

bool chains_drop(struct chains *c, const void *records, uint32_t hash, uint32_t number)
{
    uint32_t *link = chains_head(c, hash);

    while (*link && *link != number + 1)
        link = c->class->link(records, *link - 1);
    if (!*link)
        return false;
    *link = *c->class->link(records, number);
    c->count--;
    return true;
}

void chains_remove(struct chains *c, const void *records, uint32_t hash, uint32_t number)
{
    bool was_in = chains_drop(c, records, hash, number);

    ASSERT(was_in);
}
