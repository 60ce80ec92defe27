/*
 * What AUTH proves: RFC 7296 §2.15, shared key. Not here: signatures (RFC 7427), EAP (§2.16).
 */
#ifndef PROTO_IKE_AUTH_DATA_H
#define PROTO_IKE_AUTH_DATA_H

#include "crypto/keymat.h"

struct auth_input {
    struct bytes psk;
    struct bytes message; /* the first message of the one who proves, header to end */
    struct bytes nonce;   /* of the other one, without payload header */
    struct bytes id_body; /* ID payload of the one who proves, without generic header */
    struct bytes sk_p;    /* SK_pi or SK_pr of the one who proves */
};

/** AUTH data for a shared key, prf->out_len bytes. */
enum err auth_shared_key(struct crypto *, const struct prf_suite *, const struct auth_input *,
                         uint8_t *out) MUST_USE;

#endif
