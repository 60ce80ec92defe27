/*
 * NAT detection in messages: RFC 7296 §2.23, and in INFORMATIONAL exchanges RFC 4555 §3.8. What
 * follows from it is for the exchanges to do.
 */
#ifndef PROTO_IKE_NAT_DETECTION_H
#define PROTO_IKE_NAT_DETECTION_H

#include "proto/ike/step.h"

struct nat_found {
    bool local, remote; /* we are behind one; the peer is */
    bool asked;         /* the peer has sent both notifies */
};

/** Both notifies, of a message from `local` to `remote`; with force_encap the first is a lie. */
enum err nat_write(const struct step *, const struct ip_endpoint *local,
                   const struct ip_endpoint *remote) MUST_USE;
/** Hold those of s->in against the addresses of its datagram. @param spi_r  as it was hashed */
enum err nat_read(const struct step *, uint64_t spi_r, struct nat_found *) MUST_USE;

#endif
