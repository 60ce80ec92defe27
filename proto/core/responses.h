/*
 * Responses that nobody will ask for again. A responder keeps its last response to repeat it, until
 * the next request arrives or "several minutes" have passed, which no initiator goes on asking for
 * (RFC 7296 §2.1). An idle SA would keep it for hours, and that of IKE_AUTH is the largest.
 * No timer does this: each call has a look at some SAs, so nothing happens because of it.
 */
#ifndef PROTO_CORE_RESPONSES_H
#define PROTO_CORE_RESPONSES_H

#include "base/time.h"

struct ike_endpoint;

/** Kept for that long at least where the configuration does not say otherwise. Peers that ask like
 * us give up after 165 s. */
#define RESPONSE_TIME (600 * NSEC_PER_S)

/**
 * Drop responses that are older than the configuration's response_time: of established IKE SAs in
 * which nothing has been sent since, and only where the window is 1. A request that is repeated
 * after that is dropped as one behind the window is (IKE_DROP_MESSAGE_ID).
 */
void responses_age(struct ike_endpoint *, nsec now);

#endif
