/*
 * Telling a peer that it has said something that belongs nowhere: INVALID_MESSAGE_ID (RFC 7296
 * §2.3) and INVALID_SPI (§1.5, §2.21.4). Both are optional, off unless configured, and said at most
 * once a second by an endpoint. What is heard of this kind changes nothing.
 */
#ifndef PROTO_IKE_COMPLAINT_H
#define PROTO_IKE_COMPLAINT_H

#include "proto/ike/step.h"

/** An authentic request came whose message ID lies beyond our window. */
void complain_of_id(struct ike_endpoint *, nsec now, struct ike_sa *, uint32_t id);
/** Whether complain_of_id would say anything now: before work is done to find out more. */
bool complaint_possible(const struct ike_endpoint *, nsec now, const struct ike_sa *);
/**
 * An ESP packet came that no child SA receives. With an IKE SA to where it came from the peer is
 * told in there, otherwise by a message outside of any SA, which is not larger than the packet was.
 */
void complain_of_spi(struct ike_endpoint *, nsec now, const struct ike_dgram *);

/** Write the complaint that waits for this IKE SA into an INFORMATIONAL request, if there is one.
 */
void complaint_write(struct step *);
/** Count those in a request inside an IKE SA. */
void complaint_heard(struct step *);
/**
 * The same outside of any SA: anybody can have written it, so it is no more than a hint
 * (§3.10.1). If it names an SPI with which we send to where it came from, the peer is asked whether
 * it is alive, at most once a second.
 * @return whether it was one
 */
bool complaint_rumoured(struct ike_endpoint *, nsec now, const struct ike_dgram *,
                        const struct message_view *);

#endif
