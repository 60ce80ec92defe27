/*
 * ICMP (RFC 792, RFC 1191) and ICMPv6 (RFC 4443): echo, and the errors that a path gives back.
 * One set of kinds for both families.
 */
#ifndef PROTO_IP_ICMP_H
#define PROTO_IP_ICMP_H

#include "proto/ip/packet.h"

enum icmp_kind {
    ICMP_OTHER,
    ICMP_ECHO_REQUEST,
    ICMP_ECHO_REPLY,
    ICMP_TOO_BIG, /* fragmentation needed and DF set; Packet Too Big */
    ICMP_PORT_UNREACHABLE,
    ICMP_HOST_UNREACHABLE, /* v6: address unreachable */
    ICMP_TIME_EXCEEDED,    /* in transit */
    ICMP_REASSEMBLY_TIME_EXCEEDED,
};

enum icmp_sizes {
    ICMP_HEADER_LEN = 8,
    ICMP_ERROR_MAX = 576, /* RFC 1812 §4.3.2.3: as much of the packet as fits */
};

struct icmp_message {
    enum icmp_kind kind;
    uint8_t type, code;
    uint16_t id, sequence; /* echo */
    uint32_t mtu;          /* TOO_BIG; 0 from routers older than RFC 1191 */
    struct bytes data;     /* echo data, or the quoted packet */
};

/** True for the kinds that quote a packet. */
bool icmp_is_error(enum icmp_kind);

/**
 * @retval ERR_NEXT_HEADER  not ICMP of the packet's family, or a fragment
 * @retval ERR_TRUNCATED, ERR_CHECKSUM
 */
enum err icmp_read(const struct ip_packet *, struct icmp_message *) MUST_USE;
/**
 * Write a whole IP packet with this ICMP message; `build->protocol` is set by the function. The
 * quoted packet of an error is cut so that the result stays within ICMP_ERROR_MAX (IPv6: 1280).
 * @param[in,out] out  out->len is set
 * @retval ERR_SPACE, ERR_LENGTH
 * @retval ERR_UNSUPPORTED  kind ICMP_OTHER
 */
enum err icmp_write(struct buf *out, const struct ip_build *, const struct icmp_message *) MUST_USE;

#endif
