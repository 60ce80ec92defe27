#include "sim/address_plan.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

struct range {
    uint32_t first, last; /* IPv4, host order */
};

static const struct range PUBLIC = {0x64400001, 0x647ffffe};  /* 100.64.0.0/10 */
static const struct range PRIVATE = {0xc0a80001, 0xc0a8fffe}; /* 192.168.0.0/16 */
static const struct range INNER = {0x0a800001, 0x0afffffe};   /* 10.128.0.0/9 */

/*
 * A zone is what is joined without crossing a NAT. A NAT is two slots: node n is its outside,
 * node_count + n its inside. So is a node with two uplinks: node_count + n is at the second.
 */
struct zones {
    uint32_t *parent;
    int32_t *nat;   /* by root: the NAT whose inside this is */
    uint32_t *next; /* by root: next free address */
    uint32_t count;
};

static uint32_t root_of(struct zones *z, uint32_t n)
{
    while (z->parent[n] != n) {
        z->parent[n] = z->parent[z->parent[n]];
        n = z->parent[n];
    }
    return n;
}

static uint32_t slot(const struct scenario *s, const struct scenario_link *l, int side, uint32_t i)
{
    const struct scenario_group *g = &s->groups[l->side[side]];
    uint32_t node = g->first_node + (uint32_t)((uint64_t)i * g->count / l->members);

    if (g->role == ROLE_NAT ? side == 1 : g->uplink[1] == l - s->links)
        node += s->node_count;
    return node;
}

static enum err zones_make(const struct scenario *s, struct zones *z, struct address_plan *out,
                           FILE *errors)
{
    z->count = 2 * s->node_count;
    z->parent = malloc(((size_t)z->count + 1) * sizeof *z->parent);
    z->nat = malloc(((size_t)z->count + 1) * sizeof *z->nat);
    z->next = malloc(((size_t)z->count + 1) * sizeof *z->next);
    if (!z->parent || !z->nat || !z->next)
        return ERR_MEMORY;
    for (uint32_t n = 0; n < z->count; n++) {
        z->parent[n] = n;
        z->nat[n] = SCENARIO_NONE;
    }
    for (uint32_t k = 0; k < s->link_count; k++)
        for (uint32_t i = 0; i < s->links[k].members; i++)
            z->parent[root_of(z, slot(s, &s->links[k], 0, i))] =
                root_of(z, slot(s, &s->links[k], 1, i));
    for (uint32_t k = 0; k < s->group_count; k++)
        for (uint32_t i = 0; i < s->groups[k].count && s->groups[k].role == ROLE_NAT; i++) {
            uint32_t node = s->groups[k].first_node + i;
            uint32_t root = root_of(z, s->node_count + node);

            if (z->nat[root] != SCENARIO_NONE) {
                out->bad_group = (int32_t)k;
                fprintf(errors, "two NATs share one inside (a member of '%s' among them)\n",
                        s->groups[k].name);
                return ERR_FULL;
            }
            z->nat[root] = (int32_t)node;
            z->next[root] = PRIVATE.first + 1; /* the NAT itself is .1 */
        }
    return OK;
}

static void zones_reset(struct zones *z)
{
    free(z->parent);
    free(z->nat);
    free(z->next);
}

static struct ip_addr addr_plus(const struct ip_addr *a, uint32_t n)
{
    struct ip_addr out = *a;
    size_t at = a->family == 4 ? 0 : 12;
    uint64_t sum = (uint64_t)load_be32(out.bytes + at) + n;

    store_be32(out.bytes + at, (uint32_t)sum);
    for (size_t i = at; sum >> 32 && i-- > 0;)
        if (++out.bytes[i])
            break;
    return out;
}

/* A prefix that is one host is that host; others begin behind the network's own address. */
static bool prefix_host(const struct ip_prefix *p, uint32_t member, struct ip_addr *out)
{
    uint32_t bits = (p->addr.family == 4 ? 32u : 128u) - p->length;

    if (bits == 0) {
        *out = p->addr;
        return member == 0;
    }
    *out = addr_plus(&p->addr, member + 1);
    return bits >= 32 || (uint64_t)member + 1 < (UINT64_C(1) << bits) - (bits > 1);
}

static bool take(uint32_t *next, const struct range *range, uint32_t *out)
{
    if (*next > range->last)
        return false;
    *out = (*next)++;
    return true;
}

struct planner {
    const struct scenario *s;
    struct zones zones;
    uint32_t next_public, next_inner;
    FILE *errors;
};

static enum err plan_outer(struct planner *p, const struct scenario_group *g, uint32_t member,
                           struct planned_node *n)
{
    uint32_t root = root_of(&p->zones, g->first_node + member);
    const char *range = "100.64.0.0/10";
    struct ip_addr given;
    bool good;

    n->behind = p->zones.nat[root];
    if (g->addresses.addr.family) {
        good = prefix_host(&g->addresses, member, &given);
        range = "'addresses'";
    } else if (n->behind == SCENARIO_NONE) {
        good = take(&p->next_public, &PUBLIC, &n->outer);
    } else {
        good = take(&p->zones.next[root], &PRIVATE, &n->outer);
        range = "192.168.0.0/16";
    }
    if (good)
        return OK;
    fprintf(p->errors, "%s is too small for member %u of '%s'\n", range, member, g->name);
    return ERR_FULL;
}

/* A node's address on its second uplink. */
static enum err plan_second(struct planner *p, const struct scenario_group *g, uint32_t member,
                            struct planned_uplink *n)
{
    uint32_t root = root_of(&p->zones, p->s->node_count + g->first_node + member);
    bool good;

    n->behind = p->zones.nat[root];
    if (n->behind == SCENARIO_NONE)
        good = take(&p->next_public, &PUBLIC, &n->second);
    else
        good = take(&p->zones.next[root], &PRIVATE, &n->second);
    if (good)
        return OK;
    fprintf(p->errors, "no address is left for member %u of '%s' on its second uplink\n", member,
            g->name);
    return ERR_FULL;
}

static bool has_inner(const struct scenario_group *g)
{
    return (g->role == ROLE_INITIATOR || g->role == ROLE_RESPONDER) &&
           g->child_words.mode != CHILD_TRANSPORT && g->protect_count == 0;
}

static enum err plan_inner(struct planner *p, const struct scenario_group *g, uint32_t member,
                           struct planned_node *n)
{
    if (!has_inner(g) || take(&p->next_inner, &INNER, &n->inner))
        return OK;
    fprintf(p->errors, "10.128.0.0/9 is too small for member %u of '%s'\n", member, g->name);
    return ERR_FULL;
}

static enum err plan_all(struct planner *p, struct address_plan *out)
{
    for (uint32_t k = 0; k < p->s->group_count; k++) {
        const struct scenario_group *g = &p->s->groups[k];

        out->bad_group = (int32_t)k;
        for (uint32_t i = 0; i < g->count; i++) {
            uint32_t node = g->first_node + i;
            enum err e = plan_outer(p, g, i, &out->nodes[node]);

            if (!e && g->uplink[1] != SCENARIO_NONE)
                e = plan_second(p, g, i, &out->uplinks[node]);
            if (!e)
                e = plan_inner(p, g, i, &out->nodes[node]);
            if (e)
                return e;
        }
    }
    return OK;
}

static bool overlap(const struct ip_prefix *a, const struct ip_prefix *b)
{
    uint8_t length = a->length < b->length ? a->length : b->length;

    if (a->addr.family != b->addr.family)
        return false;
    for (uint8_t bit = 0; bit < length; bit++)
        if ((a->addr.bytes[bit / 8] ^ b->addr.bytes[bit / 8]) & 0x80 >> bit % 8)
            return false;
    return true;
}

/* What attackers claim is nobody's: who is there would be sent the answers. */
static bool claims_given(const struct scenario *s, const struct scenario_group *attackers,
                         const struct ip_prefix plan[2], FILE *errors)
{
    const struct ip_prefix *claimed = &attackers->flood.sources;
    const char *whose = NULL;

    if (overlap(claimed, &plan[0]) || overlap(claimed, &plan[1]))
        whose = "the address plan (100.64.0.0/10, 192.168.0.0/16)";
    for (uint32_t k = 0; k < s->group_count; k++) {
        const struct scenario_group *g = &s->groups[k];

        if (g->addresses.addr.family && overlap(claimed, &g->addresses))
            whose = g->name;
        if (g != attackers && g->role == ROLE_ATTACKER && overlap(claimed, &g->flood.sources))
            whose = g->name;
    }
    if (whose)
        fprintf(errors,
                "the 'sources' of '%s' overlap the addresses of %s; such as 203.0.112.0/20 "
                "is free\n",
                attackers->name, whose);
    return whose;
}

/* What the scenario gives out itself must not meet what the plan gives out. */
static enum err check_given(const struct scenario *s, struct address_plan *out, FILE *errors)
{
    const struct ip_prefix plan[] = {{ip_addr_v4(0x64400000), 10}, {ip_addr_v4(0xc0a80000), 16}};
    const struct ip_prefix inner = {ip_addr_v4(0x0a800000), 9};

    for (uint32_t k = 0; k < s->group_count; k++) {
        const struct scenario_group *g = &s->groups[k];

        out->bad_group = (int32_t)k;
        for (uint32_t i = 0; i < g->protect_count; i++)
            if (overlap(&g->protects[i], &inner)) {
                fprintf(errors,
                        "what '%s' protects overlaps 10.128.0.0/9, the inner addresses of "
                        "initiators\n",
                        g->name);
                return ERR_FULL;
            }
        if (g->role == ROLE_ATTACKER && claims_given(s, g, plan, errors))
            return ERR_FULL;
        if (!g->addresses.addr.family)
            continue;
        if (overlap(&g->addresses, &plan[0]) || overlap(&g->addresses, &plan[1])) {
            fprintf(errors,
                    "the address of '%s' lies in 100.64.0.0/10 or 192.168.0.0/16, which "
                    "are given out by the address plan\n",
                    g->name);
            return ERR_FULL;
        }
        for (uint32_t j = 0; j < k; j++)
            if (s->groups[j].addresses.addr.family &&
                overlap(&g->addresses, &s->groups[j].addresses)) {
                fprintf(errors, "'%s' and '%s' have the same address\n", s->groups[j].name,
                        g->name);
                return ERR_FULL;
            }
    }
    return OK;
}

static bool has_uplinks(const struct scenario *s)
{
    for (uint32_t k = 0; k < s->group_count; k++)
        if (s->groups[k].uplink[1] != SCENARIO_NONE)
            return true;
    return false;
}

enum err address_plan_make(const struct scenario *s, struct address_plan *out, FILE *errors)
{
    struct planner p = {
        .s = s, .next_public = PUBLIC.first, .next_inner = INNER.first, .errors = errors};
    enum err e;

    *out = (struct address_plan){.scenario = s, .count = s->node_count};
    e = check_given(s, out, errors);
    if (e)
        return e;
    out->nodes = calloc((size_t)s->node_count + 1, sizeof *out->nodes);
    if (has_uplinks(s))
        out->uplinks = calloc((size_t)s->node_count + 1, sizeof *out->uplinks);
    e = out->nodes && (out->uplinks || !has_uplinks(s)) ? zones_make(s, &p.zones, out, errors)
                                                        : ERR_MEMORY;
    if (!e)
        e = plan_all(&p, out);
    zones_reset(&p.zones);
    if (e) {
        free(out->nodes);
        free(out->uplinks);
        out->nodes = NULL;
        out->uplinks = NULL;
    }
    return e;
}

void address_plan_reset(struct address_plan *plan)
{
    free(plan->nodes);
    free(plan->uplinks);
    *plan = (struct address_plan){0};
}

/* Groups are in the order of their nodes. */
static const struct scenario_group *group_of(const struct scenario *s, uint32_t node)
{
    uint32_t low = 0, high = s->group_count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (s->groups[middle].first_node <= node)
            low = middle;
        else
            high = middle;
    }
    return &s->groups[low];
}

static struct ip_addr outer_of(const struct address_plan *plan, const struct scenario_group *g,
                               uint32_t node)
{
    struct ip_addr given;

    if (!g->addresses.addr.family)
        return ip_addr_v4(plan->nodes[node].outer);
    (void)prefix_host(&g->addresses, node - g->first_node, &given);
    return given;
}

static struct ip_addr inner_of(const struct address_plan *plan, const struct scenario_group *g,
                               uint32_t node)
{
    struct ip_addr first = {0};

    if (has_inner(g))
        return ip_addr_v4(plan->nodes[node].inner);
    if (g->role != ROLE_INITIATOR && g->role != ROLE_RESPONDER)
        return first;
    if (g->child_words.mode == CHILD_TRANSPORT) /* RFC 4301 §4.1: host to host, there is one */
        return outer_of(plan, g, node);
    (void)prefix_host(&g->protects[0], 0, &first);
    return first;
}

struct ip_addr address_plan_outer(const struct address_plan *plan, uint32_t node)
{
    return outer_of(plan, group_of(plan->scenario, node), node);
}

struct ip_addr address_plan_inner(const struct address_plan *plan, uint32_t node)
{
    return inner_of(plan, group_of(plan->scenario, node), node);
}

struct node_addresses address_plan_of(const struct address_plan *plan, uint32_t node)
{
    const struct scenario_group *g = group_of(plan->scenario, node);
    struct node_addresses a = {.outer = outer_of(plan, g, node),
                               .inner = inner_of(plan, g, node),
                               .second_behind = SCENARIO_NONE,
                               .behind = plan->nodes[node].behind};

    if (g->role == ROLE_NAT)
        a.inside = ip_addr_v4(PRIVATE.first);
    if (g->uplink[1] != SCENARIO_NONE) {
        a.second = ip_addr_v4(plan->uplinks[node].second);
        a.second_behind = plan->uplinks[node].behind;
    }
    return a;
}
