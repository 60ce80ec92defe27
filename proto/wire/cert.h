/* Certificate and Certificate Request payloads, RFC 7296 §3.6 and §3.7: same layout. */
#ifndef PROTO_WIRE_CERT_H
#define PROTO_WIRE_CERT_H

#include "base/cursor.h"

struct cert_payload {
    uint8_t encoding;  /* CERT_X509_SIGNATURE ... */
    struct bytes data; /* certificate; in CERTREQ the SHA-1 hashes of authorities' keys, or empty */
};

enum err cert_read(struct bytes body, struct cert_payload *out) MUST_USE;
void cert_write(struct writer *, const struct cert_payload *);

#endif
