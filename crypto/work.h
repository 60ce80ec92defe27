/*
 * One cryptographic operation of a provider, made ready to be repeated: what cost tables and
 * benchmarks measure. Keys, texts and random streams are fixed, so every call does the same work.
 * Not here: clocks, and what the numbers are for. TEST KEYS: nothing made here protects anything.
 */
#ifndef CRYPTO_WORK_H
#define CRYPTO_WORK_H

#include "crypto/provider.h"
#include "crypto/test_pki.h"

enum crypto_work_sizes { CRYPTO_WORK_TEXT_MAX = 1408 };

struct crypto_work {
    struct crypto *crypto; /* borrowed; the real provider */
    enum err error;        /* the last failure of an operation below */
    size_t len;            /* bytes of text, set by the caller: prf, sha1, random, sign, seal */
    const struct ke_suite *ke;
    struct ke_pair own, peer;
    struct seal_key key;
    struct seal_op op; /* text_len follows `len`; aad is the caller's to set */
    const struct sign_suite *sign;
    struct sign_key sign_key;
    struct verify_key verify_key;
    struct test_cert public; /* SubjectPublicKeyInfo of sign_key */
    struct bytes signature;
    uint8_t keys[ENCR_KEY_MAX + INTEG_KEY_MAX], iv[IV_MAX], icv[ICV_MAX];
    uint8_t text[CRYPTO_WORK_TEXT_MAX], sealed[CRYPTO_WORK_TEXT_MAX];
    uint8_t out[KE_SHARED_MAX];
};

/** Make both ends' key pairs for the next two operations. */
void crypto_work_ke(struct crypto_work *, const struct ke_suite *);
void crypto_work_generate(struct crypto_work *);
void crypto_work_derive(struct crypto_work *);

/**
 * Make a key, load both halves and sign once, so that both operations below work. To be reset.
 * @param bits  of an RSA modulus, else 0
 */
void crypto_work_key(struct crypto_work *, const struct sign_suite *, unsigned bits);
void crypto_work_key_reset(struct crypto_work *);
void crypto_work_sign(struct crypto_work *);
void crypto_work_verify(struct crypto_work *);

/** Choose the protection for the next two; `integ` NULL for AEAD. */
void crypto_work_suite(struct crypto_work *, const struct encr_suite *,
                       const struct integ_suite *integ);
void crypto_work_seal(struct crypto_work *);
/** Keep what seal leaves, for open, which also copies it back into place each time. */
void crypto_work_seal_keep(struct crypto_work *);
void crypto_work_open(struct crypto_work *);

/** HMAC-SHA2-256 with a key of 32 bytes. */
void crypto_work_prf(struct crypto_work *);
void crypto_work_sha1(struct crypto_work *);
/** What a daemon draws from: the library's own generator, not our repeatable one. */
void crypto_work_random(struct crypto_work *);

#endif
