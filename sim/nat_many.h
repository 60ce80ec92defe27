/*
 * The mappings of a NAT box that has many, or some that sim/nat_table does not hold within the box:
 * by inside and by outside, in the order in which they expire, each with the remotes that filtering
 * lets back in. A carrier's box has 60,000 of them: up to NAT_FEW they are searched one by one,
 * above that indexed.
 */
#ifndef SIM_NAT_MANY_H
#define SIM_NAT_MANY_H

#include "base/err.h"
#include "base/table.h"
#include "base/time.h"
#include "proto/ip/addr.h"
#include "sim/words.h"

enum nat_many_sizes {
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
    uint8_t list : 2;   /* NAT_LISTS: in none yet */
    uint8_t naming : 2; /* enum nat_behaviour: what of the remote names it, RFC 4787 §4.1 */
    bool replied : 1, alive : 1;
    bool first_permitted : 1; /* `remote`, which is the oldest permit then and not in the list */
    uint16_t next, previous;  /* in its list; next: also in the list of free slots */
    uint32_t inside_port;     /* node port it came in by */
    uint32_t permits;
    nsec expires;
    uint64_t key; /* hash of inside and of what of the remote names it */
};

struct nat_many {
    struct nat_mapping *mappings; /* slots */
    struct nat_permit *permits;
    uint32_t permit_count, permit_capacity, free_permit;
    uint16_t count, capacity, alive, free_slot;
    uint16_t head[NAT_LISTS], tail[NAT_LISTS];
    bool indexed;
    struct table by_inside, by_outside, users; /* key, outside port, hash of inside address */
};

/** NULL when out of memory. */
struct nat_many *nat_many_create(void);
void nat_many_destroy(struct nat_many *);
/** The slot of the mapping that packets between these two have, or NAT_NONE. */
uint32_t nat_many_inside(const struct nat_many *, enum nat_behaviour naming,
                         const struct ip_endpoint *inside, const struct ip_endpoint *remote);
uint32_t nat_many_outside(const struct nat_many *, uint16_t port);
/** Mappings alive of one inside address. */
uint32_t nat_many_of_user(const struct nat_many *, const struct ip_addr *inside);
/**
 * Add a mapping: inside, remote, outside_port, inside_port and naming are taken from `m`; renew it
 * next.
 * @retval ERR_FULL   NAT_MAPPINGS_MAX
 * @retval ERR_MEMORY
 */
enum err nat_many_add(struct nat_many *, const struct nat_mapping *m, uint32_t *slot) MUST_USE;
void nat_many_remove(struct nat_many *, uint32_t slot);
/** Set the expiry; within one list expiries are set in rising order. */
void nat_many_renew(struct nat_many *, uint32_t slot, enum nat_list, nsec expires);
/** The mapping that expires next, NAT_NONE if there is none. */
uint32_t nat_many_next(const struct nat_many *);

/** Remember that the inside host sent to `remote`. */
enum err nat_many_permit(struct nat_many *, uint32_t slot,
                         const struct ip_endpoint *remote) MUST_USE;
/** Did it? `port`: with the same port too. */
bool nat_many_permits(const struct nat_many *, uint32_t slot, const struct ip_endpoint *remote,
                      bool port);

#endif
