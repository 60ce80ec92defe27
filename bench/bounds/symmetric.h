/*
 * The symmetric operations of an IKE SA with PRF_HMAC_SHA2_256 and ENCR_AES_GCM_16 (256 bit), and
 * of an IKEv1 one with SHA-256 and AES-256-CBC, through OpenSSL: algorithms fetched once, contexts
 * kept, only keys and IVs set anew.
 */
#ifndef SYMMETRIC_H
#define SYMMETRIC_H

#include <openssl/evp.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum symmetric_sizes {
    PRF_LEN = 32,
    AAD_LEN = 32, /* IKE header and the header of SK */
    TAG_LEN = 16,
    HASH_LEN = 32,
    IV_LEN = 16,
    PRF_PLUS_MAX = 255 * PRF_LEN, /* RFC 7296 §2.13 */
};

struct symmetric {
    EVP_MAC_CTX *hmac;
    EVP_MD *sha1, *sha256;
    EVP_MD_CTX *hash;
    EVP_CIPHER *gcm, *cbc;
    EVP_CIPHER_CTX *cipher, *cbc_cipher;
};

void symmetric_init(struct symmetric *);
void symmetric_reset(struct symmetric *);

/** SKEYSEED = prf(Ni | Nr, g^ir), nonces of 32 bytes. */
void skeyseed(struct symmetric *, const uint8_t nonces[64], const uint8_t *shared, size_t len,
              uint8_t *out);
/** HMAC-SHA256 under a key of 32 bytes. */
void prf(struct symmetric *, const uint8_t *key, const uint8_t *data, size_t len, uint8_t *out);
/** prf+ over a seed of Ni | Nr | SPIi | SPIr, 80 bytes; `len` bytes of output. */
void prf_plus(struct symmetric *, const uint8_t *key, uint8_t *out, size_t len);
/** @param out  len + TAG_LEN bytes; may be `in` */
void sk_seal(struct symmetric *, const uint8_t *key, const uint8_t *in, uint8_t *out, size_t len);
/** Ends the program if the tag behind `in` does not fit. @param out  len bytes; may be `in` */
void sk_open(struct symmetric *, const uint8_t *key, const uint8_t *in, uint8_t *out, size_t len);
void sha1(struct symmetric *, const uint8_t *in, size_t len, uint8_t out[20]);
void sha256(struct symmetric *, const uint8_t *in, size_t len, uint8_t out[HASH_LEN]);
/** AES-256-CBC in place, without padding. @param len  a multiple of 16 */
void cbc(struct symmetric *, const uint8_t *key, const uint8_t iv[IV_LEN], uint8_t *text,
         size_t len, bool encrypt);

#endif
