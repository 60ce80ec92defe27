/*
 * Signatures on OpenSSL. Uses of keys and public keys are kept, a bounded number of each. Before
 * each signature the library's random numbers start anew: how much RSA blinding draws depends on
 * what the key did before, but PSS salts and ECDSA nonces are drawn before it, so a signature
 * repeats bit for bit.
 */
#include "crypto/openssl_provider.h"

#include "crypto/sign_key.h"
#include "crypto/tick.h"

/*
 * The rarest DER length comes with one signature in 512 (P-256, P-384) or in 2048 (P-521). That
 * none of so many fits is not chance.
 */
enum { ATTEMPTS_MAX = 1 << 16 };

void openssl_draw_lengths(struct crypto *base)
{
    openssl_of(base)->drawn_lengths = true;
}

void openssl_sign_reset(struct openssl_crypto *c)
{
    for (unsigned i = 0; i < KEY_USES_MAX; i++)
        key_use_reset(&c->uses[i]);
    key_shelf_reset(&c->shelf);
}

enum err openssl_sign_key_load(struct crypto *base, struct bytes der, struct sign_key *out)
{
    return sign_key_read(openssl_of(base)->entropy.library, der, out);
}

enum err openssl_verify_key_load(struct crypto *base, struct bytes der, struct verify_key *out)
{
    struct openssl_crypto *c = openssl_of(base);
    enum err e;

    tick_key_load(base);
    if (der.len > 0 && der.len <= SIGN_KEY_DER_MAX && key_shelf_find(&c->shelf, der, out))
        return OK;
    e = verify_key_read(c->entropy.library, der, out);
    if (e == OK)
        key_shelf_put(&c->shelf, der, out);
    return e;
}

/* The one there is, or a new one in the place of that which was made longest ago. */
static struct key_use *use_of(struct openssl_crypto *c, EVP_PKEY *key,
                              const struct sign_suite *suite, enum key_purpose purpose)
{
    struct key_use *u;

    for (unsigned i = 0; i < KEY_USES_MAX; i++) {
        u = &c->uses[i];
        if (u->key == key && u->suite == suite && u->purpose == purpose)
            return u;
    }
    u = &c->uses[c->next_use];
    c->next_use = (c->next_use + 1) % KEY_USES_MAX;
    key_use_reset(u);
    return key_use_init(u, c->entropy.library, key, suite, purpose) ? u : NULL;
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

static bool sign_once(struct openssl_crypto *c, struct key_use *use, const struct bytes *parts,
                      size_t count, uint8_t *out, size_t *len)
{
    struct bytes text;
    bool done;

    if (use->suite->form != SIGN_EDDSA)
        return key_use_sign(use, parts, count, out, len);
    text = in_one_piece(c, parts, count);
    done = key_use_sign(use, &text, 1, out, len);
    wipe(c->text, text.len); /* it holds prf(SK_p, ID) */
    return done;
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

/* A signature of the length that sign_len drew; of any length where that is not asked for. */
static bool sign_to_length(struct openssl_crypto *c, const struct sign_op *op, uint8_t *out,
                           size_t *len)
{
    const struct asymmetric_key *key = &op->key->key;
    bool drawn = op->suite->form == SIGN_ECDSA_DER && c->drawn_lengths;
    size_t wanted = sign_len(op->suite, key->bits, &op->random);
    struct key_use *use = use_of(c, key->library, op->suite, KEY_SIGNS);

    for (uint64_t attempt = 1; use && attempt <= ATTEMPTS_MAX; attempt++) {
        struct rng stream = rng_fork(&op->random, attempt);

        if (c->entropy.seed)
            c->entropy.seed(&stream);
        if (!sign_once(c, use, op->parts, op->count, out, len))
            return false;
        if (!drawn || *len == wanted)
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
    struct key_use *use = use_of(c, op->key->key.library, op->suite, KEY_VERIFIES);
    struct bytes text;
    bool holds;

    if (!use)
        return false;
    if (op->suite->form != SIGN_EDDSA)
        return key_use_verify(use, op->parts, op->count, signature);
    text = in_one_piece(c, op->parts, op->count);
    holds = key_use_verify(use, &text, 1, signature);
    wipe(c->text, text.len);
    return holds;
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
