/*
 * How the two sides of phase 1 prove themselves (RFC 2409 §5, RFC 4754): the methods as records,
 * and which of them a configuration stands for. One method is negotiated for both sides, and says
 * which kind of key signs, too.
 */
#ifndef PROTO_IKEV1_AUTH_H
#define PROTO_IKEV1_AUTH_H

#include "crypto/ikev1_keymat.h"
#include "proto/core/config.h"

struct v1_auth {
    uint16_t method; /* enum v1_auth_method */
    enum ikev1_skeyid_kind skeyid;
    bool signs;             /* by SIG, not HASH */
    enum sign_key_type key; /* of who signs */
    uint16_t tied;          /* number of the hash that the signature is over; 0: the negotiated */
};

/** NULL: none of ours. */
const struct v1_auth *v1_auth_of(uint16_t method);

enum { V1_METHODS_MAX = 4 };

/**
 * What `c` stands for. Who calls offers one method, its own `auth.way`; who answers takes each that
 * `auth.accepted` has and that it can prove itself by.
 * @param[out] methods  V1_METHODS_MAX numbers
 * @return how many; 0: this configuration cannot prove itself in IKEv1
 */
unsigned v1_auth_methods(const struct ike_config *c, bool initiator, uint16_t *methods);

/** The hash whose HMAC makes what this side sends or signs. */
static inline const struct hash_suite *v1_auth_hash(const struct v1_auth *a,
                                                    const struct hash_suite *negotiated)
{
    return a->signs && a->tied ? hash_suite(a->tied) : negotiated;
}

#endif
