/*
 * How many half-open IKE SAs others began, in all and from one address: limits of our own, off
 * unless configured. Either version counts. And how often a stranger is told of versions.
 */
#ifndef PROTO_CORE_FLOOD_H
#define PROTO_CORE_FLOOD_H

#include "proto/core/internal.h"

/** A handshake that somebody else began is half open; it is so no more. It has a handshake's slot.
 */
void flood_begun(struct ike_endpoint *, struct ike_sa *);
void flood_over(struct ike_endpoint *, struct ike_sa *);
/** Whether this address has as many as it may. */
bool flood_source_full(const struct ike_endpoint *, const struct ip_addr *);
/** INVALID_MAJOR_VERSION goes to whoever stands in a source address: once a second at most, in
 * either format. @return whether it may be said now, and counts as said */
bool flood_version_said(struct ike_endpoint *, nsec now);

#endif
