/*
 * The routes of a scenario (sim/routing): at every router, for every address, the port that a
 * search through the links finds: in trees, with NATs between, and where a realm is no tree.
 */
#include "suite.h"

#include "sim/link.h"
#include "sim/nat_box.h"
#include "sim/router.h"
#include "sim/topology.h"

#define HEAD                                                                                       \
    "ikelab: 1\nname: routes\nstop_time: 1s\ncrypto: modelled\ncapture: none\n"                    \
    "nodes:\n"                                                                                     \
    "  gw: {role: responder, address: 198.51.100.1, protects: [192.0.2.0/24]}\n"

static const char tree[] =
    HEAD "  homes: {role: initiator, count: 40, connect: gw}\n"
         "  desks: {role: initiator, count: 6, connect: gw, addresses: 203.0.113.0/24}\n"
         "  edges: {role: router, count: 7}\n"
         "  hubs:  {role: router, count: 2}\n"
         "  core:  {role: router}\n"
         "links:\n"
         "  access: {sides: [homes, edges], delay: 1ms}\n"
         "  office: {sides: [desks, hubs], delay: 1ms}\n"
         "  middle: {sides: [edges, hubs], delay: 1ms}\n"
         "  trunk:  {sides: [hubs, core], delay: 1ms}\n"
         "  last:   {sides: [core, gw], delay: 1ms}\n";

/* The insides have routers too: what they do not know goes out through the box. */
static const char behind_nats[] = HEAD "  homes:    {role: initiator, count: 12, connect: gw}\n"
                                       "  switches: {role: router, count: 6}\n"
                                       "  cellars:  {role: router, count: 3}\n"
                                       "  boxes:    {role: nat, count: 3}\n"
                                       "  isp:      {role: router}\n"
                                       "links:\n"
                                       "  lan:    {sides: [homes, switches], delay: 1ms}\n"
                                       "  stairs: {sides: [switches, cellars], delay: 1ms}\n"
                                       "  wall:   {sides: [cellars, boxes], delay: 1ms}\n"
                                       "  access: {sides: [boxes, isp], delay: 1ms}\n"
                                       "  last:   {sides: [isp, gw], delay: 1ms}\n";

static void lab_init(struct lab *lab, struct scenario *s, const char *text)
{
    struct metrics_options options;

    *lab = (struct lab){.scenario = s};
    ck_assert_ok(scenario_load_text("routes", text, s, stderr));
    ck_assert_ok(scenario_metrics(s, &options));
    ck_assert_ok(metrics_create(&options, &lab->metrics));
    ck_assert_ok(sim_init(&lab->sim, s->seed));
    lab->sim.user = lab;
    ck_assert_ok(address_plan_make(s, &lab->plan, stderr));
    ck_assert_ok(topology_make(lab));
}

static void lab_reset(struct lab *lab, struct scenario *s)
{
    topology_reset(lab);
    sim_reset(&lab->sim);
    metrics_destroy(lab->metrics);
    address_plan_reset(&lab->plan);
    scenario_reset(s);
}

static enum node_role role_of(const struct lab *lab, uint32_t node)
{
    return lab->scenario->groups[lab->sim.nodes[node].group].role;
}

/* Does a direction lead to `node`, or to the inside of a NAT (SIM_NONE), without leaving a realm?
 */
static bool leads_to(const struct lab *lab, uint32_t direction, uint32_t node)
{
    const struct sim *s = &lab->sim;
    uint32_t at = s->links[direction].to;
    bool nat = role_of(lab, at) == ROLE_NAT;
    bool inside = nat && s->links[direction].to_port !=
                             ((const struct nat_box *)s->nodes[at].state)->outside_port;

    if (node == SIM_NONE ? inside : at == node && !inside)
        return true;
    if (role_of(lab, at) != ROLE_ROUTER)
        return false;
    for (uint32_t port = 0; port < node_port_count(&s->nodes[at]); port++) {
        uint32_t next = node_port(&s->nodes[at], port);

        if (next != link_reverse(direction) && leads_to(lab, next, node))
            return true;
    }
    return false;
}

static uint32_t port_to(const struct lab *lab, uint32_t router, uint32_t node)
{
    const struct node *n = &lab->sim.nodes[router];

    for (uint32_t port = 0; node != router && port < node_port_count(n); port++)
        if (leads_to(lab, node_port(n, port), node))
            return port;
    return SIM_NONE;
}

/* An address that is in the router's realm; private ones are used again in each. */
static uint32_t expected(const struct lab *lab, uint32_t router, uint32_t node)
{
    struct ip_addr wanted = address_plan_outer(&lab->plan, node);
    uint32_t way_out = port_to(lab, router, SIM_NONE);

    for (uint32_t i = 0; i < lab->sim.node_count; i++) {
        struct ip_addr a = address_plan_outer(&lab->plan, i);
        uint32_t port = ip_addr_equal(&a, &wanted) ? port_to(lab, router, i) : SIM_NONE;

        if (port != SIM_NONE)
            return port;
    }
    return way_out;
}

static void check_routes(const char *text)
{
    struct scenario s;
    struct lab lab;

    lab_init(&lab, &s, text);
    for (uint32_t router = 0; router < lab.sim.node_count; router++)
        for (uint32_t i = 0; role_of(&lab, router) == ROLE_ROUTER && i < lab.sim.node_count; i++) {
            struct ip_addr a = address_plan_outer(&lab.plan, i);

            ck_assert_uint_eq(routes_find(lab.sim.nodes[router].state, &a),
                              expected(&lab, router, i));
        }
    lab_reset(&lab, &s);
}

START_TEST(in_a_tree_of_routers)
{
    check_routes(tree);
}
END_TEST

START_TEST(behind_nats_and_before_them)
{
    check_routes(behind_nats);
}
END_TEST

/* What no group has ends at the first router or at the top, but is sent nowhere. */
START_TEST(unknown_addresses_have_no_route)
{
    struct ip_addr unknown = ip_addr_v4(0x0a000001);
    struct scenario s;
    struct lab lab;

    lab_init(&lab, &s, tree);
    for (uint32_t i = 0; i < lab.sim.node_count; i++)
        if (role_of(&lab, i) == ROLE_ROUTER)
            ck_assert_uint_eq(routes_find(lab.sim.nodes[i].state, &unknown), SIM_NONE);
    lab_reset(&lab, &s);
}
END_TEST

/* However many clients a router has, they are one run. */
START_TEST(members_in_a_row_are_one_run)
{
    struct scenario s;
    struct lab lab;

    lab_init(&lab, &s, tree);
    for (uint32_t m = 0; m < 7; m++) {
        const struct routes *r = lab.sim.nodes[s.groups[3].first_node + m].state;

        ck_assert_uint_le(r->run_count, 3); /* its members, itself, the root */
        ck_assert_uint_ge(r->runs[0].count, 40 / 7);
    }
    lab_reset(&lab, &s);
}
END_TEST

START_TEST(rows_have_strides_holes_and_exceptions)
{
    struct routes r, below;
    struct ip_addr a;

    ck_assert_ok(routes_init(&r, 0));
    for (uint32_t i = 0; i < 1000; i++) { /* every fourth address, rising ports; then one port */
        a = ip_addr_v4(0x0a000001 + 4 * i);
        ck_assert_ok(routes_add(&r, &a, 5 + i));
    }
    for (uint32_t i = 0; i < 1000; i++) {
        a = ip_addr_v4(0x0b000001 + i);
        ck_assert_ok(routes_add(&r, &a, 9));
    }
    ck_assert_uint_eq(r.run_count, 2);
    a = ip_addr_v4(0x0a000001 + 40);
    ck_assert_ok(routes_add(&r, &a, 77)); /* replaced */
    a = ip_addr_v4(0x0a000001 + 42);
    ck_assert_ok(routes_add(&r, &a, 78)); /* in a hole */
    for (uint32_t i = 0; i < 4200; i++) {
        uint32_t port = i % 4 == 0 && i < 4000 ? 5 + i / 4 : SIM_NONE;

        a = ip_addr_v4(0x0a000001 + i);
        ck_assert_uint_eq(routes_find(&r, &a), i == 40 ? 77 : i == 42 ? 78 : port);
        a = ip_addr_v4(0x0b000001 + i);
        ck_assert_uint_eq(routes_find(&r, &a), i < 1000 ? 9 : SIM_NONE);
    }
    ck_assert_ok(routes_init(&below, 0));
    below.above = &r;
    below.above_port = 3;
    a = ip_addr_v4(0x0a000001 + 8);
    ck_assert_ok(routes_add(&below, &a, 1));
    ck_assert_uint_eq(routes_find(&below, &a), 1);
    a = ip_addr_v4(0x0a000001 + 12);
    ck_assert_uint_eq(routes_find(&below, &a), 3);
    a = ip_addr_v4(0x0a000001 + 13);
    ck_assert_uint_eq(routes_find(&below, &a), SIM_NONE);
    routes_reset(&below);
    routes_reset(&r);
}
END_TEST

SUITE("routing", in_a_tree_of_routers, behind_nats_and_before_them, unknown_addresses_have_no_route,
      members_in_a_row_are_one_run, rows_have_strides_holes_and_exceptions)
