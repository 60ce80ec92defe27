#include "proto/esp/spd.h"

#include "base/assert.h"

#include <stdlib.h>

enum { CHAIN_END = UINT32_MAX, LENGTHS_MAX = 33 + 129 };

/* One remote selector's place in a hash chain. Its number is policy * per_side + position. */
struct node {
    uint32_t next;
    uint16_t rank; /* order in the chain: the most specific first */
    uint8_t length;
};

/* A slot is this record, then per_side nodes, remote selectors and local selectors. */
struct policy {
    struct handle child;
    uint32_t holders;
    uint32_t scope;
    uint8_t local_count, remote_count;
};

/* An address as two words, the first byte the highest: prefixes are masks then. */
struct wide {
    uint64_t high, low;
};

static struct node *policy_nodes(const struct policy *p)
{
    return (struct node *)((uintptr_t)p + sizeof *p);
}

static struct selector *policy_remote(const struct spd *spd, const struct policy *p)
{
    return (struct selector *)(void *)(policy_nodes(p) + spd->per_side);
}

static struct selector *policy_local(const struct spd *spd, const struct policy *p)
{
    return policy_remote(spd, p) + spd->per_side;
}

static struct policy *node_policy(const struct spd *spd, uint32_t node)
{
    struct policy *p = pool_slot(&spd->policies, node / spd->per_side);

    ASSERT(p);
    return p;
}

static struct node *node_at(const struct spd *spd, uint32_t node)
{
    return &policy_nodes(node_policy(spd, node))[node % spd->per_side];
}

static struct wide widen(const struct ip_addr *a)
{
    if (a->family == 4)
        return (struct wide){(uint64_t)load_be32(a->bytes) << 32, 0};
    return (struct wide){load_be64(a->bytes), load_be64(a->bytes + 8)};
}

/* Length of the smallest prefix that holds the whole range. */
static uint8_t covering_length(const struct selector *s)
{
    struct wide a = widen(&s->first), b = widen(&s->last);

    if (a.high != b.high)
        return (uint8_t)__builtin_clzll(a.high ^ b.high);
    if (s->first.family == 4)
        return 32;
    return a.low != b.low ? (uint8_t)(64 + __builtin_clzll(a.low ^ b.low)) : 128;
}

static uint32_t *bucket(const struct spd *spd, uint32_t scope, const struct ip_addr *a,
                        uint8_t length)
{
    struct wide w = widen(a);
    uint64_t h;

    if (length < 64) {
        w.high = length ? w.high & UINT64_MAX << (64 - length) : 0;
        w.low = 0;
    } else if (length < 128) {
        w.low = length > 64 ? w.low & UINT64_MAX << (128 - length) : 0;
    }
    h = (w.high ^ (w.high >> 32) ^ length) * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ (h >> 29) ^ w.low ^ scope * UINT64_C(0xd6e8feb86659fd93)) *
        UINT64_C(0xbf58476d1ce4e5b9);
    return &spd->buckets[(h >> 32) & spd->bucket_mask];
}

static void empty(struct spd *spd)
{
    for (uint32_t i = 0; i <= spd->bucket_mask; i++)
        spd->buckets[i] = (uint32_t)CHAIN_END;
    spd->lengths_used = 0;
}

enum err spd_init(struct spd *spd, uint32_t policies, uint32_t per_side)
{
    size_t slot =
        sizeof(struct policy) + per_side * (sizeof(struct node) + 2 * sizeof(struct selector));
    uint32_t buckets = 1;

    ASSERT(per_side >= 1 && per_side <= SPD_SELECTORS_MAX && policies < UINT32_MAX / per_side);
    while (buckets < policies * per_side && buckets < UINT32_C(1) << 24)
        buckets *= 2;
    *spd = (struct spd){.bucket_mask = buckets - 1, .per_side = per_side};
    spd->lengths_cap = policies * per_side < LENGTHS_MAX ? policies * per_side : LENGTHS_MAX;
    if (pool_init(&spd->policies, slot, policies) != OK)
        return ERR_MEMORY;
    spd->buckets = malloc(buckets * sizeof *spd->buckets);
    spd->lengths = malloc(spd->lengths_cap * sizeof *spd->lengths);
    if (!spd->buckets || !spd->lengths) {
        spd_reset(spd);
        return ERR_MEMORY;
    }
    empty(spd);
    return OK;
}

void spd_reset(struct spd *spd)
{
    pool_reset(&spd->policies);
    free(spd->buckets);
    free(spd->lengths);
    *spd = (struct spd){0};
}

void spd_clear(struct spd *spd)
{
    for (uint32_t i = 0; i < spd->policies.fresh; i++)
        if (pool_slot(&spd->policies, i))
            pool_give(&spd->policies, pool_handle(&spd->policies, i));
    empty(spd);
}

/* Where the class of this family and length is, or where it belongs. */
static uint32_t length_place(const struct spd *spd, uint8_t family, uint8_t length)
{
    uint32_t i = 0;

    while (i < spd->lengths_used &&
           (spd->lengths[i].length > length ||
            (spd->lengths[i].length == length && spd->lengths[i].family < family)))
        i++;
    return i;
}

static bool length_here(const struct spd *spd, uint32_t i, uint8_t family, uint8_t length)
{
    return i < spd->lengths_used && spd->lengths[i].family == family &&
           spd->lengths[i].length == length;
}

static void length_add(struct spd *spd, uint8_t family, uint8_t length)
{
    uint32_t i = length_place(spd, family, length);

    if (!length_here(spd, i, family, length)) {
        ASSERT(spd->lengths_used < spd->lengths_cap);
        memmove(&spd->lengths[i + 1], &spd->lengths[i],
                (spd->lengths_used - i) * sizeof *spd->lengths);
        spd->lengths[i] = (struct spd_length){0, family, length};
        spd->lengths_used++;
    }
    spd->lengths[i].count++;
}

static void length_remove(struct spd *spd, uint8_t family, uint8_t length)
{
    uint32_t i = length_place(spd, family, length);

    ASSERT(length_here(spd, i, family, length));
    if (--spd->lengths[i].count > 0)
        return;
    spd->lengths_used--;
    memmove(&spd->lengths[i], &spd->lengths[i + 1], (spd->lengths_used - i) * sizeof *spd->lengths);
}

/* Lower is more specific. The prefix length comes first, see the head of spd.h. */
static uint16_t rank_of(const struct selector *s, uint8_t length)
{
    bool any_port = s->port_first == 0 && s->port_last == 65535;

    return (uint16_t)((128 - length) * 4 + (s->protocol == 0 ? 2 : 0) + (any_port ? 1 : 0));
}

/* In front of its equals: the newest is found first. */
static void chain_in(struct spd *spd, uint32_t number, const struct selector *s)
{
    struct node *node = node_at(spd, number);
    uint32_t *link;

    node->length = covering_length(s);
    node->rank = rank_of(s, node->length);
    link = bucket(spd, node_policy(spd, number)->scope, &s->first, node->length);
    while (*link != (uint32_t)CHAIN_END && node_at(spd, *link)->rank < node->rank)
        link = &node_at(spd, *link)->next;
    node->next = *link;
    *link = number;
    length_add(spd, s->first.family, node->length);
}

static void chain_out(struct spd *spd, uint32_t number, const struct selector *s)
{
    struct node *node = node_at(spd, number);
    uint32_t *link = bucket(spd, node_policy(spd, number)->scope, &s->first, node->length);

    while (*link != number)
        link = &node_at(spd, *link)->next;
    *link = node->next;
    length_remove(spd, s->first.family, node->length);
}

static bool side_valid(const struct spd *spd, const struct selector *s, uint8_t count)
{
    if (count == 0 || count > spd->per_side)
        return false;
    for (uint8_t i = 0; i < count; i++)
        if (!selector_valid(&s[i]))
            return false;
    return true;
}

enum err spd_add(struct spd *spd, uint32_t scope, const struct spd_selectors *s, struct handle *out)
{
    struct policy *p;

    *out = HANDLE_NONE;
    if (!side_valid(spd, s->local, s->local_count) || !side_valid(spd, s->remote, s->remote_count))
        return ERR_TS;
    p = pool_take(&spd->policies, out);
    if (!p)
        return ERR_FULL;
    p->child = HANDLE_NONE;
    p->holders = 1;
    p->scope = scope;
    p->local_count = s->local_count;
    p->remote_count = s->remote_count;
    memcpy(policy_local(spd, p), s->local, s->local_count * sizeof *s->local);
    memcpy(policy_remote(spd, p), s->remote, s->remote_count * sizeof *s->remote);
    for (uint32_t i = 0; i < s->remote_count; i++)
        chain_in(spd, out->index * spd->per_side + i, &s->remote[i]);
    return OK;
}

void spd_hold(struct spd *spd, struct handle h)
{
    struct policy *p = pool_at(&spd->policies, h);

    ASSERT(p);
    p->holders++;
}

void spd_drop(struct spd *spd, struct handle h)
{
    struct policy *p = pool_at(&spd->policies, h);

    ASSERT(p);
    if (--p->holders > 0)
        return;
    for (uint32_t i = 0; i < p->remote_count; i++)
        chain_out(spd, h.index * spd->per_side + i, &policy_remote(spd, p)[i]);
    pool_give(&spd->policies, h);
}

void spd_point(struct spd *spd, struct handle h, struct handle child)
{
    struct policy *p = pool_at(&spd->policies, h);

    ASSERT(p);
    p->child = child;
}

struct handle spd_child(const struct spd *spd, struct handle h)
{
    const struct policy *p = pool_at(&spd->policies, h);

    return p ? p->child : HANDLE_NONE;
}

struct spd_selectors spd_selectors(const struct spd *spd, struct handle h)
{
    const struct policy *p = pool_at(&spd->policies, h);

    ASSERT(p);
    return (struct spd_selectors){
        .local = policy_local(spd, p),
        .remote = policy_remote(spd, p),
        .local_count = p->local_count,
        .remote_count = p->remote_count,
    };
}

static bool side_match(const struct selector *s, uint8_t count, const struct flow *f, bool source)
{
    const struct ip_addr *addr = source ? &f->src : &f->dst;
    uint16_t port = source ? f->src_port : f->dst_port;

    for (uint8_t i = 0; i < count; i++)
        if (selector_match(&s[i], addr, f->protocol, port, f->ports_known))
            return true;
    return false;
}

/* The first policy in the chain of this prefix length that takes the flow. */
static struct policy *chain_find(const struct spd *spd, uint32_t scope, const struct flow *f,
                                 uint8_t length, uint32_t *index)
{
    uint32_t n = *bucket(spd, scope, &f->dst, length);

    while (n != (uint32_t)CHAIN_END) {
        struct policy *p = node_policy(spd, n);
        const struct node *node = &policy_nodes(p)[n % spd->per_side];
        const struct selector *remote = &policy_remote(spd, p)[n % spd->per_side];

        if (node->length == length && p->scope == scope && side_match(remote, 1, f, false) &&
            side_match(policy_local(spd, p), p->local_count, f, true)) {
            *index = n / spd->per_side;
            return p;
        }
        n = node->next;
    }
    return NULL;
}

enum err spd_lookup(const struct spd *spd, uint32_t scope, const struct flow *f,
                    struct handle *policy, struct handle *child)
{
    *policy = *child = HANDLE_NONE;
    for (uint32_t i = 0; i < spd->lengths_used; i++) {
        const struct policy *p;
        uint32_t index;

        if (spd->lengths[i].family != f->dst.family)
            continue;
        p = chain_find(spd, scope, f, spd->lengths[i].length, &index);
        if (p) {
            *policy = pool_handle(&spd->policies, index);
            *child = p->child;
            return handle_none(p->child) ? ERR_NO_SA : OK;
        }
    }
    return ERR_NO_POLICY;
}

bool spd_allows(const struct spd *spd, struct handle h, const struct flow *f)
{
    const struct policy *p = pool_at(&spd->policies, h);

    return p && side_match(policy_remote(spd, p), p->remote_count, f, true) &&
           side_match(policy_local(spd, p), p->local_count, f, false);
}
