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

struct address_plan {
    struct node_addresses *nodes; /* by node number: group.first_node + member */
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

#endif
