/* Vendor ID payload (RFC 7296 §3.12): opaque bytes. */
#ifndef PROTO_WIRE_VENDOR_H
#define PROTO_WIRE_VENDOR_H

#include "base/cursor.h"

struct vendor_payload {
    struct bytes id; /* may be empty; nothing depends on it */
};

enum err vendor_read(struct bytes body, struct vendor_payload *) MUST_USE;
void vendor_write(struct writer *, const struct vendor_payload *);

#endif
