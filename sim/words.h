/*
 * The words of a scenario that parts of the simulator share: what a link direction does to
 * packets (tc-netem's vocabulary) and how a NAT behaves (RFC 4787's). Plain data in base units:
 * times in ns, probabilities p * 2^32 (2^32 is certain).
 */
#ifndef SIM_WORDS_H
#define SIM_WORDS_H

#include "base/dist.h"
#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

#define PROBABILITY_ONE (UINT64_C(1) << 32)

enum loss_model { LOSS_NONE, LOSS_RANDOM, LOSS_GEMODEL, LOSS_STATE };

struct loss_words {
    enum loss_model model;
    uint64_t random;
    /* gemodel: good to bad, bad to good, loss in bad (1-h), loss in good (1-k) */
    uint64_t p, r, loss_bad, loss_good;
    /* state: transitions between received in gap 1, received in burst 2, lost in burst 3, lost in
     * gap 4 */
    uint64_t p13, p31, p32, p23, p14;
};

/** Packets that can be named by their number, by what their maker knows of them. */
enum fate_kind { FATE_IKE, FATE_ESP, FATE_KINDS };

/** What becomes of one packet of a link, whatever else the link does: an item of `packets:`. */
struct packet_fate {
    uint32_t direction; /* enum link_direction_index */
    uint32_t kind;      /* enum fate_kind */
    uint32_t number;    /* of this kind in this direction, the first since the start is 1 */
    bool lost;
    const nsec *at; /* else when it arrives, once for each; ascending */
    uint32_t at_count;
};

/** What one direction does to packets. */
struct link_words {
    nsec delay, jitter;
    enum distribution distribution;
    uint64_t rate_bps; /* 0: unlimited */
    struct loss_words loss;
    uint64_t duplicate;
    uint64_t reorder; /* share of packets that skip the delay */
    uint64_t corrupt; /* share of packets with one flipped bit */
    uint32_t limit;   /* packets that may wait for the wire */
    uint32_t mtu;     /* bytes of an IP packet */
    uint32_t fate_count;
    const struct packet_fate *fates; /* of this direction; by kind, then number; borrowed */
};

/* RFC 4787 §4.1 (mapping) and §5 (filtering). */
enum nat_behaviour {
    NAT_ENDPOINT_INDEPENDENT,
    NAT_ADDRESS_DEPENDENT,
    NAT_ADDRESS_AND_PORT_DEPENDENT,
};

/* RFC 4787 §4.3: which packets restart the timer of a mapping. */
enum nat_refresh { NAT_REFRESH_OUTBOUND, NAT_REFRESH_INBOUND, NAT_REFRESH_BOTH };

struct nat_words {
    enum nat_behaviour mapping, filtering;
    enum nat_refresh refresh;
    bool port_preservation, hairpin;
    bool random_ports; /* where a port is not preserved: anywhere in the range, else the next one */
    nsec udp_timeout, udp_timeout_unreplied; /* with and without a packet from outside */
    uint16_t port_first, port_last;
    uint32_t ports_per_user; /* per inside address; 0: no limit */
};

#endif
