/*
 * What travels inside the tunnels: IPv4/UDP packets that carry the run's tag (so that plaintext
 * on the wire is recognised, invariant I1), the name of the packet, and a hash over everything,
 * so that the receiver knows the content is what the sender made (I4).
 */
#ifndef SIM_PAYLOAD_H
#define SIM_PAYLOAD_H

#include "base/bytes.h"
#include "base/err.h"
#include "proto/ip/addr.h"

enum payload_sizes {
    PAYLOAD_MIN = 64, /* inner IP bytes: headers 28, tag 16, hash 8, name 12 */
    PAYLOAD_PORT = 9, /* discard */
};

struct payload {
    uint16_t flow;
    bool reverse;  /* from the gateway to the client */
    bool df;       /* of the packet to be written; not read back */
    uint16_t port; /* of the client besides PAYLOAD_PORT; not read back either */
    uint32_t tunnel;
    uint32_t sequence; /* of this flow in this tunnel and direction */
};

/**
 * Write an inner packet of `size` bytes (PAYLOAD_MIN at least).
 * @param data  room for `size` bytes
 * @param tag   CHECKER_TAG_LEN bytes
 */
enum err payload_write(uint8_t *data, size_t size, const struct ip_addr *src,
                       const struct ip_addr *dst, const uint8_t *tag,
                       const struct payload *) MUST_USE;
/** @retval ERR_CHECKSUM  not a packet of ours, or changed on the way */
enum err payload_read(struct bytes packet, const uint8_t *tag, struct payload *) MUST_USE;
/** The name of a packet that an ICMP error quotes, cut short and not proven. */
enum err payload_quoted(struct bytes quoted, const uint8_t *tag, struct payload *) MUST_USE;

#endif
