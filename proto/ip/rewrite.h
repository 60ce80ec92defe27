/*
 * What a NAT does to a packet (RFC 3022 §4.1, RFC 5508 §4): other address and port at one side,
 * checksums updated by RFC 1624, so that a packet damaged before stays damaged. Decides nothing.
 */
#ifndef PROTO_IP_REWRITE_H
#define PROTO_IP_REWRITE_H

#include "proto/ip/addr.h"

enum rewrite_side { REWRITE_SOURCE, REWRITE_DESTINATION };

/**
 * Replace the source or destination address, and the port where the packet shows one: UDP, TCP,
 * and the identifier of an ICMP echo. Fragments behind the first get the address only. A UDP
 * checksum of 0 stays 0.
 * @param to  of the packet's family; port ignored where there is none
 * @retval ERR_*  as ip_read; ERR_UNSUPPORTED for another family. The packet is then unchanged.
 */
enum err rewrite_endpoint(struct buf *packet, enum rewrite_side side,
                          const struct ip_endpoint *to) MUST_USE;
/**
 * The same inside an ICMP error: change the quoted packet and the ICMP checksum; the outer header
 * is left alone. The quoted packet may be cut off behind its ports.
 * @retval ERR_NEXT_HEADER  the packet is no ICMP error
 */
enum err rewrite_quoted(struct buf *packet, enum rewrite_side side,
                        const struct ip_endpoint *to) MUST_USE;

#endif
