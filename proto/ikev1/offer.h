/*
 * Looking through an SA payload that was offered or answered, of either phase (RFC 2408 §4.2):
 * every transform is read, bounded, and the one that ranks lowest is chosen. What makes a rank is
 * the phase's matter (suite.h, esp_suite.h). Proposals that share a number mean several protocols
 * together, which we do not do: they are passed by.
 */
#ifndef PROTO_IKEV1_OFFER_H
#define PROTO_IKEV1_OFFER_H

#include "proto/wire/v1_sa.h"

enum { V1_NO_RANK = 1 << 16 /* not acceptable */ };

/** How good a transform is, the lower the better; V1_NO_RANK. */
typedef unsigned v1_rank(const void *context, const struct sa_proposal *,
                         const struct v1_transform *);

struct v1_offered {
    struct sa_proposal proposal; /* views into the payload */
    struct v1_transform transform;
    unsigned proposals, transforms; /* how many there are in all */
};

/**
 * @retval ERR_NO_PROPOSAL  none is acceptable
 * @retval ERR_FULL         more than SA_PROPOSALS_MAX or SA_TRANSFORMS_MAX
 * @retval others           the payload is malformed (v1_sa_read)
 */
enum err v1_offer_search(struct bytes sa_body, v1_rank *, const void *context,
                         struct v1_offered *out) MUST_USE;

enum { V1_ROW_TYPES = 32, V1_LIFE_TYPES = 3 };

/** Which attributes of a transform are numbers that may stand there once, and which two say how
 * long it lives. All below V1_ROW_TYPES; others make the transform one that we do not know. */
struct v1_row_kind {
    uint32_t once; /* set of types */
    uint16_t life_type, life_duration;
};

struct v1_row {
    uint32_t number[V1_ROW_TYPES]; /* by type, 0: not said; of `once` 1 to 65535 */
    uint32_t types;                /* set of those of `once` that were said */
    uint32_t life[V1_LIFE_TYPES];  /* by enum v1_life_type, 0: not said */
};

/**
 * Read the attributes of a transform. A duration belongs to the type before it, and there may be
 * several such pairs (RFC 2409 appendix A).
 * @return false: it has something that we do not know, or something twice
 */
bool v1_row_read(struct bytes attributes, const struct v1_row_kind *, struct v1_row *out);
/** The two attributes of a life of so many seconds or kilobytes; nothing if it is 0. */
void v1_life_write(struct writer *, const struct v1_row_kind *, unsigned type, uint32_t duration);

/** A payload of this one transform, given back as it was (RFC 2408 §4.2), with our SPI. */
void v1_offered_write(struct writer *, const struct v1_offered *, struct bytes spi);

/** The head of a payload with one proposal; @return where v1_proposal_end has its length. */
uint8_t *v1_proposal_begin(struct writer *, uint8_t protocol, struct bytes spi, uint8_t transforms);
void v1_proposal_end(struct writer *, uint8_t *mark);
/** The same for a transform of it, `number` from 1 of `total`; attributes come between. */
uint8_t *v1_transform_begin(struct writer *, unsigned number, unsigned total, uint8_t id);
void v1_transform_end(struct writer *, uint8_t *mark);

#endif
