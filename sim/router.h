/*
 * A router: forwards by destination address. Host routes come first: in runs, as the members of a
 * group have addresses in a row and ports in a row, or one port; else by a table look-up. Then come
 * what a router above knows, the few prefixes, the longest first, and the default port. The TTL
 * goes down; what has no route is dropped and counted. A router with an address of its own sends
 * ICMP errors: packet too big, TTL exceeded.
 */
#ifndef SIM_ROUTER_H
#define SIM_ROUTER_H

#include "base/table.h"
#include "proto/ip/addr.h"
#include "sim/sim.h"

struct route {
    struct ip_prefix to;
    uint32_t port;
};

/** IPv4 addresses at equal distances: address first + i * stride by port + i * step. */
struct route_run {
    uint32_t first, count; /* as numbers in host order */
    uint32_t port;
    uint16_t stride, step;
};

/** Routes of one node; also used by hosts with several ports. */
struct routes {
    struct route_run *runs; /* ascending, disjoint */
    uint32_t run_count, run_capacity;
    uint32_t prefix_count;
    struct route *prefixes;     /* the longest first */
    struct table hosts;         /* hash of the address -> port; before the runs */
    const struct routes *above; /* whose host routes are this node's too, by one port; or NULL */
    uint32_t above_port;
    uint32_t default_port;  /* SIM_NONE: no route */
    bool drops_fragments;   /* of IP packets */
    struct ip_addr address; /* of a router that sends ICMP errors; family 0: it sends none */
};

/** @param expected  routes in no order to hold without growing; 0: those are rare */
enum err routes_init(struct routes *, uint32_t expected) MUST_USE;
void routes_reset(struct routes *);
/** Another route to the same address replaces the first. Cheapest in rising order. */
enum err routes_add(struct routes *, const struct ip_addr *, uint32_t port) MUST_USE;
/** Another route to the same prefix replaces the first. */
enum err routes_add_prefix(struct routes *, const struct ip_prefix *, uint32_t port) MUST_USE;
/** The port towards an address, SIM_NONE if there is no route. */
uint32_t routes_find(const struct routes *, const struct ip_addr *);

/** State of a router node: owned by the node. NULL when out of memory. */
struct routes *router_create(uint32_t expected);
extern const struct node_class router_class;

#endif
