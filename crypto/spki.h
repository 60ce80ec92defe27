/*
 * Library keys of SubjectPublicKeyInfo in DER, without the library's decoders: those try what the
 * input might be, which takes 80 to 130 us a key, and handing over the numbers takes 2 to 15.
 */
#ifndef CRYPTO_SPKI_H
#define CRYPTO_SPKI_H

#include "base/bytes.h"
#include "crypto/openssl_headers.h"

/**
 * RSA (RFC 8017 appendix A.1.1), P-256, P-384 and P-521 with uncompressed points (SEC 1 §2.3.3),
 * Ed25519 and Ed448 (RFC 8410), in the one encoding that DER has for them.
 * @return NULL: something else, or bad; the library's decoders say which
 */
EVP_PKEY *spki_read(OSSL_LIB_CTX *, struct bytes der);

#endif
