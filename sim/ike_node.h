/*
 * A node that is an IKE endpoint: client or gateway. Wraps proto/endpoint with what a machine is:
 * an IP address, reassembly, a processor that takes time (sim/host), traffic of its own. The
 * endpoint runs when its work starts; datagrams leave and timers are set when it ends.
 */
#ifndef SIM_IKE_NODE_H
#define SIM_IKE_NODE_H

#include "proto/ip/reassembly.h"
#include "sim/host.h"
#include "sim/join.h"
#include "sim/lab.h"
#include "sim/look_up.h"
#include "sim/router.h"
#include "sim/traffic.h"
#include "sim/users.h"

enum ike_node_wire { IKE_PORT = 500, NATT_PORT = 4500, NON_ESP_MARKER = 4 };
/* What a job is, by its number: a packet, or one of these. */
enum ike_node_job {
    JOB_EXPIRE = 0x7ffffffe,
    JOB_CONNECT = 0x7ffffffd,
    JOB_ANSWER = 0x7ffffffc, /* to a look-up */
    JOB_ASK = 0x7ffffffb,    /* what the scenario asks of the tunnels; the lowest */
};
enum ike_node_timer { TIMER_ENDPOINT, TIMER_HOST, TIMER_TRAFFIC, TIMER_CONNECT };

struct ike_node;

/**
 * Members of a group whose endpoints share a store, or one alone: gateways, and clients that are
 * recorded. What belongs to a member in `config` is that of `bound`.
 */
struct ike_fleet {
    struct ike_store *store;
    struct ike_node *nodes;         /* in the order of their making */
    uint32_t count, capacity, left; /* left: not destroyed yet */
    uint32_t group;
    uint16_t link_mtu;
    bool shared;
    bool null_esp;              /* may agree on ESP without encryption */
    bool own_local;             /* each member protects its own address */
    bool asks_exactly;          /* IKEv1: each asks for what its gateway protects */
    uint32_t bound;             /* node */
    int32_t id_number;          /* as scenario_identity_number says */
    struct table spi_of_child;  /* slot of the child SA -> inbound SPI, for the checkers */
    struct ike_counters before; /* at the last look: what grew goes into the metrics */
    uint64_t executed;          /* requests, when one of its endpoints was called last */
    bool uncounted;             /* it may have grown since that look, and is in the list of those */
    struct ike_fleet *next_uncounted;
    struct ike_config config;
    struct own_user user; /* of the member that is bound */
};

/** What plain clients do without: processors, traffic, several ports, fragments. */
struct ike_extra {
    struct routes *routes; /* NULL: one port, or two uplinks */
    uint32_t uplink_port[2];
    struct host host; /* core_count 0: work takes no time */
    const struct cost_table *costs;
    struct host_metrics *host_metrics; /* NULL: not reported */
    uint32_t *held;                    /* by core: packets that leave at its end of service */
    uint32_t *held_last;               /* by core: the last of them */
    struct reassembly *inside;         /* of what came out of tunnels; NULL: no fragment yet */
    struct joiner joiner;
    struct look_ups *look_ups; /* NULL: nothing is looked up */
    struct traffic traffic;
};

/** A client is one of a million: what is not needed by each is in the extra part or the fleet. */
struct ike_node {
    struct lab *lab;
    const struct scenario_group *group;
    struct ike_fleet *fleet;
    struct ike_endpoint *endpoint;
    struct ike_extra *extra; /* owned; never NULL: that of nobody where there is none */
    uint32_t *tunnels;       /* by slot: tunnel of the lab; at a client `tunnel` */
    uint32_t node;
    uint32_t tunnel, tunnel_count;
    uint32_t asked;       /* set of enum event_action: what JOB_ASK does */
    uint32_t executed;    /* requests */
    struct ip_addr outer; /* where it is now */
    uint8_t uplink : 1;   /* which of its uplinks is in use */
    bool expire_queued : 1, connect_queued : 1;
    bool arrived : 1; /* its tunnel was there from the start, or cannot be any more */
};

_Static_assert(sizeof(struct ike_node) <= 96, "a client is one of a million");

/** A node for a member of an initiator or responder group; NULL when out of memory. */
struct ike_node *ike_node_create(struct lab *, uint32_t node);
extern const struct node_class ike_node_class;

static inline struct ike_node *ike_node_at(struct lab *lab, uint32_t node)
{
    return lab->sim.nodes[node].state;
}

/** Call the gateway of this client at `at` (initiators only). */
void ike_node_connect_at(struct lab *, uint32_t node, nsec at);
/** State lost, nothing said; the node drops what arrives until ike_node_return. */
void ike_node_crash(struct lab *, uint32_t node);
/** Back after a crash: a client connects again at once. */
void ike_node_return(struct lab *, uint32_t node);
/** From now on its way out is this link, one of its uplinks; its endpoint is told its new address.
 */
void ike_node_switch(struct lab *, uint32_t node, int32_t link);
/** The port by which it sends to an address, SIM_NONE: there is none. */
uint32_t ike_node_port(const struct ike_node *, const struct ip_addr *to);
/** The server that this node looks things up at falls silent, or answers again. */
void ike_node_lookup_outage(struct lab *, uint32_t node, bool begins);
/**
 * Ask something of every tunnel of this node: of the first SA of each that can now. Tunnels that
 * refuse, and a node that is away, are told to the recorder.
 */
void ike_node_ask(struct lab *, uint32_t node, enum event_action);
/** As if `packets` of every child SA of this node had been sent and lost. */
void ike_node_skip_sequence(struct lab *, uint32_t node, uint64_t packets);
/** Start waiting flows of a tunnel that came up; also at its gateway. */
void ike_node_begin_traffic(struct lab *, uint32_t tunnel);

/** The extra part, made if there is none; NULL when out of memory, and the run has failed. */
struct ike_extra *ike_node_extra(struct ike_node *);
/** Room for the flows that it sends; its tunnels are known. */
enum err ike_node_add_traffic(struct ike_node *) MUST_USE;
/** Put in the configuration of its fleet what belongs to this member: before its endpoint is
 * called. */
void ike_node_bind(struct ike_node *);

/* ike_packets.c: packets out and in, and what the endpoint does with them. */
/** Run one job to its end inside the endpoint; its packets leave with `core` (SIM_NONE: now). */
void ike_node_work(struct ike_node *, uint32_t job, uint32_t core);
/** Receive a packet at once, where no processor is modelled; `ip` is the packet, read. */
void ike_node_take(struct ike_node *, uint32_t packet, const struct ip_packet *ip);
/** An ICMP message to this node: what it says about its tunnels' paths is heeded. */
void ike_node_icmp(struct ike_node *, const struct ip_packet *);
/** A whole packet of this node leaves. */
void ike_node_send(struct ike_node *, uint32_t packet);
/** A packet of our own traffic that never leaves: counted, and an error reported (I17). */
void ike_node_give_up(struct ike_node *, uint32_t packet);
/** Set the timer to the endpoint's deadline. */
void ike_node_arm(struct ike_node *);

/* ike_packets.c for ike_together.c */
/** A packet of our own traffic has been protected, or not: it leaves with `core`, or is given up.
 */
void ike_node_protected(struct ike_node *, uint32_t packet, enum err, const struct ike_dgram *,
                        uint32_t core);
/** What is known of an ESP packet before it is opened. */
struct arrived_esp {
    uint32_t packet, spi, sequence;
};
struct arrived_esp ike_node_arrived(uint32_t packet, const struct ike_dgram *);
/** An ESP packet was opened, or refused: `counted` is by how much the drop counters grew. */
void ike_node_opened(struct ike_node *, const struct arrived_esp *, enum err, uint64_t counted,
                     const struct buf *inner);
/** ESP packets that its endpoint, or one of its fleet, has refused so far. */
uint64_t ike_node_esp_dropped(const struct ike_node *);
/** The datagram in a packet; false: its UDP header is broken. */
bool ike_node_datagram(const struct ip_packet *, struct ike_dgram *);
/** Whether it is for a port that the endpoint has. */
bool ike_node_listens(const struct ike_dgram *);
/** What the endpoint has to say now goes to `core`. */
void ike_node_end_work(struct ike_node *, uint32_t core);

/*
 * ike_together.c: ESP packets of one instant at one node go through the cipher together. What
 * becomes of each, and in which order, is as if each had gone alone; so packets stay alone that do
 * more than that (ike_endpoint_sends_plainly and its like), and those of nodes with a processor,
 * where each begins when a core is free, and what arrives at a captured node, whose windows are
 * told packet by packet.
 */
/** Real cryptography, and no planted defect. @retval ERR_MEMORY */
enum err ike_together_create(struct lab *) MUST_USE;
void ike_together_destroy(struct lab *);
/** A new packet of our own traffic waits for others; false: there are none, or it has to go alone,
 * and those that waited have gone. */
bool ike_node_send_together(struct ike_node *, uint32_t packet);
void ike_node_send_joined(struct ike_node *);
/** The same of a packet that has come in, but for those that wait: ike_node_take_joined is next.
 * @param ip  the packet, read */
bool ike_node_take_together(struct ike_node *, uint32_t packet, const struct ip_packet *ip);
void ike_node_take_joined(struct ike_node *);

/* ike_ask.c: what the scenario asks of tunnels */
/** Do what is in `asked`. */
void ike_node_ask_now(struct ike_node *);
/**
 * Whether somebody may have ended an SA of this tunnel: an operator, or a lifetime of either end.
 * Where nobody may, no end is left without (I6).
 */
bool ike_node_may_end(const struct lab *, const struct tunnel *, bool child);

/* established.c: tunnels without handshakes */
/** Whether this client's tunnel is there from now on; else it has to call. */
bool ike_node_establish(struct ike_node *);

/* ike_events.c: what the endpoint's events and counters mean to the run. */
void ike_node_pull_events(struct ike_node *);
/** The endpoint was called: its counters may have grown. */
void ike_node_count(struct ike_node *);
/** What counters have grown by since the last look, into the metrics: before these are read. */
void ike_nodes_count(struct lab *);
/** An inner packet came out of a tunnel, or did not. */
void ike_node_delivered(struct ike_node *, const struct payload *, nsec sent, uint32_t bytes);
/** Whether this occasion is the planted defect's `n`-th. */
bool lab_plant(struct lab *, enum plant, uint32_t n);

#endif
