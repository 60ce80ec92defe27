/*
 * Choosing a proposal: RFC 7296 §2.7, §3.3.6. Our configuration meets an SA payload, offered to us
 * or answered to our offer. AEAD: RFC 5282 §8.
 */
#ifndef PROTO_CORE_SELECT_H
#define PROTO_CORE_SELECT_H

#include "proto/core/config.h"
#include "proto/wire/sa.h"

/** Which proposals count and what has to be in them. */
struct select_terms {
    uint8_t protocol;  /* SA_PROTOCOL_IKE, SA_PROTOCOL_ESP */
    uint8_t spi_size;  /* IKE: 0 at first, 8 in a rekey; ESP: 4 */
    bool no_ke;        /* IKE_AUTH: the child's key exchange does not count (RFC 7296 §1.2) */
    uint16_t ke_group; /* of the KE payload that came along: preferred when common, 0: none */
};

struct selection {
    uint8_t number; /* of the peer's proposal */
    struct bytes spi;
    const struct encr_suite *encr;
    const struct integ_suite *integ; /* NULL for AEAD */
    const struct prf_suite *prf;     /* IKE */
    const struct ke_suite *ke;       /* NULL: none */
    bool esn;                        /* ESP */
};

/**
 * As responder: our first proposal that one of the offered ones meets. Unknown transform IDs and
 * attributes are passed by; a proposal with an unknown transform type is (§3.3.6).
 * @retval ERR_NO_PROPOSAL  none; other errors: the payload is malformed
 */
enum err select_offer(const struct proposal_config *ours, size_t count, struct bytes sa_body,
                      const struct select_terms *, struct selection *out) MUST_USE;
/**
 * As initiator: the answer must be one proposal, made of ours with its number, one transform of
 * each type (§3.3.6).
 * @retval ERR_NO_PROPOSAL  it is not
 */
enum err select_answer(const struct proposal_config *ours, size_t count, struct bytes sa_body,
                       const struct select_terms *, struct selection *out) MUST_USE;

/** Write all our proposals, numbered from 1. @param spi  ours, or empty */
void offer_write(struct writer *, const struct proposal_config *ours, size_t count,
                 const struct select_terms *, struct bytes spi);
/** Write the chosen proposal under its number. */
void answer_write(struct writer *, const struct selection *, const struct select_terms *,
                  struct bytes spi);
/** The first key exchange of our proposals, NULL without. */
const struct ke_suite *offer_first_ke(const struct proposal_config *ours, size_t count);
/** Whether a group was among those we offered; NULL if not. */
const struct ke_suite *offer_find_ke(const struct proposal_config *ours, size_t count,
                                     uint16_t group);

#endif
