/*
 * RSAES-PKCS1-v1_5, which IKEv1 encrypts nonces and identities with (RFC 2409 §5.2, RFC 8017 §7.2):
 * what comes back, what comes in the place of what does not decrypt, and that OpenSSL agrees.
 */
#include "crypto/openssl_headers.h"
#include "crypto/pkcs1.h"
#include "crypto/provider.h"
#include "crypto/test_pki.h"
#include "suite.h"

#include <openssl/rsa.h>

enum { SIZES = 2, NONCE_MIN = 8, NONCE_MAX = 200 };

static const unsigned sizes[SIZES] = {2048, 4096};

static struct meter meter;
static struct test_key keys[SIZES], elliptic;
static struct test_cert publics[SIZES], elliptic_public;

START_TEST(keys_are_made)
{
    struct test_pki *pki = test_pki_create();

    for (unsigned i = 0; i < SIZES; i++) {
        ck_assert_ok(
            test_key_make(pki, KEY_RSA, sizes[i], rng_stream(1, i, RNG_CREDENTIAL), &keys[i]));
        ck_assert_ok(test_key_public(pki, test_key_bytes(&keys[i]), &publics[i]));
    }
    ck_assert_ok(test_key_make(pki, KEY_ECP256, 0, rng_stream(2, 0, RNG_CREDENTIAL), &elliptic));
    ck_assert_ok(test_key_public(pki, test_key_bytes(&elliptic), &elliptic_public));
    test_pki_destroy(pki);
}
END_TEST

/* A provider, and both halves of a key. */
struct ends {
    struct crypto *c;
    struct sign_key own;
    struct verify_key public;
    size_t size; /* bytes of the modulus */
};

static struct ends ends_of(int real, struct test_key *key, struct test_cert *public)
{
    struct ends s = {.c = real ? crypto_openssl_create(&meter) : crypto_modelled_create(&meter)};

    ck_assert_ok(s.c->class->sign_key_load(s.c, test_key_bytes(key), &s.own));
    ck_assert_ok(s.c->class->verify_key_load(s.c, test_cert_bytes(public), &s.public));
    s.size = s.own.key.bits / 8;
    return s;
}

static void ends_reset(struct ends *s)
{
    sign_key_reset(&s->own);
    verify_key_reset(&s->public);
    crypto_destroy(s->c);
}

static size_t encrypt(struct ends *s, struct bytes text, uint64_t n, uint8_t *out)
{
    const struct encrypt_op op = {&s->public, rng_stream(5, n, RNG_TEST), text};
    size_t len;

    ck_assert_ok(s->c->class->encrypt(s->c, &op, out, &len));
    return len;
}

static enum err decrypt(struct ends *s, struct bytes text, size_t min, size_t max, uint8_t *out,
                        size_t *len)
{
    const struct decrypt_op op = {&s->own, rng_stream(6, 0, RNG_TEST), text, min, max};

    return s->c->class->decrypt(s->c, &op, out, len);
}

START_TEST(what_was_encrypted_comes_back)
{
    uint8_t text[ENCRYPT_MAX], sealed[ENCRYPT_MAX], again[ENCRYPT_MAX], out[ENCRYPT_MAX];

    for (unsigned i = 0; i < 2 * SIZES; i++) {
        struct ends s = ends_of((int)i % 2, &keys[i / 2], &publics[i / 2]);
        size_t most = encrypt_text_max(&s.public.key);

        ck_assert_uint_eq(most, s.size - 11);
        for (size_t len = 0; len <= most; len += len < 4 || len + 2 > most ? 1 : 40) {
            size_t got;

            memset(text, 0, sizeof text); /* zeros are no end of it */
            memset(text, (int)len, len / 2);
            ck_assert_uint_eq(encrypt(&s, bytes_of(text, len), 1, sealed), s.size);
            ck_assert_uint_eq(encrypt(&s, bytes_of(text, len), 1, again), s.size);
            ck_assert_mem_eq(sealed, again, s.size);
            encrypt(&s, bytes_of(text, len), 2, again);
            ck_assert_mem_ne(sealed, again, s.size);
            ck_assert_ok(decrypt(&s, bytes_of(sealed, s.size), 0, ENCRYPT_MAX, out, &got));
            ck_assert_uint_eq(got, len);
            ck_assert_mem_eq(out, text, len);
        }
        ends_reset(&s);
    }
}
END_TEST

/* By the library's own hand, of our key. */
static size_t library(struct ends *s, bool encrypts, int padding, struct bytes in, uint8_t *out)
{
    EVP_PKEY_CTX *ctx =
        EVP_PKEY_CTX_new(encrypts ? s->public.key.library : s->own.key.library, NULL);
    size_t len = ENCRYPT_MAX;

    ck_assert_int_gt(encrypts ? EVP_PKEY_encrypt_init(ctx) : EVP_PKEY_decrypt_init(ctx), 0);
    ck_assert_int_gt(EVP_PKEY_CTX_set_rsa_padding(ctx, padding), 0);
    ck_assert_int_gt(
        (encrypts ? EVP_PKEY_encrypt : EVP_PKEY_decrypt)(ctx, out, &len, in.data, in.len), 0);
    EVP_PKEY_CTX_free(ctx);
    return len;
}

START_TEST(the_library_agrees)
{
    const struct bytes text = bytes_text("a nonce that somebody else has drawn");
    uint8_t sealed[ENCRYPT_MAX], out[ENCRYPT_MAX];

    for (unsigned i = 0; i < SIZES; i++) {
        struct ends s = ends_of(1, &keys[i], &publics[i]);
        size_t len = library(&s, true, RSA_PKCS1_PADDING, text, sealed);

        ck_assert_ok(decrypt(&s, bytes_of(sealed, len), NONCE_MIN, NONCE_MAX, out, &len));
        ck_assert_uint_eq(len, text.len);
        ck_assert_mem_eq(out, text.data, len);
        len = encrypt(&s, text, 1, sealed);
        len = library(&s, false, RSA_PKCS1_PADDING, bytes_of(sealed, len), out);
        ck_assert_uint_eq(len, text.len);
        ck_assert_mem_eq(out, text.data, len);
        ends_reset(&s);
    }
}
END_TEST

/* ---- the padding by itself ---- */

/* As one would write it who has no secrets. @return SIZE_MAX: there is no message */
static size_t plainly(const uint8_t *em, size_t em_len, size_t min, size_t max)
{
    size_t at = 2;

    if (em[0] != 0 || em[1] != 2)
        return SIZE_MAX;
    while (at < em_len && em[at] != 0)
        at++;
    if (at < 10 || at == em_len || em_len - at - 1 < min || em_len - at - 1 > max)
        return SIZE_MAX;
    return em_len - at - 1;
}

static unsigned compare(const uint8_t *em, size_t em_len, size_t min, size_t max)
{
    static const uint8_t instead[ENCRYPT_MAX] = "what nobody knows";
    const struct pkcs1_want want = {min, max, instead, (min + max) / 2};
    size_t wanted = plainly(em, em_len, min, max), len;
    uint8_t copy[ENCRYPT_MAX], out[ENCRYPT_MAX];

    memcpy(copy, em, em_len);
    len = pkcs1_take(copy, em_len, &want, out);
    ck_assert_uint_eq(len, wanted == SIZE_MAX ? want.instead_len : wanted);
    ck_assert_mem_eq(out, wanted == SIZE_MAX ? instead : em + em_len - wanted, len);
    return wanted != SIZE_MAX;
}

/* 0 | 2 | ones | 0 at `zero`, if that is within | a message */
static void pad(uint8_t *em, size_t em_len, size_t zero)
{
    for (size_t i = 0; i < em_len; i++)
        em[i] = (uint8_t)(i < zero ? 1 + i % 255 : i * 7);
    em[0] = 0;
    em[1] = 2;
    if (zero < em_len)
        em[zero] = 0;
}

START_TEST(the_padding_comes_off_as_the_rfc_has_it)
{
    static const size_t lengths[] = {12, 64, 256, 257, 384, 512};
    uint8_t em[ENCRYPT_MAX];
    unsigned messages = 0, cases = 0;

    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
        for (size_t zero = 2; zero <= lengths[l]; zero++) {
            size_t n = lengths[l];

            for (size_t max = 0; max <= n - 11; max += n < 100 ? 1 : (n - 11) / 3)
                for (size_t min = 0; min <= max; min += n < 100 ? 1 : (n - 11) / 3) {
                    pad(em, n, zero);
                    messages += compare(em, n, min, max);
                    cases++;
                }
        }
    ck_assert_uint_gt(messages, 1000);
    ck_assert_uint_gt(cases - messages, 1000);
}
END_TEST

/* Both bytes before the padding, with every value. */
START_TEST(the_first_two_bytes_count)
{
    uint8_t em[256];
    unsigned messages = 0;

    for (unsigned first = 0; first < 256; first++)
        for (unsigned second = 0; second < 256; second++) {
            pad(em, sizeof em, 100);
            em[0] = (uint8_t)first;
            em[1] = (uint8_t)second;
            messages += compare(em, sizeof em, 0, 200);
        }
    ck_assert_uint_eq(messages, 1);
}
END_TEST

/* ---- what does not decrypt ---- */

/* A ciphertext of whatever is wanted in the place of 0 | 2 | padding | 0 | message. */
static void seal_bare(struct ends *s, const uint8_t *em, uint8_t *out)
{
    ck_assert_uint_eq(library(s, true, RSA_NO_PADDING, bytes_of(em, s->size), out), s->size);
}

START_TEST(what_does_not_decrypt_is_something_else)
{
    uint8_t em[ENCRYPT_MAX], sealed[ENCRYPT_MAX], out[2][ENCRYPT_MAX], last[ENCRYPT_MAX] = {0};
    size_t len[2], lengths = 0, last_len = 0;

    for (unsigned i = 0; i < 2 * 60; i++) {
        int real = (int)i % 2;
        struct ends s = ends_of(real, &keys[0], &publics[0]);
        size_t where = 2 + i / 2 * 4;

        /* A message that is too short, too long or none; of the model any bytes are. */
        pad(em, s.size, where < 10 || where > 246 || where < 55 ? where : s.size);
        if (real)
            seal_bare(&s, em, sealed);
        else
            memcpy(sealed, em, s.size);
        for (int k = 0; k < 2; k++) {
            ck_assert_ok(
                decrypt(&s, bytes_of(sealed, s.size), NONCE_MIN, NONCE_MAX, out[k], &len[k]));
            ck_assert(len[k] >= NONCE_MIN && len[k] <= NONCE_MAX);
        }
        ck_assert_uint_eq(len[0], len[1]); /* always the same */
        ck_assert_mem_eq(out[0], out[1], len[0]);
        ck_assert_mem_ne(out[0], em + s.size - len[0], NONCE_MIN);
        if (where != 2 && where < 55) /* and others of other ciphertexts */
            ck_assert_mem_ne(out[0], last, NONCE_MIN);
        lengths += len[0] != last_len;
        last_len = len[0];
        memcpy(last, out[0], sizeof last);
        ends_reset(&s);
    }
    ck_assert_uint_gt(lengths, 60); /* of many lengths */
}
END_TEST

/* It is made of the private key: who has the public one only cannot know it. */
START_TEST(another_key_makes_another_one)
{
    uint8_t sealed[256] = {0}, out[2][ENCRYPT_MAX];
    struct test_key other;
    struct test_cert other_public;
    struct test_pki *pki = test_pki_create();
    size_t len[2];

    ck_assert_ok(test_key_make(pki, KEY_RSA, 2048, rng_stream(9, 9, RNG_CREDENTIAL), &other));
    ck_assert_ok(test_key_public(pki, test_key_bytes(&other), &other_public));
    sealed[255] = 77;
    for (int i = 0; i < 2; i++) {
        struct ends s = ends_of(1, i ? &other : &keys[0], i ? &other_public : &publics[0]);

        ck_assert_ok(decrypt(&s, bytes_of(sealed, 256), NONCE_MIN, NONCE_MAX, out[i], &len[i]));
        ends_reset(&s);
    }
    ck_assert_mem_ne(out[0], out[1], NONCE_MIN);
    test_key_reset(&other);
    test_cert_reset(&other_public);
    test_pki_destroy(pki);
}
END_TEST

START_TEST(what_anybody_can_see_is_refused)
{
    uint8_t sealed[ENCRYPT_MAX + 1], out[ENCRYPT_MAX];
    size_t len;

    memset(sealed, 0xff, sizeof sealed);
    for (int real = 0; real < 2; real++) {
        struct ends s = ends_of(real, &keys[0], &publics[0]);

        ck_assert_int_eq(decrypt(&s, bytes_of(sealed, 255), 0, 9, out, &len), ERR_LENGTH);
        ck_assert_int_eq(decrypt(&s, bytes_of(sealed, 257), 0, 9, out, &len), ERR_LENGTH);
        ck_assert_int_eq(decrypt(&s, bytes_of(sealed, 0), 0, 9, out, &len), ERR_LENGTH);
        if (real)
            ck_assert_int_eq(decrypt(&s, bytes_of(sealed, 256), 0, 9, out, &len), ERR_SYNTAX);
        ck_assert_uint_eq(len, 0);
        ck_assert_int_eq(s.c->class->encrypt(
                             s.c,
                             &(struct encrypt_op){.key = &s.public, .text = bytes_of(sealed, 246)},
                             out, &len),
                         ERR_LENGTH);
        ends_reset(&s);
        s = ends_of(real, &elliptic, &elliptic_public);
        ck_assert_int_eq(decrypt(&s, bytes_of(sealed, 32), 0, 9, out, &len), ERR_UNSUPPORTED);
        ck_assert_int_eq(
            s.c->class->encrypt(s.c,
                                &(struct encrypt_op){.key = &s.public, .text = bytes_of(sealed, 8)},
                                out, &len),
            ERR_UNSUPPORTED);
        ck_assert_uint_eq(len, 0);
        ends_reset(&s);
    }
}
END_TEST

START_TEST(it_costs_what_signing_and_verifying_do)
{
    uint8_t sealed[ENCRYPT_MAX], out[ENCRYPT_MAX];
    size_t len;

    for (unsigned i = 0; i < 2 * SIZES; i++) {
        struct ends s = ends_of((int)i % 2, &keys[i / 2], &publics[i / 2]);

        meter_clear(&meter);
        encrypt(&s, bytes_text("a nonce"), 1, sealed);
        ck_assert_uint_eq(meter.count[verify_meter(&s.public.key)], 1);
        ck_assert_ok(decrypt(&s, bytes_of(sealed, s.size), 0, 200, out, &len));
        ck_assert_uint_eq(meter.count[sign_meter(&s.own.key)], 1);
        ends_reset(&s);
    }
    for (unsigned i = 0; i < SIZES; i++) {
        test_key_reset(&keys[i]);
        test_cert_reset(&publics[i]);
    }
    test_key_reset(&elliptic);
    test_cert_reset(&elliptic_public);
}
END_TEST

SUITE("crypto_encrypt", keys_are_made, what_was_encrypted_comes_back, the_library_agrees,
      the_padding_comes_off_as_the_rfc_has_it, the_first_two_bytes_count,
      what_does_not_decrypt_is_something_else, another_key_makes_another_one,
      what_anybody_can_see_is_refused, it_costs_what_signing_and_verifying_do)
