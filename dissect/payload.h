/*
 * The trees of IKEv2 payloads. Bodies are read by proto/wire; here its views become nodes. What a
 * codec refuses is shown up to there, and an error node says why.
 */
#ifndef DISSECT_PAYLOAD_H
#define DISSECT_PAYLOAD_H

#include "crypto/provider.h"
#include "dissect/tree.h"
#include "proto/ip/addr.h"
#include "proto/wire/payload.h"

/** What a payload's tree needs to know of its message. */
struct payload_context {
    const struct ike_header *header;
    struct crypto *crypto;         /* SHA-1 of NAT detection, certificates; borrowed */
    const struct ip_endpoint *src; /* of the datagram; NULL: not known */
    const struct ip_endpoint *dst;
};

/** Generic header and body. */
void payload_tree(struct tree *, const struct payload_context *, const struct payload_view *);

/* Bodies; each adds its nodes under the open one. */
void payload_sa(struct tree *, struct bytes body);
void payload_ke(struct tree *, struct bytes body);
void payload_id(struct tree *, struct bytes body);
void payload_cert(struct tree *, const struct payload_context *, struct bytes body);
void payload_certreq(struct tree *, struct bytes body);
void payload_auth(struct tree *, struct bytes body);
void payload_notify(struct tree *, const struct payload_context *, struct bytes body);
void payload_delete(struct tree *, struct bytes body);
void payload_ts(struct tree *, struct bytes body);
void payload_cp(struct tree *, struct bytes body);
void payload_eap(struct tree *, struct bytes body);

/* Those of IKEv1, below an open payload or in place of the above (v1_payload.c, v1_payload_sa.c).
 */
void v1_payload_tree(struct tree *, const struct payload_context *, const struct payload_view *);
/** One whose body is ciphertext, by public-key encryption. */
void v1_sealed_tree(struct tree *, const struct payload_view *);
void v1_payload_sa(struct tree *, struct bytes body);
void v1_payload_config(struct tree *, struct bytes body);
/** A row of attributes of phase 2, as RESPONDER-LIFETIME has it. */
void v1_attributes_tree(struct tree *, struct bytes row);

/** An identity of a type that both versions have, or NULL. */
const char *identity_text(struct arena *, uint8_t type, struct bytes data);

/** An IPv4 or IPv6 address in text; NULL: it has neither's length, or no memory. */
const char *address_text(struct arena *, struct bytes address);

#endif
