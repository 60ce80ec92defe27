/* Notify payload (RFC 7296 §3.10). */
#ifndef PROTO_WIRE_NOTIFY_H
#define PROTO_WIRE_NOTIFY_H

#include "proto/wire/payload.h"

struct notify_payload {
    uint8_t protocol; /* enum sa_protocol; meaningless without an SPI (§3.10) */
    uint16_t type;    /* enum notify_type */
    struct bytes spi; /* AH and ESP: 4 bytes; else empty */
    struct bytes data;
};

/**
 * Unknown types and SPI sizes are kept.
 * @retval ERR_TRUNCATED  the SPI Size runs past the end
 * @retval ERR_LENGTH     data of a size that RFC 7296 does not allow its type: INVALID_KE_PAYLOAD
 * 2, UNSUPPORTED_CRITICAL_PAYLOAD 1, SET_WINDOW_SIZE and INVALID_MESSAGE_ID 4, NAT_DETECTION_*_IP
 * 20, COOKIE 1..64 bytes
 */
enum err notify_read(struct bytes body, struct notify_payload *) MUST_USE;
void notify_write(struct writer *, const struct notify_payload *);

/** Type first: a message has a handful of notifies, and each is looked for by its own reader.
 * @return 0 (reserved, RFC 7296 §3.10.1) for what is no notify or too short */
static inline uint16_t notify_type_of(const struct payload_view *p)
{
    return p->type == PAYLOAD_NOTIFY && p->body.len >= 4 ? load_be16(p->body.data + 2) : 0;
}

/** The first well-formed notify of this type. @return false if there is none */
bool notify_find(const struct message_view *, uint16_t type, struct notify_payload *);
/** The first well-formed notify of an error type (§3.10.1: below 16384). */
bool notify_find_error(const struct message_view *, struct notify_payload *);
/** A notify about the IKE SA or no SA at all: protocol 0, no SPI. */
void notify_add(struct message_writer *, uint16_t type, struct bytes data);

#endif
