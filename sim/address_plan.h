/*
 * Who has which address. Without `address`: every NAT's inside is 192.168.0.0/16 again (real
 * overlap), the NAT itself 192.168.0.1; public nodes take 100.64.0.0/10; inner (tunnel) addresses
 * of initiators 10.128.0.0/9; each in node order. `ikelab explain` prints this plan and the
 * topology lays it out, from the same function.
 */
#ifndef SIM_ADDRESS_PLAN_H
#define SIM_ADDRESS_PLAN_H

#include "sim/scenario.h"

struct node_addresses {
    struct ip_addr outer;  /* on the network; a NAT: on its outside */
    struct ip_addr inside; /* a NAT's address on its inside; else family 0 */
    struct ip_addr inner;  /* initiators without `protects`: the tunnel address; responders: the
                              first host of the first `protects`, or family 0 */
    struct ip_addr second; /* initiators with uplinks: outer, on the second of them */
    int32_t second_behind; /* as behind, for that */
    int32_t behind;        /* node number of the NAT this node's outer address is private to, or
                              SCENARIO_NONE for a public node */
};

/* What does not follow from the group: an IPv4 address as a number in host order. */
struct planned_node {
    uint32_t outer; /* of groups without `address` */
    uint32_t inner; /* of initiators without `protects` */
    int32_t behind;
};

struct planned_uplink {
    uint32_t second;
    int32_t behind;
};

struct address_plan {
    const struct scenario *scenario;
    struct planned_node *nodes;     /* by node number: group.first_node + member */
    struct planned_uplink *uplinks; /* the same; NULL: no group has a second uplink */
    uint32_t count;
    int32_t bad_group; /* after ERR_FULL: whose addresses cannot be laid out */
};

/**
 * @retval ERR_FULL    an address range is too small, said on `errors`
 * @retval ERR_MEMORY
 */
enum err address_plan_make(const struct scenario *, struct address_plan *out,
                           FILE *errors) MUST_USE;
void address_plan_reset(struct address_plan *);
/** The addresses of a node; the scenario is there still. */
struct node_addresses address_plan_of(const struct address_plan *, uint32_t node);
/** One of them: by far cheaper than all. */
struct ip_addr address_plan_outer(const struct address_plan *, uint32_t node);
struct ip_addr address_plan_inner(const struct address_plan *, uint32_t node);

#endif
