/*
 * An IKE_AUTH message that waits while the driver looks something up (a CRL, OCSP, an AAA server):
 * kept when it arrives, asked about with EVENT_REQUEST, consumed when the answer comes. The SA is
 * in STATE_AUTH_HELD meanwhile; repetitions of the message are counted and dropped.
 */
#ifndef PROTO_IKE_HELD_H
#define PROTO_IKE_HELD_H

#include "proto/ike/step.h"

/** Whether this message, which a row would serve, has to wait. */
bool held_wanted(const struct step *, payload_set payloads);
/** Keep it and ask. @retval ERR_FULL, ERR_LENGTH, ERR_MEMORY  nothing has changed */
enum err held_keep(struct step *, uint32_t digest) MUST_USE;
/** A message came for an SA that holds one: if it is the same again, its addresses are newer. */
void held_repeated(struct step *, uint32_t digest);
/** The row's handler: what was kept is asked about. */
enum err held_ask(struct step *);
/** The answer, or the end of patience: the message is consumed as if it came now. */
void held_decide(struct ike_endpoint *, nsec now, struct ike_sa *, bool granted);

#endif
