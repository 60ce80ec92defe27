/*
 * IKEv2 of one endpoint: what proto/endpoint.c calls, and what the exchanges call of each other.
 */
#ifndef PROTO_IKE_IKE_H
#define PROTO_IKE_IKE_H

#include "proto/core/child.h"
#include "proto/core/request.h"
#include "proto/core/sa_life.h"
#include "proto/ike/step.h"

#define RIVAL_HOLD (60 * NSEC_PER_S) /* a rival that nobody deletes goes after this */

/* ---- for proto/endpoint.c ---- */

enum err ike_initiate(struct ike_endpoint *, nsec now, const struct ike_remote *,
                      struct sa_ref *out) MUST_USE;
/** One IKE message without marker; `message` is inside dgram->data. */
enum err ike_receive(struct ike_endpoint *, nsec now, const struct ike_dgram *dgram,
                     struct bytes message) MUST_USE;
void ike_timer_fired(struct ike_endpoint *, nsec now, struct ike_sa *);
void child_timer_fired(struct ike_endpoint *, nsec now, struct child_sa *);
/** Wish something of an SA and begin it if the window has room. @retval ERR_STATE */
enum err ike_wish_for(struct ike_endpoint *, nsec now, struct ike_sa *, enum ike_wish);
enum err child_wish_for(struct ike_endpoint *, nsec now, struct child_sa *, bool rekey);


/** The driver's answer to an EVENT_REQUEST. @retval ERR_NOT_FOUND no such request waits */
enum err ike_answered(struct ike_endpoint *, nsec now, uint32_t request, bool granted);

/* ---- between the exchanges ---- */

/** Run an IKE_AUTH message that was held, and what follows from it. */
enum err ike_consume_held(struct step *, uint32_t digest);
/** Begin an exchange: make the request, keep it, send it. */
enum err exchange_start(struct ike_endpoint *, nsec now, struct ike_sa *, enum exchange_kind,
                        struct child_sa *) MUST_USE;
/** Begin what is wished for next, if the window has room. The SA may be gone after it. */
void ike_next(struct ike_endpoint *, nsec now, struct ike_sa *);
/** Move the SA by the row for this role; without a message. */
void exchange_enter(struct ike_endpoint *, nsec now, struct ike_sa *, enum exchange_kind,
                    enum exchange_role);
/** Send all that is in flight again at once, with new patience: it goes another way from now on. */
void ike_resend(struct ike_endpoint *, nsec now, struct ike_sa *);
/** The SA is authenticated: lifetimes, liveness, keepalives begin. */
void ike_established(struct ike_endpoint *, nsec now, struct ike_sa *);
/** The same of one that took no handshake. */
void ike_installed(struct ike_endpoint *, nsec now, struct ike_sa *);
/** Remove an SA with its children; says why. */
void ike_remove(struct ike_endpoint *, nsec now, struct ike_sa *, enum sa_reason);
/** As ike_remove, but the record stays for CLOSED_HOLD to repeat its last response; keys are wiped.
 */
void ike_close(struct ike_endpoint *, nsec now, struct ike_sa *, enum sa_reason);
/** The request in flight is answered or moot. */
void exchange_done(struct ike_endpoint *, struct ike_sa *);
/** Say IKE_DOWN or IKE_FAILED once. */
void ike_say_down(struct ike_endpoint *, nsec now, struct ike_sa *, enum sa_reason);
/** The keys of a new IKE SA, all seven: kept where they belong, SK_pi and SK_pr where AUTH is to
 * come, in its handshake; and EVENT_KEYS, if exported. */
void ike_keep_keys(struct ike_endpoint *, nsec now, struct ike_sa *, const struct ike_keys *,
                   struct bytes skeyseed);
/** After TEMPORARY_FAILURE (§2.25): hold back CREATE_CHILD_SA for a random while. */
void ike_retry_later(struct ike_endpoint *, nsec now, struct ike_sa *);
/** If anything is wished of an SA that the peer may not know yet: begin it after such a while. */
void ike_next_later(struct ike_endpoint *, nsec now, struct ike_sa *);
/** A new IKE SA takes over from `old`: children, wishes, lifetimes (§2.18). */
void ike_inherit(struct ike_endpoint *, nsec now, struct ike_sa *old, struct ike_sa *next);

/* ---- re-authentication (reauth.c) ---- */

/** Wished for, and nothing is in flight: begin. */
void reauth_begin(struct ike_endpoint *, nsec now, struct ike_sa *);
/** The user deletes this SA: what is to take its place goes as well. */
void reauth_stop(struct ike_endpoint *, nsec now, struct ike_sa *);
/** This SA is over, its children are gone: what is to take its place begins, or is on its own. */
void reauth_follow(struct ike_endpoint *, nsec now, struct ike_sa *, enum sa_reason);
/** This SA fails, or is about to go: if it takes over from one that is there, that goes on. */
void reauth_failed(struct ike_endpoint *, nsec now, struct ike_sa *next);
/** It is authenticated; which children it needs. */
void reauth_proven(struct ike_endpoint *, nsec now, struct ike_sa *next);
/** Nothing more is wished of it: if its children are made, what it takes over from goes. */
void reauth_settle(struct ike_endpoint *, nsec now, struct ike_sa *next);
/** The child whose place one with these selectors under `ike` takes, NULL. */
struct child_sa *reauth_child(const struct ike_endpoint *, const struct ike_sa *ike,
                              const struct child_terms *);

/** How long the SA may go without being authenticated anew, by our configuration (RFC 4478 §2). */
void reauth_plan(struct ike_endpoint *, nsec now, struct ike_sa *);
/** Say it to who called (RFC 4478 §3). */
void reauth_lifetime_write(struct step *);
/** Heed what the peer says about it. */
void reauth_lifetime_read(struct step *);
/** Heed what a peer of this configuration would have said. */
void reauth_lifetime_taken(struct ike_endpoint *, nsec now, struct ike_sa *,
                           const struct ike_config *peer);

#endif
