/* Key Exchange payload (RFC 7296 §3.4). Whether the data suit the group is the crypto's matter. */
#ifndef PROTO_WIRE_KE_H
#define PROTO_WIRE_KE_H

#include "base/cursor.h"

struct ke_payload {
    uint16_t group; /* enum ke_group: transform type 4 */
    struct bytes data;
};

/** @retval ERR_TRUNCATED, ERR_LENGTH (no data at all) */
enum err ke_read(struct bytes body, struct ke_payload *) MUST_USE;
void ke_write(struct writer *, const struct ke_payload *);

#endif
