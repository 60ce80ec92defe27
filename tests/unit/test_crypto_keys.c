/* Public keys read by hand against the library's decoders, and keys that are kept for their next
 * use: the keys and the verdicts of keys that are not. */
#include "crypto/key_shelf.h"
#include "crypto/provider.h"
#include "crypto/spki.h"
#include "crypto/test_pki.h"
#include "suite.h"

#include <openssl/x509.h>

enum { MUTATIONS = 3000, PEERS = 2 * KEY_SHELF_MAX + 3 };

static const struct {
    enum sign_key_type type;
    unsigned bits;
} kinds[] = {{KEY_RSA, 2048}, {KEY_RSA, 3072}, {KEY_RSA, 4096},  {KEY_ECP256, 0},
             {KEY_ECP384, 0}, {KEY_ECP521, 0}, {KEY_ED25519, 0}, {KEY_ED448, 0}};

enum { KINDS = sizeof kinds / sizeof *kinds };

static struct meter meter;

static EVP_PKEY *decoded(struct bytes der)
{
    const uint8_t *at = der.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)der.len);

    ERR_clear_error();
    if (key && at == der.data + der.len)
        return key;
    EVP_PKEY_free(key);
    return NULL;
}

START_TEST(keys_are_those_of_the_decoders)
{
    struct test_pki *pki = test_pki_create();

    for (size_t k = 0; k < KINDS; k++) {
        struct test_key key;
        struct test_cert spki;
        EVP_PKEY *by_hand, *by_decoders;
        uint8_t copy[1024];
        unsigned taken = 0;

        ck_assert_ok(test_key_make(pki, kinds[k].type, kinds[k].bits,
                                   rng_stream(1, k, RNG_CREDENTIAL), &key));
        ck_assert_ok(test_key_public(pki, test_key_bytes(&key), &spki));
        by_hand = spki_read(NULL, test_cert_bytes(&spki));
        by_decoders = decoded(test_cert_bytes(&spki));
        ck_assert_msg(by_hand != NULL, "key %zu", k);
        ck_assert_int_eq(EVP_PKEY_eq(by_hand, by_decoders), 1);
        EVP_PKEY_free(by_hand);
        EVP_PKEY_free(by_decoders);
        for (uint64_t i = 0; i < MUTATIONS / (k < 3 ? 1 : 10); i++) {
            struct rng r = rng_stream(k, i, RNG_TEST);
            size_t near = rng_below(&r, 2) ? spki.len : 40; /* most of it is structure */
            size_t len = spki.len - rng_below(&r, 8) / 7;

            memcpy(copy, spki.der, spki.len);
            copy[rng_below(&r, near < len ? near : len)] ^= (uint8_t)(1 << rng_below(&r, 8));
            by_hand = spki_read(NULL, bytes_of(copy, len));
            if (by_hand) { /* what is refused goes to the decoders anyway */
                by_decoders = decoded(bytes_of(copy, len));
                ck_assert_msg(by_decoders != NULL, "key %zu, mutation %d", k, (int)i);
                ck_assert_int_eq(EVP_PKEY_eq(by_hand, by_decoders), 1);
                EVP_PKEY_free(by_decoders);
                taken++;
            }
            EVP_PKEY_free(by_hand);
            ERR_clear_error();
        }
        printf("key %zu: %u mutations make another key\n", k, taken);
        test_key_reset(&key);
        test_cert_reset(&spki);
    }
    test_pki_destroy(pki);
}
END_TEST

static enum err verify(struct crypto *c, const struct sign_suite *suite, struct bytes spki,
                       struct bytes signature)
{
    struct bytes text = bytes_text("what was signed");
    struct verify_key key;
    struct verify_op op = {.key = &key, .suite = suite, .parts = &text, .count = 1};
    enum err e = c->class->verify_key_load(c, spki, &key);

    ck_assert_ok(e);
    e = c->class->verify(c, &op, signature);
    verify_key_reset(&key);
    return e;
}

/* More peers than there is room for, twice around and then the last of them again and again. */
START_TEST(no_key_is_taken_for_another)
{
    const struct sign_suite *suite = sign_suite_named("ed25519", 7);
    struct crypto *c = crypto_openssl_create(&meter);
    struct test_pki *pki = test_pki_create();
    static struct test_cert spki[PEERS];
    static uint8_t signature[PEERS][SIGN_MAX];
    struct bytes text = bytes_text("what was signed");
    size_t len = 0;

    for (size_t i = 0; i < PEERS; i++) {
        struct test_key key;
        struct sign_key own;
        struct sign_op op = {.key = &own, .suite = suite, .parts = &text, .count = 1};

        ck_assert_ok(test_key_make(pki, KEY_ED25519, 0, rng_stream(2, i, RNG_CREDENTIAL), &key));
        ck_assert_ok(test_key_public(pki, test_key_bytes(&key), &spki[i]));
        ck_assert_ok(c->class->sign_key_load(c, test_key_bytes(&key), &own));
        ck_assert_ok(c->class->sign(c, &op, signature[i], SIGN_MAX, &len));
        sign_key_reset(&own);
        test_key_reset(&key);
    }
    for (size_t i = 0; i < 3 * PEERS; i++) {
        size_t who = i < 2 * PEERS ? i % PEERS : PEERS - 1 - i % 2, other = (who + 1) % PEERS;

        ck_assert_ok(verify(c, suite, test_cert_bytes(&spki[who]), bytes_of(signature[who], len)));
        ck_assert_int_eq(
            verify(c, suite, test_cert_bytes(&spki[who]), bytes_of(signature[other], len)),
            ERR_SIGNATURE);
    }
    for (size_t i = 0; i < PEERS; i++)
        test_cert_reset(&spki[i]);
    test_pki_destroy(pki);
    crypto_destroy(c);
}
END_TEST

/* A provider that does not draw lengths signs once, and what it signs verifies. */
START_TEST(lengths_are_drawn_in_simulations_only)
{
    const struct sign_suite *suite = sign_suite_named("ecdsa-256-sha256", 16);
    struct test_pki *pki = test_pki_create();
    unsigned as_drawn[2] = {0};
    struct test_key key;
    struct test_cert spki;

    ck_assert_ok(test_key_make(pki, KEY_ECP256, 0, rng_stream(3, 1, RNG_CREDENTIAL), &key));
    ck_assert_ok(test_key_public(pki, test_key_bytes(&key), &spki));
    for (int plain = 0; plain < 2; plain++) {
        struct crypto *c =
            plain ? crypto_openssl_plain_create(&meter) : crypto_openssl_create(&meter);
        struct bytes text = bytes_text("what was signed");
        struct sign_key own;

        ck_assert_ok(c->class->sign_key_load(c, test_key_bytes(&key), &own));
        for (uint64_t i = 0; i < 200; i++) {
            struct sign_op op = {&own, suite, rng_stream(5, i, RNG_SIGNATURE), &text, 1};
            uint8_t signature[SIGN_MAX];
            size_t len;

            ck_assert_ok(c->class->sign(c, &op, signature, sizeof signature, &len));
            ck_assert_ok(verify(c, suite, test_cert_bytes(&spki), bytes_of(signature, len)));
            as_drawn[plain] += len == sign_len(suite, 256, &op.random);
        }
        sign_key_reset(&own);
        crypto_destroy(c);
    }
    ck_assert_uint_eq(as_drawn[0], 200);
    ck_assert_uint_gt(as_drawn[1], 40); /* three in eight by chance */
    ck_assert_uint_lt(as_drawn[1], 110);
    test_key_reset(&key);
    test_cert_reset(&spki);
    test_pki_destroy(pki);
}
END_TEST

SUITE("crypto_keys", keys_are_those_of_the_decoders, no_key_is_taken_for_another,
      lengths_are_drawn_in_simulations_only)
