#include "crypto/work.h"

#include "base/assert.h"
#include "crypto/openssl_headers.h"

static void note(struct crypto_work *w, enum err e)
{
    if (e != OK)
        w->error = e;
}

static struct bytes text_of(const struct crypto_work *w)
{
    ASSERT(w->len <= sizeof w->text);
    return bytes_of(w->text, w->len);
}

void crypto_work_ke(struct crypto_work *w, const struct ke_suite *suite)
{
    w->ke = suite;
    crypto_work_generate(w);
    note(w, w->crypto->class->ke_generate(w->crypto, suite, rng_stream(2, 1, RNG_TEST), &w->peer));
}

void crypto_work_generate(struct crypto_work *w)
{
    note(w, w->crypto->class->ke_generate(w->crypto, w->ke, rng_stream(1, 1, RNG_TEST), &w->own));
}

void crypto_work_derive(struct crypto_work *w)
{
    note(w, w->crypto->class->ke_derive(w->crypto, &w->own,
                                        bytes_of(w->peer.public, w->ke->public_len), w->out));
}

void crypto_work_key(struct crypto_work *w, const struct sign_suite *suite, unsigned bits)
{
    const struct crypto_class *class = w->crypto->class;
    struct test_pki *pki = test_pki_create();
    struct test_key key = {NULL, 0};
    struct rng random = rng_stream(4, suite->key + bits, RNG_TEST);

    w->sign = suite;
    note(w, pki ? test_key_make(pki, suite->key, bits, random, &key) : ERR_CRYPTO);
    if (w->error == OK)
        note(w, test_key_public(pki, test_key_bytes(&key), &w->public));
    if (w->error == OK)
        note(w, class->sign_key_load(w->crypto, test_key_bytes(&key), &w->sign_key));
    if (w->error == OK)
        note(w, class->verify_key_load(w->crypto, test_cert_bytes(&w->public), &w->verify_key));
    if (w->error == OK)
        crypto_work_sign(w);
    test_key_reset(&key);
    test_pki_destroy(pki);
}

void crypto_work_key_reset(struct crypto_work *w)
{
    verify_key_reset(&w->verify_key);
    sign_key_reset(&w->sign_key);
    test_cert_reset(&w->public);
}

void crypto_work_sign(struct crypto_work *w)
{
    struct bytes text = text_of(w);
    struct sign_op op = {&w->sign_key, w->sign, rng_stream(3, 1, RNG_TEST), &text, 1};

    w->signature = bytes_of(w->out, 0);
    note(w, w->crypto->class->sign(w->crypto, &op, w->out, sizeof w->out, &w->signature.len));
}

void crypto_work_verify(struct crypto_work *w)
{
    struct bytes text = text_of(w);
    struct verify_op op = {&w->verify_key, w->sign, &text, 1};

    note(w, w->crypto->class->verify(w->crypto, &op, w->signature));
}

void crypto_work_suite(struct crypto_work *w, const struct encr_suite *encr,
                       const struct integ_suite *integ)
{
    w->key = (struct seal_key){encr, integ, w->keys, w->keys + ENCR_KEY_MAX};
    w->op = (struct seal_op){.key = &w->key, .iv = w->iv, .text = w->text, .icv = w->icv};
}

void crypto_work_seal(struct crypto_work *w)
{
    w->op.text_len = text_of(w).len;
    note(w, w->crypto->class->seal(w->crypto, &w->op));
}

void crypto_work_seal_keep(struct crypto_work *w)
{
    crypto_work_seal(w);
    memcpy(w->sealed, w->text, w->len);
}

void crypto_work_open(struct crypto_work *w)
{
    memcpy(w->text, w->sealed, w->len);
    note(w, w->crypto->class->open(w->crypto, &w->op));
}

void crypto_work_prf(struct crypto_work *w)
{
    struct bytes text = text_of(w);

    note(w,
         w->crypto->class->prf(w->crypto, prf_suite(5), bytes_of(w->keys, 32), &text, 1, w->out));
}

void crypto_work_sha1(struct crypto_work *w)
{
    struct bytes text = text_of(w);

    note(w, w->crypto->class->sha1(w->crypto, &text, 1, w->out));
}

void crypto_work_random(struct crypto_work *w)
{
    if (RAND_bytes(w->text, (int)text_of(w).len) <= 0)
        w->error = ERR_CRYPTO;
}
