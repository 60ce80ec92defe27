/*
 * A packet that no policy took, and the child SA that is to be made for it. One packet per endpoint
 * is kept in mind, until its child is made or refused.
 */
#ifndef PROTO_CORE_ASKED_H
#define PROTO_CORE_ASKED_H

#include "proto/core/internal.h"

/**
 * What a packet asks for, as the very specific selectors of RFC 7296 §2.9.
 * @retval ERR_NO_POLICY  no selector of ours takes the packet
 * @retval as flow_read   it is no IP packet
 */
enum err ike_asked_read(const struct ike_endpoint *, struct bytes packet,
                        struct asked_packet *out) MUST_USE;
/** It is asked of this IKE SA. @retval ERR_MEMORY @retval ERR_FULL  another packet waits */
enum err ike_asked_note(struct ike_endpoint *, const struct ike_sa *,
                        const struct asked_packet *) MUST_USE;
/** Whether a packet is known for which this IKE SA is to have a child. */
bool ike_asked_for(const struct ike_endpoint *, const struct ike_sa *);
/** What was asked for is made, or will not be. */
void ike_asked_done(struct ike_endpoint *, const struct ike_sa *);
/** What was asked of `old` is asked of `next`. */
void ike_asked_move(struct ike_endpoint *, const struct ike_sa *old, struct ike_sa *next);

#endif
