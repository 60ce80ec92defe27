/*
 * Life of an IKE SA of either version around its exchanges: what is counted and said when it
 * begins, is up, ends; its timers; where its peer is. RFC 7296 §1.4.1, §2.4, §2.8, §2.23; RFC 4555
 * §3.8.
 */
#ifndef PROTO_CORE_SA_LIFE_H
#define PROTO_CORE_SA_LIFE_H

#include "proto/core/internal.h"

#define CLOSED_HOLD (30 * NSEC_PER_S) /* a closed SA repeats its last response this long */

/** A handshake began (either role). */
void ike_half_open(struct ike_endpoint *, nsec now, struct ike_sa *);
/** It is half open no more. */
void sa_life_opened(struct ike_endpoint *, struct ike_sa *);
/** It is up, and counts as such from now on. */
void sa_life_count(struct ike_endpoint *, struct ike_sa *);
/** Lifetimes, liveness checks and keepalives begin. */
void sa_life_arm(struct ike_endpoint *, nsec now, struct ike_sa *);
/** All of that for one that was authenticated, or is `installed` without a handshake. */
void sa_life_begin(struct ike_endpoint *, nsec now, struct ike_sa *, bool installed);
/** Say that it failed or went down, whichever it is; once. */
void sa_life_down(struct ike_endpoint *, nsec now, struct ike_sa *, enum sa_reason);
/** Its children go, except for those that packets may be under way to though another IKE SA's have
 * taken their place: these linger there. */
void sa_life_end_children(struct ike_endpoint *, nsec now, struct ike_sa *, enum sa_reason);
/** When it has to be authenticated anew (RFC 4478), NSEC_NEVER: at no time. */
nsec reauth_due(const struct ike_sa *);

/** TIMER_LIVENESS fired. @return whether the peer is to be asked if it lives (RFC 7296 §2.4) */
bool ike_liveness_due(struct ike_endpoint *, nsec now, struct ike_sa *);
/** Keepalives begin, or end, as it turns out that we are behind a NAT, or not any more. */
void ike_keepalives(struct ike_endpoint *, nsec now, struct ike_sa *);
/** TIMER_KEEPALIVE fired: send one if nothing else was sent meanwhile (RFC 3948 §4). */
void ike_keepalive_due(struct ike_endpoint *, nsec now, struct ike_sa *);

/** The peer is seen at an address, perhaps a new one, in an authentic message (RFC 7296 §2.23). */
void ike_peer_seen(struct ike_endpoint *, nsec now, struct ike_sa *,
                   const struct ip_endpoint *local, const struct ip_endpoint *remote);
/** The same for the newest ESP packet. */
void ike_peer_rebound(struct ike_endpoint *, nsec now, struct ike_sa *, const struct ike_dgram *);

#endif
