/*
 * Per-resource child SAs: RFC 9611. Behind its first child SA an IKE SA has more with the same
 * selectors, one for each core of the end that sends, so that cores need not share sequence
 * numbers and replay windows. Who called asks for all of them as soon as the first one is there;
 * who was called grants as many as it is configured for. A core that has none sends through the
 * first one (§4).
 *
 * They are numbered from 1; the first one is number 0. All of them hold one policy (proto/esp/spd),
 * which points to the first one. A rekeyed one keeps its number (§3). One more that is made when
 * all cores have theirs is number 0 as well, beside the first one under the same policy.
 *
 * Who granted one sends through it when it is sure that the peer has installed it (RFC 7296 §2.8):
 * with the first packet that comes through it, or, after a rekey, when the old one is deleted.
 * Until then the first one takes its packets. So where all traffic of a core comes from who was
 * called, the first one carries it until the first rekey: slower, but nothing is lost, whereas
 * packets sent at once could overtake the response.
 *
 * Not here: asking for one when a core sends (§6, acquires by core); ending one that is idle.
 */
#ifndef PROTO_IKE_RESOURCE_H
#define PROTO_IKE_RESOURCE_H

#include "proto/core/child.h"
#include "proto/ike/step.h"

/** Where a new child SA stands. */
struct resource_place {
    const struct child_sa *beside; /* the one whose policy it shares; NULL: it is the first */
    uint8_t number;
    bool said; /* the peer wants, or grants, child SAs of this kind */
};

/** As initiator: say in the offer of `made` that more are wanted, or which of them this is. Of a
 * rekey nothing is said: it is for the core of the old one. */
void resource_ask(struct step *, struct child_sa *made);
/**
 * As initiator: what the answer says of `made`.
 * @retval ERR_NO_PROPOSAL  it is not like the first one
 */
enum err resource_answered(const struct step *, const struct child_sa *made,
                           const struct child_terms *, struct resource_place *) MUST_USE;
/** As initiator: `made` is installed; the rest is wished for when it was the first. */
void resource_taken(struct step *, const struct child_sa *made, const struct resource_place *);
/**
 * As responder: whether there may be one more.
 * @retval ERR_NO_PROPOSAL, ERR_REFUSED  not like the first one; there are enough (TS_MAX_QUEUE)
 */
enum err resource_grant(struct step *, const struct child_terms *,
                        struct resource_place *) MUST_USE;
/** As responder: the answer's part. */
void resource_answer(struct step *, const struct resource_place *);
/** The peer grants no more: what else was wished for is not asked for. */
void resource_enough(struct ike_sa *, uint16_t notify);

/** The child SA that the packet's core sends through, where `first` is what its policy says. */
struct child_sa *resource_choose(struct ike_endpoint *, struct child_sa *first,
                                 struct bytes packet);

#endif
