/* Private keys (RFC 5958, RFC 5915) and public keys (RFC 5280 §4.1.2.7) from DER. */
#include "crypto/sign_key.h"

#include "base/digest.h"
#include "crypto/openssl_headers.h"
#include "crypto/spki.h"

#include <openssl/x509.h>

static bool type_of(EVP_PKEY *key, enum sign_key_type *out)
{
    static const char *const curves[] = {
        [KEY_ECP256] = "prime256v1", [KEY_ECP384] = "secp384r1", [KEY_ECP521] = "secp521r1"};
    char curve[32];
    int explicit_curve = 0;

    if (EVP_PKEY_is_a(key, "RSA"))
        *out = KEY_RSA;
    else if (EVP_PKEY_is_a(key, "ED25519"))
        *out = KEY_ED25519;
    else if (EVP_PKEY_is_a(key, "ED448"))
        *out = KEY_ED448;
    else if (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                                    &explicit_curve) &&
             !explicit_curve && EVP_PKEY_get_group_name(key, curve, sizeof curve, NULL)) {
        for (enum sign_key_type t = KEY_ECP256; t <= KEY_ECP521; t++) {
            *out = t;
            if (strcmp(curve, curves[t]) == 0)
                return true;
        }
        return false;
    } else {
        return false;
    }
    return true;
}

/*
 * A key pair is named by the digest of its SubjectPublicKeyInfo: a public key has it at hand as it
 * was given, for a private one the library writes it. Encodings other than the library's (say a
 * compressed point) would name another pair, but what modelled runs use is written by the library.
 */
static bool model_of(EVP_PKEY *key, uint64_t *out)
{
    unsigned char *spki = NULL;
    int len = i2d_PUBKEY(key, &spki);

    if (len <= 0)
        return false;
    *out = digest_of(spki, (size_t)len, 0);
    OPENSSL_free(spki);
    return true;
}

enum err asymmetric_key_describe(EVP_PKEY *library, struct asymmetric_key *out)
{
    int bits = EVP_PKEY_get_bits(library);

    *out = (struct asymmetric_key){.library = NULL};
    if (!type_of(library, &out->type) ||
        (out->type == KEY_RSA && (bits < SIGN_RSA_BITS_MIN || bits > SIGN_RSA_BITS_MAX)))
        return ERR_UNSUPPORTED;
    out->bits = (uint16_t)bits;
    return OK;
}

/* Takes over `library`, also on error. */
static enum err take(EVP_PKEY *library, struct asymmetric_key *out)
{
    enum err e = ERR_SYNTAX;

    *out = (struct asymmetric_key){.library = NULL};
    if (library)
        e = asymmetric_key_describe(library, out);
    if (e == OK)
        out->library = library;
    else
        EVP_PKEY_free(library);
    ERR_clear_error();
    return e;
}

/* All of `der` and nothing behind it. */
static EVP_PKEY *whole(EVP_PKEY *key, const uint8_t *end, struct bytes der)
{
    if (key && end != der.data + der.len) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

/* What PKCS#8 says the key is: the library, told so, tries a quarter of its decoders only. */
static int algorithm_of(struct bytes der)
{
    const uint8_t *at = der.data;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.len);
    const ASN1_OBJECT *algorithm = NULL;
    int nid = EVP_PKEY_NONE;

    if (info && PKCS8_pkey_get0(&algorithm, NULL, NULL, NULL, info))
        nid = OBJ_obj2nid(algorithm);
    PKCS8_PRIV_KEY_INFO_free(info);
    return nid;
}

static EVP_PKEY *read_private(struct ossl_lib_ctx_st *library, struct bytes der,
                              const uint8_t **end)
{
    int algorithm = der.len <= SIGN_KEY_DER_MAX ? algorithm_of(der) : EVP_PKEY_NONE;

    *end = der.data;
    if (der.len > SIGN_KEY_DER_MAX)
        return NULL;
    if (algorithm == EVP_PKEY_RSA || algorithm == EVP_PKEY_EC || algorithm == EVP_PKEY_ED25519 ||
        algorithm == EVP_PKEY_ED448)
        return d2i_PrivateKey_ex(algorithm, NULL, end, (long)der.len, library, NULL);
    return d2i_AutoPrivateKey_ex(NULL, end, (long)der.len, library, NULL);
}

enum err sign_key_read(struct ossl_lib_ctx_st *library, struct bytes der, struct sign_key *out)
{
    const uint8_t *at;
    EVP_PKEY *key = read_private(library, der, &at);
    enum err e = take(whole(key, at, der), &out->key);

    if (e == OK && !model_of(out->key.library, &out->key.model)) {
        sign_key_reset(out);
        ERR_clear_error();
        e = ERR_CRYPTO;
    }
    return e;
}

size_t sign_key_public(const struct sign_key *key, uint8_t *out)
{
    unsigned char *spki = NULL;
    int len = i2d_PUBKEY(key->key.library, &spki);
    size_t written = len > 0 && len <= SIGN_KEY_DER_MAX ? (size_t)len : 0;

    if (written)
        memcpy(out, spki, written);
    OPENSSL_free(spki);
    ERR_clear_error();
    return written;
}

static EVP_PKEY *read_public(struct ossl_lib_ctx_st *library, struct bytes der)
{
    const uint8_t *at = der.data;
    EVP_PKEY *key = der.len <= SIGN_KEY_DER_MAX ? spki_read(library, der) : NULL;

    if (key || der.len > SIGN_KEY_DER_MAX)
        return key;
    key = d2i_PUBKEY_ex(NULL, &at, (long)der.len, library, NULL);
    return whole(key, at, der);
}

enum err verify_key_read(struct ossl_lib_ctx_st *library, struct bytes der, struct verify_key *out)
{
    enum err e = take(read_public(library, der), &out->key);

    if (e == OK)
        out->key.model = digest_of(der.data, der.len, 0);
    return e;
}

void sign_key_reset(struct sign_key *key)
{
    EVP_PKEY_free(key->key.library); /* the library wipes private numbers */
    *key = (struct sign_key){.key = {.library = NULL}};
}

void verify_key_reset(struct verify_key *key)
{
    EVP_PKEY_free(key->key.library);
    *key = (struct verify_key){.key = {.library = NULL}};
}
