/*
 * Sealing and opening on OpenSSL: AES-GCM (RFC 4106, RFC 5282), AES-CCM (RFC 4309),
 * ChaCha20-Poly1305 (RFC 7634), and encrypt-then-MAC with AES-CBC (RFC 3602), AES-CTR (RFC 3686)
 * or NULL (RFC 2410). Padding is the caller's business.
 */
#include "crypto/openssl_provider.h"

#include "base/assert.h"
#include "crypto/tick.h"

#include <stdio.h>

static size_t index_of(const struct encr_suite *suite)
{
    size_t count;

    return (size_t)(suite - encr_suites(&count));
}

static const char *library_name(const struct encr_suite *suite, char *room, size_t cap)
{
    const char *mode = NULL;

    if (suite->meter == METER_CIPHER_CHACHA20)
        return "ChaCha20-Poly1305";
    switch (suite->meter) {
    case METER_CIPHER_AES_GCM:
        mode = "GCM";
        break;
    case METER_CIPHER_AES_CCM:
        mode = "CCM";
        break;
    case METER_CIPHER_AES_CTR:
        mode = "CTR";
        break;
    default:
        ASSERT(suite->meter == METER_CIPHER_AES_CBC);
        mode = "CBC";
    }
    snprintf(room, cap, "AES-%u-%s", suite->key_bits, mode);
    return room;
}

/*
 * What stays for the life of the context: algorithm, no padding, CCM's lengths of nonce and ICV.
 * Only CBC would pad, and a context that must not is told so again with every IV.
 */
static bool cipher_init(EVP_CIPHER_CTX *ctx, const struct encr_suite *suite,
                        const EVP_CIPHER *cipher)
{
    bool done = cipher && EVP_CipherInit_ex2(ctx, cipher, NULL, NULL, 1, NULL);

    if (done && suite->meter == METER_CIPHER_AES_CBC)
        done = EVP_CIPHER_CTX_set_padding(ctx, 0);
    if (done && suite->meter == METER_CIPHER_AES_CCM)
        done = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_IVLEN,
                                   suite->salt_len + (int)encr_iv_len(suite), NULL) > 0 &&
               EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, suite->icv_len, NULL) > 0;
    return done;
}

static bool cipher_fetch(EVP_CIPHER_CTX *ctx, const struct encr_suite *suite, OSSL_LIB_CTX *library)
{
    char room[16];
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(library, library_name(suite, room, sizeof room), NULL);
    bool done = cipher_init(ctx, suite, cipher);

    EVP_CIPHER_free(cipher);
    return done;
}

bool openssl_ciphers_init(struct openssl_crypto *c)
{
    size_t count;
    const struct encr_suite *suites = encr_suites(&count);

    ASSERT(count == ENCR_SUITES);
    for (size_t i = 0; i < count; i++) {
        if (suites[i].meter == METER_COUNT) /* NULL needs no library */
            continue;
        c->ciphers[i] = EVP_CIPHER_CTX_new();
        if (!c->ciphers[i] || !cipher_fetch(c->ciphers[i], &suites[i], c->entropy.library))
            return false;
    }
    return true;
}

void openssl_ciphers_reset(struct openssl_crypto *c)
{
    EVP_CIPHER_CTX_free(c->triple_des);
    for (size_t i = 0; i < ENCR_SUITES; i++)
        EVP_CIPHER_CTX_free(c->ciphers[i]);
}

EVP_CIPHER_CTX *openssl_cipher_keep(struct openssl_crypto *c, const struct seal_key *key)
{
    EVP_CIPHER_CTX *shared = c->ciphers[index_of(key->encr)];
    EVP_CIPHER_CTX *ctx = shared ? EVP_CIPHER_CTX_new() : NULL;

    if (ctx && cipher_init(ctx, key->encr, EVP_CIPHER_CTX_get0_cipher(shared)) &&
        EVP_CipherInit_ex2(ctx, NULL, key->encr_key, NULL, 1, NULL))
        return ctx;
    EVP_CIPHER_CTX_free(ctx);
    return NULL;
}

/* The cipher's own IV: salt | iv, for CTR followed by a block counter of 1 (RFC 3686 §4). */
static void nonce_of(const struct seal_op *op, uint8_t nonce[IV_MAX])
{
    const struct encr_suite *suite = op->key->encr;

    memset(nonce, 0, IV_MAX);
    if (suite->salt_len)
        memcpy(nonce, op->key->encr_key + suite->key_len, suite->salt_len);
    if (encr_iv_len(suite))
        memcpy(nonce + suite->salt_len, op->iv, encr_iv_len(suite));
    if (suite->meter == METER_CIPHER_AES_CTR)
        nonce[IV_MAX - 1] = 1;
}

/* The text in place. A length of 0 still has to reach CCM, with pointers that are not null. */
static bool run(EVP_CIPHER_CTX *ctx, const struct seal_op *op)
{
    uint8_t nothing[AES_BLOCK];
    uint8_t *text = op->text_len ? op->text : nothing;
    int len;

    return EVP_CipherUpdate(ctx, text, &len, text, (int)op->text_len) > 0;
}

/*
 * A context with key and nonce of this operation; NULL: the library failed. One that keeps its key
 * gets it again where it went the other way before: CBC's key schedules differ.
 */
static EVP_CIPHER_CTX *begin(struct openssl_crypto *c, const struct seal_op *op,
                             const struct openssl_kept *kept, bool seal)
{
    bool keeps = kept && kept->cipher;
    EVP_CIPHER_CTX *ctx = keeps ? kept->cipher : c->ciphers[index_of(op->key->encr)];
    bool has_key = keeps && (EVP_CIPHER_CTX_is_encrypting(ctx) != 0) == seal;
    uint8_t nonce[IV_MAX];

    nonce_of(op, nonce);
    return EVP_CipherInit_ex2(ctx, NULL, has_key ? NULL : op->key->encr_key, nonce, seal, NULL)
               ? ctx
               : NULL;
}

/*
 * The ICV, which the library calls a tag: handed over to be compared, or fetched. As a parameter:
 * EVP_CIPHER_CTX_ctrl makes one of it, after it has looked for what else might be wanted.
 */
static bool tag(EVP_CIPHER_CTX *ctx, const struct seal_op *op, bool seal)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, op->icv, op->key->encr->icv_len),
        OSSL_PARAM_END,
    };

    return seal ? EVP_CIPHER_CTX_get_params(ctx, params) : EVP_CIPHER_CTX_set_params(ctx, params);
}

/* CCM has to know the length of the text before it sees any of it, and is done with the text. */
static bool ccm_run(EVP_CIPHER_CTX *ctx, const struct seal_op *op, bool seal)
{
    uint8_t nothing[AES_BLOCK];
    int len;

    if (EVP_CipherUpdate(ctx, NULL, &len, NULL, (int)op->text_len) <= 0)
        return false;
    if (op->aad.len && EVP_CipherUpdate(ctx, NULL, &len, op->aad.data, (int)op->aad.len) <= 0)
        return false;
    return run(ctx, op) && (!seal || EVP_CipherFinal_ex(ctx, nothing, &len) > 0);
}

/*
 * GCM and ChaCha20-Poly1305 take any number of bytes at a time: EVP_Cipher hands them on, where
 * EVP_CipherUpdate would see to blocks first.
 */
static bool stream_run(EVP_CIPHER_CTX *ctx, const struct seal_op *op)
{
    uint8_t nothing[AES_BLOCK];
    int len;

    if (op->aad.len && EVP_Cipher(ctx, NULL, op->aad.data, (unsigned)op->aad.len) < 0)
        return false;
    if (op->text_len &&
        EVP_Cipher(ctx, op->text, op->text, (unsigned)op->text_len) != (int)op->text_len)
        return false;
    return EVP_CipherFinal_ex(ctx, nothing, &len) > 0;
}

static bool aead_run(struct openssl_crypto *c, const struct seal_op *op,
                     const struct openssl_kept *kept, bool seal)
{
    EVP_CIPHER_CTX *ctx = begin(c, op, kept, seal);
    bool ccm = op->key->encr->meter == METER_CIPHER_AES_CCM;

    if (!ctx || (!seal && !tag(ctx, op, false)))
        return false;
    if (ccm ? !ccm_run(ctx, op, seal) : !stream_run(ctx, op))
        return false;
    return !seal || tag(ctx, op, true);
}

static bool plain_run(struct openssl_crypto *c, const struct seal_op *op,
                      const struct openssl_kept *kept, bool seal)
{
    EVP_CIPHER_CTX *ctx;

    tick_cipher(&c->base, op);
    if (!c->ciphers[index_of(op->key->encr)]) /* NULL */
        return true;
    ctx = begin(c, op, kept, seal);
    return ctx && run(ctx, op);
}

/* RFC 4303 §2.2.1, §2.8: the MAC runs over aad | iv | ciphertext | high half of the ESN. */
static bool packet_mac(struct openssl_crypto *c, const struct seal_op *op,
                       const struct openssl_kept *kept, uint8_t *mac)
{
    const struct integ_suite *integ = op->key->integ;
    struct bytes parts[] = {
        op->aad,
        bytes_of(op->iv, op->key->encr->iv_len),
        bytes_of(op->text, op->text_len),
        op->tail,
    };

    tick_integ(&c->base, op);
    if (kept && kept->mac)
        return openssl_mac_kept(kept->mac, parts, 4, mac);
    return openssl_mac(&c->macs, openssl_mac_of_integ(integ),
                       bytes_of(op->key->integ_key, integ->key_len), parts, 4, mac);
}

static enum err failed_and_wiped(const struct seal_op *op, enum err e)
{
    wipe(op->text, op->text_len);
    (void)openssl_failed();
    return e;
}

enum err openssl_seal(struct crypto *base, const struct seal_op *op,
                      const struct openssl_kept *kept)
{
    struct openssl_crypto *c = openssl_of(base);
    uint8_t mac[MAC_OUT_MAX];

    if (!seal_op_valid(op))
        return ERR_LENGTH;
    if (op->key->encr->aead) {
        tick_cipher(base, op);
        if (!aead_run(c, op, kept, true))
            return failed_and_wiped(op, ERR_CRYPTO);
        return OK;
    }
    if (!plain_run(c, op, kept, true) || !packet_mac(c, op, kept, mac))
        return failed_and_wiped(op, ERR_CRYPTO);
    memcpy(op->icv, mac, op->key->integ->icv_len);
    return OK;
}

enum err openssl_open(struct crypto *base, const struct seal_op *op,
                      const struct openssl_kept *kept)
{
    struct openssl_crypto *c = openssl_of(base);
    size_t icv_len = seal_icv_len(op->key);
    uint8_t mac[MAC_OUT_MAX];

    if (!seal_op_valid(op))
        return ERR_LENGTH;
    if (op->key->encr->aead) {
        tick_cipher(base, op);
        if (!aead_run(c, op, kept, false))
            return failed_and_wiped(op, ERR_ICV);
        return OK;
    }
    if (!packet_mac(c, op, kept, mac))
        return failed_and_wiped(op, ERR_CRYPTO);
    if (!bytes_equal_secret(bytes_of(mac, icv_len), bytes_of(op->icv, icv_len)))
        return ERR_ICV;
    return plain_run(c, op, kept, false) ? OK : failed_and_wiped(op, ERR_CRYPTO);
}

/* NULL: the library does not have it. */
static EVP_CIPHER_CTX *triple_des(struct openssl_crypto *c)
{
    EVP_CIPHER *cipher;

    if (c->triple_des)
        return c->triple_des;
    cipher = EVP_CIPHER_fetch(c->entropy.library, "DES-EDE3-CBC", NULL);
    c->triple_des = cipher ? EVP_CIPHER_CTX_new() : NULL;
    if (c->triple_des && (!EVP_CipherInit_ex2(c->triple_des, cipher, NULL, NULL, 1, NULL) ||
                          !EVP_CIPHER_CTX_set_padding(c->triple_des, 0))) {
        EVP_CIPHER_CTX_free(c->triple_des);
        c->triple_des = NULL;
    }
    EVP_CIPHER_free(cipher);
    return c->triple_des;
}

enum err openssl_cbc(struct crypto *base, const struct cbc_op *op)
{
    struct openssl_crypto *c = openssl_of(base);
    EVP_CIPHER_CTX *ctx;
    enum err e = cbc_op_check(op);
    int len;

    if (e)
        return e;
    ctx = op->encr == &encr_3des_cbc ? triple_des(c) : c->ciphers[index_of(op->encr)];
    if (!ctx) {
        (void)openssl_failed();
        return ERR_UNSUPPORTED;
    }
    tick_cbc(base, op);
    if (EVP_CipherInit_ex2(ctx, NULL, op->key, op->iv, op->encrypt, NULL) &&
        EVP_CipherUpdate(ctx, op->text, &len, op->text, (int)op->text_len) > 0)
        return OK;
    wipe(op->text, op->text_len);
    return openssl_failed();
}
