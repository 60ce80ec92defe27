/*
 * A tunnel that is there without a handshake: what two configurations come to when they meet, and
 * between whom it is put in place (proto/agree, proto/install). For simulations: a driver
 * of both ends, as nobody else has both. Plain data.
 */
#ifndef PROTO_CORE_INSTALL_H
#define PROTO_CORE_INSTALL_H

#include "base/rng.h"
#include "crypto/keymat.h"
#include "proto/ip/addr.h"

struct ike_endpoint;

/** What IKE_SA_INIT and IKE_AUTH of an initiator and a responder agree on. Good for all ends that
 * have these proposals and switches, whatever their identities and traffic selectors. */
struct ike_agreement {
    struct ike_suite suite;
    const struct encr_suite *encr;   /* of the child SA, as the following */
    const struct integ_suite *integ; /* NULL for AEAD */
    const struct ke_suite *ke;       /* NULL: none, as always in IKE_AUTH */
    bool esn, transport;
    bool childless; /* the child SA was made in an exchange of its own (RFC 6023) */
    bool fragments, mobike;
    bool floats; /* to port 4500 whether there is a NAT or not */
};

/** A tunnel to be put in place between two endpoints of one process and one kind of crypto. */
struct ike_installation {
    struct ike_endpoint *initiator, *responder;
    const struct ike_agreement *agreed; /* IKEv2; NULL with IKEv1 */
    /* Addresses with the ports that they have when IKE goes from port 4500 to port 4500; where it
     * does not float there, all are 500. A NAT is where `seen` or `called` differs. */
    struct ip_endpoint from, seen; /* the initiator: as it sees itself, as the responder sees it */
    struct ip_endpoint called, at; /* the responder: as the initiator calls it, as it sees itself */
    struct rng secret;             /* what the key exchange came to */
};

#endif
