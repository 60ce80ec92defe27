/*
 * The table of a NAT box. Knows no packets and decides nothing; sim/nat_box does. A box of a home,
 * of which there may be a million, has one mapping or two, of one host, each with one remote, in
 * IPv4: these are within the table. One that needs more keeps all of them apart (sim/nat_many),
 * until none of them is left. A slot names a mapping until one is added or permits a remote.
 */
#ifndef SIM_NAT_TABLE_H
#define SIM_NAT_TABLE_H

#include "sim/nat_many.h"

enum { NAT_WITHIN = 2 };

struct nat_fragmented; /* sim/nat_box.h */

/* A mapping within the table: as struct nat_mapping. */
struct nat_few {
    nsec expires;
    uint32_t remote; /* host order */
    uint16_t inside_port, remote_port, outside_port;
    uint8_t list : 2, naming : 2;
    bool replied : 1, alive : 1, permitted : 1;
    bool newest : 1; /* renewed after the other one */
} __attribute__((packed, aligned(4)));

/** What most boxes do without. */
struct nat_aside {
    struct nat_many *many;  /* owned; NULL: the mappings within are all */
    struct ip_addr outside; /* if it is IPv6 */
    struct ip_addr forward; /* inside host that has the outside's ports 500 and 4500 to itself */
    uint32_t forward_port;  /* of the node, to that host; family 0: nothing is forwarded */
    uint32_t draws;         /* of port numbers, so far */
    uint32_t next_fragmented;
    struct nat_fragmented *fragmented; /* NULL before the first fragment */
};

struct nat_table {
    struct nat_aside *aside; /* owned by the box, with what belongs to it; NULL: not needed yet */
    struct nat_few few[NAT_WITHIN];
    uint32_t inside;    /* of those within, host order */
    uint32_t node_port; /* by which their packets come in */
};
_Static_assert(sizeof(struct nat_table) <= 56, "there may be millions of them");

/** Empty, as zeros are; what is aside stays, but the mappings. */
void nat_table_reset(struct nat_table *);
/** What is aside, made if there is nothing; NULL when out of memory. */
struct nat_aside *nat_table_aside(struct nat_table *);
static inline struct nat_many *nat_table_many(const struct nat_table *t)
{
    return t->aside ? t->aside->many : NULL;
}
/** A copy of a mapping, without what finds it. */
struct nat_mapping nat_table_at(const struct nat_table *, uint32_t slot);
/** Mappings alive. */
uint32_t nat_table_count(const struct nat_table *);
/** The slot of the mapping that packets between these two have, or NAT_NONE. */
uint32_t nat_table_inside(const struct nat_table *, enum nat_behaviour naming,
                          const struct ip_endpoint *inside, const struct ip_endpoint *remote);
uint32_t nat_table_outside(const struct nat_table *, uint16_t port);
/** Mappings alive of one inside address. */
uint32_t nat_table_of_user(const struct nat_table *, const struct ip_addr *inside);
/**
 * Add a mapping: inside, remote, outside_port, inside_port and naming are taken from `m`; renew it
 * next.
 * @retval ERR_FULL   NAT_MAPPINGS_MAX
 * @retval ERR_MEMORY
 */
enum err nat_table_add(struct nat_table *, const struct nat_mapping *m, uint32_t *slot) MUST_USE;
void nat_table_remove(struct nat_table *, uint32_t slot);
/** A packet from outside came in by it. */
void nat_table_reply(struct nat_table *, uint32_t slot);
/** Set the expiry; within one list expiries are set in rising order. */
void nat_table_renew(struct nat_table *, uint32_t slot, enum nat_list, nsec expires);
/** The mapping that expires next, NAT_NONE if there is none; and when. */
uint32_t nat_table_next(const struct nat_table *, nsec *expires);

/** Remember that the inside host sent to `remote`; the mapping may get another slot. */
enum err nat_table_permit(struct nat_table *, uint32_t *slot,
                          const struct ip_endpoint *remote) MUST_USE;
/** Did it? `port`: with the same port too. */
bool nat_table_permits(const struct nat_table *, uint32_t slot, const struct ip_endpoint *remote,
                       bool port);

#endif
