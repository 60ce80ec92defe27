/*
 * What is wished for on an IKE SA or a child SA, by a user or a timer. Noted here, and begun by the
 * room of its version as soon as that may be.
 */
#ifndef PROTO_CORE_WISH_H
#define PROTO_CORE_WISH_H

#include "proto/core/internal.h"

/** Whether it was wished for; it is not any more. */
bool ike_wish_take(struct ike_sa *, enum ike_wish);
/** One child SA more. @return false: so many wait already that this one is not counted */
bool ike_wish_child(struct ike_sa *);
/** One of them. @return false: there is none */
bool ike_wish_child_take(struct ike_sa *);

/** A timer of a child SA has fired: at its hard end no packet may use it any more, and it is to be
 * deleted or is gone; before that it is to be rekeyed. @return the IKE SA that has something to do
 * now, NULL: the child SA is gone */
struct ike_sa *child_timer_wish(struct ike_endpoint *, nsec now, struct child_sa *);

#endif
