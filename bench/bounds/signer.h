/*
 * Signatures of AUTH through OpenSSL with kept contexts, and the certificate that vouches for
 * the key: end entity <- CA, both with keys of one type.
 */
#ifndef SIGNER_H
#define SIGNER_H

#include <openssl/evp.h>

#include <stddef.h>
#include <stdint.h>

enum signer_sizes { SIGNER_ALGORITHMS = 5, SIGNATURE_MAX = 512 };

struct signer_algorithm;

struct signer {
    const struct signer_algorithm *algorithm;
    EVP_PKEY *key, *ca;
    uint8_t *certificate; /* DER */
    int certificate_len;
    EVP_MD *digest; /* NULL: the algorithm takes the text whole */
    EVP_MD_CTX *hash;
    EVP_PKEY_CTX *sign, *verify;
    EVP_MD_CTX *sign_whole, *verify_whole;
};

/** Name of an algorithm by its place, 0 to SIGNER_ALGORITHMS - 1. */
const char *signer_name(unsigned place);
/** @return the place, SIGNER_ALGORITHMS if there is no such algorithm */
unsigned signer_find(const char *name);

void signer_init(struct signer *, unsigned place);
void signer_reset(struct signer *);

/** @param signature  SIGNATURE_MAX bytes  @return its length */
size_t signer_sign(struct signer *, const uint8_t *text, size_t len, uint8_t *signature);
/** Ends the program if the signature does not fit. */
void signer_verify(struct signer *, const uint8_t *text, size_t len, const uint8_t *signature,
                   size_t signature_len);
/** Parse the certificate, verify it with the CA's key, take its public key out. */
void signer_check_certificate(struct signer *);

#endif
