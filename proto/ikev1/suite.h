/*
 * What phase 1 agrees on: our configuration and the attributes of transforms (RFC 2409 §4, §5 and
 * appendix A; RFC 2408 §4.2). An IKEv2 proposal of CBC ciphers, HMACs and groups serves both
 * versions: each combination is a transform of its own here.
 */
#ifndef PROTO_IKEV1_SUITE_H
#define PROTO_IKEV1_SUITE_H

#include "proto/ikev1/auth.h"
#include "proto/ikev1/lifetime.h"
#include "proto/ikev1/offer.h"

enum { V1_KEY_IKE = 1 /* RFC 2407 §4.4.2: the one transform ID of phase 1 */ };

/** Besides algorithms: how the two prove themselves, and for how long. */
struct v1_terms {
    uint16_t methods[V1_METHODS_MAX]; /* enum v1_auth_method; the first is what we offer */
    unsigned method_count;
    uint32_t life_s; /* 0: nothing is said */
};

struct v1_suite {
    const struct encr_suite *encr;
    const struct hash_suite *hash;
    const struct ke_suite *ke;
    const struct v1_auth *auth;
    uint32_t life_s;    /* what both can live with; 0: no limit was said */
    uint32_t shorter_s; /* ours, if the offer is longer; else 0 */
};

/**
 * The body of our offer: one proposal, and a transform for every combination of our proposals.
 * @retval ERR_UNSUPPORTED  nothing in them can be said in IKEv1, which has CBC and HMAC only; or no
 *                          method is given
 * @retval ERR_FULL         more than 255 combinations
 */
enum err v1_offer_write(struct writer *, const struct proposal_config *ours, size_t count,
                        const struct v1_terms *) MUST_USE;

/** The algorithms of the first combination that can be said. @return false: there is none */
bool v1_suite_first(const struct proposal_config *ours, size_t count, struct v1_suite *out);

/** The transform that was chosen of an offer, to be given back as it is
 * (v1_offered_write). */
struct v1_choice {
    struct v1_suite suite;
    struct v1_offered offered; /* views into the offer */
};

/**
 * As responder: the first of our combinations that the offer has. A transform with an attribute
 * that we do not know, or with one twice, is passed by.
 * @retval ERR_NO_PROPOSAL  none; other errors: the payload is malformed
 */
enum err v1_offer_select(const struct proposal_config *ours, size_t count, struct bytes sa_body,
                         const struct v1_terms *, struct v1_choice *out) MUST_USE;

/**
 * As initiator: the answer must be one proposal with one transform, of ours.
 * @retval ERR_NO_PROPOSAL  it is not
 */
enum err v1_answer_read(const struct proposal_config *ours, size_t count, struct bytes sa_body,
                        const struct v1_terms *, struct v1_suite *out) MUST_USE;

#endif
