/*
 * The books of packets (I8): what is off at one link or node is found by the share of the checks
 * that looks at it, and by the last check; what is off in the run as a whole is found at once.
 */
#include "suite.h"

#include "sim/link.h"
#include "sim/sim.h"

enum { NODES = 3 * BALANCE_SHARE / 2, CALLS = 5 }; /* with their links: 4.5 shares */

static void nothing(struct sim *s, uint32_t node, uint32_t slot)
{
    (void)s;
    (void)node;
    (void)slot;
}

static void keep(struct sim *s, uint32_t node, uint32_t port, uint32_t packet)
{
    (void)port;
    packet_deliver(s, node, packet);
}

static const struct node_class plain = {.name = "plain", .receive = keep, .timer = nothing};
static const struct link_words words = {.delay = 10, .limit = 10, .mtu = 1500};

/* Pairs of nodes with a link each. */
static void net_init(struct sim *s)
{
    ck_assert_ok(sim_init(s, 1));
    ck_assert_ok(sim_reserve(s, NODES, NODES));
    for (uint32_t i = 0; i < NODES; i++)
        ck_assert_uint_eq(sim_add_node(s, &plain, NULL, 0), i);
    for (uint32_t i = 0; i < NODES; i += 2)
        ck_assert_uint_eq(link_add(s, i, i + 1, &words, &words, 0, i), i);
}

static void send(struct sim *s, uint32_t node)
{
    uint32_t packet = packet_new(s, node, 100);

    ck_assert_uint_ne(packet, SIM_NONE);
    packet_at(s, packet)->len = 100;
    sim_send(s, node, 0, packet, true);
}

/* The number of the call that finds something, from 1 on; 0: none of CALLS does. */
static uint32_t found_by(struct sim *s, struct sim_imbalance *off)
{
    for (uint32_t call = 1; call <= CALLS; call++)
        if (!sim_balanced_share(s, off))
            return call;
    return 0;
}

START_TEST(packets_on_their_way_are_not_missed)
{
    struct sim_imbalance off;
    struct sim s;

    net_init(&s);
    for (uint32_t i = 0; i < NODES; i += 7)
        send(&s, i);
    ck_assert_uint_eq(found_by(&s, &off), 0);
    ck_assert(sim_balanced(&s, &off));
    ck_assert_ok(sim_run(&s, 100));
    ck_assert_uint_eq(sim_in_flight(&s), 0);
    ck_assert_uint_eq(found_by(&s, &off), 0);
    ck_assert(sim_balanced(&s, &off));
    sim_reset(&s);
}
END_TEST

START_TEST(each_link_and_each_node_has_its_turn)
{
    static const struct {
        uint32_t node, link, call;
    } cases[] = {{SIM_NONE, 0, 1}, {SIM_NONE, BALANCE_SHARE, 2}, {SIM_NONE, NODES - 1, 2},
                 {0, SIM_NONE, 2}, {BALANCE_SHARE, SIM_NONE, 3}, {NODES - 1, SIM_NONE, 3}};
    struct sim_imbalance off;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool link = cases[i].node == SIM_NONE;
        struct sim s;

        net_init(&s);
        if (link)
            s.links[cases[i].link].on_it++;
        else
            s.nodes[cases[i].node].held--;
        ck_assert_uint_eq(found_by(&s, &off), cases[i].call);
        ck_assert_int_eq(off.where, link ? BALANCE_LINK : BALANCE_NODE);
        ck_assert_uint_eq(off.index, link ? cases[i].link : cases[i].node);
        ck_assert_int_eq(off.difference, link ? 1 : -1);
        ck_assert(!sim_balanced(&s, &off));
        ck_assert_uint_eq(off.index, link ? cases[i].link : cases[i].node);
        /* And again in the next round. */
        ck_assert_uint_ne(found_by(&s, &off), 0);
        sim_reset(&s);
    }
}
END_TEST

START_TEST(a_packet_that_vanishes_is_found_at_once)
{
    struct sim_imbalance off;
    struct sim s;

    net_init(&s);
    send(&s, NODES - 1);
    ck_assert(sim_balanced_share(&s, &off));
    packet_free(&s, 0);
    ck_assert(!sim_balanced_share(&s, &off));
    ck_assert_int_eq(off.where, BALANCE_RUN);
    ck_assert_int_eq(off.difference, 1);
    sim_reset(&s);
}
END_TEST

SUITE("balance", packets_on_their_way_are_not_missed, each_link_and_each_node_has_its_turn,
      a_packet_that_vanishes_is_found_at_once)
