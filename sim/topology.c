#include "sim/topology.h"

#include "sim/attacker.h"
#include "sim/ike_node.h"
#include "sim/link.h"
#include "sim/nat_box.h"
#include "sim/router.h"
#include "sim/routing.h"

#include <stdlib.h>

enum { HOPS_MAX = 64 };

/* It sends ICMP errors from its address, if it has one to send them from. */
static struct routes *make_router(const struct lab *lab, const struct scenario_group *g,
                                  uint32_t node)
{
    struct routes *r = router_create(0);

    if (!r)
        return NULL;
    if (g->icmp_errors)
        r->address = address_plan_outer(&lab->plan, node);
    r->drops_fragments = g->ip_fragments == FRAGMENTS_DROP;
    return r;
}

/* A box per member, side by side. */
static enum err make_nat(struct lab *lab, const struct scenario_group *g, uint32_t node,
                         void **state)
{
    struct ip_addr outside = address_plan_outer(&lab->plan, node);
    struct nat_box *n = node == g->first_node ? nat_box_create(&g->nat, g->count)
                                              : nat_box_beside(lab->sim.nodes[g->first_node].state);

    *state = n;
    if (!n)
        return ERR_MEMORY;
    n->drops_fragments = g->ip_fragments == FRAGMENTS_DROP;
    return nat_box_place(n, &outside);
}

static enum err make_attacker(struct lab *lab, const struct scenario_group *g, uint32_t node,
                              void **state)
{
    const struct scenario_group *target = &lab->scenario->groups[g->connect];
    uint32_t member = node - g->first_node;
    uint32_t at = (uint32_t)((uint64_t)member * target->count / g->count);
    struct ip_addr called =
        lab_called(lab, &(struct tunnel){.client = node, .gateway = target->first_node + at});

    return attacker_create(lab, node, &called, state);
}

/* Endpoints are made later: they want to know their links. */
static enum err make_state(struct lab *lab, const struct scenario_group *g, uint32_t node,
                           void **state)
{
    switch (g->role) {
    case ROLE_ROUTER:
        *state = make_router(lab, g, node);
        return *state ? OK : ERR_MEMORY;
    case ROLE_NAT:
        return make_nat(lab, g, node, state);
    case ROLE_ATTACKER:
        return make_attacker(lab, g, node, state);
    default:
        return OK;
    }
}

static enum err add_nodes(struct lab *lab)
{
    static const struct node_class *const classes[] = {[ROLE_INITIATOR] = &ike_node_class,
                                                       [ROLE_RESPONDER] = &ike_node_class,
                                                       [ROLE_NAT] = &nat_box_class,
                                                       [ROLE_ROUTER] = &router_class,
                                                       [ROLE_ATTACKER] = &attacker_class};
    const struct scenario *s = lab->scenario;

    for (uint32_t g = 0; g < s->group_count; g++)
        for (uint32_t m = 0; m < s->groups[g].count; m++) {
            const struct scenario_group *group = &s->groups[g];
            uint32_t node = group->first_node + m;
            enum err e;

            if (sim_add_node(&lab->sim, classes[group->role], NULL, g) != node)
                return ERR_MEMORY;
            e = make_state(lab, group, node, &lab->sim.nodes[node].state);
            if (e != OK)
                return e;
        }
    return OK;
}

static enum err add_links(struct lab *lab)
{
    const struct scenario *s = lab->scenario;
    uint32_t entity = 0;

    for (uint32_t l = 0; l < s->link_count; l++) {
        const struct scenario_link *link = &s->links[l];

        for (uint32_t i = 0; i < link->members; i++, entity++) {
            uint32_t end[2], direction;

            for (int side = 0; side < 2; side++) {
                const struct scenario_group *g = &s->groups[link->side[side]];

                end[side] = g->first_node + (uint32_t)((uint64_t)i * g->count / link->members);
            }
            /* Streams are named by link and member, so that more members shift no draws. */
            direction = link_add(&lab->sim, end[0], end[1], &link->words[LINK_UP],
                                 &link->words[LINK_DOWN], l, l << 23 | i);
            if (direction == SIM_NONE)
                return ERR_MEMORY;
            /* A NAT on side a: this link is its outside. */
            if (node_is_nat(&lab->sim, end[0])) {
                struct nat_box *n = lab->sim.nodes[end[0]].state;

                n->outside_port = link_from_port(&lab->sim, direction);
            }
        }
    }
    return OK;
}

/* Which of a box's ports leads to the responder that it forwards to. */
static enum err add_forwards(struct lab *lab)
{
    const struct scenario *s = lab->scenario;

    for (uint32_t g = 0; g < s->group_count; g++) {
        const struct node *node = &lab->sim.nodes[s->groups[g].first_node];
        uint32_t to, port = 0;
        struct ip_addr host;
        enum err e;

        if (s->groups[g].forward == SCENARIO_NONE)
            continue;
        to = s->groups[s->groups[g].forward].first_node;
        host = address_plan_outer(&lab->plan, to);
        while (lab->sim.links[node_port(node, port)].to != to)
            port++; /* the scenario was checked: there is one */
        e = nat_box_forward(node->state, &host, port);
        if (e != OK)
            return e;
    }
    return OK;
}

uint32_t topology_link(const struct lab *lab, uint32_t link, uint32_t member)
{
    uint32_t before = 0;

    for (uint32_t l = 0; l < link; l++)
        before += lab->scenario->links[l].members;
    return 2 * (before + member);
}

/* Tunnels */

static enum err add_tunnels(struct lab *lab)
{
    const struct scenario *s = lab->scenario;
    uint32_t count = 0;

    lab->first_tunnel = calloc(s->group_count, sizeof *lab->first_tunnel);
    if (!lab->first_tunnel)
        return ERR_MEMORY;
    for (uint32_t g = 0; g < s->group_count; g++) {
        lab->first_tunnel[g] = count;
        if (s->groups[g].role == ROLE_INITIATOR)
            count += s->groups[g].count;
    }
    lab->tunnels = calloc(count + 1, sizeof *lab->tunnels);
    if (!lab->tunnels)
        return ERR_MEMORY;
    lab->tunnel_count = count;
    for (uint32_t g = 0; g < s->group_count; g++) {
        const struct scenario_group *group = &s->groups[g], *peer;

        if (group->role != ROLE_INITIATOR)
            continue;
        peer = &s->groups[group->connect];
        for (uint32_t m = 0; m < group->count; m++) {
            uint32_t at = (uint32_t)((uint64_t)m * peer->count / group->count);
            struct tunnel *t = &lab->tunnels[lab->first_tunnel[g] + m];

            *t = (struct tunnel){.client = group->first_node + m,
                                 .gateway = peer->first_node + at,
                                 .group = g,
                                 .ike = SA_NONE};
        }
    }
    return OK;
}

/* Each endpoint knows its tunnels by slot; traffic generators follow the same order. */
static enum err share_tunnels(struct lab *lab)
{
    for (uint32_t pass = 0; pass < 2; pass++)
        for (uint32_t t = 0; t < lab->tunnel_count; t++)
            for (int end = 0; end < 2; end++) {
                uint32_t node = end ? lab->tunnels[t].gateway : lab->tunnels[t].client;
                struct ike_node *n = ike_node_at(lab, node);

                if (pass == 1 && !n->tunnels) {
                    n->tunnels = end ? calloc(n->tunnel_count, sizeof *n->tunnels) : &n->tunnel;
                    if (!n->tunnels)
                        return ERR_MEMORY;
                    n->tunnel_count = 0;
                }
                if (pass == 1)
                    n->tunnels[n->tunnel_count] = t;
                n->tunnel_count++;
            }
    return OK;
}

enum err topology_endpoints(struct lab *lab)
{
    enum err e = OK;

    for (uint32_t i = 0; i < lab->sim.node_count; i++) {
        struct ike_node *n;

        if (node_class(&lab->sim, &lab->sim.nodes[i]) != &ike_node_class)
            continue;
        n = ike_node_create(lab, i);
        lab->sim.nodes[i].state = n;
        if (!n)
            return ERR_MEMORY;
    }
    e = routing_endpoints(lab);
    if (e == OK)
        e = share_tunnels(lab);
    for (uint32_t i = 0; i < lab->sim.node_count && e == OK; i++)
        if (node_class(&lab->sim, &lab->sim.nodes[i]) == &ike_node_class)
            e = ike_node_add_traffic(ike_node_at(lab, i));
    return e;
}

enum err topology_make(struct lab *lab)
{
    const struct scenario *s = lab->scenario;
    uint32_t links = topology_link(lab, s->link_count, 0);
    enum err e = sim_reserve(&lab->sim, s->node_count, links);

    lab->sim.of_group = lab->metrics->groups;
    lab->sim.of_link = lab->metrics->links;
    if (e == OK)
        e = add_nodes(lab);
    if (e == OK)
        e = add_links(lab);
    if (e == OK)
        e = add_forwards(lab);
    if (e == OK)
        e = routing_routers(lab);
    if (e == OK)
        e = add_tunnels(lab);
    return e;
}

void topology_reset(struct lab *lab)
{
    free(lab->tunnels);
    free(lab->recovering);
    free(lab->first_tunnel);
}

/* The port a packet to `to` takes at this node, as the node itself would decide. */
static uint32_t next_port(struct lab *lab, uint32_t node, uint32_t came_by,
                          const struct ip_addr *to)
{
    const struct node *n = &lab->sim.nodes[node];

    if (node_class(&lab->sim, n) == &router_class)
        return routes_find(n->state, to);
    if (node_class(&lab->sim, n) == &nat_box_class) {
        const struct nat_box *box = n->state;
        struct ip_addr outside = nat_box_outside(box);

        if (nat_box_forwarded(box) && ip_addr_equal(to, &outside))
            return box->table.aside->forward_port;
        return came_by == box->outside_port ? SIM_NONE : box->outside_port;
    }
    return ike_node_port(ike_node_at(lab, node), to);
}

bool topology_path(struct lab *lab, uint32_t tunnel, topology_visitor *visit, void *context)
{
    const struct tunnel *t = &lab->tunnels[tunnel];
    struct ip_addr to = lab_called(lab, t);
    uint32_t node = t->client, came_by = SIM_NONE;

    for (int hops = 0; hops < HOPS_MAX && node != t->gateway; hops++) {
        uint32_t port = next_port(lab, node, came_by, &to);
        const struct link_direction *d;
        uint32_t direction;

        if (port >= node_port_count(&lab->sim.nodes[node]))
            return false;
        direction = node_port(&lab->sim.nodes[node], port);
        d = &lab->sim.links[direction];
        visit(context, node, direction);
        node = d->to;
        came_by = d->to_port;
    }
    if (node == t->gateway)
        visit(context, node, SIM_NONE);
    return node == t->gateway;
}
