/*
 * The table of a NAT box: mappings by inside and by outside, in the order in which they expire,
 * each with the remotes that filtering lets back in. Knows no packets and decides nothing;
 * sim/nat_box does. A box of a home has two or three mappings, one of a carrier 60,000: up to
 * NAT_FEW they are searched one by one, above that indexed. What a box of a home does without lies
 * apart: there may be a million of them.
 */
#ifndef SIM_NAT_TABLE_H
#define SIM_NAT_TABLE_H

#include "base/err.h"
#include "base/table.h"
#include "base/time.h"
#include "proto/ip/addr.h"

enum nat_table_sizes {
    NAT_MAPPINGS_MAX = 65535, /* of one box: its outside address has as many ports, without 0 */
    NAT_PERMITS_MAX = 64,     /* remotes of one mapping; the oldest gives way */
    NAT_FEW = 8,
    NAT_NONE = UINT16_MAX, /* no slot */
};

#define NAT_NO_PERMIT UINT32_MAX

/* A remote that an inside host has sent to through a mapping. */
struct nat_permit {
    struct ip_endpoint remote;
    uint32_t next; /* the one before it in time */
};

/* Mappings of one timeout, in the order of expiry. */
enum nat_list { NAT_UNREPLIED, NAT_REPLIED, NAT_LISTS };

struct nat_mapping {
    struct ip_endpoint inside, remote; /* remote: of the packet that made it */
    uint16_t outside_port;
    uint8_t permit_count;
    uint8_t list : 2; /* NAT_LISTS: in none yet */
    bool replied : 1, alive : 1;
    bool first_permitted : 1; /* `remote`, which is the oldest permit then and not in the list */
    uint16_t next, previous;  /* in its list; next: also in the list of free slots */
    uint32_t inside_port;     /* node port it came in by */
    uint32_t permits;
    nsec expires;
    uint64_t key; /* hash of inside and of what of the remote names the mapping */
};
_Static_assert(sizeof(struct nat_mapping) <= 72, "a million boxes have two each");

/* What tables have that are more than a few mappings with one remote each. */
struct nat_more {
    struct nat_permit *permits;
    uint32_t permit_count, permit_capacity, free_permit;
    bool indexed;
    struct table by_inside, by_outside, users; /* key, outside port, hash of inside address */
};

struct nat_table {
    struct nat_mapping *mappings; /* slots */
    struct nat_more *more;        /* NULL: not needed yet */
    uint16_t count, capacity, alive, free_slot;
    uint16_t head[NAT_LISTS], tail[NAT_LISTS];
};

void nat_table_init(struct nat_table *);
void nat_table_reset(struct nat_table *);
/** The slot, or NAT_NONE. */
uint32_t nat_table_inside(const struct nat_table *, uint64_t key);
uint32_t nat_table_outside(const struct nat_table *, uint16_t port);
/** Mappings alive of one inside address. */
uint32_t nat_table_of_user(const struct nat_table *, const struct ip_addr *inside);
/**
 * Add a mapping: inside, outside_port, remote, key and inside_port are taken from `m`; renew it
 * next.
 * @retval ERR_FULL   NAT_MAPPINGS_MAX
 * @retval ERR_MEMORY
 */
enum err nat_table_add(struct nat_table *, const struct nat_mapping *m, uint32_t *slot) MUST_USE;
void nat_table_remove(struct nat_table *, uint32_t slot);
/** Set the expiry; within one list expiries are set in rising order. */
void nat_table_renew(struct nat_table *, uint32_t slot, enum nat_list, nsec expires);
/** The mapping that expires next, NAT_NONE if there is none. */
uint32_t nat_table_next(const struct nat_table *);

/** Remember that the inside host sent to `remote`. */
enum err nat_table_permit(struct nat_table *, uint32_t slot,
                          const struct ip_endpoint *remote) MUST_USE;
/** Did it? `port`: with the same port too. */
bool nat_table_permits(const struct nat_table *, uint32_t slot, const struct ip_endpoint *remote,
                       bool port);

#endif
