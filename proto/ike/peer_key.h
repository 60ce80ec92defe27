/*
 * The public key by which a peer's signature is judged, from its CERT payloads: read, then believed
 * if it speaks for the identity claimed. RFC 7296 §3.6, RFC 4945, RFC 7670.
 */
#ifndef PROTO_IKE_PEER_KEY_H
#define PROTO_IKE_PEER_KEY_H

#include "proto/ike/step.h"
#include "proto/wire/id.h"

struct peer_key {
    struct verify_key key;
    struct x509_cert *end_entity; /* NULL: a raw key */
    struct x509_cert *others[CERT_CHAIN_MAX];
    size_t other_count, tried;
    struct bytes raw; /* SubjectPublicKeyInfo of the first raw key */
};

/**
 * The key of the one who signs, if it may be his: the certificate holds the identity, or the raw
 * key is known to be his. Cheap: no path is walked. If a certificate is at fault the handshake
 * knows why.
 * @param[out] out  peer_key_reset, also on error
 * @retval ERR_SIGNATURE  no key, or none that may be his
 * @retval ERR_TRUNCATED, ERR_LENGTH  a CERT payload that is none
 */
enum err peer_key_read(const struct step *, const struct id_payload *,
                       struct peer_key *out) MUST_USE;
/** Is there a path from an anchor to it? Raw keys need none. @retval ERR_SIGNATURE */
enum err peer_key_judge(const struct step *, const struct peer_key *) MUST_USE;
void peer_key_reset(struct peer_key *);

#endif
