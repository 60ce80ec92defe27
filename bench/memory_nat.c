/*
 * What a tunnel through a NAT takes besides its ends: a NAT box before each client with its node,
 * the mappings of ports 500 and 4500 and the timer that ends them, the link to the client and that
 * to the gateway, and their place at the gateway's node.
 */
#include "bench/memory.h"

#include "proto/ip/addr.h"
#include "sim/footprint.h"
#include "sim/link.h"
#include "sim/nat_box.h"

enum { CLIENT = 0x0a000001, BOX = 0x64400001, GATEWAY = 0xc6336401 };

static const struct node_class end_class = {.name = "end"};

static const struct nat_words home = {.mapping = NAT_ENDPOINT_INDEPENDENT,
                                      .filtering = NAT_ADDRESS_AND_PORT_DEPENDENT,
                                      .udp_timeout = 120 * NSEC_PER_S,
                                      .udp_timeout_unreplied = 30 * NSEC_PER_S,
                                      .port_first = 1024,
                                      .port_last = UINT16_MAX};

static bool add_ends(struct sim *s, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (sim_add_node(s, &end_class, NULL, 0) == SIM_NONE)
            return false;
    return true;
}

/* RFC 7296 §2.23: from port 500, and from port 4500 once the NAT is seen. */
static bool call(struct sim *s, uint32_t node, uint32_t client)
{
    static const uint16_t ports[] = {500, 4500};
    bool passed = true;

    for (int i = 0; i < 2; i++) {
        struct ip_endpoint from = {ip_addr_v4(CLIENT + client), ports[i]};
        struct ip_endpoint to = {ip_addr_v4(GATEWAY), ports[i]};

        passed = passed && nat_box_passed(s, node, 0, &from, &to);
    }
    return passed;
}

static bool add_nat(struct sim *s, struct nat_box *box, uint32_t client, uint32_t gateway)
{
    static const struct link_words near = {.delay = NSEC_PER_MS, .limit = 1000, .mtu = 1500};
    static const struct link_words far = {.delay = 20 * NSEC_PER_MS, .limit = 1000, .mtu = 1500};
    struct ip_addr outside = ip_addr_v4(BOX + client);
    uint32_t node = sim_add_node(s, &nat_box_class, box, 1), link;

    if (node == SIM_NONE || nat_box_place(box, &outside) != OK ||
        link_add(s, client, node, &near, &near, 0, client) == SIM_NONE)
        return false;
    link = link_add(s, node, gateway, &far, &far, 1, gateway + client);
    if (link == SIM_NONE)
        return false;
    box->outside_port = link_from_port(s, link);
    return call(s, node, client);
}

/* The ends' nodes are there before it counts. */
static bool grow(struct sim *s, uint32_t tunnels, uint64_t *bytes)
{
    struct nat_box *box = NULL;
    uint64_t before;

    if (sim_reserve(s, 2 * tunnels + 1, 4 * tunnels) != OK || !add_ends(s, tunnels + 1))
        return false;
    before = memory_resident();
    for (uint32_t i = 0; i < tunnels; i++) {
        box = box ? nat_box_beside(box) : nat_box_create(&home, tunnels);
        if (!box || !add_nat(s, box, i, tunnels))
            return false;
    }
    *bytes = memory_resident() - before;
    return true;
}

enum err memory_nat(uint32_t tunnels, uint64_t *bytes)
{
    struct sim sim;
    enum err e;

    footprint_map_arrays();
    e = sim_init(&sim, 1);
    if (e == OK && !grow(&sim, tunnels, bytes))
        e = sim.error == OK ? ERR_MEMORY : sim.error;
    sim_reset(&sim);
    return e;
}
