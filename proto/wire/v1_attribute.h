/*
 * Data attributes of IKEv1 (RFC 2408 §3.3): of transforms, Mode-Config and RESPONDER-LIFETIME. A
 * short one has its value in the place of a length ("basic"), the others bytes.
 */
#ifndef PROTO_WIRE_V1_ATTRIBUTE_H
#define PROTO_WIRE_V1_ATTRIBUTE_H

#include "base/cursor.h"

enum { V1_ATTRIBUTES_MAX = 64 /* in one row */ };

struct v1_attribute {
    uint16_t type; /* without the AF bit */
    bool basic;    /* AF: `value`; else `data` */
    uint16_t value;
    struct bytes data;
};

/** The next one; false at the end and after an error, which the reader tells: ERR_TRUNCATED. */
bool v1_attribute_next(struct reader *, struct v1_attribute *);
/** A whole row. @retval ERR_TRUNCATED, ERR_FULL (more than V1_ATTRIBUTES_MAX) */
enum err v1_attributes_check(struct bytes row) MUST_USE;
/** The first of this type in a row that was checked. */
bool v1_attribute_find(struct bytes row, uint16_t type, struct v1_attribute *);
/** Its number, whichever form it has; false: more than 4 bytes, or none. */
bool v1_attribute_number(const struct v1_attribute *, uint32_t *out);

void v1_attribute_write(struct writer *, const struct v1_attribute *);
/** In the short form if it fits (RFC 2409 appendix A: what can be basic is), else in 4 bytes. */
void v1_attribute_write_number(struct writer *, uint16_t type, uint32_t value);

#endif
