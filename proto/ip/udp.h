/* UDP (RFC 768) over IPv4 and IPv6. */
#ifndef PROTO_IP_UDP_H
#define PROTO_IP_UDP_H

#include "proto/ip/packet.h"

enum udp_sizes {
    UDP_HEADER_LEN = 8,
    UDP_HEADROOM_MAX = IPV6_HEADER_LEN + UDP_HEADER_LEN,
};

struct udp_datagram {
    struct ip_endpoint src, dst;
    bool checksummed; /* false: checksum field was 0 (IPv4 only; RFC 3948 §2.1 lets ESP do so) */
    struct bytes payload;
};

/**
 * Read the UDP datagram in a whole (unfragmented) packet.
 * @retval ERR_NEXT_HEADER  not UDP, or a fragment
 * @retval ERR_TRUNCATED, ERR_LENGTH
 * @retval ERR_CHECKSUM     wrong, or 0 over IPv6 (RFC 8200 §8.1)
 */
enum err udp_read(const struct ip_packet *, struct udp_datagram *) MUST_USE;

struct udp_build {
    struct ip_endpoint src, dst; /* of one family */
    uint8_t ttl, tos;            /* ttl 0: 64 */
    bool df;
    bool no_checksum; /* IPv4: leave the field 0 */
    uint16_t id;      /* IPv4 identification */
};

static inline size_t udp_headroom(uint8_t family)
{
    return ip_header_len(family) + UDP_HEADER_LEN;
}

/**
 * Write IP and UDP headers into the udp_headroom(family) free bytes before `payload`.
 * @param[out] packet  the whole IP packet
 * @retval ERR_LENGTH  too long for the length fields
 */
enum err udp_datagram_write(uint8_t *payload, size_t len, const struct udp_build *,
                            struct bytes *packet) MUST_USE;

#endif
