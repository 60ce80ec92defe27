/*
 * `links:` and whether they make a network: unique paths, NATs with an inside and an outside. A
 * node with two uplinks counts as two here, of which it is one at a time.
 */
#include "sim/address_plan.h"
#include "sim/scenario_read.h"

#include <stdlib.h>
#include <string.h>

static bool read_sides(struct scenario_reader *r, const struct tree *map, struct scenario_link *l)
{
    const struct tree *n = tree_get(map, "sides");
    const struct tree *item;
    bool good = true;

    if (!n)
        return false; /* required: said before */
    if (n->kind != TREE_LIST || n->count != 2) {
        diag_error(&r->diag, n, "'sides' takes two groups, such as [homes, boxes]");
        return false;
    }
    item = n->first;
    for (int i = 0; i < 2; i++, item = item->next) {
        int32_t g = text_of(r, item, "the name of a group") ? group_named(r, item, item->text)
                                                            : SCENARIO_NONE;

        if (g == SCENARIO_NONE)
            good = false;
        else
            l->side[i] = (uint32_t)g;
    }
    if (good && l->side[0] == l->side[1]) {
        diag_error(&r->diag, n,
                   "a link joins two different groups; put a router between members "
                   "of one group");
        return false;
    }
    return good;
}

static void read_words(struct scenario_reader *r, const struct tree *map, struct scenario_link *l)
{
    const struct tree *up = tree_get(map, "up"), *down = tree_get(map, "down");

    l->words[LINK_DOWN] = l->words[LINK_UP];
    if (up)
        section_read(r, SECTION_WORDS, up, &l->words[LINK_UP]);
    if (down)
        section_read(r, SECTION_WORDS, down, &l->words[LINK_DOWN]);
    for (int i = 0; i < 2; i++)
        if (l->words[i].distribution != DIST_UNIFORM && !l->words[i].jitter) {
            diag_error(&r->diag, map->key,
                       "link '%s' has a 'distribution' but no 'jitter' for it "
                       "to shape",
                       l->name);
            return;
        }
}

void read_links(struct scenario_reader *r)
{
    struct scenario *s = r->scenario;
    const struct tree *links = tree_get(r->root, "links");

    if (!links)
        return;
    if (links->kind != TREE_MAP) {
        diag_error(&r->diag, links,
                   "'links' is a mapping of links, such as core: {sides: [isp, "
                   "gw], delay: 2ms}");
        return;
    }
    s->links = reader_take(r, links->count * sizeof *s->links);
    for (const struct tree *v = links->first; v && s->links; v = v->next) {
        struct scenario_link *l = &s->links[s->link_count];

        if (is_ignored(v))
            continue;
        if (!is_name(v->key->text))
            diag_error(&r->diag, v->key,
                       "'%.64s' is no name; a link takes up to 32 letters, "
                       "digits, '-' and '_'",
                       v->key->text);
        l->name = v->key->text;
        s->link_count++;
        section_defaults(r, SECTION_LINK, l);
        section_read(r, SECTION_LINK, v, l);
        if (v->kind != TREE_MAP)
            continue;
        read_words(r, v, l);
        read_fates(r, v, l);
        if (read_sides(r, v, l)) {
            uint32_t a = s->groups[l->side[0]].count, b = s->groups[l->side[1]].count;

            l->members = a > b ? a : b;
        }
    }
}

static int32_t link_named(const struct scenario *s, const char *name)
{
    for (uint32_t i = 0; i < s->link_count; i++)
        if (strcmp(s->links[i].name, name) == 0)
            return (int32_t)i;
    return SCENARIO_NONE;
}

/* Two links of this group, one member each for every member of the group. */
static bool resolve_uplinks(const struct scenario *s, struct scenario_group *g)
{
    uint32_t index = (uint32_t)(g - s->groups);

    for (uint32_t i = 0; i < 2; i++) {
        int32_t link = link_named(s, g->uplinks[i]);
        const struct scenario_link *l = link == SCENARIO_NONE ? NULL : &s->links[link];

        if (!l || (l->side[0] != index && l->side[1] != index) || l->members != g->count)
            return false;
        g->uplink[i] = link;
    }
    return g->uplink[0] != g->uplink[1];
}

static void read_uplinks(struct scenario_reader *r)
{
    for (uint32_t i = 0; i < r->scenario->group_count; i++) {
        struct scenario_group *g = &r->scenario->groups[i];
        const struct tree *n = tree_get(tree_get(tree_get(r->root, "nodes"), g->name), "uplinks");

        if (!g->uplink_count)
            continue;
        if (g->uplink_count != 2 || !resolve_uplinks(r->scenario, g)) {
            g->uplink[0] = g->uplink[1] = SCENARIO_NONE;
            diag_error(&r->diag, n,
                       "'uplinks' takes two links of '%s' with a member for each of its members, "
                       "such as [wifi, lte]",
                       g->name);
        } else if (g->child_words.mode == CHILD_TRANSPORT) {
            diag_error(&r->diag, n,
                       "transport mode is bound to one address; 'uplinks' need 'mode: tunnel'");
        }
    }
}

/* Where a link is written, for errors found later. */
static const struct tree *link_place(struct scenario_reader *r, const struct scenario_link *l)
{
    const struct tree *map = tree_get(tree_get(r->root, "links"), l->name);
    const struct tree *sides = tree_get(map, "sides");

    return sides ? sides : map;
}

static const struct tree *group_place(struct scenario_reader *r, const struct scenario_group *g)
{
    return tree_get(tree_get(r->root, "nodes"), g->name)->key;
}

/* Where a group says its addresses, or the group. */
static const struct tree *address_place(struct scenario_reader *r, const struct scenario_group *g)
{
    const struct tree *map = tree_get(tree_get(r->root, "nodes"), g->name);
    const struct tree *n = tree_get(map, "address");

    if (!n)
        n = tree_get(map, "addresses");
    if (!n)
        n = tree_get(map, "protects");
    if (!n)
        n = tree_get(tree_get(map, "flood"), "sources");
    return n ? n : map->key;
}

static uint32_t find(uint32_t *parent, uint32_t n)
{
    while (parent[n] != n) {
        parent[n] = parent[parent[n]];
        n = parent[n];
    }
    return n;
}

/* The node at an end of a link; node_count more where it is there by its second uplink. */
static uint32_t member_node(const struct scenario *s, const struct scenario_link *l, int side,
                            uint32_t i)
{
    const struct scenario_group *g = &s->groups[l->side[side]];
    uint32_t node = g->first_node + (uint32_t)((uint64_t)i * g->count / l->members);

    return g->uplink[1] == l - s->links ? s->node_count + node : node;
}

/* Every link member must join what was not joined before: then each path is the only one. */
static bool join(struct scenario_reader *r, uint32_t *parent)
{
    const struct scenario *s = r->scenario;

    for (uint32_t n = 0; n < 2 * s->node_count; n++)
        parent[n] = n;
    for (uint32_t k = 0; k < s->link_count; k++)
        for (uint32_t i = 0; i < s->links[k].members; i++) {
            uint32_t a = find(parent, member_node(s, &s->links[k], 0, i));
            uint32_t b = find(parent, member_node(s, &s->links[k], 1, i));

            if (a == b) {
                diag_error(&r->diag, link_place(r, &s->links[k]),
                           "link '%s' makes a second path between its sides; paths must be unique",
                           s->links[k].name);
                return false;
            }
            parent[a] = b;
        }
    return true;
}

static bool joined(const struct scenario *s, uint32_t inside, uint32_t nat)
{
    for (uint32_t k = 0; k < s->link_count; k++)
        if (s->links[k].side[0] == inside && s->links[k].side[1] == nat)
            return true;
    return false;
}

static void check_forward(struct scenario_reader *r, uint32_t index)
{
    const struct scenario *s = r->scenario;
    const struct scenario_group *g = &s->groups[index];
    const struct scenario_group *to = g->forward == SCENARIO_NONE ? NULL : &s->groups[g->forward];

    if (!to)
        return;
    if (to->role != ROLE_RESPONDER || to->count != 1 || g->count != 1 ||
        !joined(s, (uint32_t)g->forward, index))
        diag_error(
            &r->diag, group_place(r, g),
            "one NAT forwards to one responder that a link joins to its inside; '%s' is none "
            "of '%s'",
            to->name, g->name);
    else if (g->nat.mapping != NAT_ENDPOINT_INDEPENDENT)
        diag_error(&r->diag, group_place(r, g),
                   "'forward' needs 'mapping: endpoint-independent': answers keep the ports");
}

static void check_nat(struct scenario_reader *r, uint32_t index)
{
    const struct scenario *s = r->scenario;
    const struct scenario_group *g = &s->groups[index];
    uint32_t inside = 0, outside = 0;

    if (g->addresses.addr.family == 6)
        diag_error(&r->diag, address_place(r, g),
                   "NAT '%s' translates IPv4 only; its outside cannot be IPv6", g->name);

    for (uint32_t k = 0; k < s->link_count; k++) {
        const struct scenario_link *l = &s->links[k];

        inside += l->side[1] == index;
        outside += l->side[0] == index;
        if (l->side[0] == index && l->members > g->count) {
            diag_error(&r->diag, link_place(r, l),
                       "NAT '%s' would have several outsides: side a "
                       "of its outside link has %u members, side b %u",
                       g->name, g->count, l->members);
            return;
        }
    }
    check_forward(r, index);
    if (outside == 1 && inside > 0)
        return;
    diag_error(&r->diag, group_place(r, g),
               "NAT '%s' needs one link with it on side a (its "
               "outside) and at least one on side b (its inside); it has %u and %u",
               g->name, outside, inside);
}

/* What the simulator's endpoints cannot do is refused, not left to fail in the run. */
static bool check_ends(struct scenario_reader *r, const struct scenario_group *g,
                       const struct node_addresses *from, const struct node_addresses *end)
{
    const struct scenario_group *to = &r->scenario->groups[g->connect];
    bool transport = g->child_words.mode == CHILD_TRANSPORT;
    uint32_t errors = r->diag.errors;

    if (from->outer.family != end->outer.family)
        diag_error(&r->diag, address_place(r, g),
                   "'%s' has IPv%u addresses and '%s' IPv%u: give both 'address' or 'addresses' of "
                   "one family",
                   g->name, from->outer.family, to->name, end->outer.family);
    else if (transport && to->child_words.mode == CHILD_TRANSPORT && from->behind != end->behind)
        diag_error(&r->diag, group_place(r, g),
                   "transport mode through a NAT (RFC 7296 §2.23.1) is not modelled: '%s' is "
                   "behind one and '%s' is not; use 'mode: tunnel'",
                   g->name, to->name);
    else if ((transport || to->child_words.mode == CHILD_TRANSPORT) && from->outer.family == 6)
        diag_error(&r->diag, group_place(r, g),
                   "transport mode between IPv6 addresses is not modelled: traffic inside is IPv4");
    return r->diag.errors == errors;
}

static bool forwarded(const struct scenario *s, const struct scenario_group *to)
{
    for (uint32_t i = 0; i < s->group_count; i++)
        if (s->groups[i].forward != SCENARIO_NONE && &s->groups[s->groups[i].forward] == to)
            return true;
    return false;
}

/* It claims addresses as they will stand in the packets that arrive. */
static bool check_attacker(struct scenario_reader *r, const struct scenario_group *g,
                           const struct node_addresses *from, const struct node_addresses *end)
{
    if (from->behind != end->behind && from->behind != SCENARIO_NONE) {
        diag_error(&r->diag, group_place(r, g),
                   "'%s' is behind a NAT, which would translate what it claims: put it outside",
                   g->name);
        return false;
    }
    if (g->flood.sources.addr.family == end->outer.family)
        return true;
    diag_error(&r->diag, address_place(r, g),
               "'%s' claims IPv%u addresses, but '%s' has IPv%u ones", g->name,
               g->flood.sources.addr.family, r->scenario->groups[g->connect].name,
               end->outer.family);
    return false;
}

/* An initiator or attacker reaches its responder: no NAT stands before it, or one that forwards to
 * it. */
static void check_path(struct scenario_reader *r, const struct scenario_group *g, uint32_t *parent,
                       const struct address_plan *plan, bool second)
{
    const struct scenario_group *to = &r->scenario->groups[g->connect];
    uint32_t shift = second ? r->scenario->node_count : 0;

    for (uint32_t i = 0; i < g->count; i++) {
        uint32_t from = g->first_node + i;
        uint32_t end = to->first_node + (uint32_t)((uint64_t)i * to->count / g->count);
        struct node_addresses here = address_plan_of(plan, from),
                              there = address_plan_of(plan, end);
        int32_t behind = second ? here.second_behind : here.behind;

        if (find(parent, shift + from) != find(parent, end)) {
            diag_error(&r->diag, group_place(r, g),
                       "no path from '%s' to '%s': no links join "
                       "them",
                       g->name, to->name);
            return;
        }
        while (behind != there.behind && behind != SCENARIO_NONE)
            behind = plan->nodes[behind].behind;
        if (behind != there.behind && !forwarded(r->scenario, to)) {
            diag_error(&r->diag, group_place(r, to),
                       "responder '%s' is behind a NAT that '%s' is "
                       "not behind: nobody can connect to it from outside without 'forward'",
                       to->name, g->name);
            return;
        }
        if (g->role == ROLE_ATTACKER ? !check_attacker(r, g, &here, &there)
                                     : !check_ends(r, g, &here, &there))
            return;
    }
}

static void check_caller(struct scenario_reader *r, uint32_t index)
{
    const struct scenario *s = r->scenario;
    const struct scenario_group *g = &s->groups[index];
    uint32_t links = 0;

    for (uint32_t k = 0; k < s->link_count; k++) {
        const struct scenario_link *l = &s->links[k];

        if ((l->side[0] != index && l->side[1] != index) || g->uplink[0] == (int32_t)k ||
            g->uplink[1] == (int32_t)k)
            continue;
        if (links++ || g->uplink[0] != SCENARIO_NONE || l->members > g->count) {
            diag_error(&r->diag, link_place(r, l),
                       "'%s' would have several links; an %s "
                       "has one%s; put a router in between",
                       g->name, node_role_name(g->role),
                       g->role == ROLE_INITIATOR ? ", or two as its 'uplinks'" : "");
            return;
        }
    }
    if (links == 0 && g->uplink[0] == SCENARIO_NONE)
        diag_error(&r->diag, group_place(r, g), "no link has '%s' on a side", g->name);
}

static bool calls(const struct scenario_group *g)
{
    return g->role == ROLE_INITIATOR || g->role == ROLE_ATTACKER;
}

static void check_paths(struct scenario_reader *r, uint32_t *parent)
{
    const struct scenario *s = r->scenario;
    struct address_plan plan;
    enum err e;
    char *text = NULL;
    size_t len;
    FILE *said = open_memstream(&text, &len);

    if (!said) {
        r->diag.no_memory = true;
        return;
    }
    e = address_plan_make(s, &plan, said);
    if (e == ERR_MEMORY)
        r->diag.no_memory = true;
    if (e) {
        fclose(said);
        if (e != ERR_MEMORY)
            diag_error(&r->diag, address_place(r, &s->groups[plan.bad_group]), "%.*s",
                       (int)strcspn(text, "\n"), text);
        free(text);
        return;
    }
    fclose(said);
    free(text);
    for (uint32_t i = 0; i < s->group_count; i++)
        for (int way = 0; way < 2 && calls(&s->groups[i]); way++)
            if (way == 0 || s->groups[i].uplink[1] != SCENARIO_NONE)
                check_path(r, &s->groups[i], parent, &plan, way);
    address_plan_reset(&plan);
}

void check_network(struct scenario_reader *r)
{
    const struct scenario *s = r->scenario;
    uint32_t errors = r->diag.errors;
    uint32_t *parent;

    read_uplinks(r);
    if (r->diag.errors != errors)
        return; /* without them every other path looks wrong */
    for (uint32_t i = 0; i < s->group_count; i++)
        if (s->groups[i].role == ROLE_NAT)
            check_nat(r, i);
        else if (calls(&s->groups[i]))
            check_caller(r, i);
    parent = malloc((2 * (size_t)s->node_count + 1) * sizeof *parent);
    if (!parent) {
        r->diag.no_memory = true;
        return;
    }
    if (join(r, parent) && r->diag.errors == errors)
        check_paths(r, parent);
    free(parent);
}
