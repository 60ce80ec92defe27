#include "sim/routing.h"

#include "sim/ike_node.h"
#include "sim/link.h"
#include "sim/nat_box.h"
#include "sim/router.h"

#include <stdlib.h>

/* How a router is reached from the one above it in its realm. */
struct above {
    uint32_t node, down; /* that router, and its port to this one */
    uint32_t port;       /* of this router, back */
};

/*
 * A walk over a realm, breadth first. Places are nodes; a node at its second uplink is another
 * place, node_count further on.
 */
struct walk {
    uint32_t *queue;      /* places */
    uint32_t *first_port; /* by place: first hop of the walk to it; SIM_NONE: not reached */
    struct above *above;  /* by node, of routers in a tree */
    bool *routed;         /* by node: this router has its routes */
};

static bool is_router(const struct lab *lab, uint32_t node)
{
    return node_class(&lab->sim, &lab->sim.nodes[node]) == &router_class;
}

/* Whether a direction leads to a node by its second uplink. */
static bool by_second(const struct lab *lab, const struct link_direction *d)
{
    return lab->scenario->groups[lab->sim.nodes[d->to].group].uplink[1] ==
           (int32_t)link_kind(&lab->sim, d)->link;
}

static uint32_t place_of(const struct lab *lab, const struct link_direction *d)
{
    return d->to + (by_second(lab, d) ? lab->sim.node_count : 0);
}

/* Whether a direction leads into a NAT from its inside: the way to everything else. */
static bool leads_out(const struct lab *lab, const struct link_direction *d)
{
    const struct nat_box *n = lab->sim.nodes[d->to].state;

    return node_is_nat(&lab->sim, d->to) && d->to_port != n->outside_port;
}

static enum err add_route(const struct lab *lab, struct routes *r, const struct link_direction *d,
                          uint32_t port)
{
    struct ip_addr outer;

    if (leads_out(lab, d)) {
        r->default_port = port;
        return OK;
    }
    outer = by_second(lab, d) ? address_plan_of(&lab->plan, d->to).second
                              : address_plan_outer(&lab->plan, d->to);
    return outer.family == 0 ? OK : routes_add(r, &outer, port);
}

static const struct link_direction *direction_of(const struct lab *lab, uint32_t node,
                                                 uint32_t port)
{
    return &lab->sim.links[node_port(&lab->sim.nodes[node], port)];
}

static void forget(struct walk *w, uint32_t reached)
{
    for (uint32_t i = 0; i < reached; i++)
        w->first_port[w->queue[i]] = SIM_NONE;
}

/* Every address in the node's realm gets the port of the first hop, whatever the realm looks like.
 */
static enum err route_alone(const struct lab *lab, struct walk *w, uint32_t node, struct routes *r)
{
    const struct sim *s = &lab->sim;
    uint32_t head = 0, tail = 0;
    enum err e = OK;

    w->queue[tail++] = node;
    while (head < tail && e == OK) {
        uint32_t place = w->queue[head++];
        uint32_t at = place < s->node_count ? place : place - s->node_count;

        if (at != node && !is_router(lab, at))
            continue;
        for (uint32_t port = 0; port < node_port_count(&s->nodes[at]) && e == OK; port++) {
            const struct link_direction *d = direction_of(lab, at, port);
            uint32_t there = place_of(lab, d);

            if (d->to == node || w->first_port[there] != SIM_NONE)
                continue;
            w->first_port[there] = at == node ? port : w->first_port[at];
            w->queue[tail++] = there;
            e = add_route(lab, r, d, w->first_port[there]);
        }
    }
    forget(w, tail);
    return e;
}

/*
 * Walk the realm of a router and find out who is above whom. @return the places reached, the root
 * first; 0: some place is reached by two ways, so it is no tree
 */
static uint32_t find_tree(const struct lab *lab, struct walk *w, uint32_t root)
{
    const struct sim *s = &lab->sim;
    uint32_t head = 0, tail = 0;
    bool tree = true;

    w->queue[tail++] = root;
    w->first_port[root] = 0;
    while (head < tail && tree) {
        uint32_t at = w->queue[head++];

        if (at >= s->node_count || !is_router(lab, at))
            continue;
        for (uint32_t port = 0; port < node_port_count(&s->nodes[at]) && tree; port++) {
            const struct link_direction *d = direction_of(lab, at, port);
            uint32_t there = place_of(lab, d);

            if (at != root && port == w->above[at].port)
                continue;
            tree = w->first_port[there] == SIM_NONE;
            if (!tree)
                break;
            w->first_port[there] = 0;
            w->queue[tail++] = there;
            if (is_router(lab, d->to))
                w->above[d->to] = (struct above){at, port, d->to_port};
        }
    }
    forget(w, tail);
    return tree ? tail : 0;
}

/* What hangs on a port of a router: a route there, and at all that are above it. */
static enum err route_upwards(const struct lab *lab, const struct walk *w, uint32_t root,
                              uint32_t at, uint32_t port)
{
    const struct link_direction *d = direction_of(lab, at, port);
    enum err e = add_route(lab, lab->sim.nodes[at].state, d, port);

    while (e == OK && at != root) {
        const struct above *above = &w->above[at];

        e = add_route(lab, lab->sim.nodes[above->node].state, d, above->down);
        at = above->node;
    }
    return e;
}

/* A router below the root: the rest of the realm is up there, but for the router itself. */
static enum err point_up(const struct lab *lab, const struct walk *w, uint32_t root, uint32_t node)
{
    struct routes *r = lab->sim.nodes[node].state, *top = lab->sim.nodes[root].state;
    struct ip_addr own = address_plan_outer(&lab->plan, node);
    struct ip_addr root_own = address_plan_outer(&lab->plan, root);
    enum err e;

    r->above = top;
    r->above_port = w->above[node].port;
    if (r->default_port == SIM_NONE && top->default_port != SIM_NONE)
        r->default_port = r->above_port;
    e = routes_add(r, &own, r->default_port);
    return e == OK ? routes_add(r, &root_own, r->above_port) : e;
}

/* `reached`: by find_tree, in its queue. */
static enum err route_tree(const struct lab *lab, struct walk *w, uint32_t root, uint32_t reached)
{
    const struct sim *s = &lab->sim;
    enum err e = OK;

    for (uint32_t i = 0; i < reached && e == OK; i++) {
        uint32_t at = w->queue[i];

        if (at >= s->node_count || !is_router(lab, at))
            continue;
        w->routed[at] = true;
        for (uint32_t port = 0; port < node_port_count(&s->nodes[at]) && e == OK; port++)
            if (at == root || port != w->above[at].port)
                e = route_upwards(lab, w, root, at, port);
    }
    for (uint32_t i = 1; i < reached && e == OK; i++)
        if (w->queue[i] < s->node_count && is_router(lab, w->queue[i]))
            e = point_up(lab, w, root, w->queue[i]);
    return e;
}

static enum err walk_init(const struct lab *lab, struct walk *w)
{
    size_t places = 2 * (size_t)lab->sim.node_count + 1;

    *w = (struct walk){malloc(places * sizeof *w->queue), malloc(places * sizeof *w->first_port),
                       calloc(lab->sim.node_count + 1, sizeof *w->above),
                       calloc(lab->sim.node_count + 1, sizeof *w->routed)};
    if (!w->queue || !w->first_port || !w->above || !w->routed)
        return ERR_MEMORY;
    memset(w->first_port, 0xff, places * sizeof *w->first_port);
    return OK;
}

static void walk_reset(struct walk *w)
{
    free(w->queue);
    free(w->first_port);
    free(w->above);
    free(w->routed);
}

_Static_assert(SIM_NONE == UINT32_MAX, "walk_init sets all bits");

static enum err route_routers(const struct lab *lab, struct walk *w)
{
    enum err e = OK;

    for (uint32_t i = 0; i < lab->sim.node_count && e == OK; i++) {
        uint32_t reached;

        if (!is_router(lab, i) || w->routed[i])
            continue;
        reached = find_tree(lab, w, i);
        e = reached ? route_tree(lab, w, i, reached)
                    : route_alone(lab, w, i, lab->sim.nodes[i].state);
    }
    return e;
}

static bool has_role(const struct scenario *s, enum node_role role)
{
    for (uint32_t g = 0; g < s->group_count; g++)
        if (s->groups[g].role == role)
            return true;
    return false;
}

enum err routing_routers(struct lab *lab)
{
    struct walk w;
    enum err e;

    if (!has_role(lab->scenario, ROLE_ROUTER))
        return OK;
    e = walk_init(lab, &w);
    if (e == OK)
        e = route_routers(lab, &w);
    walk_reset(&w);
    return e;
}

/* A node with uplinks sends everything by the one in use. */
static void find_uplinks(const struct lab *lab, const struct ike_node *ike, struct ike_extra *extra)
{
    const struct node *n = &lab->sim.nodes[ike->node];

    for (uint32_t port = 0; port < node_port_count(n); port++)
        for (uint32_t i = 0; i < 2; i++)
            if (ike->group->uplink[i] ==
                (int32_t)link_kind(&lab->sim, direction_of(lab, ike->node, port))->link)
                extra->uplink_port[i] = port;
}

/* An endpoint with one port needs no route. */
static bool chooses(const struct lab *lab, uint32_t node)
{
    return node_class(&lab->sim, &lab->sim.nodes[node]) == &ike_node_class &&
           node_port_count(&lab->sim.nodes[node]) > 1;
}

static enum err route_endpoint(struct lab *lab, struct walk *w, uint32_t node)
{
    struct ike_node *ike = ike_node_at(lab, node);
    struct ike_extra *extra = ike_node_extra(ike);

    if (!extra)
        return ERR_MEMORY;
    if (ike->group->uplink[0] != SCENARIO_NONE) {
        find_uplinks(lab, ike, extra);
        return OK;
    }
    extra->routes = router_create(0);
    return extra->routes ? route_alone(lab, w, node, extra->routes) : ERR_MEMORY;
}

enum err routing_endpoints(struct lab *lab)
{
    uint32_t node = 0;
    struct walk w;
    enum err e;

    while (node < lab->sim.node_count && !chooses(lab, node))
        node++;
    if (node == lab->sim.node_count)
        return OK;
    e = walk_init(lab, &w);
    for (; node < lab->sim.node_count && e == OK; node++)
        if (chooses(lab, node))
            e = route_endpoint(lab, &w, node);
    walk_reset(&w);
    return e;
}
