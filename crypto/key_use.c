#include "crypto/key_use.h"

/* EVP_PKEY_sign_init_ex, EVP_PKEY_verify_init_ex */
typedef int init_of_hash(EVP_PKEY_CTX *, const OSSL_PARAM *);

static const char *digest_name(enum sign_hash hash)
{
    static const char *const names[] = {
        [SIGN_HASHED] = NULL,         [SIGN_SHA1] = "SHA1",         [SIGN_SHA2_256] = "SHA2-256",
        [SIGN_SHA2_384] = "SHA2-384", [SIGN_SHA2_512] = "SHA2-512", [SIGN_IDENTITY] = NULL,
    };

    return names[hash];
}

static init_of_hash *init_for(enum key_purpose purpose)
{
    return purpose == KEY_SIGNS ? EVP_PKEY_sign_init_ex : EVP_PKEY_verify_init_ex;
}

/* Without a digest the library makes no DigestInfo for RSA, and pads as PKCS #1 v1.5 does. */
static bool init_given(struct key_use *u, OSSL_LIB_CTX *library)
{
    u->of_hash = EVP_PKEY_CTX_new_from_pkey(library, u->key, NULL);
    return u->of_hash && init_for(u->purpose)(u->of_hash, NULL) > 0;
}

static bool init_hashed(struct key_use *u, OSSL_LIB_CTX *library)
{
    const char *name = digest_name(u->suite->hash);
    int salt = (int)sign_hash_len(u->suite->hash);
    OSSL_PARAM params[4], *p = params;

    *p++ = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, (char *)name, 0);
    if (u->suite->form == SIGN_RSA_PSS) {
        *p++ = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, (char *)"pss", 0);
        *p++ = OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &salt);
    }
    *p = OSSL_PARAM_construct_end();
    u->digest = EVP_MD_fetch(library, name, NULL);
    u->hash = EVP_MD_CTX_new();
    u->of_hash = EVP_PKEY_CTX_new_from_pkey(library, u->key, NULL);
    return u->digest && u->hash && u->of_hash && init_for(u->purpose)(u->of_hash, params) > 0;
}

static bool init_whole(struct key_use *u, OSSL_LIB_CTX *library)
{
    u->of_text = EVP_MD_CTX_new();
    if (!u->of_text)
        return false;
    return (u->purpose == KEY_SIGNS ? EVP_DigestSignInit_ex : EVP_DigestVerifyInit_ex)(
               u->of_text, NULL, NULL, library, NULL, u->key, NULL) > 0;
}

bool key_use_init(struct key_use *u, OSSL_LIB_CTX *library, EVP_PKEY *key,
                  const struct sign_suite *suite, enum key_purpose purpose)
{
    bool done;

    *u = (struct key_use){.key = key, .suite = suite, .purpose = purpose};
    if (suite->hash == SIGN_IDENTITY)
        done = init_whole(u, library);
    else
        done = suite->hash == SIGN_HASHED ? init_given(u, library) : init_hashed(u, library);
    if (done)
        return true;
    key_use_reset(u);
    return false;
}

void key_use_reset(struct key_use *u)
{
    EVP_MD_free(u->digest);
    EVP_MD_CTX_free(u->hash);
    EVP_PKEY_CTX_free(u->of_hash);
    EVP_MD_CTX_free(u->of_text);
    *u = (struct key_use){.key = NULL};
}

_Static_assert(SIGN_HASH_MAX <= EVP_MAX_MD_SIZE, "a text that is a hash has room for one");

/* @param len  of the hash, which may be the text itself */
static bool hash_of(struct key_use *u, const struct bytes *parts, size_t count, uint8_t *out,
                    size_t *len)
{
    *len = sign_hash_len(u->suite->hash);
    if (!u->digest) {
        for (size_t i = 0; i < count; i++) {
            if (parts[i].len > 0)
                memcpy(out + *len, parts[i].data, parts[i].len);
            *len += parts[i].len;
        }
        return true;
    }
    if (!EVP_DigestInit_ex2(u->hash, u->digest, NULL))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!EVP_DigestUpdate(u->hash, parts[i].data, parts[i].len))
            return false;
    return EVP_DigestFinal_ex(u->hash, out, NULL);
}

/* From OpenSSL 3.2 on a context that has signed or verified has to be told to begin anew. */
static bool begin_whole(struct key_use *u)
{
    return (u->purpose == KEY_SIGNS ? EVP_DigestSignInit_ex : EVP_DigestVerifyInit_ex)(
               u->of_text, NULL, NULL, NULL, NULL, NULL, NULL) > 0;
}

bool key_use_sign(struct key_use *u, const struct bytes *parts, size_t count, uint8_t *out,
                  size_t *len)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    size_t hash_len;

    *len = SIGN_MAX;
    if (u->of_text)
        return begin_whole(u) && EVP_DigestSign(u->of_text, out, len, parts->data, parts->len) > 0;
    return hash_of(u, parts, count, hash, &hash_len) &&
           EVP_PKEY_sign(u->of_hash, out, len, hash, hash_len) > 0;
}

bool key_use_verify(struct key_use *u, const struct bytes *parts, size_t count,
                    struct bytes signature)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    size_t hash_len;

    if (u->of_text)
        return begin_whole(u) && EVP_DigestVerify(u->of_text, signature.data, signature.len,
                                                  parts->data, parts->len) == 1;
    return hash_of(u, parts, count, hash, &hash_len) &&
           EVP_PKEY_verify(u->of_hash, signature.data, signature.len, hash, hash_len) == 1;
}
