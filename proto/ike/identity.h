/*
 * Who a peer is known as: the ID payload (RFC 7296 §3.5) together with how it was proven, as one
 * digest. IKE SAs of one identity are found by it (§2.4, INITIAL_CONTACT).
 */
#ifndef PROTO_IKE_IDENTITY_H
#define PROTO_IKE_IDENTITY_H

#include "base/cursor.h"
#include "proto/core/internal.h"

/** The body of our ID payload. */
void identity_write(struct writer *, const struct ike_config *);
/** RFC 7619: ID_NULL is nobody, and so is who proves nothing. @param body  of an ID payload */
bool identity_is_somebody(struct bytes body, enum auth_way);
/** A name proven in one way does not stand for the same name proven in another. Never 0. */
uint64_t identity_digest(const struct ike_endpoint *, struct bytes body, enum auth_way);
/** What proving in this way is to the peer: it cannot tell a certificate from a raw key yet. */
enum auth_way identity_way(enum auth_way);

#endif
