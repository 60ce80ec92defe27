/*
 * Who may begin a handshake while many do: RFC 7296 §2.6, and limits of our own
 * (proto/core/flood.h). From so many half-open IKE SAs on an initiator has to show first that it
 * receives what is sent to its address; and no address may have more than so many of them. Both are
 * off unless configured.
 */
#ifndef PROTO_IKE_ADMIT_H
#define PROTO_IKE_ADMIT_H

#include "proto/ike/step.h"

/**
 * A new IKE_SA_INIT request, before anything is done for it or kept of it.
 * @retval ERR_STATE  it has no cookie that holds, and needs one: it was asked for, counted
 * @retval ERR_FULL   its source has as many half-open IKE SAs as it may: ignored, counted
 */
enum err flood_admit(struct step *, const struct message_view *) MUST_USE;

#endif
