/*
 * A node that floods a gateway with IKE_SA_INIT requests (RFC 7296 §1.2) from addresses that are
 * not its own. Each request is whole and well-formed, with a source, an SPI and a nonce of its own;
 * all show one public value, as whoever wants to send many makes one only. Whatever arrives at the
 * node is taken and never answered. What the gateway answers goes to the claimed addresses, which
 * lead nowhere: a router on the way drops it (no_route).
 *
 * Not here: floods after the cookie, which need a true address; role initiator does that.
 */
#ifndef SIM_ATTACKER_H
#define SIM_ATTACKER_H

#include "sim/lab.h"

extern const struct node_class attacker_class;

/**
 * The state of a node that attacks `target`.
 * @retval ERR_MEMORY
 * @retval ERR_SPACE  its proposals make a request longer than a datagram
 * @retval ERR_CRYPTO no key pair could be made
 */
enum err attacker_create(struct lab *, uint32_t node, const struct ip_addr *target,
                         void **state) MUST_USE;
/** The first request leaves when the scenario says so. */
void attacker_begin(struct lab *, uint32_t node);
/** It is switched off, or on again and goes on with what is left of its requests. */
void attacker_set_down(struct lab *, uint32_t node, bool down);

/* What the gateway sees of floods: questions and answers, for the metrics of the attackers' group.
 * Nothing to do where nobody attacks. */

/** A packet has arrived at an endpoint. */
void attacker_heard(struct lab *, uint32_t packet);
/** A packet of an endpoint leaves it. */
void attacker_answered(struct lab *, uint32_t packet);

#endif
