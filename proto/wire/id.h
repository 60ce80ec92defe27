/* Identification payloads, RFC 7296 §3.5. */
#ifndef PROTO_WIRE_ID_H
#define PROTO_WIRE_ID_H

#include "base/cursor.h"

struct id_payload {
    uint8_t type; /* ID_FQDN ... */
    struct bytes data;
};

/** @retval ERR_LENGTH  an address of the wrong size */
enum err id_read(struct bytes body, struct id_payload *out) MUST_USE;
/** The body is also what AUTH covers (RFC 7296 §2.15: RestOfInitIDPayload). */
void id_write(struct writer *, const struct id_payload *);

#endif
