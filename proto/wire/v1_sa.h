/*
 * Security Association payload of IKEv1 (RFC 2408 §3.4-§3.6, RFC 2407 §4.6.1): DOI, situation,
 * proposals with transforms, each of which is a whole suite in attributes. Structure only: which
 * attributes mean what is proto/ikev1's matter.
 */
#ifndef PROTO_WIRE_V1_SA_H
#define PROTO_WIRE_V1_SA_H

#include "proto/wire/sa.h"
#include "proto/wire/v1_attribute.h"

enum { V1_SPI_MAX = 16 /* RFC 2408 §3.5: of ISAKMP, 0 to 16 bytes and of no meaning */ };

struct v1_transform {
    uint8_t number;
    uint8_t id;              /* KEY_IKE (1), or of the proposal's protocol */
    struct bytes attributes; /* as on the wire, for v1_attribute_next */
};

/** Proposals are walked by sa.h's own walk, whose proposals are the same. */
struct v1_sa_walk {
    struct sa_walk proposals;
    uint32_t doi, situation;
};

/** Then v1_sa_next until false, then v1_sa_close for the verdict. */
void v1_sa_open(struct v1_sa_walk *, struct bytes body);
bool v1_sa_next(struct v1_sa_walk *, struct sa_proposal *);
/** Errors as v1_sa_read. */
enum err v1_sa_close(const struct v1_sa_walk *) MUST_USE;

/** The transforms of one proposal: opened and closed by sa_transform_open and sa_transform_close.
 */
bool v1_transform_next(struct sa_transform_walk *, struct v1_transform *);

/** A whole payload: transforms of proposal i are transforms[first[i]], transform_count many. */
struct v1_sa_payload {
    unsigned count;
    struct sa_proposal proposals[SA_PROPOSALS_MAX];
    uint16_t first[SA_PROPOSALS_MAX];
    unsigned transform_total;
    struct v1_transform transforms[SA_TRANSFORMS_MAX];
};

/**
 * Read and check the whole payload. Several proposals of one number are one (RFC 2408 §4.2).
 * @retval ERR_UNSUPPORTED  the DOI is not IPsec, or the situation has more than identities
 * @retval ERR_SYNTAX     no proposal, a proposal without transform, wrong "next payload", transform
 *                        count that lies, RESERVED not 0, SPI size that its protocol forbids
 * @retval ERR_LENGTH     a proposal, transform or attribute length that does not fit
 * @retval ERR_TRUNCATED, ERR_TRAILING
 * @retval ERR_FULL       more proposals, transforms or attributes than we hold
 */
enum err v1_sa_read(struct bytes body, struct v1_sa_payload *) MUST_USE;

/** Start a payload for writing: of the IPsec DOI, with nothing in it. */
void v1_sa_init(struct v1_sa_payload *);
/** Append a proposal; `spi` is borrowed. @retval ERR_FULL */
enum err v1_sa_add_proposal(struct v1_sa_payload *, uint8_t number, uint8_t protocol,
                            struct bytes spi) MUST_USE;
/** Append a transform to the last proposal; `attributes`, a row, is borrowed. @retval ERR_FULL */
enum err v1_sa_add_transform(struct v1_sa_payload *, uint8_t number, uint8_t id,
                             struct bytes attributes) MUST_USE;
void v1_sa_write(struct writer *, const struct v1_sa_payload *);

#endif
