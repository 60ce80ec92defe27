/* What the files around the records of an endpoint call of each other. */
#ifndef PROTO_IKEV1_EXCHANGES_H
#define PROTO_IKEV1_EXCHANGES_H

#include "proto/core/child.h"
#include "proto/core/request.h"
#include "proto/core/sa_life.h"
#include "proto/ikev1/ikev1.h"
#include "proto/ikev1/step.h"
#include "proto/ikev1/user.h"

/* ---- phase 1 (handshake.c) ---- */

/** A first message: nobody's yet. */
enum err v1_phase1_asked(struct step *) MUST_USE;
/** A message of phase 1 of an SA. */
enum err v1_phase1_heard(struct step *) MUST_USE;

/** It is over, and who is behind it is known: the SA is up. It may be gone after it. */
void v1_up(struct ike_endpoint *, nsec now, struct ike_sa *, const struct v1_met *);
/** INITIAL_CONTACT: older SAs of the same peer go (RFC 2407 §4.6.3.3). */
void v1_replace_older(struct ike_endpoint *, nsec now, struct ike_sa *);

/* ---- one SA takes the place of another (renew.c) ---- */

/** Make a new phase 1 beside this one, or try again later. */
void v1_renew(struct ike_endpoint *, nsec now, struct ike_sa *old);
/** This one is up: it takes over what it is to take over from another. @return whether it has */
bool v1_take_over(struct ike_endpoint *, nsec now, struct ike_sa *next);
/** This SA fails, or goes: no more of it. */
void v1_renewal_over(struct ike_endpoint *, nsec now, struct ike_sa *, enum sa_reason);

/* ---- under a message ID (child_exchange.c) ---- */

/** Begin a Quick Mode; `old`: the child SA whose place the new one takes, or NULL. */
enum err v1_quick_begin(struct ike_endpoint *, nsec now, struct ike_sa *,
                        struct child_sa *old) MUST_USE;
/** A message of a Quick Mode, of whoever began it. */
enum err v1_quick_heard(struct step *) MUST_USE;
/** A message ID of ours that no exchange has. */
uint32_t v1_exchange_draw_id(struct ike_endpoint *, const struct ike_sa *);
/** The peer has deleted this SA: its child SAs go on under another one of the same peer, if there
 * is one (RFC 2408 §2.3). */
bool v1_heir_inherits(struct ike_endpoint *, nsec now, struct ike_sa *);
/** As long as who waits for an answer may ask again: until the last of its retransmissions. */
nsec v1_patience(const struct ike_config *);
/** Our user deletes this child SA: what a Quick Mode that goes on makes in its place goes, too. */
void v1_child_unwanted(struct ike_endpoint *, const struct ike_sa *, const struct child_sa *);
/** The peer deletes this child SA: if a Quick Mode that we have answered made it or takes its
 * place, its message 3 is lost or late, and what it made is there at both ends. Of two for the same
 * traffic the other one stays. */
void v1_child_is_deleted(struct ike_endpoint *, nsec now, struct ike_sa *, struct child_sa *);
/** The peer refuses the Quick Mode that is in flight. */
void v1_quick_refused(struct ike_endpoint *, nsec now, struct ike_sa *, enum sa_reason);
/** No exchange of this SA goes on: what they were for is wished for again. */
void v1_exchanges_abandon(struct ike_endpoint *, nsec now, struct ike_sa *);
/** What exchanges wait for is due, for some of them. */
void v1_exchanges_due(struct ike_endpoint *, nsec now, struct ike_sa *);
/** Keep what answered the peer's last message of an exchange that is over. */
void v1_exchange_remember(struct step *, struct v1_exchange *);

/* ---- Transaction exchanges (transaction_exchange.c) ---- */

/** A message of one, of whoever began it. */
enum err v1_transaction_heard(struct step *) MUST_USE;
/** Phase 1 is over, and a user is to be known before the SA is up. It may be gone after it. */
void v1_user_await(struct step *);
/** Ask for an address inside, if that is still to be done. The SA may be over after it.
 * @return whether it was asked for */
bool v1_address_begin(struct ike_endpoint *, nsec now, struct ike_sa *);

/* ---- Informational exchanges (info_exchange.c) ---- */

/** A message of one, or one in the clear. */
enum err v1_info_heard(struct step *) MUST_USE;
/** Say a Notify about this SA. @param dgram  as v1_say @retval ERR_FULL, ERR_CRYPTO */
enum err v1_notify_say(struct ike_endpoint *, nsec now, struct ike_sa *, const struct ike_dgram *,
                       uint16_t type) MUST_USE;
/** Say how long we live with this SA (RFC 2407 §4.6.3.1). */
enum err v1_lifetime_say(struct ike_endpoint *, nsec now, struct ike_sa *,
                         uint32_t life_s) MUST_USE;
/** Say that children which receive by these SPIs are gone. */
enum err v1_delete_say(struct ike_endpoint *, nsec now, struct ike_sa *, const uint32_t *spis,
                       unsigned count) MUST_USE;
/** A message that says that this SA is gone, kept. */
enum err v1_delete_make(struct ike_endpoint *, const struct ike_sa *,
                        struct message_ref *out) MUST_USE;
/** Ask whether the peer lives (RFC 3706); anew for want of an answer, in the place of `request`. */
enum err v1_liveness_begin(struct ike_endpoint *, nsec now, struct ike_sa *) MUST_USE;
enum err v1_liveness_again(struct ike_endpoint *, struct ike_sa *) MUST_USE;
/** Refuse a first message, in the clear. */
void v1_refuse(struct step *, uint16_t notify);
/** Why something failed that the peer has refused with this Notify. */
enum sa_reason v1_reason_for(uint16_t notify);

/* ---- life (task.c) ---- */

/** Begin what is wished for next, if nothing is in flight. The SA may be gone after it. */
void v1_next(struct ike_endpoint *, nsec now, struct ike_sa *);
/** A message that waits for an answer: keep it, send it. @retval ERR_FULL */
enum err v1_ask(struct ike_endpoint *, nsec now, struct ike_sa *, enum exchange_kind,
                struct bytes message) MUST_USE;
/** It is answered, or moot. */
void v1_ask_done(struct ike_endpoint *, struct ike_sa *);
/** A message that waits for none; `dgram`: it answers this one, and goes where that came from;
 * NULL: it goes to where the peer is. @retval ERR_FULL */
enum err v1_say(struct ike_endpoint *, nsec now, struct ike_sa *, const struct ike_dgram *dgram,
                struct bytes message) MUST_USE;
/** As v1_remove, but the record stays for CLOSED_HOLD, deaf, so that what comes late begins
 * nothing.
 * @param tell  the peer is told, if there are keys */
void v1_close(struct ike_endpoint *, nsec now, struct ike_sa *, enum sa_reason, bool tell);

#endif
