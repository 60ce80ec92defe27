#include "signer.h"

#include "loop.h"

#include <openssl/x509.h>

#include <string.h>

enum { DAY_S = 86400 };

struct signer_algorithm {
    const char *name;
    const char *type;
    const char *curve; /* of EC */
    const char *digest;
    unsigned bits; /* of RSA */
};

static const struct signer_algorithm algorithms[SIGNER_ALGORITHMS] = {
    {"rsa2048", "RSA", NULL, "SHA256", 2048}, {"rsa3072", "RSA", NULL, "SHA256", 3072},
    {"ecdsa256", "EC", "P-256", "SHA256", 0}, {"ecdsa384", "EC", "P-384", "SHA384", 0},
    {"ed25519", "ED25519", NULL, NULL, 0},
};

const char *signer_name(unsigned place)
{
    return algorithms[place].name;
}

unsigned signer_find(const char *name)
{
    unsigned i = 0;

    while (i < SIGNER_ALGORITHMS && strcmp(algorithms[i].name, name) != 0)
        i++;
    return i;
}

static EVP_PKEY *new_key(const struct signer_algorithm *a)
{
    EVP_PKEY *key;

    if (a->bits)
        key = EVP_PKEY_Q_keygen(NULL, NULL, a->type, (size_t)a->bits);
    else if (a->curve)
        key = EVP_PKEY_Q_keygen(NULL, NULL, a->type, a->curve);
    else
        key = EVP_PKEY_Q_keygen(NULL, NULL, a->type);
    need(key != NULL, a->name);
    return key;
}

static void put_name(X509_NAME *name, const char *common)
{
    need(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)common, -1, -1, 0),
         "name");
}

static void certify(struct signer *s)
{
    X509 *x = X509_new();

    need(x && X509_set_version(x, X509_VERSION_3), "certificate");
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), 0);
    X509_gmtime_adj(X509_getm_notAfter(x), DAY_S);
    put_name(X509_get_subject_name(x), "peer.example");
    put_name(X509_get_issuer_name(x), "ca.example");
    need(X509_set_pubkey(x, s->key), "certificate");
    need(X509_sign(x, s->ca, s->digest), "certificate");
    s->certificate_len = i2d_X509(x, &s->certificate);
    need(s->certificate_len, "certificate");
    X509_free(x);
}

static void keep_whole(struct signer *s)
{
    s->sign_whole = EVP_MD_CTX_new();
    s->verify_whole = EVP_MD_CTX_new();
    need(EVP_DigestSignInit(s->sign_whole, NULL, NULL, NULL, s->key), "signing");
    need(EVP_DigestVerifyInit(s->verify_whole, NULL, NULL, NULL, s->key), "verifying");
}

static void keep_hashed(struct signer *s)
{
    s->hash = EVP_MD_CTX_new();
    s->sign = EVP_PKEY_CTX_new_from_pkey(NULL, s->key, NULL);
    s->verify = EVP_PKEY_CTX_new_from_pkey(NULL, s->key, NULL);
    need(EVP_PKEY_sign_init(s->sign), "signing");
    need(EVP_PKEY_CTX_set_signature_md(s->sign, s->digest), "signing");
    need(EVP_PKEY_verify_init(s->verify), "verifying");
    need(EVP_PKEY_CTX_set_signature_md(s->verify, s->digest), "verifying");
}

void signer_init(struct signer *s, unsigned place)
{
    const struct signer_algorithm *a = &algorithms[place];

    *s = (struct signer){.algorithm = a, .key = new_key(a), .ca = new_key(a)};
    if (a->digest) {
        s->digest = EVP_MD_fetch(NULL, a->digest, NULL);
        need(s->digest != NULL, a->digest);
        keep_hashed(s);
    } else {
        keep_whole(s);
    }
    certify(s);
}

void signer_reset(struct signer *s)
{
    EVP_PKEY_free(s->key);
    EVP_PKEY_free(s->ca);
    OPENSSL_free(s->certificate);
    EVP_MD_free(s->digest);
    EVP_MD_CTX_free(s->hash);
    EVP_PKEY_CTX_free(s->sign);
    EVP_PKEY_CTX_free(s->verify);
    EVP_MD_CTX_free(s->sign_whole);
    EVP_MD_CTX_free(s->verify_whole);
}

static unsigned hashed(struct signer *s, const uint8_t *text, size_t len, uint8_t *out)
{
    unsigned n;

    need(EVP_DigestInit_ex2(s->hash, s->digest, NULL), "hash");
    EVP_DigestUpdate(s->hash, text, len);
    need(EVP_DigestFinal_ex(s->hash, out, &n), "hash");
    return n;
}

size_t signer_sign(struct signer *s, const uint8_t *text, size_t len, uint8_t *signature)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t signature_len = SIGNATURE_MAX;

    if (s->digest)
        need(
            EVP_PKEY_sign(s->sign, signature, &signature_len, digest, hashed(s, text, len, digest)),
            "signing");
    else
        need(EVP_DigestSign(s->sign_whole, signature, &signature_len, text, len), "signing");
    return signature_len;
}

void signer_verify(struct signer *s, const uint8_t *text, size_t len, const uint8_t *signature,
                   size_t signature_len)
{
    uint8_t digest[EVP_MAX_MD_SIZE];

    if (s->digest)
        need(EVP_PKEY_verify(s->verify, signature, signature_len, digest,
                             hashed(s, text, len, digest)),
             "verifying");
    else
        need(EVP_DigestVerify(s->verify_whole, signature, signature_len, text, len), "verifying");
}

void signer_check_certificate(struct signer *s)
{
    const uint8_t *der = s->certificate;
    X509 *x = d2i_X509(NULL, &der, s->certificate_len);

    need(x && X509_verify(x, s->ca) > 0, "verifying a certificate");
    need(X509_get0_pubkey(x) != NULL, "public key of a certificate");
    X509_free(x);
}
