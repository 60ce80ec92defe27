/*
 * MOBIKE: RFC 4555. Who called decides on addresses and tells them; who was called takes them from
 * the IP header of that message.
 *
 *   HDR, SK {IDi, ... N(MOBIKE_SUPPORTED), N(ADDITIONAL_*_ADDRESS)}  -->
 *                                     <--  HDR, SK {IDr, ... N(MOBIKE_SUPPORTED), ...}
 *   HDR, SK {N(UPDATE_SA_ADDRESSES), N(NAT_DETECTION_*)}  -->
 *                                     <--  HDR, SK {N(NAT_DETECTION_*)}
 *                                     <--  HDR, SK {N(COOKIE2)}
 *   HDR, SK {N(COOKIE2)}  -->
 *
 * "Who called" is the initiator of the first IKE SA, over all rekeys (RFC 4555 §1.3). Not here: the
 * choice among several addresses of our own, which is the driver's (ike_endpoint_moved).
 */
#ifndef PROTO_IKE_MOBIKE_H
#define PROTO_IKE_MOBIKE_H

#include "proto/ike/step.h"

/** Whether this endpoint would do it: configured, and in tunnel mode (§1.2). */
bool mobike_wanted(const struct ike_endpoint *);
/** The same of a configuration: in tunnel mode only (RFC 4555 §1.2). */
static inline bool mobike_configured(const struct ike_config *c)
{
    return c->mobike.on && !c->child.transport;
}


/* ---- in IKE_AUTH (§3.2, §3.4, §3.9) ---- */

void mobike_offer_write(struct step *);
/** Both want it: from now on the IKE SA has it. */
void mobike_offer_read(struct step *);
/** @retval ERR_STATE  there is a NAT, and the peer says that there must be none; s->notify is set
 */
enum err mobike_nats_read(struct step *);

/** What a peer of this configuration would have said there; `at` is its own address. */
void mobike_take(struct ike_endpoint *, struct ike_sa *, const struct ike_config *peer,
                 const struct ip_addr *at);

/* ---- moving (§3.5) ---- */

/** The driver says that this machine is at `to`; see ike_endpoint_moved. */
void mobike_moved(struct ike_endpoint *, nsec now, struct ike_sa *, const struct ip_addr *to);
/** The peer does not answer where it was: go on at its next address. @return false: it has none */
bool mobike_elsewhere(struct ike_endpoint *, nsec now, struct ike_sa *);
/** What a rekey of the IKE SA hands on. */
void mobike_inherit(struct ike_endpoint *, struct ike_sa *old, struct ike_sa *next);
/** Whether an INFORMATIONAL request updates the addresses of this IKE SA. */
bool mobike_is_update(const struct ike_sa *, const struct message_view *);

/* ---- in any INFORMATIONAL exchange (§3.6, §3.7, §3.8) ---- */

/** What goes with a liveness check: NAT detection, a cookie, our own addresses. */
enum err mobike_probe_write(struct step *) MUST_USE;
/** The request of this message ID was not made, or not executed: what it says is said in another.
 */
void mobike_unsaid(struct ike_endpoint *, const struct ike_sa *, uint32_t id);
/** What came back. */
enum err mobike_probe_read(struct step *) MUST_USE;
/** What the response has to repeat of the request. */
enum err mobike_answer(struct step *) MUST_USE;
/** The peer tells where else it can be reached. */
void mobike_addresses_heard(struct step *);
/** It has answered, so it is where we send to. */
void mobike_heard(struct step *);

/** Whether packets of the peer come and go where it said: only these show that it lives (§3.12). */
bool mobike_expected(const struct ike_endpoint *, const struct ike_sa *, const struct ike_dgram *);

#endif
