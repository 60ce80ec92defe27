/*
 * Security Association payload (RFC 7296 §3.3): proposals, transforms, attributes. Reading checks
 * the structure, never the algorithms: unknown transform types and IDs are values like any other,
 * and a transform with an attribute we do not understand is flagged so that selection passes it by
 * (§3.3.6).
 */
#ifndef PROTO_WIRE_SA_H
#define PROTO_WIRE_SA_H

#include "base/cursor.h"
#include "proto/wire/registry.h"

enum sa_sizes {
    SA_PROPOSALS_MAX = 32,
    SA_TRANSFORMS_MAX = 256, /* of all proposals together */
    SA_SPI_MAX = 8,
};

struct sa_transform {
    uint8_t type; /* enum transform_type */
    uint16_t id;
    uint16_t key_bits;       /* Key Length attribute, 0 if absent */
    struct bytes attributes; /* as on the wire if they are anything but one Key Length: then this
                                transform has something we do not understand; else empty */
};

struct sa_proposal {
    uint8_t number;
    uint8_t protocol; /* enum sa_protocol */
    struct bytes spi; /* IKE: 0 or 8 bytes, AH and ESP: 4 */
    uint8_t transform_count;
    struct bytes transforms; /* the transform substructures, for sa_transform_next */
};

/** Zero-copy walk: sa_open, then sa_next until false, then sa_close for the verdict. */
struct sa_walk {
    struct reader r;
    bool last;
};
void sa_open(struct sa_walk *, struct bytes body);
bool sa_next(struct sa_walk *, struct sa_proposal *);
/** ERR_SYNTAX, ERR_LENGTH, ERR_TRUNCATED, ERR_TRAILING as sa_read. */
enum err sa_close(const struct sa_walk *) MUST_USE;

/** The walk over the transforms of one proposal that sa_next delivered. */
struct sa_transform_walk {
    struct reader r;
    unsigned left;
    bool last;
};
void sa_transform_open(struct sa_transform_walk *, const struct sa_proposal *);
bool sa_transform_next(struct sa_transform_walk *, struct sa_transform *);
enum err sa_transform_close(const struct sa_transform_walk *) MUST_USE;

/** What says that another one follows. */
enum sa_substructure { SA_MORE_PROPOSALS = 2, SA_MORE_TRANSFORMS = 3 };

/**
 * The head of a proposal or a transform, the same in both versions (RFC 7296 §3.3.1, RFC 2408
 * §3.5): Last Substruc (8) | RESERVED (8) | Length (16).
 * @param[out] last  it says that it is the last one
 * @return a reader of what the length covers behind the head; `r` fails with ERR_SYNTAX or
 *         ERR_LENGTH
 */
struct reader sa_substructure(struct reader *r, enum sa_substructure more, bool *last);

/** A whole SA payload: transforms of proposal i are transforms[first[i]], transform_count many. */
struct sa_payload {
    unsigned count;
    struct sa_proposal proposals[SA_PROPOSALS_MAX];
    uint16_t first[SA_PROPOSALS_MAX];
    unsigned transform_total;
    struct sa_transform transforms[SA_TRANSFORMS_MAX];
};

/**
 * Read and check the whole payload.
 * @retval ERR_SYNTAX    no proposal, wrong "last substructure" value, transform count that lies,
 *                       SPI size that its protocol forbids
 * @retval ERR_LENGTH    a proposal, transform or attribute length that does not fit
 * @retval ERR_TRUNCATED, ERR_TRAILING
 * @retval ERR_FULL      more proposals or transforms than we hold
 */
enum err sa_read(struct bytes body, struct sa_payload *) MUST_USE;
/** RFC 7296 §3.3.1: an offer numbers its proposals 1, 2, 3...; else ERR_SYNTAX. */
enum err sa_check_offer(const struct sa_payload *) MUST_USE;
/** RFC 7296 §3.3, §3.3.6: an answer is one proposal with at most one transform of each type. */
enum err sa_check_answer(const struct sa_payload *) MUST_USE;

/** Start an SA payload for writing: nothing in it. */
void sa_init(struct sa_payload *);
/** Append a proposal; `spi` is borrowed. @retval ERR_FULL */
enum err sa_add_proposal(struct sa_payload *, uint8_t number, uint8_t protocol,
                         struct bytes spi) MUST_USE;
/** Append a transform to the last proposal. key_bits 0: no attribute. @retval ERR_FULL */
enum err sa_add_transform(struct sa_payload *, uint8_t type, uint16_t id,
                          uint16_t key_bits) MUST_USE;
/** Write the body. `transforms` views of proposals are ignored; the decoded array counts. */
void sa_write(struct writer *, const struct sa_payload *);

#endif
