/*
 * The payloads that several exchanges have in common: those that negotiate a child SA, the same in
 * IKE_AUTH and CREATE_CHILD_SA (SA, TSi, TSr, N(USE_TRANSPORT_MODE): RFC 7296 §1.3.1, §1.3.3,
 * §2.9), and our fresh values, KE and nonce.
 */
#ifndef PROTO_IKE_OFFER_H
#define PROTO_IKE_OFFER_H

#include "proto/core/child.h"
#include "proto/ike/step.h"

/** Our public value (§3.4). */
void ke_offer_write(struct message_writer *, const struct ke_pair *);
/** Our nonce (§3.9), NONCE_LEN bytes. */
void nonce_offer_write(struct message_writer *, const uint8_t *nonce);
/** As initiator: the SA payload with our proposals under the inbound SPI of `made`. */
void child_offer_write(struct step *, const struct child_sa *made, bool in_auth);
/** As initiator: TSi, TSr and the mode: as configured, or those of `old` (§2.9.2). */
void child_offer_ts_write(struct step *, const struct child_sa *old);
/** As responder: choose and narrow. Nothing is changed. @retval ERR_NO_PROPOSAL, ERR_TS, ... */
enum err child_offer_read(const struct step *, bool in_auth, uint16_t ke_group,
                          struct child_terms *) MUST_USE;
/** As responder, before the offer is read: fetch what a policy for it will be put among. With many
 * SAs it is in no cache, and AUTH is to be looked at meanwhile. */
void child_offer_expect(const struct step *);
/** As responder: the answer to what child_offer_read chose. */
void child_answer_write(struct step *, const struct child_sa *made, const struct child_terms *);
void child_answer_ts_write(struct step *, const struct child_terms *);
/** As initiator: the answer must be within what we offered. */
enum err child_answer_read(const struct step *, const struct child_sa *old, bool in_auth,
                           struct child_terms *) MUST_USE;

#endif
