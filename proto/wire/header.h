/* The IKE header, RFC 7296 §3.1. The non-ESP marker in front of it belongs to proto/esp/encap. */
#ifndef PROTO_WIRE_HEADER_H
#define PROTO_WIRE_HEADER_H

#include "base/cursor.h"

enum ike_header_constants {
    IKE_HEADER_LEN = 28,
    IKE_VERSION = 0x20, /* major 2, minor 0 */
    IKE_FLAG_INITIATOR = 0x08,
    IKE_FLAG_VERSION = 0x10, /* sender could speak a higher major version; cleared by us */
    IKE_FLAG_RESPONSE = 0x20,
};

struct ike_header {
    uint64_t spi_i, spi_r;
    uint8_t next_payload;
    uint8_t version; /* major << 4 | minor */
    uint8_t exchange;
    uint8_t flags;
    uint32_t message_id;
    uint32_t length; /* of the whole message in bytes */
};

/**
 * @retval ERR_TRUNCATED  less than a header
 * @retval ERR_VERSION    major version is not 2; *out is filled all the same (RFC 7296 §2.5)
 * The length field is read, not judged.
 */
enum err header_read(struct reader *, struct ike_header *out) MUST_USE;
void header_write(struct writer *, const struct ike_header *);

#endif
