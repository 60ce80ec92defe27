#include "crypto/test_pki.h"

#include "crypto/openssl_headers.h"
#include "crypto/sim_rand.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

/*
 * Reading a key costs the library ten times what signing with it does, and the same few are read
 * again and again: the issuer's, and the one made a moment ago.
 */
enum { KEPT = 4 };

struct kept {
    struct test_key der;
    EVP_PKEY *key;
    uint64_t used; /* when, by count of uses */
};

struct test_pki {
    struct sim_rand library;
    struct kept kept[KEPT];
    uint64_t uses;
    struct test_cert issuer_der; /* the last issuer's certificate, read */
    X509 *issuer;
};

struct test_pki *test_pki_create(void)
{
    struct test_pki *pki = calloc(1, sizeof *pki);

    if (pki && !sim_rand_open(&pki->library)) {
        free(pki);
        return NULL;
    }
    return pki;
}

static void forget(struct kept *k)
{
    test_key_reset(&k->der);
    EVP_PKEY_free(k->key);
    k->key = NULL;
}

void test_pki_destroy(struct test_pki *pki)
{
    if (!pki)
        return;
    for (unsigned i = 0; i < KEPT; i++)
        forget(&pki->kept[i]);
    test_cert_reset(&pki->issuer_der);
    X509_free(pki->issuer);
    sim_rand_close(&pki->library);
    free(pki);
}

/* ------------------------------------------------------------------- keys */

static EVP_PKEY *generate(OSSL_LIB_CTX *library, enum sign_key_type type, size_t bits)
{
    static const char *const curves[] = {
        [KEY_ECP256] = "P-256", [KEY_ECP384] = "P-384", [KEY_ECP521] = "P-521"};

    switch (type) {
    case KEY_RSA:
        return EVP_PKEY_Q_keygen(library, NULL, "RSA", bits);
    case KEY_ED25519:
        return EVP_PKEY_Q_keygen(library, NULL, "ED25519");
    case KEY_ED448:
        return EVP_PKEY_Q_keygen(library, NULL, "ED448");
    default:
        return EVP_PKEY_Q_keygen(library, NULL, "EC", curves[type]);
    }
}

/* Moves what the library allocated, `len` bytes, to memory of ours. */
static enum err give(unsigned char *der, int len, uint8_t **out, size_t *out_len)
{
    *out = len > 0 ? malloc((size_t)len) : NULL;
    *out_len = *out ? (size_t)len : 0;
    if (*out)
        memcpy(*out, der, (size_t)len);
    OPENSSL_clear_free(der, len > 0 ? (size_t)len : 0);
    ERR_clear_error();
    return *out ? OK : ERR_CRYPTO;
}

/*
 * In the place of the one that was not used for longest. Takes a copy of `der` and a reference of
 * its own; out of memory nothing is kept.
 */
static void keep(struct test_pki *pki, struct bytes der, EVP_PKEY *key)
{
    struct kept *k = &pki->kept[0];
    uint8_t *copy = malloc(der.len);

    for (unsigned i = 1; i < KEPT; i++)
        if (pki->kept[i].used < k->used)
            k = &pki->kept[i];
    if (!copy || !EVP_PKEY_up_ref(key)) {
        free(copy);
        return;
    }
    memcpy(copy, der.data, der.len);
    forget(k);
    *k = (struct kept){.der = {copy, der.len}, .key = key, .used = ++pki->uses};
}

enum err test_key_make(struct test_pki *pki, enum sign_key_type type, unsigned bits,
                       struct rng random, struct test_key *out)
{
    PKCS8_PRIV_KEY_INFO *info;
    unsigned char *der = NULL;
    EVP_PKEY *key;
    enum err e;
    int len;

    sim_rand_seed(&random);
    key = generate(pki->library.library, type, bits);
    info = key ? EVP_PKEY2PKCS8(key) : NULL;
    len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;
    PKCS8_PRIV_KEY_INFO_free(info);
    e = give(der, len, &out->der, &out->len);
    if (e == OK)
        keep(pki, test_key_bytes(out), key);
    EVP_PKEY_free(key);
    return e;
}

static EVP_PKEY *read_key(struct test_pki *pki, struct bytes der)
{
    const uint8_t *at = der.data;
    EVP_PKEY *key;

    for (struct kept *k = pki->kept; k < pki->kept + KEPT; k++)
        if (k->key && bytes_equal(der, test_key_bytes(&k->der))) {
            k->used = ++pki->uses;
            return EVP_PKEY_up_ref(k->key) ? k->key : NULL;
        }
    key = d2i_AutoPrivateKey_ex(NULL, &at, (long)der.len, pki->library.library, NULL);
    if (key)
        keep(pki, der, key);
    return key;
}

enum err test_key_public(struct test_pki *pki, struct bytes key, struct test_cert *out)
{
    EVP_PKEY *pair = read_key(pki, key);
    unsigned char *der = NULL;
    int len = pair ? i2d_PUBKEY(pair, &der) : 0;

    EVP_PKEY_free(pair);
    return give(der, len, &out->der, &out->len);
}

void test_key_reset(struct test_key *key)
{
    if (key->der)
        wipe(key->der, key->len);
    free(key->der);
    *key = (struct test_key){NULL, 0};
}

void test_cert_reset(struct test_cert *cert)
{
    free(cert->der);
    *cert = (struct test_cert){NULL, 0};
}

/* ------------------------------------------------------------------- certificates */

/* As strong as the key: the pairs of RFC 4754 §3, none for EdDSA. */
static EVP_MD *hash_for(struct test_pki *pki, EVP_PKEY *key, bool *none)
{
    int bits = EVP_PKEY_get_bits(key);

    *none = EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448");
    if (*none)
        return NULL;
    if (EVP_PKEY_is_a(key, "RSA") || bits <= 256)
        return EVP_MD_fetch(pki->library.library, "SHA2-256", NULL);
    return EVP_MD_fetch(pki->library.library, bits <= 384 ? "SHA2-384" : "SHA2-512", NULL);
}

static bool set_time(ASN1_TIME *field, int64_t seconds)
{
    return field && ASN1_TIME_set(field, (time_t)seconds) != NULL;
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *text)
{
    X509_EXTENSION *extension;
    X509V3_CTX context;
    bool done;

    if (!text)
        return true;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    extension = X509V3_EXT_nconf_nid(NULL, &context, nid, text);
    done = extension && X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    return done;
}

/* 1.3.6.1.4.1.32473 is the arc for examples (RFC 5612). */
static bool add_unknown(X509 *cert, const char *text)
{
    ASN1_OBJECT *id = OBJ_txt2obj("1.3.6.1.4.1.32473.1", 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    bool done;

    if (id && value && ASN1_OCTET_STRING_set(value, (const uint8_t *)text, (int)strlen(text)))
        extension = X509_EXTENSION_create_by_OBJ(NULL, id, 1, value);
    done = extension && X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(id);
    return done;
}

static bool set_name(X509 *cert, const char *common_name)
{
    X509_NAME *name = X509_get_subject_name(cert);

    return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const uint8_t *)"Ikelab test", -1,
                                      -1, 0) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)common_name, -1,
                                      -1, 0);
}

static bool fill(X509 *cert, X509 *issuer, EVP_PKEY *key, const struct test_cert_options *o)
{
    if (!X509_set_version(cert, X509_VERSION_3) || !X509_set_pubkey(cert, key) ||
        !ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), o->serial) ||
        !set_name(cert, o->common_name) ||
        !X509_set_issuer_name(cert, X509_get_subject_name(issuer)) ||
        !set_time(X509_getm_notBefore(cert), o->not_before_s) ||
        !set_time(X509_getm_notAfter(cert), o->not_after_s))
        return false;
    return add_extension(cert, issuer, NID_basic_constraints, o->basic_constraints) &&
           add_extension(cert, issuer, NID_key_usage, o->key_usage) &&
           add_extension(cert, issuer, NID_ext_key_usage, o->extended_key_usage) &&
           add_extension(cert, issuer, NID_subject_alt_name, o->alt_name) &&
           add_extension(cert, issuer, NID_subject_key_identifier, "hash") &&
           add_extension(cert, issuer, NID_authority_key_identifier,
                         issuer == cert ? NULL : "keyid") &&
           (!o->unknown || add_unknown(cert, o->unknown));
}

static X509 *read_cert(struct test_pki *pki, struct bytes der)
{
    const uint8_t *at = der.data;
    X509 *cert = X509_new_ex(pki->library.library, NULL);

    if (cert && !d2i_X509(&cert, &at, (long)der.len))
        cert = NULL; /* given back by the library */
    return cert;
}

/* One reference more of the issuer's certificate, which is mostly the one of the time before. */
static X509 *read_issuer(struct test_pki *pki, struct bytes der)
{
    uint8_t *copy;

    if (pki->issuer && bytes_equal(der, test_cert_bytes(&pki->issuer_der)))
        return X509_up_ref(pki->issuer) ? pki->issuer : NULL;
    copy = malloc(der.len);
    if (!copy)
        return NULL;
    memcpy(copy, der.data, der.len);
    X509_free(pki->issuer);
    test_cert_reset(&pki->issuer_der);
    pki->issuer_der = (struct test_cert){copy, der.len};
    pki->issuer = read_cert(pki, der);
    return pki->issuer && X509_up_ref(pki->issuer) ? pki->issuer : NULL;
}

/*
 * An ECDSA signature in DER is as long as its numbers happen to be, and which numbers come out of a
 * stream is the library version's affair. Every second one has the likeliest length, the greatest
 * or (P-256, P-384: whole bytes, half of whose numbers want one more for the sign) one less. That
 * one is taken, so that certificates, and with them packets, are as long whatever the library.
 */
static bool sign_to_length(X509 *cert, EVP_PKEY *signer, const EVP_MD *hash, struct rng random)
{
    enum { ATTEMPTS_MAX = 1000 };
    int wanted = EVP_PKEY_get_size(signer) - (EVP_PKEY_get_bits(signer) % 8 == 0);
    const ASN1_BIT_STRING *signature;

    for (uint64_t attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        struct rng stream = rng_fork(&random, attempt);

        sim_rand_seed(&stream);
        if (X509_sign(cert, signer, hash) <= 0)
            return false;
        X509_get0_signature(&signature, NULL, cert);
        if (!EVP_PKEY_is_a(signer, "EC") || signature->length == wanted)
            return true;
    }
    return false;
}

enum err test_cert_make(struct test_pki *pki, const struct test_cert_options *o,
                        struct test_cert *out)
{
    EVP_PKEY *key = read_key(pki, o->key);
    EVP_PKEY *signer = o->issuer_key.len ? read_key(pki, o->issuer_key) : key;
    X509 *cert = X509_new_ex(pki->library.library, NULL);
    X509 *issuer = o->issuer_cert.len ? read_issuer(pki, o->issuer_cert) : cert;
    unsigned char *der = NULL;
    EVP_MD *hash = NULL;
    bool none = false;
    int len = 0;

    if (key && signer)
        hash = hash_for(pki, signer, &none);
    if (cert && issuer && (hash || none) && fill(cert, issuer, key, o) &&
        sign_to_length(cert, signer, hash, o->random))
        len = i2d_X509(cert, &der);
    EVP_MD_free(hash);
    if (issuer != cert)
        X509_free(issuer);
    X509_free(cert);
    if (o->issuer_key.len) /* may be the very same key, with a reference of its own */
        EVP_PKEY_free(signer);
    EVP_PKEY_free(key);
    return give(der, len, &out->der, &out->len);
}

/* ------------------------------------------------------------------- revocation */

static bool revoke(X509_CRL *crl, uint64_t serial, int64_t when_s)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_TIME *when = ASN1_TIME_new();
    bool done = entry && number && set_time(when, when_s) &&
                ASN1_INTEGER_set_uint64(number, serial) &&
                X509_REVOKED_set_serialNumber(entry, number) &&
                X509_REVOKED_set_revocationDate(entry, when) && X509_CRL_add0_revoked(crl, entry);

    if (!done)
        X509_REVOKED_free(entry);
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(when);
    return done;
}

static bool fill_crl(X509_CRL *crl, X509 *issuer, const struct test_crl_options *o)
{
    ASN1_TIME *when = ASN1_TIME_new();
    bool done = X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
                X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) &&
                set_time(when, o->this_update_s) && X509_CRL_set1_lastUpdate(crl, when) &&
                set_time(when, o->next_update_s) && X509_CRL_set1_nextUpdate(crl, when);

    ASN1_TIME_free(when);
    for (size_t i = 0; done && i < o->revoked_count; i++)
        done = revoke(crl, o->revoked[i], o->this_update_s);
    return done && X509_CRL_sort(crl);
}

enum err test_crl_make(struct test_pki *pki, const struct test_crl_options *o,
                       struct test_cert *out)
{
    EVP_PKEY *signer = read_key(pki, o->issuer_key);
    X509 *issuer = read_cert(pki, o->issuer_cert);
    X509_CRL *crl = X509_CRL_new_ex(pki->library.library, NULL);
    unsigned char *der = NULL;
    EVP_MD *hash = NULL;
    bool none = false;
    int len = 0;

    if (signer)
        hash = hash_for(pki, signer, &none);
    sim_rand_seed(&o->random);
    if (crl && issuer && (hash || none) && fill_crl(crl, issuer, o) &&
        X509_CRL_sign(crl, signer, hash) > 0)
        len = i2d_X509_CRL(crl, &der);
    EVP_MD_free(hash);
    X509_CRL_free(crl);
    X509_free(issuer);
    EVP_PKEY_free(signer);
    return give(der, len, &out->der, &out->len);
}
