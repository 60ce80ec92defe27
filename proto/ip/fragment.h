/*
 * Cutting a packet into fragments (RFC 791 §3.2, RFC 8200 §4.5). Fragments of fragments are right
 * too. Putting them together: reassembly.h.
 */
#ifndef PROTO_IP_FRAGMENT_H
#define PROTO_IP_FRAGMENT_H

#include "proto/ip/packet.h"

struct fragmenter {
    struct ip_packet packet; /* what is being cut */
    size_t at;               /* payload bytes already handed out */
    size_t piece;            /* payload bytes per fragment, a multiple of 8 */
    uint32_t id;             /* IPv6 */
};

/**
 * Begin. The packet's bytes are borrowed until the last fragment is out.
 * @param mtu  of the link in bytes, IP header included
 * @param id   IPv6: identification of the new Fragment header, unless the packet has one
 * @retval ERR_SPACE  DF is set (IPv4) or the packet is not ours to cut: packet too big
 * @retval ERR_LENGTH mtu leaves no room for 8 bytes of payload; other errors as ip_read
 */
enum err fragmenter_init(struct fragmenter *, struct bytes packet, size_t mtu,
                         uint32_t id) MUST_USE;
/** The number of fragments in all. */
unsigned fragmenter_count(const struct fragmenter *);
/**
 * The next fragment.
 * @param[in,out] out  cap >= mtu; len is set
 * @return false when all are out
 */
bool fragmenter_next(struct fragmenter *, struct buf *out);

#endif
