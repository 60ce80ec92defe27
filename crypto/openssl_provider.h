/*
 * The inside of the OpenSSL provider; private to crypto/openssl_*.c and to programs that bring
 * their own entropy. Algorithms are fetched once and contexts kept per instance, re-keyed for
 * each operation: of an SA nothing of the library is kept, but for expanded keys, of which there
 * is a bounded number.
 */
#ifndef CRYPTO_OPENSSL_PROVIDER_H
#define CRYPTO_OPENSSL_PROVIDER_H

#include "crypto/key_shelf.h"
#include "crypto/key_use.h"
#include "crypto/multibuffer.h"
#include "crypto/openssl_headers.h"
#include "crypto/provider.h"

/** Where the library context and its random numbers come from; owned by whoever made it. */
struct openssl_entropy {
    OSSL_LIB_CTX *library;
    void (*seed)(const struct rng *stream); /* before each operation; NULL: nothing to seed */
    void (*close)(void *owner);             /* after the instance is gone */
    void *owner;
};

/** X25519 by the library; see openssl_use_lanes.
 *  NULL when out of memory or an algorithm is missing; `entropy` is closed then too. */
struct crypto *openssl_provider_create(struct openssl_entropy entropy, struct meter *meter);

enum mac_kind {
    MAC_HMAC_SHA1,
    MAC_HMAC_SHA256,
    MAC_HMAC_SHA384,
    MAC_HMAC_SHA512,
    MAC_AES_CMAC,
    MAC_AES_XCBC,
    MAC_HMAC_MD5, /* IKEv1 only, as the next: made when first wanted */
    MAC_HMAC_SHA224,
    MAC_COUNT
};

enum openssl_sizes {
    ENCR_SUITES = 33,
    KE_SUITES = 8,
    HASH_SUITES = 6,
    AES_BLOCK = 16,
    MAC_OUT_MAX = 64,
    KEY_USES_MAX = 32,
};

/** MAC contexts; XCBC is made of two ciphers, the others of one library MAC each. */
struct openssl_macs {
    OSSL_LIB_CTX *from;
    EVP_MAC_CTX *library[MAC_COUNT];
    EVP_CIPHER_CTX *xcbc_keys;
    EVP_CIPHER_CTX *xcbc_chain;
};

/** One key exchange group; indexed like ke_suites(). */
struct openssl_group {
    EVP_PKEY_CTX *generate;
    EVP_PKEY_CTX *import; /* X25519, X448 */
    BIGNUM *p;            /* MODP, with what the library works out of it */
    BN_MONT_CTX *montgomery;
    EC_GROUP *curve; /* ECP, with a point to read the peer's into */
    EC_POINT *peer;
    uint8_t prime[KE_PUBLIC_MAX]; /* MODP: p, big-endian */
};

struct openssl_crypto {
    struct crypto base;
    struct openssl_entropy entropy;
    EVP_MD *sha1;
    EVP_MD_CTX *hash;
    EVP_MD *hashes[HASH_SUITES]; /* indexed like hash_suites(); made when first wanted */
    struct openssl_macs macs;
    EVP_CIPHER_CTX *ciphers[ENCR_SUITES]; /* indexed like encr_suites(); none for NULL */
    EVP_CIPHER_CTX *triple_des;           /* made when first wanted */
    struct openssl_group groups[KE_SUITES];
    BN_CTX *numbers;                   /* scratch */
    bool drawn_lengths;                /* ECDSA in DER has the length that sign_len drew */
    bool lanes;                        /* X25519 is crypto/x25519's, not the library's */
    struct key_use uses[KEY_USES_MAX]; /* they hold their keys */
    unsigned next_use;
    struct key_shelf shelf;
    uint8_t text[SIGN_TEXT_MAX];     /* to be signed by EdDSA, in one piece */
    struct multibuffer *multibuffer; /* made when a key is first to be expanded; NULL: not, or
                                        there is none */
    enum crypto_engine most;         /* what it may be */
    bool multibuffer_tried;
};

static inline struct openssl_crypto *openssl_of(struct crypto *c)
{
    return (struct openssl_crypto *)c;
}

/**
 * What is kept of a key that libipsec-mb does not expand: contexts that have it, so that a packet
 * brings its IV only. NULL where there is nothing to keep, or was no memory: each operation sets
 * the key.
 */
struct openssl_kept {
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
};

bool openssl_macs_init(struct openssl_macs *m, OSSL_LIB_CTX *library);
void openssl_macs_reset(struct openssl_macs *m);
enum mac_kind openssl_mac_of_integ(const struct integ_suite *suite);
/** The whole MAC into `out`, MAC_OUT_MAX bytes of room. AES MACs take keys of 16 bytes only. */
bool openssl_mac(struct openssl_macs *m, enum mac_kind kind, struct bytes key,
                 const struct bytes *parts, size_t count, uint8_t *out);
/** Of a context that has its key. */
bool openssl_mac_kept(EVP_MAC_CTX *ctx, const struct bytes *parts, size_t count, uint8_t *out);
/** A context of this kind that has the key; NULL: out of memory, or none can keep one. */
EVP_MAC_CTX *openssl_mac_keep(const struct openssl_macs *m, enum mac_kind kind, struct bytes key);
enum err openssl_prf(struct crypto *c, const struct prf_suite *suite, struct bytes key,
                     const struct bytes *parts, size_t count, uint8_t *out);

enum err openssl_prf_plus(struct crypto *c, const struct prf_suite *suite, struct bytes key,
                          const struct bytes *seed, size_t seeds, uint8_t *out, size_t len);

bool openssl_ciphers_init(struct openssl_crypto *c);
void openssl_ciphers_reset(struct openssl_crypto *c);
/** A context that has the key, for sealing at first; NULL as in struct openssl_kept. */
EVP_CIPHER_CTX *openssl_cipher_keep(struct openssl_crypto *c, const struct seal_key *key);
/** @param kept  of the operation's key, or NULL; `expanded` is not looked at */
enum err openssl_seal(struct crypto *c, const struct seal_op *op, const struct openssl_kept *kept);
enum err openssl_open(struct crypto *c, const struct seal_op *op, const struct openssl_kept *kept);

enum err openssl_cbc(struct crypto *c, const struct cbc_op *op);

size_t openssl_expanded_len(struct crypto *c, const struct encr_suite *encr,
                            const struct integ_suite *integ);
bool openssl_expand(struct crypto *c, const struct seal_key *key, void *room);
void openssl_forget(struct crypto *c, void *room);
enum err openssl_seal_one(struct crypto *c, const struct seal_op *op);
enum err openssl_open_one(struct crypto *c, const struct seal_op *op);
void openssl_seal_batch(struct crypto *c, const struct seal_op *ops, size_t count,
                        enum err *results);
void openssl_open_batch(struct crypto *c, const struct seal_op *ops, size_t count,
                        enum err *results);
enum crypto_engine openssl_engine_limit(struct crypto *c, enum crypto_engine most);

bool openssl_groups_init(struct openssl_crypto *c);
/** X25519 by crypto/x25519 from now on, if the processor can. Results are the same. */
void openssl_use_lanes(struct crypto *c);
void openssl_groups_reset(struct openssl_crypto *c);
enum err openssl_ke_generate(struct crypto *c, const struct ke_suite *suite, struct rng random,
                             struct ke_pair *out);
enum err openssl_ke_derive(struct crypto *c, const struct ke_pair *own, struct bytes peer,
                           uint8_t *shared);

/** From now on signatures have the lengths that the modelled provider gives them. */
void openssl_draw_lengths(struct crypto *c);
void openssl_sign_reset(struct openssl_crypto *c);
enum err openssl_sign_key_load(struct crypto *c, struct bytes der, struct sign_key *out);
enum err openssl_verify_key_load(struct crypto *c, struct bytes der, struct verify_key *out);
enum err openssl_sign(struct crypto *c, const struct sign_op *op, uint8_t *out, size_t cap,
                      size_t *len);
enum err openssl_verify(struct crypto *c, const struct verify_op *op, struct bytes signature);
enum err openssl_encrypt(struct crypto *c, const struct encrypt_op *op, uint8_t *out, size_t *len);
enum err openssl_decrypt(struct crypto *c, const struct decrypt_op *op, uint8_t *out, size_t *len);

/** ERR_CRYPTO; also empties the library's queue of errors, which nobody reads. */
enum err openssl_failed(void);

#endif
