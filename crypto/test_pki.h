/*
 * TEST CREDENTIALS, FOR SIMULATIONS AND LABS ONLY: keys, certificates and CRLs that anyone who
 * knows the seed can make again. They protect nothing. Nothing is written to disk here; a program
 * with real peers does not link this file.
 */
#ifndef CRYPTO_TEST_PKI_H
#define CRYPTO_TEST_PKI_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/rng.h"
#include "crypto/sign.h"

struct test_pki; /* the maker; belongs to one thread */

struct test_key {
    uint8_t *der; /* PKCS#8, owned */
    size_t len;
};

struct test_cert {
    uint8_t *der; /* X.509 certificate or CRL, owned */
    size_t len;
};

/** Texts are in OpenSSL's notation for extensions; NULL leaves the extension out. */
struct test_cert_options {
    const char *common_name;
    const char *alt_name;           /* "DNS:gw.example.org,IP:192.0.2.1" */
    const char *basic_constraints;  /* "critical,CA:TRUE,pathlen:0" */
    const char *key_usage;          /* "critical,keyCertSign,cRLSign" */
    const char *extended_key_usage; /* "1.3.6.1.5.5.7.3.17" (ipsecIKE) */
    const char *unknown;            /* content of a critical extension nobody knows */
    int64_t not_before_s;           /* Unix time */
    int64_t not_after_s;
    uint64_t serial;
    struct bytes key;         /* of the subject, as in struct test_key */
    struct bytes issuer_key;  /* empty: signed by the subject itself */
    struct bytes issuer_cert; /* empty: issued by the subject itself */
    struct rng random;        /* a stream of its own for this one certificate */
};

struct test_crl_options {
    struct bytes issuer_key;
    struct bytes issuer_cert;
    int64_t this_update_s;
    int64_t next_update_s;
    const uint64_t *revoked; /* serial numbers */
    size_t revoked_count;
    struct rng random;
};

/** NULL when the library fails. */
struct test_pki *test_pki_create(void);
void test_pki_destroy(struct test_pki *pki);

/** A key pair of `type`; `bits` counts for RSA only. Same stream, same key. @retval ERR_CRYPTO */
enum err test_key_make(struct test_pki *pki, enum sign_key_type type, unsigned bits,
                       struct rng random, struct test_key *out) MUST_USE;
/** The SubjectPublicKeyInfo of a key; in a test_cert because it is given back alike. */
enum err test_key_public(struct test_pki *pki, struct bytes key, struct test_cert *out) MUST_USE;
enum err test_cert_make(struct test_pki *pki, const struct test_cert_options *options,
                        struct test_cert *out) MUST_USE;
enum err test_crl_make(struct test_pki *pki, const struct test_crl_options *options,
                       struct test_cert *out) MUST_USE;
void test_key_reset(struct test_key *key);
void test_cert_reset(struct test_cert *cert);

static inline struct bytes test_key_bytes(const struct test_key *k)
{
    return bytes_of(k->der, k->len);
}

static inline struct bytes test_cert_bytes(const struct test_cert *c)
{
    return bytes_of(c->der, c->len);
}

#endif
