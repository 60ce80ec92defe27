#include "proto/esp/spd.h"

#include "base/assert.h"

#include <stdlib.h>

enum { LENGTHS_MAX = 33 + 129 };

enum side { REMOTE, LOCAL, SIDES };

/*
 * Most policies have one IPv4 prefix a side, for all protocols and ports: they are in the record
 * then. Of the others all selectors are in cells, the remote ones before the local ones.
 */
struct policy {
    uint32_t child; /* by number */
    uint32_t scope;
    uint32_t link; /* hash chain, if the remote selector is here */
    union {
        uint32_t net[SIDES]; /* host order; 0 behind the prefix */
        struct {
            uint32_t cell; /* the first of them */
            uint8_t remote_count;
        };
    };
    uint32_t holders : SPD_HOLDERS_BITS;
    uint32_t remote_length : 6, local_length : 6; /* 0..32 */
    bool here : 1;
};

_Static_assert(sizeof(struct policy) == 24, "a policy is small");
_Static_assert(sizeof(struct policy) % 8 == 0, "pools round up to that: policies are an array");

struct cell {
    struct selector selector;
    uint32_t policy, next; /* by number */
    uint32_t link;         /* hash chain of remote ones */
};

/* An address as two words, the first byte the highest: prefixes are masks then. */
struct wide {
    uint64_t high, low;
};

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

static uint32_t mask_of(uint32_t length)
{
    return length ? UINT32_MAX << (32 - length) : 0;
}

static uint32_t hash_of(uint32_t scope, struct wide w, uint8_t length)
{
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
    return (uint32_t)(h >> 32);
}

/* ---- numbers: a policy's own for the remote selector in its record, behind them the cells' ----
 */

/* NULL: there is none. Who holds it tells that, not the pool: a packet reads this line anyhow. */
static struct policy *policy_held(const struct spd *spd, uint32_t number)
{
    struct policy *p;

    if (number >= spd->policies.fresh)
        return NULL;
    p = (struct policy *)(void *)spd->policies.slots + number;
    return p->holders > 0 ? p : NULL;
}

static struct policy *policy_at(const struct spd *spd, uint32_t number)
{
    struct policy *p = policy_held(spd, number);

    ASSERT(p);
    return p;
}

static struct cell *cell_at(const struct spd *spd, uint32_t number)
{
    struct cell *c = pool_slot(&spd->cells, number);

    ASSERT(c);
    return c;
}

static bool is_cell(const struct spd *spd, uint32_t number)
{
    return number >= spd->policies.capacity;
}

static struct cell *remote_cell(const struct spd *spd, uint32_t number)
{
    return cell_at(spd, number - spd->policies.capacity);
}

static uint32_t remote_policy(const struct spd *spd, uint32_t number)
{
    return is_cell(spd, number) ? remote_cell(spd, number)->policy : number;
}

static uint8_t length_of(const struct policy *p, enum side side)
{
    return side == REMOTE ? p->remote_length : p->local_length;
}

static struct selector selector_here(const struct policy *p, enum side side)
{
    return (struct selector){.first = ip_addr_v4(p->net[side]),
                             .last = ip_addr_v4(p->net[side] | ~mask_of(length_of(p, side))),
                             .port_last = UINT16_MAX};
}

static struct selector remote_selector(const struct spd *spd, uint32_t number)
{
    return is_cell(spd, number) ? remote_cell(spd, number)->selector
                                : selector_here(policy_at(spd, number), REMOTE);
}

static uint32_t remote_hash(const void *records, uint32_t number)
{
    const struct spd *spd = records;
    const struct policy *p = policy_at(spd, remote_policy(spd, number));
    struct selector s = remote_selector(spd, number);

    return hash_of(p->scope, widen(&s.first), covering_length(&s));
}

static uint32_t *remote_link(const void *records, uint32_t number)
{
    const struct spd *spd = records;

    return is_cell(spd, number) ? &remote_cell(spd, number)->link : &policy_at(spd, number)->link;
}

static const struct chains_class by_remote = {remote_hash, remote_link};

enum err spd_init(struct spd *spd, uint32_t policies, uint32_t per_side)
{
    ASSERT(per_side >= 1 && per_side <= SPD_SELECTORS_MAX);
    ASSERT(policies < UINT32_MAX / (SIDES * per_side + 1));
    *spd = (struct spd){.per_side = per_side};
    spd->lengths_cap = policies * per_side < LENGTHS_MAX ? policies * per_side : LENGTHS_MAX;
    spd->lengths = malloc(spd->lengths_cap * sizeof *spd->lengths);
    if (!spd->lengths || pool_init(&spd->policies, sizeof(struct policy), policies) ||
        pool_init(&spd->cells, sizeof(struct cell), SIDES * policies * per_side) ||
        chains_init(&spd->by_remote, &by_remote, policies * per_side)) {
        spd_reset(spd);
        return ERR_MEMORY;
    }
    return OK;
}

void spd_reset(struct spd *spd)
{
    pool_reset(&spd->policies);
    pool_reset(&spd->cells);
    chains_reset(&spd->by_remote);
    free(spd->lengths);
    *spd = (struct spd){0};
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
static uint16_t rank_of(const struct selector *s)
{
    bool any_port = s->port_first == 0 && s->port_last == 65535;

    return (uint16_t)((128 - covering_length(s)) * 4 + (s->protocol == 0 ? 2 : 0) +
                      (any_port ? 1 : 0));
}

/* In front of its equals: the newest is found first. */
static void chain_in(struct spd *spd, uint32_t number)
{
    uint32_t hash = remote_hash(spd, number), after = CHAINS_END, at;
    struct selector s = remote_selector(spd, number), other;
    uint16_t rank = rank_of(&s);

    for (at = chains_first(&spd->by_remote, hash); at != CHAINS_END;
         at = chains_next(&spd->by_remote, spd, at)) {
        other = remote_selector(spd, at);
        if (rank_of(&other) >= rank)
            break;
        after = at;
    }
    chains_insert(&spd->by_remote, spd, hash, after, number);
    length_add(spd, s.first.family, covering_length(&s));
}

void spd_expect(const struct spd *spd, uint32_t scope, const struct selector *remote, bool soon)
{
    uint32_t hash = hash_of(scope, widen(&remote->first), covering_length(remote));

    if (soon)
        spd_allows_expect(spd, chains_first(&spd->by_remote, hash)); /* of cells it fetches none */
    else
        chains_fetch_head(&spd->by_remote, hash);
}

static void chain_out(struct spd *spd, uint32_t number)
{
    struct selector s = remote_selector(spd, number);

    chains_remove(&spd->by_remote, spd, remote_hash(spd, number), number);
    length_remove(spd, s.first.family, covering_length(&s));
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

static bool fits_here(const struct selector *s)
{
    uint32_t first = load_be32(s->first.bytes), last = load_be32(s->last.bytes), mask;

    if (s->first.family != 4 || s->protocol != 0 || s->port_first != 0 ||
        s->port_last != UINT16_MAX)
        return false;
    mask = mask_of(covering_length(s));
    return first == (first & mask) && last == (first | ~mask);
}

/* There are enough: as many as all policies could have selectors. */
static uint32_t put_cell(struct spd *spd, uint32_t policy, const struct selector *s, uint32_t next)
{
    struct handle h;
    struct cell *c = pool_take(&spd->cells, &h);

    ASSERT(c);
    *c = (struct cell){.selector = *s, .policy = policy, .next = next};
    return h.index;
}

static void put_cells(struct spd *spd, uint32_t policy, const struct spd_selectors *s)
{
    uint32_t next = POOL_NONE, at;

    for (uint8_t i = s->local_count; i-- > 0;)
        next = put_cell(spd, policy, &s->local[i], next);
    for (uint8_t i = s->remote_count; i-- > 0;)
        next = put_cell(spd, policy, &s->remote[i], next);
    policy_at(spd, policy)->cell = at = next;
    policy_at(spd, policy)->remote_count = s->remote_count;
    for (uint8_t i = 0; i < s->remote_count; i++, at = cell_at(spd, at)->next)
        chain_in(spd, spd->policies.capacity + at);
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
    p->child = POOL_NONE;
    p->holders = 1;
    p->scope = scope;
    p->here =
        s->local_count == 1 && s->remote_count == 1 && fits_here(s->local) && fits_here(s->remote);
    if (!p->here) {
        put_cells(spd, out->index, s);
        return OK;
    }
    p->net[LOCAL] = load_be32(s->local->first.bytes);
    p->local_length = covering_length(s->local) & 63;
    p->net[REMOTE] = load_be32(s->remote->first.bytes);
    p->remote_length = covering_length(s->remote) & 63;
    chain_in(spd, out->index);
    return OK;
}

struct handle spd_handle(const struct spd *spd, uint32_t number)
{
    return number == POOL_NONE ? HANDLE_NONE : pool_handle(&spd->policies, number);
}

bool spd_hold(struct spd *spd, struct handle h)
{
    struct policy *p = pool_at(&spd->policies, h);

    ASSERT(p);
    if (p->holders == SPD_HOLDERS_MAX)
        return false;
    p->holders++;
    return true;
}

static void drop_cells(struct spd *spd, const struct policy *p)
{
    uint32_t at = p->cell;

    for (uint8_t i = 0; at != POOL_NONE; i++) {
        uint32_t next = cell_at(spd, at)->next;

        if (i < p->remote_count)
            chain_out(spd, spd->policies.capacity + at);
        pool_give(&spd->cells, pool_handle(&spd->cells, at));
        at = next;
    }
}

void spd_drop(struct spd *spd, struct handle h)
{
    struct policy *p = pool_at(&spd->policies, h);

    ASSERT(p);
    if (p->holders > 1) {
        p->holders--;
        return;
    }
    if (p->here)
        chain_out(spd, h.index);
    else
        drop_cells(spd, p);
    pool_give(&spd->policies, h);
}

void spd_point(struct spd *spd, struct handle h, uint32_t child)
{
    struct policy *p = pool_at(&spd->policies, h);

    ASSERT(p);
    p->child = child;
}

uint32_t spd_child(const struct spd *spd, struct handle h)
{
    const struct policy *p = pool_at(&spd->policies, h);

    return p ? p->child : POOL_NONE;
}

void spd_selectors(const struct spd *spd, struct handle h, struct spd_copy *out)
{
    const struct policy *p = pool_at(&spd->policies, h);
    uint32_t at;

    ASSERT(p);
    out->local_count = out->remote_count = p->here ? 1 : 0;
    if (p->here) {
        out->local[0] = selector_here(p, LOCAL);
        out->remote[0] = selector_here(p, REMOTE);
        return;
    }
    for (at = p->cell; at != POOL_NONE; at = cell_at(spd, at)->next)
        if (out->remote_count < p->remote_count)
            out->remote[out->remote_count++] = cell_at(spd, at)->selector;
        else
            out->local[out->local_count++] = cell_at(spd, at)->selector;
}

/* One end of a flow. */
struct flow_end {
    const struct ip_addr *addr;
    uint16_t port;
};

static struct flow_end flow_src(const struct flow *f)
{
    return (struct flow_end){&f->src, f->src_port};
}

static struct flow_end flow_dst(const struct flow *f)
{
    return (struct flow_end){&f->dst, f->dst_port};
}

static inline bool match_here(const struct policy *p, enum side side, struct flow_end end)
{
    uint32_t other = load_be32(end.addr->bytes) ^ p->net[side];

    return end.addr->family == 4 && (other & mask_of(length_of(p, side))) == 0;
}

static bool match_cell(const struct cell *c, const struct flow *f, struct flow_end end)
{
    return selector_match(&c->selector, end.addr, f->protocol, end.port, f->ports_known);
}

static bool match_cells(const struct spd *spd, const struct policy *p, enum side side,
                        const struct flow *f, struct flow_end end)
{
    uint32_t at = p->cell;

    for (uint8_t i = 0; at != POOL_NONE; i++, at = cell_at(spd, at)->next)
        if ((i < p->remote_count) == (side == REMOTE) && match_cell(cell_at(spd, at), f, end))
            return true;
    return false;
}

static inline bool match_side(const struct spd *spd, const struct policy *p, enum side side,
                              const struct flow *f, struct flow_end end)
{
    return p->here ? match_here(p, side, end) : match_cells(spd, p, side, f, end);
}

/* Whether this remote selector, of this prefix length, takes the flow. */
static bool match_remote(const struct spd *spd, const struct policy *p, uint32_t number,
                         const struct flow *f, uint8_t length)
{
    const struct cell *c;

    if (p->here)
        return p->remote_length == length && match_here(p, REMOTE, flow_dst(f));
    c = remote_cell(spd, number);
    return covering_length(&c->selector) == length && match_cell(c, f, flow_dst(f));
}

/* The first policy in the chain of this prefix length that takes the flow. */
static struct policy *chain_find(const struct spd *spd, uint32_t scope, const struct flow *f,
                                 uint8_t length, uint32_t *index)
{
    uint32_t number = chains_first(&spd->by_remote, hash_of(scope, widen(&f->dst), length));

    for (; number != CHAINS_END; number = chains_next(&spd->by_remote, spd, number)) {
        struct policy *p;

        *index = remote_policy(spd, number);
        p = policy_at(spd, *index);
        if (p->scope == scope && match_remote(spd, p, number, f, length) &&
            match_side(spd, p, LOCAL, f, flow_src(f)))
            return p;
    }
    return NULL;
}

enum err spd_lookup(const struct spd *spd, uint32_t scope, const struct flow *f,
                    struct handle *policy, uint32_t *child)
{
    if (policy)
        *policy = HANDLE_NONE;
    *child = POOL_NONE;
    for (uint32_t i = 0; i < spd->lengths_used; i++) {
        const struct policy *p;
        uint32_t index;

        if (spd->lengths[i].family != f->dst.family)
            continue;
        p = chain_find(spd, scope, f, spd->lengths[i].length, &index);
        if (p) {
            if (policy)
                *policy = pool_handle(&spd->policies, index);
            *child = p->child;
            return p->child == POOL_NONE ? ERR_NO_SA : OK;
        }
    }
    return ERR_NO_POLICY;
}

/* The policy that it most likely finds: of the longest prefixes, and not one with cells. */
void spd_lookup_expect(const struct spd *spd, uint32_t scope, const struct flow *f)
{
    uint32_t i = 0, number;

    while (i < spd->lengths_used && spd->lengths[i].family != f->dst.family)
        i++;
    if (i == spd->lengths_used)
        return;
    number = chains_first(&spd->by_remote, hash_of(scope, widen(&f->dst), spd->lengths[i].length));
    if (number < spd->policies.capacity)
        spd_allows_expect(spd, number);
}

bool spd_allows(const struct spd *spd, uint32_t policy, const struct flow *f)
{
    const struct policy *p = policy_held(spd, policy);

    return p && match_side(spd, p, REMOTE, f, flow_src(f)) &&
           match_side(spd, p, LOCAL, f, flow_dst(f));
}
