/* Vendor ID payload, RFC 7296 §3.12: any bytes. */
#ifndef PROTO_WIRE_VENDOR_H
#define PROTO_WIRE_VENDOR_H

#include "base/cursor.h"

enum err vendor_read(struct bytes body, struct bytes *id) MUST_USE;
void vendor_write(struct writer *, struct bytes id);

#endif
