#include "symmetric.h"

#include "loop.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <string.h>

enum { NONCE_LEN = 32, SEED_LEN = 2 * NONCE_LEN + 2 * 8 };

void symmetric_init(struct symmetric *s)
{
    uint8_t key[PRF_LEN] = {0};
    OSSL_PARAM digest[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end()};
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    s->hmac = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);
    need(s->hmac && EVP_MAC_init(s->hmac, key, sizeof key, digest), "HMAC-SHA256");
    s->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    s->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    s->hash = EVP_MD_CTX_new();
    need(s->sha1 && s->sha256 && s->hash, "SHA-1 and SHA-256");
    s->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    s->cipher = EVP_CIPHER_CTX_new();
    need(EVP_CipherInit_ex2(s->cipher, s->gcm, key, NULL, 1, NULL), "AES-256-GCM");
    s->cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    s->cbc_cipher = EVP_CIPHER_CTX_new();
    need(EVP_CipherInit_ex2(s->cbc_cipher, s->cbc, key, key, 1, NULL), "AES-256-CBC");
}

void symmetric_reset(struct symmetric *s)
{
    EVP_MAC_CTX_free(s->hmac);
    EVP_MD_free(s->sha1);
    EVP_MD_free(s->sha256);
    EVP_MD_CTX_free(s->hash);
    EVP_CIPHER_free(s->gcm);
    EVP_CIPHER_CTX_free(s->cipher);
    EVP_CIPHER_free(s->cbc);
    EVP_CIPHER_CTX_free(s->cbc_cipher);
}

/* HMAC of data under the key that was just set. */
static void mac(struct symmetric *s, const uint8_t *data, size_t len, uint8_t *out)
{
    size_t n;

    EVP_MAC_update(s->hmac, data, len);
    need(EVP_MAC_final(s->hmac, out, &n, PRF_LEN), "HMAC");
}

void skeyseed(struct symmetric *s, const uint8_t nonces[64], const uint8_t *shared, size_t len,
              uint8_t *out)
{
    need(EVP_MAC_init(s->hmac, nonces, 64, NULL), "HMAC key");
    mac(s, shared, len, out);
}

void prf(struct symmetric *s, const uint8_t *key, const uint8_t *data, size_t len, uint8_t *out)
{
    need(EVP_MAC_init(s->hmac, key, PRF_LEN, NULL), "HMAC key");
    mac(s, data, len, out);
}

void prf_plus(struct symmetric *s, const uint8_t *key, uint8_t *out, size_t len)
{
    uint8_t block[PRF_LEN + SEED_LEN + 1]; /* T(n-1) | seed | n, without T at first */
    uint8_t t[PRF_LEN];

    memset(block, 1, sizeof block);
    for (uint8_t round = 1; len > 0; round++) {
        size_t skip = round == 1 ? PRF_LEN : 0, n = len < PRF_LEN ? len : PRF_LEN;

        block[sizeof block - 1] = round;
        prf(s, key, block + skip, sizeof block - skip, t);
        memcpy(block, t, sizeof t);
        memcpy(out, t, n);
        out += n;
        len -= n;
    }
}

void sk_seal(struct symmetric *s, const uint8_t *key, const uint8_t *in, uint8_t *out, size_t len)
{
    static const uint8_t iv[12], aad[AAD_LEN];
    int n;

    need(EVP_CipherInit_ex2(s->cipher, NULL, key, iv, 1, NULL), "GCM key");
    EVP_CipherUpdate(s->cipher, NULL, &n, aad, sizeof aad);
    EVP_CipherUpdate(s->cipher, out, &n, in, (int)len);
    need(EVP_CipherFinal_ex(s->cipher, out + n, &n), "GCM");
    need(EVP_CIPHER_CTX_ctrl(s->cipher, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, out + len), "GCM tag");
}

void sk_open(struct symmetric *s, const uint8_t *key, const uint8_t *in, uint8_t *out, size_t len)
{
    static const uint8_t iv[12], aad[AAD_LEN];
    uint8_t tag[TAG_LEN];
    int n;

    memcpy(tag, in + len, sizeof tag);
    need(EVP_CipherInit_ex2(s->cipher, NULL, key, iv, 0, NULL), "GCM key");
    need(EVP_CIPHER_CTX_ctrl(s->cipher, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag), "GCM tag");
    EVP_CipherUpdate(s->cipher, NULL, &n, aad, sizeof aad);
    EVP_CipherUpdate(s->cipher, out, &n, in, (int)len);
    need(EVP_CipherFinal_ex(s->cipher, out + n, &n), "opening a payload");
}

static void hash(struct symmetric *s, const EVP_MD *md, const uint8_t *in, size_t len, uint8_t *out)
{
    need(EVP_DigestInit_ex2(s->hash, md, NULL), "hash");
    EVP_DigestUpdate(s->hash, in, len);
    need(EVP_DigestFinal_ex(s->hash, out, NULL), "hash");
}

void sha1(struct symmetric *s, const uint8_t *in, size_t len, uint8_t out[20])
{
    hash(s, s->sha1, in, len, out);
}

void sha256(struct symmetric *s, const uint8_t *in, size_t len, uint8_t out[HASH_LEN])
{
    hash(s, s->sha256, in, len, out);
}

void cbc(struct symmetric *s, const uint8_t *key, const uint8_t iv[IV_LEN], uint8_t *text,
         size_t len, bool encrypt)
{
    int n;

    need(EVP_CipherInit_ex2(s->cbc_cipher, NULL, key, iv, encrypt, NULL), "CBC key");
    EVP_CIPHER_CTX_set_padding(s->cbc_cipher, 0);
    need(EVP_CipherUpdate(s->cbc_cipher, text, &n, text, (int)len), "CBC");
}
