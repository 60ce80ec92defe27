/*
 * Signatures of AUTH through OpenSSL with kept contexts, and the certificate that vouches for
 * the key: end entity <- CA, both with keys of one type.
 */
#ifndef SIGNER_H
#define SIGNER_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <stddef.h>
#include <stdint.h>

enum signer_sizes { SIGNER_ALGORITHMS = 5, SIGNATURE_MAX = 512 };

struct signer_algorithm;

/* A key's context to verify with: of a hash, or of the text where the algorithm hashes itself. */
struct signer_verifier {
    EVP_PKEY_CTX *hashed;
    EVP_MD_CTX *whole;
};

struct signer {
    const struct signer_algorithm *algorithm;
    EVP_PKEY *key, *ca;
    X509 *certificate;
    uint8_t *to_be_signed; /* RFC 5280 §4.1.1.1 */
    size_t to_be_signed_len;
    const ASN1_BIT_STRING *by_issuer;
    EVP_MD *digest; /* NULL: the algorithm takes the text whole */
    EVP_MD_CTX *hash;
    EVP_PKEY_CTX *sign;
    EVP_MD_CTX *sign_whole;
    struct signer_verifier own, issuer;
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
/** Verify the signature of the certificate with the CA's key; reading it is not cryptography. */
void signer_check_certificate(struct signer *);

#endif
