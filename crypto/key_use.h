/*
 * A key of the library set up for one use: to sign or to verify with one suite. Setting up costs
 * more than hashing what IKE signs, so it is kept and used again. Private to crypto.
 */
#ifndef CRYPTO_KEY_USE_H
#define CRYPTO_KEY_USE_H

#include "crypto/openssl_headers.h"
#include "crypto/sign.h"

enum key_purpose { KEY_SIGNS, KEY_VERIFIES };

struct key_use {
    EVP_PKEY *key; /* NULL: not set up; else held by the contexts below */
    const struct sign_suite *suite;
    enum key_purpose purpose;
    EVP_MD *digest;   /* of the text; these three are NULL where the algorithm hashes by itself, */
    EVP_MD_CTX *hash; /* these two where the text is a hash */
    EVP_PKEY_CTX *of_hash;
    EVP_MD_CTX *of_text; /* then this one */
};

/** The key stays in use until key_use_reset. @return false: the library fails, nothing is held */
bool key_use_init(struct key_use *, OSSL_LIB_CTX *, EVP_PKEY *, const struct sign_suite *,
                  enum key_purpose);
/** As often as one likes. */
void key_use_reset(struct key_use *);

/**
 * Sign part0 | part1 | ...: in one part for EdDSA, which reads its text twice. ECDSA comes in DER.
 * @param out  SIGN_MAX bytes
 */
bool key_use_sign(struct key_use *, const struct bytes *parts, size_t count, uint8_t *out,
                  size_t *len);
/** @param signature  ECDSA in DER. @return whether it was made by this key over this text */
bool key_use_verify(struct key_use *, const struct bytes *parts, size_t count,
                    struct bytes signature);

#endif
