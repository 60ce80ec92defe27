/* Key Exchange payload, RFC 7296 §3.4. Whether the value is good is crypto's business. */
#ifndef PROTO_WIRE_KE_H
#define PROTO_WIRE_KE_H

#include "base/cursor.h"

struct ke_payload {
    uint16_t group;
    struct bytes data;
};

enum err ke_read(struct bytes body, struct ke_payload *out) MUST_USE;
void ke_write(struct writer *, const struct ke_payload *);

#endif
