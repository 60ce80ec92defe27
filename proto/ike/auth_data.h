/*
 * What AUTH proves: RFC 7296 §2.15, with a shared key or a signature (RFC 7427). Not here: where
 * keys come from, EAP (§2.16).
 */
#ifndef PROTO_IKE_AUTH_DATA_H
#define PROTO_IKE_AUTH_DATA_H

#include "crypto/keymat.h"

struct auth_input {
    struct bytes message; /* the first message of the one who proves, header to end */
    struct bytes nonce;   /* of the other one, without payload header */
    struct bytes id_body; /* ID payload of the one who proves, without generic header */
    struct bytes sk_p;    /* SK_pi or SK_pr of the one who proves */
};

/** AUTH data for a shared key, prf->out_len bytes. */
enum err auth_shared_key(struct crypto *, const struct prf_suite *, const struct auth_input *,
                         struct bytes secret, uint8_t *out) MUST_USE;

struct auth_signer {
    const struct sign_key *key;
    const struct sign_suite *suite;
    struct rng random; /* a stream of its own for this one signature */
};

/** The signature alone, at most SIGN_MAX bytes. @retval ERR_CRYPTO, ERR_UNSUPPORTED */
enum err auth_sign(struct crypto *, const struct prf_suite *, const struct auth_input *,
                   const struct auth_signer *, uint8_t out[SIGN_MAX], size_t *len) MUST_USE;

struct auth_verifier {
    const struct verify_key *key;
    const struct sign_suite *suite;
};

/** @retval ERR_SIGNATURE */
enum err auth_verify(struct crypto *, const struct prf_suite *, const struct auth_input *,
                     const struct auth_verifier *, struct bytes signature) MUST_USE;

#endif
