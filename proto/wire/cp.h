/* Configuration payload (RFC 7296 §3.15). */
#ifndef PROTO_WIRE_CP_H
#define PROTO_WIRE_CP_H

#include "base/cursor.h"

struct cp_payload {
    uint8_t type;            /* enum cfg_type */
    struct bytes attributes; /* well-formed row, for cp_next */
};

struct cp_attribute {
    uint16_t type; /* enum config_attribute, 15 bits */
    struct bytes value;
};

/** Checks every attribute's length. @retval ERR_TRUNCATED */
enum err cp_read(struct bytes body, struct cp_payload *) MUST_USE;
/** Walk: reader_init(&r, cp.attributes), then cp_next until false. */
bool cp_next(struct reader *, struct cp_attribute *);
/** The first attribute of a type. @return false if there is none */
bool cp_find(const struct cp_payload *, uint16_t type, struct cp_attribute *);
/** The fixed part; attributes follow with cp_attribute_write, or come ready in `attributes`. */
void cp_write(struct writer *, const struct cp_payload *);
void cp_attribute_write(struct writer *, const struct cp_attribute *);

#endif
