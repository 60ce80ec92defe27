/*
 * IPv4 and IPv6 packets (RFC 791, RFC 8200): one parsed view for both families, and writing a
 * header in front of a payload. IPv6 extension headers are walked, not judged.
 */
#ifndef PROTO_IP_PACKET_H
#define PROTO_IP_PACKET_H

#include "proto/ip/addr.h"

enum ip_sizes {
    IPV4_HEADER_LEN = 20,
    IPV4_HEADER_MAX = 60,
    IPV6_HEADER_LEN = 40,
    IPV6_FRAGMENT_LEN = 8,
    IP_PACKET_MAX = 65535,
    IPV6_MIN_MTU = 1280,
};

enum ip_protocol {
    IP_PROTOCOL_HOP_BY_HOP = 0,
    IP_PROTOCOL_ICMP = 1,
    IP_PROTOCOL_TCP = 6,
    IP_PROTOCOL_UDP = 17,
    IP_PROTOCOL_ROUTING = 43,
    IP_PROTOCOL_FRAGMENT = 44,
    IP_PROTOCOL_ESP = 50,
    IP_PROTOCOL_AH = 51,
    IP_PROTOCOL_ICMPV6 = 58,
    IP_PROTOCOL_NONE = 59,
    IP_PROTOCOL_DESTINATION = 60,
};

struct ip_packet {
    struct bytes whole; /* from the IP header to the end by its own length field */
    struct ip_addr src, dst;
    uint8_t protocol; /* of `payload`; IPv6: behind the extension headers */
    uint8_t ttl;      /* hop limit */
    uint8_t tos;      /* traffic class */
    bool df;          /* IPv6: always true, routers never fragment */
    bool mf;
    bool fragmentable_header; /* IPv6: a Fragment header is present, even if atomic */
    uint32_t id;              /* IPv4: 16 bits; IPv6: of the Fragment header */
    size_t offset;            /* of the payload in the datagram, in bytes */
    size_t header_len;        /* up to `payload`, extension headers and Fragment header included */
    size_t fragment_at;       /* IPv6 with Fragment header: where it lies; else 0 */
    struct bytes payload;
};

static inline bool ip_is_fragment(const struct ip_packet *p)
{
    return p->mf || p->offset != 0;
}

/**
 * Read a packet. Bytes behind its own length (link padding) are left out of the view.
 * @retval ERR_VERSION    neither 4 nor 6
 * @retval ERR_TRUNCATED  fewer bytes than the header or than the length field says
 * @retval ERR_LENGTH     the length field is shorter than the header; a fragment behind 65535
 * @retval ERR_SYNTAX     IPv4 header length below 5; more than 16 extension headers
 * @retval ERR_CHECKSUM   IPv4 header checksum
 */
enum err ip_read(struct bytes data, struct ip_packet *) MUST_USE;
/** Where a packet goes that is known to be sound: one that we have made. */
struct ip_addr ip_destination(struct bytes packet);
/** As ip_read, but `data` may end anywhere behind the headers: packets quoted by ICMP errors. */
enum err ip_read_quoted(struct bytes data, struct ip_packet *) MUST_USE;

/** What a header says. ttl 0 stands for 64. */
struct ip_build {
    struct ip_addr src, dst; /* of one family */
    uint8_t protocol, ttl, tos;
    bool df;     /* IPv4 */
    uint16_t id; /* IPv4 */
};

static inline size_t ip_header_len(uint8_t family)
{
    return family == 4 ? IPV4_HEADER_LEN : IPV6_HEADER_LEN;
}

/**
 * Write an IP header into the ip_header_len(family) free bytes before `payload`.
 * @param[out] packet  header and payload
 * @retval ERR_LENGTH  the packet would be longer than its length field can say
 */
enum err ip_datagram_write(uint8_t *payload, size_t len, const struct ip_build *,
                           struct bytes *packet) MUST_USE;

/** One hop: TTL (hop limit) down by one, checksum kept right. @return false when it reached 0 */
bool ip_decrement_ttl(uint8_t *packet, size_t len);

#endif
