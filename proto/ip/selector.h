/*
 * Traffic selectors as values: what RFC 7296 §2.9 and §3.13.1 negotiate and RFC 4301 §4.4.1.1
 * applies to packets. A selector is a protocol, a range of ports and a range of addresses of one
 * family; a flow is what a packet shows of these. No wire format here (proto/wire/ts).
 */
#ifndef PROTO_IP_SELECTOR_H
#define PROTO_IP_SELECTOR_H

#include "base/bytes.h"
#include "base/err.h"
#include "proto/ip/addr.h"

#include <stdbool.h>
#include <stdint.h>

/**
 * ports: 0..65535 is ANY; first 65535, last 0 is OPAQUE (RFC 7296 §3.13.1): only packets that do
 * not show their ports. For ICMP and ICMPv6 a port is type << 8 | code, for MH type << 8.
 */
struct selector {
    struct ip_addr first, last; /* inclusive, of one family */
    uint16_t port_first, port_last;
    uint8_t protocol; /* 0: any */
};

/** What the SPD looks at in a packet. Ports are in host order. */
struct flow {
    struct ip_addr src, dst;
    uint16_t src_port, dst_port; /* ICMP: both are type << 8 | code */
    uint8_t protocol;
    bool ports_known; /* false: fragment behind the first, encrypted, or a protocol without ports */
    bool fragment;    /* not a whole datagram */
};

/**
 * Read the flow of an IPv4 or IPv6 packet, through extension headers. The packet may be longer
 * than its length field says (padding), not shorter.
 * @param[out] total  length of the packet by its own header in bytes
 * @retval ERR_VERSION, ERR_TRUNCATED, ERR_LENGTH, ERR_SYNTAX  not an IP packet we can read
 */
enum err flow_read(struct bytes packet, struct flow *out, size_t *total) MUST_USE;

/** The same flow seen from the other end. */
struct flow flow_reverse(const struct flow *);

/** Everything from one family's lowest to highest address, any protocol and port. */
struct selector selector_any(uint8_t family);
/** One host, any protocol and port. */
struct selector selector_host(struct ip_addr host);
/** Well formed: one family, first <= last, ports ascending or OPAQUE. */
bool selector_valid(const struct selector *);
bool selector_equal(const struct selector *, const struct selector *);
/** Whether an address, protocol and port lie inside. `known` as flow.ports_known. */
bool selector_match(const struct selector *, const struct ip_addr *, uint8_t protocol,
                    uint16_t port, bool known);
/** The part of it about ports. */
static inline bool selector_port_match(uint16_t first, uint16_t last, uint16_t port, bool known)
{
    if (first == 0 && last == 65535)
        return true;
    if (first == 65535 && last == 0)
        return !known;
    return known && port >= first && port <= last;
}

/** Whether every packet that `inner` takes is also taken by `outer`. */
bool selector_subset(const struct selector *inner, const struct selector *outer);
/**
 * A selector of one host is for another address, that by which the host is seen behind a NAT
 * (RFC 7296 §2.23.1); protocol and ports stay.
 * @return false: it is of more than one address, or of the other family; it is then untouched
 */
bool selector_readdress(struct selector *, const struct ip_addr *) MUST_USE;
/** The packets both take. @return false when there are none; *out is then untouched */
bool selector_intersect(const struct selector *, const struct selector *, struct selector *out);

#endif
