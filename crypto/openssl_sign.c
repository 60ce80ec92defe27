/*
 * Signatures on OpenSSL. One digest context per instance serves all keys. Before each signature
 * the library's random numbers start anew: how much RSA blinding draws depends on what the key did
 * before, but PSS salts and ECDSA nonces are drawn before it, so a signature repeats bit for bit.
 */
#include "crypto/openssl_provider.h"

#include "crypto/sign_key.h"
#include "crypto/tick.h"

/*
 * The rarest DER length comes with one signature in 512 (P-256, P-384) or in 2048 (P-521). That
 * none of so many fits is not chance.
 */
enum { ATTEMPTS_MAX = 1 << 16 };

bool openssl_sign_init(struct openssl_crypto *c)
{
    c->sign = EVP_MD_CTX_new();
    return c->sign != NULL;
}

void openssl_sign_reset(struct openssl_crypto *c)
{
    EVP_MD_CTX_free(c->sign);
}

enum err openssl_sign_key_load(struct crypto *base, struct bytes der, struct sign_key *out)
{
    return sign_key_read(openssl_of(base)->entropy.library, der, out);
}

enum err openssl_verify_key_load(struct crypto *base, struct bytes der, struct verify_key *out)
{
    tick_key_load(base);
    return verify_key_read(openssl_of(base)->entropy.library, der, out);
}

typedef int digest_init(EVP_MD_CTX *, EVP_PKEY_CTX **, const char *, OSSL_LIB_CTX *, const char *,
                        EVP_PKEY *, const OSSL_PARAM *);

static bool begin(struct openssl_crypto *c, digest_init *init, const struct sign_suite *suite,
                  EVP_PKEY *key)
{
    static const char *const hashes[] = {
        [SIGN_SHA1] = "SHA1",         [SIGN_SHA2_256] = "SHA2-256", [SIGN_SHA2_384] = "SHA2-384",
        [SIGN_SHA2_512] = "SHA2-512", [SIGN_IDENTITY] = NULL,
    };
    int salt = (int)sign_hash_len(suite->hash);
    OSSL_PARAM pss[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, (char *)"pss", 0),
        OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, &salt),
        OSSL_PARAM_construct_end(),
    };

    EVP_MD_CTX_reset(c->sign); /* else it keeps the key of the last operation */
    return init(c->sign, NULL, hashes[suite->hash], c->entropy.library, NULL, key,
                suite->form == SIGN_RSA_PSS ? pss : NULL) > 0;
}

/* EdDSA reads its text twice and wants it in one piece. */
static struct bytes in_one_piece(struct openssl_crypto *c, const struct bytes *parts, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0)
            memcpy(c->text + len, parts[i].data, parts[i].len);
        len += parts[i].len;
    }
    return bytes_of(c->text, len);
}

static bool sign_once(struct openssl_crypto *c, const struct sign_suite *suite, EVP_PKEY *key,
                      const struct bytes *parts, size_t count, uint8_t *out, size_t *len)
{
    *len = SIGN_MAX;
    if (!begin(c, EVP_DigestSignInit_ex, suite, key))
        return false;
    if (suite->form == SIGN_EDDSA) {
        struct bytes text = in_one_piece(c, parts, count);
        bool done = EVP_DigestSign(c->sign, out, len, text.data, text.len) > 0;

        wipe(c->text, text.len); /* it holds prf(SK_p, ID) */
        return done;
    }
    for (size_t i = 0; i < count; i++)
        if (EVP_DigestSignUpdate(c->sign, parts[i].data, parts[i].len) <= 0)
            return false;
    return EVP_DigestSignFinal(c->sign, out, len) > 0;
}

/* RFC 4754 §3: r | s from the DER that the library makes. */
static bool to_fixed(const struct asymmetric_key *key, uint8_t *signature, size_t *len)
{
    int half = (key->bits + 7) / 8;
    const uint8_t *at = signature;
    ECDSA_SIG *numbers = d2i_ECDSA_SIG(NULL, &at, (long)*len);
    bool done = numbers && BN_bn2binpad(ECDSA_SIG_get0_r(numbers), signature, half) == half &&
                BN_bn2binpad(ECDSA_SIG_get0_s(numbers), signature + half, half) == half;

    ECDSA_SIG_free(numbers);
    *len = (size_t)2 * (size_t)half;
    return done;
}

/* A signature of the length that sign_len drew; of any length where nothing is repeatable. */
static bool sign_to_length(struct openssl_crypto *c, const struct sign_op *op, uint8_t *out,
                           size_t *len)
{
    const struct asymmetric_key *key = &op->key->key;
    bool der = op->suite->form == SIGN_ECDSA_DER;
    size_t wanted = sign_len(op->suite, key->bits, &op->random);

    for (uint64_t attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
        struct rng stream = rng_fork(&op->random, attempt);

        if (c->entropy.seed)
            c->entropy.seed(&stream);
        if (!sign_once(c, op->suite, key->library, op->parts, op->count, out, len))
            return false;
        if (!der || *len == wanted || !c->entropy.seed)
            return op->suite->form != SIGN_ECDSA_FIXED || to_fixed(key, out, len);
    }
    return false;
}

enum err openssl_sign(struct crypto *base, const struct sign_op *op, uint8_t *out, size_t cap,
                      size_t *len)
{
    uint8_t signature[SIGN_MAX];

    *len = 0;
    if (!sign_op_valid(op))
        return ERR_UNSUPPORTED;
    tick_sign(base, op);
    if (!sign_to_length(openssl_of(base), op, signature, len)) {
        *len = 0;
        return openssl_failed();
    }
    if (*len > cap) {
        *len = 0;
        return ERR_SPACE;
    }
    memcpy(out, signature, *len);
    return OK;
}

/* The DER that the library wants, from r | s; 0 if that cannot be. */
static size_t from_fixed(const struct asymmetric_key *key, struct bytes fixed, uint8_t *out)
{
    size_t half = (size_t)(key->bits + 7) / 8;
    ECDSA_SIG *numbers = ECDSA_SIG_new();
    BIGNUM *r = NULL, *s = NULL;
    int len = 0;

    if (numbers && fixed.len == 2 * half) {
        r = BN_bin2bn(fixed.data, (int)half, NULL);
        s = BN_bin2bn(fixed.data + half, (int)half, NULL);
    }
    if (r && s && ECDSA_SIG_set0(numbers, r, s)) {
        len = i2d_ECDSA_SIG(numbers, &out);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(numbers);
    return len > 0 ? (size_t)len : 0;
}

static bool verify_once(struct openssl_crypto *c, const struct verify_op *op,
                        struct bytes signature)
{
    if (!begin(c, EVP_DigestVerifyInit_ex, op->suite, op->key->key.library))
        return false;
    if (op->suite->form == SIGN_EDDSA) {
        struct bytes text = in_one_piece(c, op->parts, op->count);
        bool holds =
            EVP_DigestVerify(c->sign, signature.data, signature.len, text.data, text.len) == 1;

        wipe(c->text, text.len);
        return holds;
    }
    for (size_t i = 0; i < op->count; i++)
        if (EVP_DigestVerifyUpdate(c->sign, op->parts[i].data, op->parts[i].len) <= 0)
            return false;
    return EVP_DigestVerifyFinal(c->sign, signature.data, signature.len) == 1;
}

enum err openssl_verify(struct crypto *base, const struct verify_op *op, struct bytes signature)
{
    uint8_t der[SIGN_MAX];

    if (!verify_op_valid(op, signature))
        return ERR_SIGNATURE;
    tick_verify(base, op);
    if (op->suite->form == SIGN_ECDSA_FIXED)
        signature = bytes_of(der, from_fixed(&op->key->key, signature, der));
    if (signature.len > 0 && verify_once(openssl_of(base), op, signature))
        return OK;
    ERR_clear_error();
    return ERR_SIGNATURE;
}
