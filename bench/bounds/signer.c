#include "signer.h"

#include "loop.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

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

static void put_extension(X509 *x, int kind, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, kind, value);

    need(e && X509_add_ext(x, e, -1), "extension");
    X509_EXTENSION_free(e);
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
    put_extension(x, NID_subject_alt_name, "DNS:peer.example");
    put_extension(x, NID_key_usage, "critical,digitalSignature");
    need(X509_sign(x, s->ca, s->digest), "certificate");
    s->to_be_signed_len = (size_t)i2d_re_X509_tbs(x, &s->to_be_signed);
    X509_get0_signature(&s->by_issuer, NULL, x);
    s->certificate = x;
}

static EVP_MD_CTX *keep_whole(EVP_PKEY *key, int sign)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    need(ctx && (sign ? EVP_DigestSignInit(ctx, NULL, NULL, NULL, key)
                      : EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key)),
         "signature");
    return ctx;
}

static EVP_PKEY_CTX *keep_hashed(const struct signer *s, EVP_PKEY *key, int sign)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

    need(ctx && (sign ? EVP_PKEY_sign_init(ctx) : EVP_PKEY_verify_init(ctx)), "signature");
    need(EVP_PKEY_CTX_set_signature_md(ctx, s->digest), "signature");
    return ctx;
}

static void keep(struct signer *s)
{
    if (!s->digest) {
        s->sign_whole = keep_whole(s->key, 1);
        s->own.whole = keep_whole(s->key, 0);
        s->issuer.whole = keep_whole(s->ca, 0);
        return;
    }
    s->hash = EVP_MD_CTX_new();
    s->sign = keep_hashed(s, s->key, 1);
    s->own.hashed = keep_hashed(s, s->key, 0);
    s->issuer.hashed = keep_hashed(s, s->ca, 0);
}

void signer_init(struct signer *s, unsigned place)
{
    const struct signer_algorithm *a = &algorithms[place];

    *s = (struct signer){.algorithm = a, .key = new_key(a), .ca = new_key(a)};
    if (a->digest) {
        s->digest = EVP_MD_fetch(NULL, a->digest, NULL);
        need(s->digest != NULL, a->digest);
    }
    keep(s);
    certify(s);
}

void signer_reset(struct signer *s)
{
    EVP_PKEY_free(s->key);
    EVP_PKEY_free(s->ca);
    X509_free(s->certificate);
    OPENSSL_free(s->to_be_signed);
    EVP_MD_free(s->digest);
    EVP_MD_CTX_free(s->hash);
    EVP_PKEY_CTX_free(s->sign);
    EVP_MD_CTX_free(s->sign_whole);
    EVP_PKEY_CTX_free(s->own.hashed);
    EVP_MD_CTX_free(s->own.whole);
    EVP_PKEY_CTX_free(s->issuer.hashed);
    EVP_MD_CTX_free(s->issuer.whole);
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

static void verify(struct signer *s, const struct signer_verifier *by, const uint8_t *text,
                   size_t len, const uint8_t *signature, size_t signature_len)
{
    uint8_t digest[EVP_MAX_MD_SIZE];

    if (s->digest)
        need(EVP_PKEY_verify(by->hashed, signature, signature_len, digest,
                             hashed(s, text, len, digest)),
             "verifying");
    else
        need(EVP_DigestVerify(by->whole, signature, signature_len, text, len), "verifying");
}

void signer_verify(struct signer *s, const uint8_t *text, size_t len, const uint8_t *signature,
                   size_t signature_len)
{
    verify(s, &s->own, text, len, signature, signature_len);
}

void signer_check_certificate(struct signer *s)
{
    verify(s, &s->issuer, s->to_be_signed, s->to_be_signed_len, ASN1_STRING_get0_data(s->by_issuer),
           (size_t)ASN1_STRING_length(s->by_issuer));
}
