/*
 * The public key by which a peer's signature is judged: from its CERT payloads, if the key or its
 * certificate is believed and speaks for the identity claimed. RFC 7296 §3.6, RFC 4945, RFC 7670.
 */
#ifndef PROTO_IKE_PEER_KEY_H
#define PROTO_IKE_PEER_KEY_H

#include "proto/ike/step.h"
#include "proto/wire/id.h"

/**
 * @param[out] out  owned by the caller (verify_key_reset); empty on error
 * @retval ERR_SIGNATURE  no key, or none that is believed; the handshake knows why if it was about
 *                        a certificate
 * @retval ERR_SYNTAX     a CERT payload that is none
 */
enum err peer_key_find(const struct step *, const struct id_payload *,
                       struct verify_key *out) MUST_USE;

#endif
