/*
 * How the two sides of phase 1 prove themselves (RFC 2409 §5, RFC 4754; with XAUTH behind it
 * draft-beaulieu-ike-xauth-02, section 7.2, and draft-ietf-ipsec-isakmp-hybrid-auth-05): the
 * methods as records, and which of them a configuration stands for. One method is negotiated for
 * both sides; it says which kind of key signs, and who will be known by name.
 */
#ifndef PROTO_IKEV1_AUTH_H
#define PROTO_IKEV1_AUTH_H

#include "crypto/ikev1_keymat.h"
#include "proto/core/config.h"

/** Who is to be known by XAUTH once phase 1 is over. */
enum v1_user_side { V1_USER_NONE, V1_USER_INITIATOR, V1_USER_RESPONDER };

/** Whether messages are encrypted to the other's key, which is then how it proves itself. */
enum v1_encryption {
    V1_ENCRYPTION_NONE,
    V1_ENCRYPTION_PLAIN,   /* RFC 2409 §5.2: nonce and identity */
    V1_ENCRYPTION_REVISED, /* §5.3: the nonce, and by it the rest */
};

struct v1_auth {
    uint16_t method; /* enum v1_auth_method */
    enum ikev1_skeyid_kind skeyid;
    bool signs;             /* by SIG, not HASH */
    enum sign_key_type key; /* of who signs */
    uint16_t tied;          /* number of the hash that the signature is over; 0: the negotiated */
    enum v1_user_side user;
    bool hybrid; /* the user sends HASH, which proves nothing, where others sign */
    enum v1_encryption encryption;
};

/** NULL: none of ours. */
const struct v1_auth *v1_auth_of(uint16_t method);

enum { V1_METHODS_MAX = 4 };

/**
 * What `c` stands for. Who calls offers one method, its own `auth.way`; who answers takes each that
 * `auth.accepted` has and that it can prove itself by. With `xauth.role` only methods with a user.
 * Hybrid: the user has way AUTH_NULL and accepts certificates, the gateway has one and accepts
 * AUTH_NULL. Public-key encryption is for who has it as its own way, and the peer's certificate:
 * nobody else offers or takes it.
 * @param[out] methods  V1_METHODS_MAX numbers
 * @return how many; 0: this configuration cannot prove itself in IKEv1
 */
unsigned v1_auth_methods(const struct ike_config *c, bool initiator, uint16_t *methods);

static inline bool v1_auth_is_user(const struct v1_auth *a, bool initiator)
{
    return a->user == (initiator ? V1_USER_INITIATOR : V1_USER_RESPONDER);
}

static inline bool v1_auth_encrypts(const struct v1_auth *a)
{
    return a->encryption != V1_ENCRYPTION_NONE;
}

/** Whether this side proves itself by SIG. */
static inline bool v1_auth_signs(const struct v1_auth *a, bool initiator)
{
    return a->signs && !(a->hybrid && v1_auth_is_user(a, initiator));
}

/** The hash whose HMAC makes what this side sends or signs. */
static inline const struct hash_suite *v1_auth_hash(const struct v1_auth *a, bool initiator,
                                                    const struct hash_suite *negotiated)
{
    return v1_auth_signs(a, initiator) && a->tied ? hash_suite(a->tied) : negotiated;
}

#endif
