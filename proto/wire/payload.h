/*
 * The chain of payloads of a message: generic payload header (RFC 7296 §3.2) and views of what it
 * frames. Says where payloads lie and that they fill the message exactly; message_check also reads
 * each body by the rules of its type. Which payloads an exchange needs is proto/ike's business.
 */
#ifndef PROTO_WIRE_PAYLOAD_H
#define PROTO_WIRE_PAYLOAD_H

#include "proto/wire/header.h"
#include "proto/wire/notify.h"

#include <stdbool.h>

enum payload_sizes {
    PAYLOAD_HEADER_LEN = 4,
    PAYLOADS_MAX = 64, /* in one message; more is ERR_FULL */
};

struct payload_view {
    uint8_t type;
    bool critical;
    struct bytes body; /* behind the generic header */
};

struct message_view {
    struct ike_header header;
    struct payload_view payloads[PAYLOADS_MAX];
    size_t count;
    uint8_t inner_type;    /* SK, SKF: type of the first payload inside; else 0 */
    uint8_t critical_type; /* of the first unknown critical payload; 0: none */
};

/**
 * Read a whole datagram: header and payload chain, up to and with an SK or SKF payload, which must
 * be the last. Reserved bits are ignored, also the critical bit of a payload type we know.
 *
 * @retval ERR_VERSION    as header_read: only out->header is good
 * @retval ERR_LENGTH     header or payload length does not fit; also header.length != datagram
 * @retval ERR_TRAILING   bytes behind the last payload
 * @retval ERR_TRUNCATED  ends inside a header
 * @retval ERR_FULL       more than PAYLOADS_MAX payloads
 * @retval ERR_CRITICAL   unknown payload with the critical bit: all payloads are in *out, the type
 *                        in out->critical_type (RFC 7296 §2.5)
 * @note   With any other error out->count is 0.
 */
enum err message_read(struct bytes datagram, struct message_view *out) MUST_USE;

/**
 * Read the decrypted inside of SK. out->header is left as it is, the rest is replaced.
 * Errors as message_read; ERR_SYNTAX for an SK or SKF inside.
 */
enum err payload_chain_read(struct bytes chain, uint8_t first_type,
                            struct message_view *out) MUST_USE;

/** Whether this room knows how to read that payload type. */
bool payload_known(uint8_t type);
/** Read the body by the rules of its type; OK for unknown types and for SK, SKF. */
enum err payload_check(const struct payload_view *) MUST_USE;
/** payload_check over all; *bad is the type that failed. May be asked once per message. */
enum err message_check(const struct message_view *, uint8_t *bad) MUST_USE;

/** The first payload of that type, or NULL. */
const struct payload_view *message_find(const struct message_view *, uint8_t type);
/** The next payload of that type behind `after` (NULL: the first), or NULL. */
const struct payload_view *message_next(const struct message_view *, uint8_t type,
                                        const struct payload_view *after);
size_t message_count(const struct message_view *, uint8_t type);
/** The first well-formed notify of that notify type; false if there is none. `out` may be NULL. */
bool message_find_notify(const struct message_view *, uint16_t notify_type,
                         struct notify_payload *out);

#endif
