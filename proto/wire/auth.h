/* Authentication payload (RFC 7296 §3.8). What the data proves is proto/ike/auth_data's matter. */
#ifndef PROTO_WIRE_AUTH_H
#define PROTO_WIRE_AUTH_H

#include "base/cursor.h"

struct auth_payload {
    uint8_t method; /* enum auth_method */
    struct bytes data;
};

/** @retval ERR_TRUNCATED, ERR_LENGTH (no authentication data) */
enum err auth_read(struct bytes body, struct auth_payload *) MUST_USE;
void auth_write(struct writer *, const struct auth_payload *);

#endif
