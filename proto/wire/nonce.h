/* Nonce payload (RFC 7296 §3.9). "At least half the key size of the prf" is checked by who knows
 * it. */
#ifndef PROTO_WIRE_NONCE_H
#define PROTO_WIRE_NONCE_H

#include "base/cursor.h"

enum nonce_sizes { NONCE_MIN = 16, NONCE_MAX = 256 };

/** @retval ERR_LENGTH not 16..256 bytes; *nonce is empty */
enum err nonce_read(struct bytes body, struct bytes *nonce) MUST_USE;
/** The writer fails with ERR_LENGTH outside 16..256 bytes. */
void nonce_write(struct writer *, struct bytes nonce);

#endif
