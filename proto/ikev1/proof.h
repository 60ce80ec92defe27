/*
 * By which payloads the two sides of phase 1 prove who they are: HASH, or SIG over it with CERT
 * before it, and CERTREQ that asks for those. The same in both modes and for both roles.
 * RFC 2409 §5, §5.1, §5.4; RFC 4754; certificates: RFC 2408 §3.9, §3.10, RFC 4945 §3; hybrid:
 * draft-ietf-ipsec-isakmp-hybrid-auth-05.
 */
#ifndef PROTO_IKEV1_PROOF_H
#define PROTO_IKEV1_PROOF_H

#include "proto/ikev1/phase1.h"

/** Ask for certificates if the peer is to sign: by the names of the anchors, or without a name. */
void v1_proof_ask(const struct v1_phase1 *, struct message_writer *);
/** Remember whether the peer asks. @retval ERR_TRUNCATED */
enum err v1_proof_asked(struct v1_phase1 *, const struct message_view *) MUST_USE;

/** Ours, behind our ID payload: [CERT ...,] SIG, or HASH. @retval ERR_CRYPTO, ERR_UNSUPPORTED */
enum err v1_proof_write(struct v1_phase1 *, struct message_writer *) MUST_USE;
/**
 * The peer's, over its ID that is kept. Where a certificate is at fault `certificate` says why.
 * @retval ERR_SIGNATURE  it does not hold, no certificate for this identity that we believe, or
 *                        this is another one than was called
 * @retval ERR_TRUNCATED, ERR_LENGTH  payloads
 */
enum err v1_proof_check(struct v1_phase1 *, const struct message_view *) MUST_USE;

#endif
