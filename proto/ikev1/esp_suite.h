/*
 * What Quick Mode agrees on for a child SA: our configuration and the attributes of ESP transforms
 * (RFC 2407 §4.4.4, §4.5). Each combination of cipher and integrity algorithm is a transform of its
 * own.
 */
#ifndef PROTO_IKEV1_ESP_SUITE_H
#define PROTO_IKEV1_ESP_SUITE_H

#include "proto/core/config.h"
#include "proto/ikev1/lifetime.h"
#include "proto/ikev1/offer.h"

/** Besides algorithms. */
struct v1_esp_terms {
    uint16_t mode;             /* enum v1_mode: tunnel or transport, in UDP or not */
    struct v1_life life;       /* 0: nothing is said */
    const struct ke_suite *ke; /* PFS: as initiator the group of our KE; NULL: none */
};

struct v1_esp_suite {
    const struct encr_suite *encr;
    const struct integ_suite *integ; /* NULL for AEAD */
    const struct ke_suite *ke;       /* NULL: without PFS */
    struct v1_life life;             /* what both can live with; 0: no limit was said */
    struct v1_life shorter;          /* what of ours the offer is longer than */
};

/** Bytes of keys of one direction: cipher, salt, integrity. */
size_t v1_esp_key_len(const struct v1_esp_suite *);

/**
 * The body of our offer. @param spi  ours, 4 bytes
 * @retval ERR_UNSUPPORTED  nothing in them can be said in IKEv1
 * @retval ERR_FULL         more than 255 combinations
 */
enum err v1_esp_offer_write(struct writer *, const struct proposal_config *ours, size_t count,
                            const struct v1_esp_terms *, struct bytes spi) MUST_USE;

struct v1_esp_choice {
    struct v1_esp_suite suite;
    struct v1_offered offered; /* views into the offer */
};

/**
 * As responder: the first of our combinations that the offer has; a group if and only if our
 * proposal has it. `terms.ke` is not looked at.
 * @retval ERR_NO_PROPOSAL  none; other errors: the payload is malformed
 */
enum err v1_esp_offer_select(const struct proposal_config *ours, size_t count, struct bytes sa_body,
                             const struct v1_esp_terms *, struct v1_esp_choice *out) MUST_USE;
/** As initiator: one proposal with one transform, of ours, with the group of our KE. */
enum err v1_esp_answer_read(const struct proposal_config *ours, size_t count, struct bytes sa_body,
                            const struct v1_esp_terms *, struct v1_esp_choice *out) MUST_USE;

#endif
