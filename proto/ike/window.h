/* SET_WINDOW_SIZE: who announces a window, when, and what an announcement does. RFC 7296 §2.3. */
#ifndef PROTO_IKE_WINDOW_H
#define PROTO_IKE_WINDOW_H

#include "proto/ike/step.h"

/**
 * Add N(SET_WINDOW_SIZE) to the message being written if it is the first inside this IKE SA that
 * may have it: IKE_AUTH, or after a rekey whatever is said first, but for its delete.
 */
void window_announce(struct step *, enum exchange_kind);
/** Heed the announcement in an authentic message, if it has one. */
void window_heed(struct step *);
/** What both say in IKE_AUTH, where the peer's window is `peer`. */
void window_agree(struct ike_endpoint *, struct ike_sa *, uint32_t peer);

#endif
