/*
 * A router: forwards by destination address. Host routes are one table look-up, then come the few
 * prefixes, the longest first, then the default port. The TTL goes down; what has no route is
 * dropped and counted. A router with an address of its own sends ICMP errors: packet too big, TTL
 * exceeded.
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

/** Routes of one node; also used by hosts with several ports. */
struct routes {
    struct table hosts;     /* hash of the address -> port */
    struct route *prefixes; /* the longest first */
    uint32_t prefix_count;
    uint32_t default_port;  /* SIM_NONE: no route */
    bool drops_fragments;   /* of IP packets */
    struct ip_addr address; /* of a router that sends ICMP errors; family 0: it sends none */
};

enum err routes_init(struct routes *, uint32_t expected) MUST_USE;
void routes_reset(struct routes *);
enum err routes_add(struct routes *, const struct ip_addr *, uint32_t port) MUST_USE;
/** Another route to the same prefix replaces the first. */
enum err routes_add_prefix(struct routes *, const struct ip_prefix *, uint32_t port) MUST_USE;
/** The port towards an address, SIM_NONE if there is no route. */
uint32_t routes_find(const struct routes *, const struct ip_addr *);

/** State of a router node: owned by the node. NULL when out of memory. */
struct routes *router_create(uint32_t expected);
extern const struct node_class router_class;

#endif
