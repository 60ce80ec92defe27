/*
 * Child SAs asked for because of a packet (RFC 7296 §2.9): its selectors stand first in the offer,
 * and alone in it where the responder says SINGLE_PAIR_REQUIRED.
 */
#ifndef PROTO_IKE_ASKED_H
#define PROTO_IKE_ASKED_H

#include "proto/core/asked.h"

/**
 * Ask for a child SA for this packet, which must be one that our selectors take.
 * @retval ERR_STATE       the IKE SA is not established, or is busy with such a request
 * @retval ERR_FULL        another packet waits for its child
 * @retval ERR_NO_POLICY   no selector of ours takes the packet
 * @retval as flow_read    it is no IP packet
 */
enum err ike_ask_for(struct ike_endpoint *, nsec now, struct ike_sa *,
                     struct bytes packet) MUST_USE;
/**
 * A new child was refused with this Notify.
 * @return true: SINGLE_PAIR_REQUIRED, and one for a single pair is wished for now
 */
bool ike_ask_single_pair(struct ike_sa *, uint16_t notify);

#endif
