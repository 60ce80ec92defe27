/*
 * The modelled provider: NOT SECURE, for simulations whose subject is not cryptography. Every
 * output has the true size and every operation ticks what the real one ticks, but behind them are
 * a few 64-bit multiplications (modelled_hash.h):
 *   key exchange   public = secret * G mod 2^64, stretched; shared = secret * peer, stretched
 *   prf, SHA-1     keyed 64-bit hash, stretched to the output's length
 *   prf+           one such hash, stretched, not a chain of them
 *   encryption     keyed keystream: the plaintext does not show
 *   integrity      keyed 64-bit hash over aad | iv | text | tail, stretched: tampering fails
 *   signatures     64-bit hash keyed by the public key, stretched to the true size
 *   RSA encryption keystream by the public key and a random word, with a checksum
 * Keys and certificates are real ones, so that their sizes are.
 * Anyone who sees a public value can compute the secret: results must say NOT SECURE.
 */
#include "crypto/provider.h"

#include "base/assert.h"
#include "crypto/modelled_hash.h"
#include "crypto/pkcs1.h"
#include "crypto/tick.h"
#include "crypto/x509_shelf.h"

#include <stdlib.h>

#define GENERATOR UINT64_C(0x9e3779b97f4a7c15) /* odd: multiplication by it loses nothing */

enum domain {
    DOMAIN_PUBLIC = 1,
    DOMAIN_SHARED,
    DOMAIN_PRF,
    DOMAIN_PRF_PLUS,
    DOMAIN_SHA1,
    DOMAIN_CIPHER,
    DOMAIN_ICV,
    DOMAIN_SIGN,
    DOMAIN_HASH,
    DOMAIN_RSA,
    DOMAIN_STAND_IN
};

/* Word number `index` of the stream named `key`. */
static uint64_t word(uint64_t key, uint64_t index)
{
    uint64_t at = key + (index + 1) * MODELLED_STEP;

    return modelled_fold(at, at ^ MODELLED_FOLD) + key;
}

static void stretch(uint64_t key, uint8_t *out, size_t len)
{
    uint64_t i = 0, v;

    for (; len >= sizeof v; len -= sizeof v, out += sizeof v) {
        v = word(key, i++);
        memcpy(out, &v, sizeof v);
    }
    if (len == 0)
        return;
    v = word(key, i);
    modelled_copy(out, (const uint8_t *)&v, len);
}

/* XOR with the stream; its own inverse. */
static void encrypt(uint64_t key, uint8_t *text, size_t len)
{
    uint64_t i = 0, v;

    for (; len >= sizeof v; len -= sizeof v, text += sizeof v) {
        memcpy(&v, text, sizeof v);
        v ^= word(key, i++);
        memcpy(text, &v, sizeof v);
    }
    v = len ? word(key, i) : 0;
    for (size_t k = 0; k < len; k++)
        text[k] ^= (uint8_t)(v >> 8 * k);
}

static uint64_t hash_parts(uint64_t key, const struct bytes *parts, size_t count)
{
    struct modelled_hash h;

    modelled_hash_init(&h, key);
    for (size_t i = 0; i < count; i++)
        modelled_hash_add(&h, parts[i]);
    return modelled_hash_end(&h);
}

/* The stretch behind the first word of a public value, which is the number itself. */
static void public_tail(const struct ke_suite *suite, uint64_t number, uint8_t *out)
{
    stretch(modelled_fold(number, GENERATOR + suite->iana) + DOMAIN_PUBLIC, out,
            suite->public_len - sizeof number);
}

static enum err modelled_ke_generate(struct crypto *c, const struct ke_suite *suite,
                                     struct rng random, struct ke_pair *out)
{
    uint64_t secret = rng_u64(&random) | 1, number = secret * GENERATOR;

    tick_ke_generate(c, suite);
    out->suite = suite;
    memset(out->private, 0, suite->private_len);
    memcpy(out->private, &secret, sizeof secret);
    memcpy(out->public, &number, sizeof number);
    public_tail(suite, number, out->public + sizeof number);
    return OK;
}

static bool all_equal(const uint8_t *data, size_t len, uint8_t value)
{
    for (size_t i = 0; i < len; i++)
        if (data[i] != value)
            return false;
    return true;
}

/*
 * The values that every real group refuses, and for MODP also 1 and what begins with 64 one bits,
 * as p does. An EC point whose parts do not belong together is off the curve.
 */
static bool public_refused(const struct ke_suite *suite, struct bytes peer, bool genuine)
{
    size_t last = peer.len - 1;

    if (all_equal(peer.data, peer.len, 0))
        return true;
    if (suite->family == KE_MODP)
        return (all_equal(peer.data, last, 0) && peer.data[last] == 1) ||
               all_equal(peer.data, 8, 0xff);
    return suite->family == KE_ECP && !genuine;
}

static enum err modelled_ke_derive(struct crypto *c, const struct ke_pair *own, struct bytes peer,
                                   uint8_t *shared)
{
    const struct ke_suite *suite = own->suite;
    uint8_t tail[KE_PUBLIC_MAX];
    uint64_t secret, number;
    bool genuine;

    tick_ke_derive(c, suite);
    memset(shared, 0, suite->shared_len);
    if (peer.len != suite->public_len)
        return ERR_KEY_EXCHANGE;
    memcpy(&number, peer.data, sizeof number);
    memcpy(&secret, own->private, sizeof secret);
    public_tail(suite, number, tail);
    genuine = memcmp(tail, peer.data + sizeof number, peer.len - sizeof number) == 0;
    if (public_refused(suite, peer, genuine))
        return ERR_KEY_EXCHANGE;
    number *= secret;
    /* A value that was changed on the way gives another secret, as in the real groups. */
    if (!genuine)
        number ^= modelled_hash_of(peer.data, peer.len, secret);
    stretch(modelled_fold(number, GENERATOR) + DOMAIN_SHARED, shared, suite->shared_len);
    return OK;
}

static enum err modelled_prf(struct crypto *c, const struct prf_suite *suite, struct bytes key,
                             const struct bytes *parts, size_t count, uint8_t *out)
{
    uint64_t k =
        modelled_hash_of(key.data, key.len, DOMAIN_PRF + (uint64_t)suite->iana * MODELLED_STEP);

    tick_prf(c, parts, count);
    stretch(hash_parts(k, parts, count), out, suite->out_len);
    return OK;
}

/* One hash for the whole of prf+, stretched, in place of the chain; ticked as the chain is. */
static enum err modelled_prf_plus(struct crypto *c, const struct prf_suite *suite, struct bytes key,
                                  const struct bytes *seed, size_t seeds, uint8_t *out, size_t len)
{
    uint64_t k = modelled_hash_of(key.data, key.len,
                                  DOMAIN_PRF_PLUS + (uint64_t)suite->iana * MODELLED_STEP);
    size_t link = parts_len(seed, seeds) + 1;

    for (size_t made = 0; made < len; made += suite->out_len)
        meter_tick(c->meter, METER_PRF, made ? link + suite->out_len : link);
    stretch(hash_parts(k, seed, seeds), out, len);
    return OK;
}

static enum err modelled_sha1(struct crypto *c, const struct bytes *parts, size_t count,
                              uint8_t *out)
{
    tick_sha1(c, parts, count);
    stretch(hash_parts(DOMAIN_SHA1, parts, count), out, 20);
    return OK;
}

static enum err modelled_any_hash(struct crypto *c, const struct hash_suite *suite,
                                  const struct bytes *parts, size_t count, uint8_t *out)
{
    tick_sha1(c, parts, count);
    stretch(hash_parts(DOMAIN_HASH + (uint64_t)suite->len * MODELLED_STEP, parts, count), out,
            suite->len);
    return OK;
}

static enum err modelled_cbc(struct crypto *c, const struct cbc_op *op)
{
    enum err e = cbc_op_check(op);
    uint64_t key;

    if (e)
        return e;
    tick_cbc(c, op);
    key = modelled_hash_of(op->key, op->encr->key_len, DOMAIN_CIPHER);
    encrypt(modelled_hash_of(op->iv, op->encr->block_len, key), op->text, op->text_len);
    return OK;
}

static void keystream(struct crypto *c, const struct seal_op *op)
{
    const struct encr_suite *encr = op->key->encr;
    uint64_t key;

    tick_cipher(c, op);
    if (encr->meter == METER_COUNT) /* NULL: the text shows, as it does in truth */
        return;
    key =
        modelled_hash_of(op->key->encr_key, (size_t)encr->key_len + encr->salt_len, DOMAIN_CIPHER);
    encrypt(modelled_hash_of(op->iv, encr_iv_len(encr), key), op->text, op->text_len);
}

/* Of a run of fields, each with its own length. */
static uint64_t extend(uint64_t h, const uint8_t *data, size_t len)
{
    return len ? modelled_hash_of(data, len, h) : h + MODELLED_STEP;
}

static void checksum(const struct seal_op *op, uint8_t *out)
{
    const struct encr_suite *encr = op->key->encr;
    const struct integ_suite *integ = op->key->integ;
    uint64_t h = integ ? modelled_hash_of(op->key->integ_key, integ->key_len, DOMAIN_ICV)
                       : modelled_hash_of(op->key->encr_key, (size_t)encr->key_len + encr->salt_len,
                                          DOMAIN_ICV);

    h = extend(h, op->aad.data, op->aad.len);
    h = extend(h, op->iv, encr_iv_len(encr));
    h = extend(h, op->text, op->text_len);
    h = extend(h, op->tail.data, op->tail.len);
    stretch(h, out, seal_icv_len(op->key));
}

static enum err modelled_seal(struct crypto *c, const struct seal_op *op)
{
    if (!seal_op_valid(op))
        return ERR_LENGTH;
    keystream(c, op);
    if (op->key->integ)
        tick_integ(c, op);
    checksum(op, op->icv);
    return OK;
}

static enum err modelled_open(struct crypto *c, const struct seal_op *op)
{
    size_t icv_len = seal_icv_len(op->key);
    uint8_t icv[ICV_MAX];
    bool good;

    if (!seal_op_valid(op))
        return ERR_LENGTH;
    checksum(op, icv);
    good = bytes_equal_secret(bytes_of(icv, icv_len), bytes_of(op->icv, icv_len));
    if (op->key->integ)
        tick_integ(c, op);
    if (good)
        keystream(c, op);
    else if (op->key->encr->aead)
        tick_cipher(c, op);
    return good ? OK : ERR_ICV;
}

static enum err modelled_sign_key_load(struct crypto *c, struct bytes der, struct sign_key *out)
{
    (void)c;
    return sign_key_read(NULL, der, out);
}

static enum err modelled_verify_key_load(struct crypto *c, struct bytes der, struct verify_key *out)
{
    tick_key_load(c);
    return verify_key_read(NULL, der, out);
}

/* The length is hashed too: a signature that was cut is not the beginning of another one. */
static void signature_of(const struct asymmetric_key *key, const struct sign_suite *suite,
                         const struct bytes *parts, size_t count, uint8_t *out, size_t len)
{
    uint64_t name =
        modelled_hash_of(suite->name, strlen(suite->name), DOMAIN_SIGN + len * MODELLED_STEP);

    stretch(hash_parts(modelled_fold(key->model, GENERATOR) ^ name, parts, count), out, len);
}

static enum err modelled_sign(struct crypto *c, const struct sign_op *op, uint8_t *out, size_t cap,
                              size_t *len)
{
    const struct asymmetric_key *key = &op->key->key;
    size_t wanted;

    *len = 0;
    if (!sign_op_valid(op))
        return ERR_UNSUPPORTED;
    tick_sign(c, op);
    wanted = sign_len(op->suite, key->bits, &op->random);
    if (wanted > cap)
        return ERR_SPACE;
    signature_of(key, op->suite, op->parts, op->count, out, wanted);
    *len = wanted;
    return OK;
}

static enum err modelled_verify(struct crypto *c, const struct verify_op *op,
                                struct bytes signature)
{
    uint8_t expected[SIGN_MAX];

    if (!verify_op_valid(op, signature))
        return ERR_SIGNATURE;
    tick_verify(c, op);
    signature_of(&op->key->key, op->suite, op->parts, op->count, expected, signature.len);
    return bytes_equal(bytes_of(expected, signature.len), signature) ? OK : ERR_SIGNATURE;
}

/* A random word, which names the stream; under that length, text, zeros and a checksum: as much
 * besides the text as the padding of PKCS #1 has at least. */
enum { RSA_WORD = 4, RSA_TEXT = RSA_WORD + 2, RSA_CHECK = 5 };

_Static_assert(RSA_TEXT + RSA_CHECK == PKCS1_OVERHEAD, "every text has room");

static uint64_t rsa_stream(const struct asymmetric_key *key, const uint8_t *block)
{
    return modelled_hash_of(block, RSA_WORD, key->model + DOMAIN_RSA);
}

static enum err modelled_encrypt(struct crypto *c, const struct encrypt_op *op, uint8_t *out,
                                 size_t *len)
{
    const struct asymmetric_key *key = &op->key->key;
    size_t size = (key->bits + 7u) / 8;
    enum err e = encrypt_op_check(op);
    struct rng random = op->random;
    uint64_t v = rng_u64(&random);

    *len = 0;
    if (e)
        return e;
    tick_encrypt(c, op);
    memset(out, 0, size);
    memcpy(out, &v, RSA_WORD);
    store_be16(out + RSA_WORD, (uint16_t)op->text.len);
    memcpy(out + RSA_TEXT, op->text.data, op->text.len);
    v = rsa_stream(key, out);
    stretch(modelled_hash_of(out, size - RSA_CHECK, v), out + size - RSA_CHECK, RSA_CHECK);
    encrypt(v, out + RSA_WORD, size - RSA_WORD);
    *len = size;
    return OK;
}

static bool rsa_opened(const struct decrypt_op *op, uint8_t *block, size_t size, size_t *len)
{
    uint64_t v = rsa_stream(&op->key->key, block);
    uint8_t check[RSA_CHECK];

    encrypt(v, block + RSA_WORD, size - RSA_WORD);
    stretch(modelled_hash_of(block, size - RSA_CHECK, v), check, sizeof check);
    *len = load_be16(block + RSA_WORD);
    return memcmp(check, block + size - RSA_CHECK, sizeof check) == 0 && *len >= op->min &&
           *len <= decrypt_max(op);
}

static enum err modelled_decrypt(struct crypto *c, const struct decrypt_op *op, uint8_t *out,
                                 size_t *len)
{
    uint8_t block[ENCRYPT_MAX];
    enum err e = decrypt_op_check(op);
    uint64_t instead;

    *len = 0;
    if (e)
        return e;
    tick_decrypt(c, op);
    memcpy(block, op->text.data, op->text.len);
    if (rsa_opened(op, block, op->text.len, len)) {
        memcpy(out, block + RSA_TEXT, *len);
        return OK;
    }
    instead = modelled_hash_of(op->text.data, op->text.len, op->key->key.model + DOMAIN_STAND_IN);
    *len = op->min + word(instead, 0) % (decrypt_max(op) - op->min + 1);
    stretch(instead, out, *len);
    return OK;
}

static void modelled_destroy(struct crypto *c)
{
    x509_shelf_free(c->certificates);
    free(c);
}

static const struct crypto_class modelled_class = {
    .name = "modelled",
    .secure = false,
    .destroy = modelled_destroy,
    .ke_generate = modelled_ke_generate,
    .ke_derive = modelled_ke_derive,
    .prf = modelled_prf,
    .prf_plus = modelled_prf_plus,
    .sha1 = modelled_sha1,
    .hash = modelled_any_hash,
    .cbc = modelled_cbc,
    .seal = modelled_seal,
    .open = modelled_open,
    .sign_key_load = modelled_sign_key_load,
    .verify_key_load = modelled_verify_key_load,
    .sign = modelled_sign,
    .verify = modelled_verify,
    .encrypt = modelled_encrypt,
    .decrypt = modelled_decrypt,
};

struct crypto *crypto_modelled_create(struct meter *meter)
{
    struct crypto *c = malloc(sizeof *c);

    if (c)
        *c = (struct crypto){.class = &modelled_class, .meter = meter};
    return c;
}
