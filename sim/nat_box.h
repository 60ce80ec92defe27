/*
 * A NAT box in the words of RFC 4787: mapping and filtering each endpoint-independent, address-
 * dependent or address-and-port-dependent, port preservation, timers, refresh direction,
 * hairpinning, port range and per-user limit, port forwarding, reboot. It rewrites real bytes. One
 * outside address on one port of the node (outside_port, set when the links are made); all other
 * ports are inside.
 *
 * UDP only (and ICMP errors about it): bare ESP and other protocols find no mapping. The first
 * fragment of a packet carries the ports and opens the way for the others; those that come before
 * it are dropped as nat_no_mapping, as are those of the oldest packet when too many are on the way.
 */
#ifndef SIM_NAT_BOX_H
#define SIM_NAT_BOX_H

#include "proto/ip/rewrite.h"
#include "sim/nat_table.h"
#include "sim/sim.h"
#include "sim/words.h"

#include <stddef.h>

enum nat_box_sizes {
    NAT_FRAGMENTED_MAX = 32, /* fragmented packets on the way */
    NAT_FRAGMENT_TIMEOUT_S = 30,
    NAT_FORWARD_IKE = 500, /* the ports that are forwarded, both or none */
    NAT_FORWARD_NATT = 4500,
};

/** What changes in the table, told to the run's recorder. */
enum nat_change { NAT_MAPPED, NAT_REFRESHED, NAT_EXPIRED, NAT_REBOOTED };

struct nat_event {
    enum nat_change change;
    struct ip_endpoint inside, outside, remote; /* remote: of the packet that made the mapping */
    nsec expires;                               /* MAPPED, REFRESHED: unless refreshed again */
    bool inbound;                               /* REFRESHED */
    uint32_t mappings;                          /* REBOOTED: lost */
};

struct nat_observer {
    void *context;
    void (*changed)(void *context, uint32_t node, nsec at, const struct nat_event *);
};

/* Where the fragments of one packet go. */
struct nat_fragmented {
    struct ip_addr src, dst;
    uint32_t id;
    uint8_t protocol;
    enum rewrite_side side;
    struct ip_endpoint to;
    struct ip_endpoint hairpin; /* the second rewriting, of the destination; port 0: none */
    uint32_t port;              /* of the node */
    nsec until;                 /* 0: free */
};

/** There may be a million of them, one for each client. */
struct nat_box {
    struct nat_table table;
    uint32_t number;  /* in its group: all boxes of one lie side by side */
    uint32_t outside; /* host order; 0: IPv6, or none yet */
    uint32_t outside_port;
    uint16_t next_port;
    bool drops_fragments : 1;
    bool icmp_errors : 1; /* tell the sender when a packet is too big for the next link */
    bool preserve : 1;    /* words.port_preservation, until a reboot with new ports */
};
_Static_assert(sizeof(struct nat_box) <= 72, "there may be millions of them");

/** What the boxes of a group have in common, in front of them. It goes with the last of them. */
struct nat_boxes {
    const struct nat_words *words;       /* borrowed */
    const struct nat_observer *observer; /* borrowed; NULL: nobody looks */
    uint32_t room, count, left;          /* left: not destroyed yet */
    struct nat_box box[];
};

static inline struct nat_boxes *nat_box_group(const struct nat_box *n)
{
    return (struct nat_boxes *)((uintptr_t)(n - n->number) - offsetof(struct nat_boxes, box));
}

/**
 * The first box of a group: the state of a node, which destroys it.
 * @param words  there as long as the boxes are
 * @param room   boxes of this group in all
 * @return NULL when out of memory. Set its address, outside_port, and what else differs, before the
 *         run.
 */
struct nat_box *nat_box_create(const struct nat_words *words, uint32_t room);
/** One more box of the group of this one; there is room for it. */
struct nat_box *nat_box_beside(struct nat_box *);
enum err nat_box_place(struct nat_box *, const struct ip_addr *outside) MUST_USE;
struct ip_addr nat_box_outside(const struct nat_box *);
/** Who is told of all boxes of its group. */
static inline void nat_box_observe(struct nat_box *n, const struct nat_observer *observer)
{
    nat_box_group(n)->observer = observer;
}
/** Forward the ports of IKE to a host inside, by this port of the node. */
enum err nat_box_forward(struct nat_box *, const struct ip_addr *host, uint32_t port) MUST_USE;
/** The host inside that the ports of IKE are forwarded to; NULL: there is none. */
static inline const struct ip_addr *nat_box_forwarded(const struct nat_box *n)
{
    const struct nat_aside *aside = n->table.aside;

    return aside && aside->forward.family ? &aside->forward : NULL;
}
/**
 * The table is lost. `new_ports`: from now on ports are not preserved and start elsewhere, so that
 * the same inside host comes out as somebody else.
 */
void nat_box_reboot(struct sim *, uint32_t node, bool new_ports);
/**
 * A UDP packet and its answer have just passed, as far as the table is concerned, and nothing was
 * sent: mappings are there and their timers run.
 * @param port          of the node, by which the packet came in
 * @param[in,out] src, dst  of the packet as it comes in, and as it leaves
 * @return false: it would have been dropped
 */
bool nat_box_passed(struct sim *, uint32_t node, uint32_t port, struct ip_endpoint *src,
                    struct ip_endpoint *dst);
extern const struct node_class nat_box_class;
static inline bool node_is_nat(const struct sim *s, uint32_t node)
{
    return node_class(s, &s->nodes[node]) == &nat_box_class;
}

#endif
