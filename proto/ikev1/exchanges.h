/* What the files around the records of an endpoint call of each other. */
#ifndef PROTO_IKEV1_EXCHANGES_H
#define PROTO_IKEV1_EXCHANGES_H

#include "proto/core/child.h"
#include "proto/core/sa_life.h"
#include "proto/ikev1/ikev1.h"
#include "proto/ikev1/step.h"

/* ---- phase 1 (handshake.c) ---- */

/** A first message: nobody's yet. */
enum err v1_phase1_asked(struct step *) MUST_USE;
/** A message of phase 1 of an SA. */
enum err v1_phase1_heard(struct step *) MUST_USE;

/* ---- under a message ID (child_exchange.c) ---- */

/** Begin a Quick Mode; `old`: the child SA whose place the new one takes, or NULL. */
enum err v1_quick_begin(struct ike_endpoint *, nsec now, struct ike_sa *,
                        struct child_sa *old) MUST_USE;
/** A message of a Quick Mode, of whoever began it. */
enum err v1_quick_heard(struct step *) MUST_USE;
/** What exchanges wait for is due, for some of them. */
void v1_exchanges_due(struct ike_endpoint *, nsec now, struct ike_sa *);
/** Keep what answered the peer's last message of an exchange that is over. */
void v1_exchange_remember(struct step *, struct v1_exchange *);

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
