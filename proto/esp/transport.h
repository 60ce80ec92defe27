/*
 * The IP header in transport mode (RFC 4303 §3.1.1): where the protected payload begins when
 * sealing; making the header again when opening, and checksums over changed addresses behind a
 * NAT (RFC 3948 §3.1.2).
 */
#ifndef PROTO_ESP_TRANSPORT_H
#define PROTO_ESP_TRANSPORT_H

#include "base/err.h"
#include "proto/ip/addr.h"

#include <stddef.h>

/**
 * Split a whole IP packet of `len` bytes, its length field already checked.
 * @retval ERR_UNSUPPORTED  a fragment (RFC 4303 §3.3.4), IPv4 options, or IPv6 headers that stand
 *                          before ESP: they would be lost with the header
 */
enum err transport_split(const uint8_t *packet, size_t *header_len, uint8_t *next) MUST_USE;

/** What the new header says. */
struct transport_header {
    const struct ip_addr *src, *dst; /* of one family */
    uint8_t protocol;
    uint8_t tos, hop_limit;
};

size_t transport_header_len(const struct ip_addr *);
/** @param payload_len  <= 65535 - header length */
void transport_header_write(uint8_t *packet, const struct transport_header *, size_t payload_len);

/**
 * Make the TCP or UDP checksum of a packet just rebuilt fit its addresses. The content is
 * authenticated, so the checksum is computed anew; a UDP checksum of 0 over IPv4 stays 0.
 */
void transport_checksum_renew(uint8_t *packet, size_t len);

#endif
