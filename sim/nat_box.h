/*
 * A NAT box in the words of RFC 4787: mapping and filtering each endpoint-independent, address-
 * dependent or address-and-port-dependent, port preservation, timers, refresh direction,
 * hairpinning, port range and per-user limit, reboot. It rewrites real bytes. One outside address
 * on one port of the node (outside_port, set when the links are made); all other ports are inside.
 *
 * UDP only (and ICMP errors about it): bare ESP and other protocols find no mapping. Fragments
 * behind the first carry no ports and are dropped as nat_no_mapping, as many boxes do.
 */
#ifndef SIM_NAT_BOX_H
#define SIM_NAT_BOX_H

#include "base/table.h"
#include "proto/ip/addr.h"
#include "sim/sim.h"
#include "sim/words.h"

enum { NAT_MAPPINGS_MAX = 65536 }; /* of one box: it has one outside address */

/** What changes in the table, told to the run's recorder. */
enum nat_change { NAT_MAPPED, NAT_REFRESHED, NAT_EXPIRED, NAT_REBOOTED };

struct nat_event {
    enum nat_change change;
    struct ip_endpoint inside, outside, remote; /* remote: of the packet that made the mapping */
    bool inbound;                               /* REFRESHED */
    uint32_t mappings;                          /* REBOOTED: lost */
};

struct nat_observer {
    void *context;
    void (*changed)(void *context, uint32_t node, nsec at, const struct nat_event *);
};

/* A remote that an inside host has sent to through a mapping: what filtering lets back in. */
struct nat_permit {
    struct ip_endpoint remote;
    struct nat_permit *next;
};

struct nat_mapping {
    struct ip_endpoint inside, outside, remote;
    nsec expires;
    uint64_t key;         /* in by_inside */
    uint32_t inside_port; /* node port it came in by */
    struct nat_permit *permits;
    bool replied, alive;
};

struct nat_box {
    struct nat_words words;
    struct ip_addr outside;
    uint32_t outside_port;
    struct nat_mapping *mappings; /* a slot is free when not alive */
    uint32_t count, capacity, alive;
    struct table by_inside;  /* hash of inside (and, by `mapping`, remote) -> slot */
    struct table by_outside; /* outside port -> slot */
    struct table users;      /* hash of the inside address -> mappings alive */
    struct rng port_random;
    uint16_t next_port;
    struct nat_observer observer;
};

/** NULL when out of memory. `outside` is the address on port 0. */
struct nat_box *nat_box_create(const struct nat_words *, const struct ip_addr *outside,
                               struct rng port_random);
/** The table is lost; new mappings get other ports where `new_ports`. */
void nat_box_reboot(struct sim *, uint32_t node, bool new_ports);
extern const struct node_class nat_box_class;

#endif
