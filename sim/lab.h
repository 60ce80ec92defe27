/*
 * One run in the making: the simulator, the protocol's crypto, what is recorded, what is checked,
 * and the tunnels between clients and gateways. Shared by the files that put a scenario to work:
 * topology (nodes and links), ike_node (endpoints), traffic, timeline (events of the scenario),
 * recorder (events, capture, keys) and run (the loop).
 */
#ifndef SIM_LAB_H
#define SIM_LAB_H

#include "crypto/cost.h"
#include "crypto/provider.h"
#include "proto/endpoint.h"
#include "record/metrics.h"
#include "sim/address_plan.h"
#include "sim/checker.h"
#include "sim/nat_box.h"
#include "sim/scenario.h"
#include "sim/sim.h"

struct recorder;
struct credentials;
struct users;
struct ike_node;
struct ike_fleet;
struct ike_together;

/* Defects planted to show that a checker trips: one at a time, named on the command line. */
#define PLANT_LIST(X)                                                                              \
    X(NONE, "none")                                                                                \
    X(CLEAR_PACKET, "clear-packet")         /* a protected packet leaves in clear: I1 */           \
    X(KEY_MISMATCH, "key-mismatch")         /* one end reports other keys: I2 */                   \
    X(REPLAY_ACCEPTED, "replay-accepted")   /* gateways run without a replay window: I4 */         \
    X(ICV_IGNORED, "icv-ignored")           /* the provider accepts any ICV: I4 */                 \
    X(SILENT_REFUSAL, "silent-refusal")     /* a good packet is refused uncounted: I5 */           \
    X(SECOND_CHILD, "second-child")         /* a client makes a child SA more: I6 */               \
    X(KEEP_LOSER, "keep-loser")             /* nobody deletes what lost a collision: I7 */         \
    X(PACKET_VANISHES, "packet-vanishes")   /* a packet is freed without a reason: I8 */           \
    X(RESPONSE_DIFFERS, "response-differs") /* a repeated response has a wrong bit: I9 */          \
    X(TIME_GOES_BACK, "time-goes-back")     /* an event is scheduled in the past: I15 */           \
    X(BLACK_HOLE, "black-hole")             /* gateways swallow what they receive: I17 */

enum plant {
#define X(symbol, name) PLANT_##symbol,
    PLANT_LIST(X)
#undef X
        PLANT_COUNT
};

/** One client and its gateway. Tunnels are numbered initiator group by group, in member order. */
struct tunnel {
    uint32_t client, gateway; /* nodes */
    uint32_t group;           /* of the client */
    struct sa_ref ike;        /* at the client */
    uint16_t asked;           /* set of enum event_action: of either end, so far */
    uint8_t child_end; /* enum sa_reason: why the client's last child SA to go has gone or was
                          not made */
    bool starting : 1, up : 1;
    bool first_packet : 1; /* delivered since it came up */
    bool judged : 1;       /* I6: at rest once since the last event of the scenario */
    nsec started;          /* of the handshake in progress, or of the last one */
};
_Static_assert(sizeof(struct tunnel) <= 32, "there may be millions of them");
_Static_assert(ACTION_COUNT <= 16 && REASON_COUNT <= 256, "in struct tunnel");

struct lab {
    const struct scenario *scenario;
    struct address_plan plan;
    struct sim sim;
    struct meter meter;
    struct crypto *crypto;
    struct credentials *credentials; /* NULL: nobody signs */
    struct users *users;             /* NULL: nobody asks for any */
    struct cost_table *costs;        /* by group; name[0] == 0: none */
    struct metrics *metrics;
    struct checker *checker;
    struct recorder *recorder; /* NULL: nothing but numbers is kept */
    struct tunnel *tunnels;
    uint32_t tunnel_count;
    /* By tunnel a bit for each of metrics.recoveries: no data since that event. NULL: there was no
     * event. */
    uint64_t *recovering;
    uint32_t *first_tunnel; /* by group */
    uint64_t tunnels_up;
    uint64_t tunnels_judged; /* those with `judged` set */
    uint32_t sweep_node;     /* where rest_look's sweep goes on: a responder, one of its SAs */
    struct sa_ref sweep_after;
    enum plant plant;
    uint32_t plant_count; /* occasions seen by the planted defect */
    struct crypto_class planted_class;
    struct ike_fleet *uncounted;      /* those whose counters are not in the metrics yet */
    struct nat_observer nat_observer; /* of all NAT boxes */
    bool attacked;                    /* somebody floods a gateway: sim/attacker.h */
    struct ike_together *together;    /* NULL: each ESP packet goes alone */
    /* ESP packets that were sealed or opened alone, and with others in one call. */
    uint64_t esp_alone, esp_together;
};

enum { LAB_NAME_MAX = SCENARIO_NAME_MAX + 16 };

/** "gw" for the node of a group of one, "homes[3]" else; LAB_NAME_MAX bytes. Returns `out`. */
char *lab_node_name(const struct lab *, uint32_t node, char *out);

/** What a tunnel's client calls: the gateway's address, or the outside of a NAT before it. */
struct ip_addr lab_called(const struct lab *, const struct tunnel *);

/** The lab around a simulator. */
static inline struct lab *lab_of(const struct sim *s)
{
    return s->user;
}

static inline uint32_t lab_tunnel_of(const struct lab *lab, uint32_t client)
{
    uint32_t group = lab->sim.nodes[client].group;

    return lab->first_tunnel[group] + client - lab->scenario->groups[group].first_node;
}

#endif
