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

/** The data of method 14 (RFC 7427 §3): which algorithm, and the signature. Views. */
struct auth_signature {
    struct bytes identifier; /* AlgorithmIdentifier in DER; not looked into */
    struct bytes value;
};

/** @retval ERR_TRUNCATED, ERR_LENGTH (no identifier or no signature) */
enum err auth_signature_read(struct bytes data, struct auth_signature *) MUST_USE;
/** identifier.len <= 255 */
void auth_signature_write(struct writer *, const struct auth_signature *);

#endif
