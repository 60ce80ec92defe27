/* Certificate and Certificate Request payloads (RFC 7296 §3.6, §3.7). DER is not looked into. */
#ifndef PROTO_WIRE_CERT_H
#define PROTO_WIRE_CERT_H

#include "base/cursor.h"

enum { CERTREQ_HASH_LEN = 20 }; /* SHA-1 of a trust anchor's SubjectPublicKeyInfo */

struct cert_payload {
    uint8_t encoding; /* enum cert_encoding */
    struct bytes data;
};

struct certreq_payload {
    uint8_t encoding;
    struct bytes
        authorities; /* X.509 encodings: a row of CERTREQ_HASH_LEN-byte hashes, maybe none */
};

/** @retval ERR_TRUNCATED, ERR_LENGTH (no certificate data) */
enum err cert_read(struct bytes body, struct cert_payload *) MUST_USE;
void cert_write(struct writer *, const struct cert_payload *);
/** @retval ERR_TRUNCATED, ERR_LENGTH (X.509 encodings: not a whole number of hashes) */
enum err certreq_read(struct bytes body, struct certreq_payload *) MUST_USE;
void certreq_write(struct writer *, const struct certreq_payload *);

#endif
