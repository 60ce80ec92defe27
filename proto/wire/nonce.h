/* Nonce payload, RFC 7296 §3.9. */
#ifndef PROTO_WIRE_NONCE_H
#define PROTO_WIRE_NONCE_H

#include "base/cursor.h"

enum nonce_sizes { NONCE_MIN = 16, NONCE_MAX = 256 };

/** @retval ERR_LENGTH  not 16 to 256 bytes */
enum err nonce_read(struct bytes body, struct bytes *nonce) MUST_USE;
void nonce_write(struct writer *, struct bytes nonce);

#endif
