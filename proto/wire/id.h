/* Identification payloads IDi and IDr (RFC 7296 §3.5). */
#ifndef PROTO_WIRE_ID_H
#define PROTO_WIRE_ID_H

#include "base/cursor.h"

struct id_payload {
    uint8_t type; /* enum id_type; unknown types are kept */
    struct bytes data;
};

/**
 * The body as a whole (from ID Type on, RESERVED as received) is what AUTH covers (§2.15): use
 * payload_view.body for that, never a re-encoding.
 * @retval ERR_TRUNCATED
 * @retval ERR_LENGTH  an address type whose data is not 4 or 16 bytes; ID_NULL with data
 */
enum err id_read(struct bytes body, struct id_payload *) MUST_USE;
void id_write(struct writer *, const struct id_payload *);

#endif
