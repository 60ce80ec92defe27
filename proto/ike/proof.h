/*
 * By which payloads the two sides prove who they are, and what they say about it beforehand:
 * SIGNATURE_HASH_ALGORITHMS (RFC 7427 §4), CERTREQ (RFC 7296 §3.7), ID, CERT, AUTH. The same for
 * initiator and responder.
 */
#ifndef PROTO_IKE_PROOF_H
#define PROTO_IKE_PROOF_H

#include "proto/ike/step.h"

/** IKE_SA_INIT: the hashes we can verify with. As responder only to a peer that told its own. */
void proof_hashes_write(struct step *);
/** IKE_SA_INIT: which of our hashes the peer can verify with; 0: it knows nothing of RFC 7427. */
uint8_t proof_hashes_read(const struct step *);
/** Remember whether the peer asks for certificates. @retval ERR_LENGTH, ERR_TRUNCATED */
enum err proof_certreq_read(const struct step *, struct handshake *) MUST_USE;
/** Which authorities we believe, if any. */
void proof_certreq_write(struct step *);

/**
 * Our ID, CERT and AUTH payloads; as initiator N(INITIAL_CONTACT) and CERTREQ go in between.
 * @param own_first  our IKE_SA_INIT message, as sent
 * @retval ERR_SIGNATURE  the peer can verify nothing that our key can sign
 */
enum err proof_write(struct step *, enum payload_type id_type, struct bytes own_first) MUST_USE;

/**
 * Does the peer's AUTH prove the identity in its ID payload, and is that whom we called?
 * @param[out] way  how it did
 * @retval ERR_SIGNATURE, ERR_SYNTAX
 */
enum err proof_verify(const struct step *, enum payload_type id_type, enum auth_way *way) MUST_USE;

#endif
