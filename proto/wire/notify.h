/* Notify payload, RFC 7296 §3.10. The data are opaque here: each user knows its own. */
#ifndef PROTO_WIRE_NOTIFY_H
#define PROTO_WIRE_NOTIFY_H

#include "base/cursor.h"

struct notify_payload {
    uint8_t protocol; /* 0 unless there is an SPI */
    struct bytes spi;
    uint16_t type; /* NOTIFY_COOKIE ... */
    struct bytes data;
};

enum err notify_read(struct bytes body, struct notify_payload *out) MUST_USE;
void notify_write(struct writer *, const struct notify_payload *);

#endif
