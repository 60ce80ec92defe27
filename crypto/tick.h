/*
 * What both makers of the provider do alike: which operation ticks what in the meter, in which
 * order, and which lengths they refuse. Only here, so that real and modelled crypto cost the same.
 */
#ifndef CRYPTO_TICK_H
#define CRYPTO_TICK_H

#include "base/assert.h"
#include "crypto/provider.h"
#include "crypto/sign_key.h"

#include <limits.h>

static inline size_t parts_len(const struct bytes *parts, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    return len;
}

static inline void tick_ke_generate(struct crypto *c, const struct ke_suite *suite)
{
    meter_tick(c->meter, suite->generate, 0);
}

/** Also for a value that is refused: most are refused after the work is done. */
static inline void tick_ke_derive(struct crypto *c, const struct ke_suite *suite)
{
    meter_tick(c->meter, suite->derive, 0);
}

static inline void tick_prf(struct crypto *c, const struct bytes *parts, size_t count)
{
    meter_tick(c->meter, METER_PRF, parts_len(parts, count));
}

static inline void tick_sha1(struct crypto *c, const struct bytes *parts, size_t count)
{
    meter_tick(c->meter, METER_HASH_SHA1, parts_len(parts, count));
}

/** Else nothing is done and nothing is ticked. */
static inline enum err cbc_op_check(const struct cbc_op *op)
{
    const struct encr_suite *encr = op->encr;

    ASSERT(op->text_len <= INT_MAX);
    if (encr->aead || encr->salt_len > 0 || encr->block_len < 8)
        return ERR_UNSUPPORTED;
    return op->text_len == 0 || op->text_len % encr->block_len != 0 ? ERR_LENGTH : OK;
}

static inline void tick_cbc(struct crypto *c, const struct cbc_op *op)
{
    if (op->encr->meter != METER_COUNT)
        meter_tick(c->meter, op->encr->meter, op->text_len);
}

/** Once per packet: before an AEAD runs, or where a plain cipher runs (not after a bad ICV). */
static inline void tick_cipher(struct crypto *c, const struct seal_op *op)
{
    if (op->key->encr->meter != METER_COUNT)
        meter_tick(c->meter, op->key->encr->meter, op->text_len);
}

/** Once per packet of a suite that is not AEAD, before the MAC runs. */
static inline void tick_integ(struct crypto *c, const struct seal_op *op)
{
    meter_tick(c->meter, op->key->integ->meter,
               op->aad.len + op->key->encr->iv_len + op->text_len + op->tail.len);
}

static inline void tick_key_load(struct crypto *c)
{
    meter_tick(c->meter, METER_KEY_LOAD, 0);
}

/** One tick however often the real one signs until the length fits (crypto/sign.h). */
static inline void tick_sign(struct crypto *c, const struct sign_op *op)
{
    meter_tick(c->meter, sign_meter(&op->key->key), parts_len(op->parts, op->count));
}

static inline void tick_verify(struct crypto *c, const struct verify_op *op)
{
    meter_tick(c->meter, verify_meter(&op->key->key), parts_len(op->parts, op->count));
}

/** False: this key cannot be used with this suite; nothing was done and nothing is ticked. */
static inline bool sign_op_valid(const struct sign_op *op)
{
    return sign_suite_fits(op->suite, &op->key->key) &&
           parts_len(op->parts, op->count) <= sign_text_max(op->suite);
}

static inline bool verify_op_valid(const struct verify_op *op, struct bytes signature)
{
    return sign_suite_fits(op->suite, &op->key->key) && signature.len > 0 &&
           signature.len <= sign_len_max(op->suite, op->key->key.bits) &&
           parts_len(op->parts, op->count) <= sign_text_max(op->suite);
}

/** Else nothing is done and nothing is ticked, as with the next one. */
static inline enum err encrypt_op_check(const struct encrypt_op *op)
{
    if (op->key->key.type != KEY_RSA)
        return ERR_UNSUPPORTED;
    return op->text.len <= encrypt_text_max(&op->key->key) ? OK : ERR_LENGTH;
}

static inline enum err decrypt_op_check(const struct decrypt_op *op)
{
    const struct asymmetric_key *key = &op->key->key;

    if (key->type != KEY_RSA)
        return ERR_UNSUPPORTED;
    ASSERT(op->min <= op->max && op->min <= encrypt_text_max(key));
    return op->text.len == (key->bits + 7u) / 8 ? OK : ERR_LENGTH;
}

/** The longest message of those asked for that fits. */
static inline size_t decrypt_max(const struct decrypt_op *op)
{
    size_t fits = encrypt_text_max(&op->key->key);

    return op->max < fits ? op->max : fits;
}

static inline void tick_encrypt(struct crypto *c, const struct encrypt_op *op)
{
    meter_tick(c->meter, verify_meter(&op->key->key), op->text.len);
}

static inline void tick_decrypt(struct crypto *c, const struct decrypt_op *op)
{
    meter_tick(c->meter, sign_meter(&op->key->key), op->text.len);
}

/** False: `text` is no whole number of blocks, which a peer can cause and no cipher can take. */
static inline bool seal_op_valid(const struct seal_op *op)
{
    const struct encr_suite *encr = op->key->encr;

    ASSERT(encr->aead == !op->key->integ);
    ASSERT(!encr->aead || op->tail.len == 0);
    ASSERT(op->text_len <= INT_MAX && op->aad.len <= INT_MAX);
    return (op->text_len & (encr->block_len - 1U)) == 0; /* a power of two */
}

#endif
