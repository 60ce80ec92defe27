/* NAT detection of IKEv1 (RFC 3947 §3.2): hashes of addresses and ports under the SA's own hash. */
#ifndef PROTO_IKEV1_NAT_H
#define PROTO_IKEV1_NAT_H

#include "crypto/provider.h"
#include "proto/ip/addr.h"
#include "proto/wire/v1_message.h"

/** The SA, and where its two ends are as we see them. */
struct v1_nat {
    const struct hash_suite *hash;
    uint64_t cky_i, cky_r;
    const struct ip_endpoint *local, *remote;
};

/** Write NAT-D of the peer, then of us. @retval ERR_CRYPTO */
enum err v1_nat_write(struct crypto *, struct message_writer *, const struct v1_nat *) MUST_USE;
/**
 * Whether a NAT lies before us, or before the peer, by what the peer wrote.
 * @param[out] found  the peer has sent two NAT-D at least; else both are false
 * @retval ERR_LENGTH  one that is as long as no hash
 */
enum err v1_nat_read(struct crypto *, const struct message_view *, const struct v1_nat *,
                     bool *found, bool *before_us, bool *before_peer) MUST_USE;

#endif
