/* Authentication payload, RFC 7296 §3.8. What is inside the data is not read here (RFC 7427). */
#ifndef PROTO_WIRE_AUTH_H
#define PROTO_WIRE_AUTH_H

#include "base/cursor.h"

struct auth_payload {
    uint8_t method; /* AUTH_SHARED_KEY ... */
    struct bytes data;
};

enum err auth_read(struct bytes body, struct auth_payload *out) MUST_USE;
void auth_write(struct writer *, const struct auth_payload *);

#endif
