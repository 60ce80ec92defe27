/* The inside of a certificate, for crypto/x509*.c only. */
#ifndef CRYPTO_X509_CERT_H
#define CRYPTO_X509_CERT_H

#include "base/bytes.h"
#include "crypto/openssl_headers.h"
#include "crypto/x509.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

struct x509_cert {
    unsigned users; /* who will call x509_free */
    X509 *library;  /* read without its public key; x509_with_key has it */
    uint8_t *der;   /* as it came, owned */
    uint8_t *name;
    uint8_t *spki;
    GENERAL_NAMES *names; /* subjectAltName, NULL: none */
    size_t der_len, name_len, spki_len;
    struct bytes tbs; /* within der */
    uint8_t key_hash[CERT_KEY_HASH_LEN];
    bool timed; /* the two points in time are ones that can be read */
    int64_t from_s, until_s;
};

/** The same certificate with its public key, for the library's own checks; owned by the caller.
 * NULL when out of memory. */
X509 *x509_with_key(const struct x509_cert *);

#endif
