/*
 * RSAES-PKCS1-v1_5 on OpenSSL (RFC 8017 §7.2). Of decryption the library does the bare RSA, with
 * its blinding, and the padding comes off here: OpenSSL 3.0 says whether it was right, and only
 * from 3.2 on puts something else in its place. That is made of the private exponent and the
 * ciphertext, so the same ciphertext always gives the same.
 */
#include "crypto/openssl_provider.h"

#include "base/assert.h"
#include "crypto/pkcs1.h"
#include "crypto/tick.h"

#include <openssl/rsa.h>

/* A context of this key; its owner has one operation done and frees it. */
static EVP_PKEY_CTX *context_of(const struct openssl_crypto *c, const struct asymmetric_key *key,
                                const char *padding,
                                int (*init)(EVP_PKEY_CTX *, const OSSL_PARAM *))
{
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE,
                                                                  (char *)(uintptr_t)padding, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(c->entropy.library, key->library, NULL);

    if (ctx && init(ctx, params) > 0)
        return ctx;
    EVP_PKEY_CTX_free(ctx);
    return NULL;
}

static void seed(const struct openssl_crypto *c, const struct rng *random)
{
    if (c->entropy.seed)
        c->entropy.seed(random);
}

enum err openssl_encrypt(struct crypto *base, const struct encrypt_op *op, uint8_t *out,
                         size_t *len)
{
    struct openssl_crypto *c = openssl_of(base);
    const struct asymmetric_key *key = &op->key->key;
    enum err e = encrypt_op_check(op);
    EVP_PKEY_CTX *ctx;
    bool done;

    *len = 0;
    if (e)
        return e;
    tick_encrypt(base, op);
    ctx = context_of(c, key, OSSL_PKEY_RSA_PAD_MODE_PKCSV15, EVP_PKEY_encrypt_init_ex);
    *len = ENCRYPT_MAX;
    seed(c, &op->random);
    done = ctx && EVP_PKEY_encrypt(ctx, out, len, op->text.data, op->text.len) > 0;
    EVP_PKEY_CTX_free(ctx);
    if (done)
        return OK;
    *len = 0;
    return openssl_failed();
}

/* ---- what takes the place of a message that is none ---- */

/* Link n of a stream: HMAC(HMAC(private exponent, ciphertext), n). */
static bool link_of(struct openssl_crypto *c, const uint8_t key[MAC_OUT_MAX], uint8_t n,
                    uint8_t out[MAC_OUT_MAX])
{
    const struct bytes text = bytes_of(&n, 1);

    return openssl_mac(&c->macs, MAC_HMAC_SHA256, bytes_of(key, 32), &text, 1, out);
}

static bool stream_of(struct openssl_crypto *c, const uint8_t key[MAC_OUT_MAX], uint8_t *out,
                      size_t len)
{
    uint8_t link[MAC_OUT_MAX];
    size_t made = 0;
    bool done = true;

    for (uint8_t n = 1; done && made < len; n++) {
        size_t take = len - made < 32 ? len - made : 32;

        done = link_of(c, key, n, link);
        memcpy(out + made, link, take);
        made += take;
    }
    wipe(link, sizeof link);
    return done;
}

static bool stand_in_key(struct openssl_crypto *c, const struct decrypt_op *op,
                         uint8_t out[MAC_OUT_MAX])
{
    int size = (int)op->text.len;
    uint8_t exponent[ENCRYPT_MAX];
    BIGNUM *d = NULL;
    bool done =
        EVP_PKEY_get_bn_param(op->key->key.library, OSSL_PKEY_PARAM_RSA_D, &d) > 0 &&
        BN_bn2binpad(d, exponent, size) == size &&
        openssl_mac(&c->macs, MAC_HMAC_SHA256, bytes_of(exponent, (size_t)size), &op->text, 1, out);

    BN_clear_free(d);
    wipe(exponent, sizeof exponent);
    return done;
}

/* @param[out] want  with views of `room` */
static bool stand_in(struct openssl_crypto *c, const struct decrypt_op *op, struct pkcs1_want *want,
                     uint8_t room[ENCRYPT_MAX])
{
    uint8_t key[MAC_OUT_MAX], length[MAC_OUT_MAX];
    bool done;

    want->min = op->min;
    want->max = decrypt_max(op);
    want->instead = room;
    done = stand_in_key(c, op, key) && link_of(c, key, 0, length) &&
           stream_of(c, key, room, want->max);
    if (done)
        want->instead_len = op->min + load_be32(length) % (want->max - op->min + 1);
    wipe(key, sizeof key);
    wipe(length, sizeof length);
    return done;
}

/* ---- decryption ---- */

/* The number is not below the modulus: anybody can see that. */
static enum err bare_failed(void)
{
    bool too_large = ERR_GET_REASON(ERR_peek_last_error()) == RSA_R_DATA_TOO_LARGE_FOR_MODULUS;
    enum err e = openssl_failed();

    return too_large ? ERR_SYNTAX : e;
}

static enum err bare_decrypt(struct openssl_crypto *c, const struct decrypt_op *op,
                             uint8_t em[ENCRYPT_MAX])
{
    EVP_PKEY_CTX *ctx =
        context_of(c, &op->key->key, OSSL_PKEY_RSA_PAD_MODE_NONE, EVP_PKEY_decrypt_init_ex);
    size_t len = ENCRYPT_MAX;
    bool done;

    seed(c, &op->random);
    done = ctx && EVP_PKEY_decrypt(ctx, em, &len, op->text.data, op->text.len) > 0 &&
           len == op->text.len;
    EVP_PKEY_CTX_free(ctx);
    return done ? OK : bare_failed();
}

enum err openssl_decrypt(struct crypto *base, const struct decrypt_op *op, uint8_t *out,
                         size_t *len)
{
    struct openssl_crypto *c = openssl_of(base);
    uint8_t em[ENCRYPT_MAX], instead[ENCRYPT_MAX];
    struct pkcs1_want want;
    enum err e = decrypt_op_check(op);

    *len = 0;
    if (e)
        return e;
    tick_decrypt(base, op);
    e = stand_in(c, op, &want, instead) ? bare_decrypt(c, op, em) : openssl_failed();
    if (e == OK)
        *len = pkcs1_take(em, op->text.len, &want, out);
    wipe(em, sizeof em);
    wipe(instead, sizeof instead);
    return e;
}
