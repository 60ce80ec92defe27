/*
 * Sending what waits for an answer, `request` in the record of an IKE SA, and sending it again when
 * there is none (retransmit.h).
 */
#ifndef PROTO_CORE_REQUEST_H
#define PROTO_CORE_REQUEST_H

#include "proto/core/internal.h"

/** How long to wait for an answer behind transmission number `tries` (0: the first); draws if there
 * is a jitter. */
nsec request_delay(struct ike_endpoint *, uint8_t tries);
/** Send it, and wait as long as transmission number `tries` is to wait. */
void request_send(struct ike_endpoint *, nsec now, struct ike_sa *);
/** Once more: counted, and said. */
void request_send_again(struct ike_endpoint *, nsec now, struct ike_sa *);
/** When to try a rekey again that the peer refused for a reason that may pass. */
nsec rekey_again_at(struct ike_endpoint *, nsec now);

#endif
