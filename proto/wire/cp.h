/*
 * Configuration payload, RFC 7296 §3.15. Attributes are read one at a time with cp_next until it
 * is false, then reader_end tells whether all was well.
 */
#ifndef PROTO_WIRE_CP_H
#define PROTO_WIRE_CP_H

#include "base/cursor.h"

#include <stdbool.h>

struct cp_attribute {
    uint16_t type; /* CP_INTERNAL_IP4_ADDRESS ... */
    struct bytes value;
};

/** The fixed part; `r` then stands at the first attribute. */
enum err cp_read(struct bytes body, uint8_t *type, struct reader *r) MUST_USE;
bool cp_next(struct reader *, struct cp_attribute *out);

/** The fixed part; then any number of attributes. */
void cp_write(struct writer *, uint8_t type);
void cp_attribute_write(struct writer *, const struct cp_attribute *);

#endif
