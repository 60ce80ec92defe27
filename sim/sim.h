/*
 * The discrete-event simulator: time, nodes, packets, the event loop. Links (sim/link) and node
 * classes (sim/nat_box, router, ike_node) stand on it; a scenario is laid out by sim/topology.
 *
 * A node is a number; its behaviour hangs on a const class record, its state on a pointer. A
 * node's ports are the ends of links, numbered in the order the links were made. A packet is whole
 * IP bytes in a slot; whoever holds the slot number owns it and must send, keep or drop it.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "base/bytes.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/rng.h"
#include "base/time.h"
#include "record/metrics.h"
#include "sim/queue.h"

#include <stdbool.h>

struct sim;

enum sim_sizes {
    PACKET_HEADROOM = 128, /* free bytes before a new packet: outer headers go there */
    PACKET_TINY = 640,     /* capacity classes, headroom included: most of IKE, */
    PACKET_SMALL = 2048,   /* what a link takes whole, */
    PACKET_LARGE = 66560,  /* and any IP packet */
    PACKET_CLASSES = 3,
    TIMERS_PER_NODE = 4,
    PORTS_INSIDE = 2, /* of a node that need no memory of their own */
    NODE_CLASSES_MAX = 8,
    NODE_GROUPS_MAX = 256,
    BALANCE_SHARE = 16384, /* links and nodes that sim_balanced_share looks at */
};

#define SIM_NONE UINT32_MAX

struct packet {
    uint8_t *storage;
    uint8_t *data; /* the IP packet */
    uint32_t len;
    uint32_t capacity;      /* of storage */
    uint32_t source;        /* node that made it */
    uint32_t sequence;      /* at that node */
    uint32_t maker, serial; /* who made this copy of it, and its number there: its name for ties;
                               source and sequence, but for duplicates and fragments */
    uint32_t holder;        /* the node that has it */
    uint32_t direction;     /* the link direction it is on; SIM_NONE: at its holder */
    uint32_t port;          /* where it arrives */
    nsec created;
    nsec departs, arrives; /* from and at the far end of the link it is on */
    uint32_t tag;          /* the maker's own mark: flow and member, for accounting */
    uint32_t transmission; /* IKE: n-th retransmission */
    uint8_t kind;          /* enum packet_kind */
    bool corrupted;        /* a link flipped a bit */
    bool lost;             /* its link went down under it; counted already */
    bool hashed;           /* on a link: `hash` is of the bytes as they are */
    bool entered;          /* it was counted as sent and must be accounted for (I8) */
    uint64_t hash;
    uint32_t next; /* in the free list, or in a list of its owner */
};

/** What a packet is, as its maker knows it: lets observers skip what they do not want cheaply. */
enum packet_kind { PACKET_OTHER, PACKET_IKE, PACKET_ESP, PACKET_KEEPALIVE };

/** What a kind of node does. */
struct node_class {
    const char *name;
    /** A packet arrived at `port`; the callee owns it now. */
    void (*receive)(struct sim *, uint32_t node, uint32_t port, uint32_t packet);
    void (*timer)(struct sim *, uint32_t node, uint32_t slot);
    /**
     * A packet (NULL: a timer) comes soon, and its octets and the state lie in a cache: fetch what
     * is found through them with FETCH_FURTHER, and through what that was, up to FETCH_LAST.
     * Changes nothing. Optional.
     */
    void (*soon)(const struct sim *, uint32_t node, const struct packet *, enum queue_fetch);
    /** No more packets come now for which sim_wait was called; NULL: it never is. */
    void (*settle)(struct sim *, uint32_t node);
    /** Free the state. */
    void (*destroy)(struct sim *, uint32_t node);
};

/* Packed: what stands behind it in a node begins in its last word. */
struct timer {
    nsec at;         /* when it fires */
    nsec queued;     /* of its queue entry, which may be early but not late */
    uint32_t number; /* in that entry: slot above generation */
} __attribute__((packed, aligned(4)));

/** Timers of a node that had two under way at once. */
struct node_timers {
    struct timer slot[TIMERS_PER_NODE];
};

struct node {
    void *state;
    uint64_t digest;   /* of its events, with packet bytes */
    uint64_t timeline; /* without */
    union {
        struct timer timer;    /* of the slot that its number names; the others are not set */
        uint32_t timers_index; /* if timers_apart: in sim.timers */
    };
    uint32_t notes; /* in either digest. Modulo 2^32 */
    union {
        uint32_t few[PORTS_INSIDE];
        uint32_t *many; /* their count in front; room for a power of two */
    } ports;            /* by port: outgoing link direction, see node_port */
    uint32_t sequence;  /* packets made so far */
    uint16_t held;      /* I8: packets that came in and did not go out yet. Modulo 2^16 */
    uint8_t group;      /* of the scenario */
    uint8_t class : 3;  /* in sim.classes */
    uint8_t few : 2;    /* ports, up to PORTS_INSIDE; then one more: many */
    bool timers_apart : 1;
    bool down : 1; /* set by sim_set_down: packets are dropped (host_down) */
    bool captured : 1;
};
_Static_assert(sizeof(struct node) <= 64, "there may be millions of them");

/** What happens to packets, as seen by the recorder. */
enum tap_kind { TAP_SENT, TAP_RECEIVED, TAP_DROPPED, TAP_DUPLICATED, TAP_FRAGMENTED };

struct tap_event {
    enum tap_kind kind;
    nsec at;
    uint32_t node;      /* where */
    uint32_t direction; /* link direction, SIM_NONE if not on a link */
    const struct packet *packet;
    enum net_drop cause; /* TAP_DROPPED */
};

struct sim_tap {
    void *context;
    void (*packet)(void *context, const struct tap_event *);
};

/** Called between events: for progress and Ctrl-C. */
struct sim_hook {
    void *context;
    bool (*go_on)(void *context); /* false stops the run, as sim_stop does */
    uint32_t every;               /* events, at least 1 */
};

struct link_direction; /* sim/link.h */
struct link_kind;
struct link_wire;

struct sim {
    nsec now;
    uint64_t seed;
    struct queue queue;
    struct node *nodes;
    uint32_t node_count, node_capacity;
    struct link_direction *links;
    uint32_t link_count, link_capacity;
    struct link_kind **link_kinds; /* one of each that directions share */
    uint32_t link_kind_count, link_kind_capacity;
    struct rng_family link_draws; /* their random streams */
    struct link_wire *wires;      /* of the directions that have one */
    uint32_t wire_count, wire_capacity;
    uint32_t first_busy; /* of the wires that may have a queue; SIM_NONE: none */
    struct node_timers *timers;
    uint32_t timers_count, timers_capacity;
    struct packet *packets;
    uint32_t packet_count, packet_capacity;
    uint32_t free[PACKET_CLASSES];     /* heads of the free lists */
    struct group_metrics *of_group;    /* by group, what starts and ends at its nodes; or NULL */
    struct link_metrics *of_link;      /* by link of the scenario, or NULL */
    struct net_metrics net;            /* sent .. dropped, over all links and nodes */
    uint64_t on_their_way;             /* packets in slots that must be accounted for (I8) */
    uint64_t esp_lost[NET_DROP_COUNT]; /* of the dropped: ESP */
    uint64_t held_fragments;           /* in reassembly at nodes: on their way, but in no slot */
    uint32_t balance_next;             /* of links and nodes: where the next share begins */
    uint32_t balance_wait;             /* calls before it is looked at */
    uint64_t events;
    uint32_t stale;   /* entries of timers that moved earlier since, at most */
    uint32_t waiting; /* a node that has called sim_wait; SIM_NONE: none */
    struct sim_tap tap;
    struct sim_hook hook;
    bool no_shortcut;   /* each departure from a link's queue is an event; same results */
    bool stopped;       /* sim_stop was called */
    enum err error;     /* the first failure (memory); ends the run */
    const char *broken; /* I15: what went wrong with time; NULL if nothing */
    const struct node_class *classes[NODE_CLASSES_MAX]; /* of nodes; NULL behind the last */
    void *user;                                         /* the run around it */
};

/** The simulator stays where it is until its reset. */
enum err sim_init(struct sim *, uint64_t seed) MUST_USE;
void sim_reset(struct sim *);

/** Room for this many nodes and link directions in all, so that adding them moves none. */
enum err sim_reserve(struct sim *, uint32_t nodes, uint32_t directions) MUST_USE;
/** @return the node's number, SIM_NONE when out of memory */
uint32_t sim_add_node(struct sim *, const struct node_class *, void *state, uint32_t group);
static inline const struct node_class *node_class(const struct sim *s, const struct node *n)
{
    return s->classes[n->class];
}
static inline uint32_t node_port_count(const struct node *n)
{
    return n->few <= PORTS_INSIDE ? n->few : n->ports.many[0];
}
/** The link direction that leaves by a port of the node. */
static inline uint32_t node_port(const struct node *n, uint32_t port)
{
    return n->few <= PORTS_INSIDE ? n->ports.few[port] : n->ports.many[1 + port];
}
/** Add a port, by which this link direction leaves. @return its number, SIM_NONE: no memory */
uint32_t node_attach(struct node *, uint32_t direction);
/** What is counted of packets that start and end at the node; NULL: nothing. */
static inline struct net_metrics *node_metrics(const struct sim *s, const struct node *n)
{
    return s->of_group ? &s->of_group[n->group].net : NULL;
}

/** Memory of a packet of `len` bytes on its way, not longer than a link takes whole: its slot, and
 * an entry in the queue. */
static inline uint64_t packet_footprint(uint64_t len)
{
    return sizeof(struct packet) + sizeof(struct event_entry) +
           (PACKET_HEADROOM + len <= PACKET_TINY ? PACKET_TINY : PACKET_SMALL);
}

/** A new packet made by `node`, `room` bytes fit behind data; SIM_NONE when out of memory. */
uint32_t packet_new(struct sim *, uint32_t node, uint32_t room);
/**
 * A copy made by `node`, still of the same source and sequence; for duplication and fragmentation.
 * It counts as entered if the original has; the caller counts it as made.
 * @param len  bytes to copy, from the start
 */
uint32_t packet_copy(struct sim *, uint32_t node, uint32_t packet, uint32_t len);
static inline struct packet *packet_at(struct sim *s, uint32_t packet)
{
    return &s->packets[packet];
}
/** Bytes that may follow data. */
static inline uint32_t packet_room(const struct packet *p)
{
    return (uint32_t)(p->storage + p->capacity - p->data);
}
/** The packet reached its end at `node`: counted as delivered, its slot is free. */
void packet_deliver(struct sim *, uint32_t node, uint32_t packet);
/** The packet ends here, counted and told to the tap. */
void packet_drop(struct sim *, uint32_t node, uint32_t packet, enum net_drop cause);
/** From now on the packet, at its holder, must be accounted for (I8). */
void packet_admit(struct sim *, uint32_t packet);
/** Its link counted it as dropped under way: only an event names it still. */
void packet_lose(struct sim *, uint32_t packet);
/** Count a packet as sent although no link takes it; for one that is dropped where it was made. */
void packet_enter(struct sim *, uint32_t packet);
/** Free the slot without counting (a packet that never entered the network). */
void packet_free(struct sim *, uint32_t packet);
/** The packet that its node has made last gives its number back, until... */
void packet_put_off(struct sim *, uint32_t packet);
/** ...it gets the next one, as if it had been made now. */
void packet_number(struct sim *, uint32_t packet);

/** Give a packet to the network on a port of `node`. `first`: it enters here (counted as sent). */
void sim_send(struct sim *, uint32_t node, uint32_t port, uint32_t packet, bool first);
/** Set, move or (NSEC_NEVER) cancel a timer slot of a node. */
void sim_arm(struct sim *, uint32_t node, uint32_t slot, nsec at);

/** Tell the tap, if there is one. */
void sim_tell(struct sim *, enum tap_kind, uint32_t node, uint32_t direction, uint32_t packet,
              enum net_drop cause);
/** Used by links: let `packet` depart from its link's queue, and arrive at a node's port. */
void sim_depart(struct sim *, uint32_t node, uint32_t packet, nsec at);
void sim_arrive(struct sim *, uint32_t node, uint32_t port, uint32_t packet, nsec at);
/** The first failure ends the run. */
void sim_fail(struct sim *, enum err);

/** Handle events up to and including time `until`, until stopped or broken. now ends at `until`. */
enum err sim_run(struct sim *, nsec until) MUST_USE;
void sim_stop(struct sim *);

/** Whether the next event is one more packet that reaches this node at this very time. It may say
 * no though one comes later on. */
bool sim_more_comes(const struct sim *, uint32_t node);
/** From receive: the node keeps the packet until it has those that come with it. Its `settle` is
 * called before anything happens but another packet that reaches it at this time. */
static inline void sim_wait(struct sim *s, uint32_t node)
{
    s->waiting = node;
}

/** A node crashes (its timers are cancelled, what arrives is dropped) or comes back. */
void sim_set_down(struct sim *, uint32_t node, bool down);

/** Packets that are on their way (I8: sent + duplicated + fragments = delivered + ... + these). */
uint64_t sim_in_flight(const struct sim *);
/** ESP packets that are made and have not come to their end, also those that wait at their maker.
 */
uint64_t sim_esp_in_flight(const struct sim *);
/** I8: 0, or by how much the books do not balance. */
int64_t sim_conservation(const struct sim *);

/** Where the books do not balance, and by how much. */
struct sim_imbalance {
    enum { BALANCE_RUN, BALANCE_LINK, BALANCE_NODE, BALANCE_UNKNOWN /* no memory to look */ } where;
    uint32_t index; /* link direction, node */
    int64_t difference;
};
/** I8 for the run, for each link direction and for each node. Walks everything: for the end. */
bool sim_balanced(const struct sim *, struct sim_imbalance *out);
/**
 * I8 for the run, and for the BALANCE_SHARE links and nodes that follow those of the last call: for
 * checkpoints. While many packets are under way the links and nodes have to wait for some calls, so
 * that looking at them costs less than moving the packets.
 */
bool sim_balanced_share(struct sim *, struct sim_imbalance *out);
uint64_t sim_digest(const struct sim *);
uint64_t sim_timeline_digest(const struct sim *);

#endif
