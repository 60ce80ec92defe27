/* ICMP errors that a node on the way sends back (RFC 792, RFC 1812 §4.3, RFC 4443 §3). */
#ifndef SIM_ICMP_ERROR_H
#define SIM_ICMP_ERROR_H

#include "proto/ip/packet.h"
#include "sim/sim.h"

/**
 * Is the packet too big for the link at `out`, and may not be cut? Then the sender is told, from
 * address `from`, through the port the packet came in by; the caller drops the packet.
 */
bool icmp_too_big(struct sim *, uint32_t node, uint32_t out, uint32_t packet,
                  const struct ip_packet *, const struct ip_addr *from);
/** Tell the sender that the packet's TTL ran out here. */
void icmp_time_exceeded(struct sim *, uint32_t node, uint32_t packet, const struct ip_packet *,
                        const struct ip_addr *from);

#endif
