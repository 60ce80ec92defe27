/* IKEv1 of one endpoint: what proto/endpoint.c calls. */
#ifndef PROTO_IKEV1_IKEV1_H
#define PROTO_IKEV1_IKEV1_H

#include "base/digest.h"
#include "proto/core/internal.h"

/** Begin phase 1, and behind it a child SA. @retval ERR_FULL; ERR_UNSUPPORTED: no pre-shared key or
 * no name; and as main_mode_start */
enum err v1_initiate(struct ike_endpoint *, nsec now, const struct ike_remote *,
                     struct sa_ref *out) MUST_USE;
/** One IKE message without marker; `message` is inside dgram->data. */
enum err v1_receive(struct ike_endpoint *, nsec now, const struct ike_dgram *dgram,
                    struct bytes message) MUST_USE;
/** A message of a later version, which is not answered: whoever sent it is told, in IKEv1, but not
 * in more octets than it has, and once a second at most (RFC 2408 §5.2, RFC 7296 §2.5). */
void v1_refuse_version(struct ike_endpoint *, nsec now, const struct ike_dgram *,
                       struct bytes message);
void v1_timer_fired(struct ike_endpoint *, nsec now, struct ike_sa *);
void v1_child_timer_fired(struct ike_endpoint *, nsec now, struct child_sa *);
/** Wish something of an SA and begin it if nothing of ours is in flight. @retval ERR_STATE */
enum err v1_wish_for(struct ike_endpoint *, nsec now, struct ike_sa *, enum ike_wish);
/** A child SA for the traffic of ours that takes this packet. Errors: ike_asked_read,
 * ike_asked_note, v1_wish_for */
enum err v1_ask_for(struct ike_endpoint *, nsec now, struct ike_sa *, struct bytes packet) MUST_USE;
enum err v1_child_wish_for(struct ike_endpoint *, nsec now, struct child_sa *, bool rekey);
/** Remove an SA with its children; says why, and tells the peer nothing. */
void v1_remove(struct ike_endpoint *, nsec now, struct ike_sa *, enum sa_reason);
/** Fill in what one end of it was given by the other (Mode-Config). */
void v1_inside_look(const struct ike_endpoint *, const struct ike_sa *, struct ike_sa_info *);
/** Whether an exchange of the peer's goes on, or a child SA is to be deleted as soon as may be. */
bool v1_acting(const struct ike_endpoint *, const struct ike_sa *);
/** A keyed hash of what is secret of it, equal at both ends; 0: phase 1 goes on. */
uint64_t v1_key_digest(const struct ike_endpoint *, const struct ike_sa *, uint64_t key);
/** Add to the digest of an endpoint what this SA has beside its record. */
void v1_fingerprint(const struct ike_endpoint *, const struct ike_sa *, nsec now, struct digest *);

#endif
