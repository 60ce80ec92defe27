/*
 * Security Association payload, RFC 7296 §3.3: proposals, transforms, attributes. Proposals are
 * read one at a time, so any number of them needs room for one.
 *
 *     reader_init(&r, body);
 *     while (sa_next(&r, &proposal))
 *         ...
 *     e = reader_end(&r);
 */
#ifndef PROTO_WIRE_SA_H
#define PROTO_WIRE_SA_H

#include "base/cursor.h"
#include "proto/wire/registry.h"

enum sa_sizes {
    PROPOSAL_SPI_MAX = 8,
    PROPOSAL_TRANSFORMS_MAX = 64, /* more is ERR_FULL */
};

struct transform {
    uint8_t type; /* TRANSFORM_ENCR ... */
    uint16_t id;
    uint16_t key_bits;      /* Key Length attribute, 0 if absent */
    bool unknown_attribute; /* the transform must not be chosen (RFC 7296 §3.3.6) */
};

struct proposal {
    uint8_t number;
    uint8_t protocol; /* PROTOCOL_IKE, PROTOCOL_ESP ... */
    uint8_t spi_len;
    uint8_t spi[PROPOSAL_SPI_MAX]; /* as on the wire */
    uint8_t transform_count;
    struct transform transforms[PROPOSAL_TRANSFORMS_MAX];
};

/**
 * The next proposal; false at the end or on error, which stays in the reader. Types, IDs and
 * protocols we do not know are no errors: the proposal or transform is just not acceptable.
 * Errors: ERR_LENGTH (lengths, counts, SPI size against protocol), ERR_SYNTAX (last-substructure
 * field, key length twice), ERR_TRAILING, ERR_TRUNCATED, ERR_FULL.
 */
bool sa_next(struct reader *, struct proposal *out);
/** The whole payload: at least one proposal, numbers rising by one (RFC 7296 §3.3). */
enum err sa_check(struct bytes body) MUST_USE;

/** `last`: no proposal follows. unknown_attribute is not written. */
void proposal_write(struct writer *, const struct proposal *, bool last);

#endif
