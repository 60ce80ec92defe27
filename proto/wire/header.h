/*
 * The IKE header (RFC 7296 §3.1, RFC 2408 §3.1: the same 28 bytes). No judgement of versions or
 * lengths beyond "is it there": proto/wire/payload.h does that for IKEv2.
 */
#ifndef PROTO_WIRE_HEADER_H
#define PROTO_WIRE_HEADER_H

#include "base/cursor.h"

enum header_values {
    HEADER_LEN = 28,
    HEADER_FLAGS_AT = 19,    /* offset of the Flags */
    HEADER_LENGTH_AT = 24,   /* of the Length field */
    HEADER_VERSION_1 = 0x10, /* major << 4 | minor */
    HEADER_VERSION_2 = 0x20,
    HEADER_FLAG_INITIATOR = 0x08, /* sent by the original initiator of the IKE SA */
    HEADER_FLAG_VERSION = 0x10,   /* the sender could speak a higher major version */
    HEADER_FLAG_RESPONSE = 0x20,
};

struct ike_header {
    uint64_t spi_i, spi_r;
    uint8_t next_payload;
    uint8_t version; /* major << 4 | minor */
    uint8_t exchange;
    uint8_t flags;
    uint32_t message_id;
    uint32_t length; /* whole message in bytes, header included */
};

/** Reads the 28 bytes; ERR_TRUNCATED if there are fewer. Bytes behind them are left alone. */
enum err header_read(struct bytes message, struct ike_header *) MUST_USE;
void header_write(struct writer *, const struct ike_header *);

static inline unsigned header_major(const struct ike_header *h)
{
    return h->version >> 4;
}

static inline bool header_is_response(const struct ike_header *h)
{
    return (h->flags & HEADER_FLAG_RESPONSE) != 0;
}

static inline bool header_from_initiator(const struct ike_header *h)
{
    return (h->flags & HEADER_FLAG_INITIATOR) != 0;
}

#endif
