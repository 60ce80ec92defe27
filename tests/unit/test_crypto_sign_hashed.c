/*
 * Signatures over a hash as it is, which IKEv1 proves itself with: RSA without DigestInfo, ECDSA as
 * r | s. Both providers. RFC 2409 §5.1, RFC 4754 §3, §7.
 */
#include "crypto/provider.h"
#include "crypto/test_pki.h"
#include "suite.h"

enum { KEYS = 4 };

static struct meter meter;
static struct test_key keys[2][KEYS]; /* two key pairs of each type */
static struct test_cert publics[2][KEYS];

static const struct {
    enum sign_key_type type;
    uint16_t ikev1; /* the hash that goes with it, by its number in RFC 2409 appendix A */
    const char *over_text;
} kinds[KEYS] = {{KEY_RSA, 4, "rsa-sha256"},
                 {KEY_ECP256, 4, "ecdsa-256"},
                 {KEY_ECP384, 5, "ecdsa-384"},
                 {KEY_ECP521, 6, "ecdsa-521"}};

START_TEST(keys_are_made)
{
    struct test_pki *pki = test_pki_create();

    for (size_t i = 0; i < sizeof keys / sizeof **keys; i++) {
        ck_assert_ok(test_key_make(pki, kinds[i % KEYS].type, 2048,
                                   rng_stream(1, i, RNG_CREDENTIAL), &keys[i / KEYS][i % KEYS]));
        ck_assert_ok(test_key_public(pki, test_key_bytes(&keys[i / KEYS][i % KEYS]),
                                     &publics[i / KEYS][i % KEYS]));
    }
    test_pki_destroy(pki);
}
END_TEST

/* A provider, and both halves of a key. */
struct signer {
    struct crypto *c;
    struct sign_key own;
    struct verify_key public, other;
};

static struct signer signer_of(int real, size_t kind)
{
    struct signer s = {.c = real ? crypto_openssl_create(&meter) : crypto_modelled_create(&meter)};

    ck_assert_ok(s.c->class->sign_key_load(s.c, test_key_bytes(&keys[0][kind]), &s.own));
    ck_assert_ok(s.c->class->verify_key_load(s.c, test_cert_bytes(&publics[0][kind]), &s.public));
    ck_assert_ok(s.c->class->verify_key_load(s.c, test_cert_bytes(&publics[1][kind]), &s.other));
    return s;
}

static void signer_reset(struct signer *s)
{
    sign_key_reset(&s->own);
    verify_key_reset(&s->public);
    verify_key_reset(&s->other);
    crypto_destroy(s->c);
}

static struct bytes sign(struct signer *s, const struct sign_suite *suite, struct bytes text,
                         uint8_t out[SIGN_MAX])
{
    struct bytes parts[2] = {bytes_of(text.data, 5), bytes_of(text.data + 5, text.len - 5)};
    struct sign_op op = {&s->own, suite, rng_stream(5, 1, RNG_SIGNATURE), parts, 2};
    size_t len;

    ck_assert_ok(s->c->class->sign(s->c, &op, out, SIGN_MAX, &len));
    return bytes_of(out, len);
}

static enum err verify(struct signer *s, const struct verify_key *key,
                       const struct sign_suite *suite, struct bytes text, struct bytes signature)
{
    struct verify_op op = {key, suite, &text, 1};

    return s->c->class->verify(s->c, &op, signature);
}

START_TEST(what_was_signed_verifies_and_nothing_else)
{
    static const size_t lengths[] = {20, 32, 48, 64};
    uint8_t hash[SIGN_HASH_MAX + 1], out[SIGN_MAX];

    for (size_t i = 0; i < sizeof hash; i++)
        hash[i] = (uint8_t)(i * 7 + 1);
    for (size_t i = 0; i < 2 * KEYS; i++) {
        struct signer s = signer_of(i % 2, i / 2);
        const struct sign_suite *suite = sign_suite_hashed(kinds[i / 2].type);

        for (size_t k = 0; k < 4; k++) {
            struct bytes text = bytes_of(hash, lengths[k]), signature = sign(&s, suite, text, out);

            ck_assert_uint_eq(signature.len, sign_len_max(suite, s.own.key.bits));
            ck_assert_ok(verify(&s, &s.public, suite, text, signature));
            ck_assert_int_eq(verify(&s, &s.other, suite, text, signature), ERR_SIGNATURE);
            hash[3] ^= 1;
            ck_assert_int_eq(verify(&s, &s.public, suite, text, signature), ERR_SIGNATURE);
            hash[3] ^= 1;
            out[signature.len - 1] ^= 1;
            ck_assert_int_eq(verify(&s, &s.public, suite, text, signature), ERR_SIGNATURE);
            out[signature.len - 1] ^= 1;
            signature.len--;
            ck_assert_int_eq(verify(&s, &s.public, suite, text, signature), ERR_SIGNATURE);
        }
        signer_reset(&s);
    }
}
END_TEST

/* RFC 8017 §9.2: what a signature with DigestInfo signs is DigestInfo | hash, so a signature over
 * that as it is must be the same one, bit for bit, and one over the hash alone must not. */
START_TEST(rsa_adds_no_digest_info)
{
    static const uint8_t info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                   0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    struct signer s = signer_of(1, 0);
    const struct sign_suite *hashed = sign_suite_hashed(KEY_RSA);
    const struct sign_suite *usual = sign_suite_named("rsa-sha256", 10);
    struct bytes text = bytes_text("a text of some words");
    uint8_t encoded[sizeof info + 32], a[SIGN_MAX], b[SIGN_MAX];

    memcpy(encoded, info, sizeof info);
    ck_assert_ok(s.c->class->hash(s.c, hash_suite(4), &text, 1, encoded + sizeof info));
    sign(&s, usual, text, a);
    sign(&s, hashed, bytes_of(encoded, sizeof encoded), b);
    ck_assert_mem_eq(a, b, 256);
    sign(&s, hashed, bytes_of(encoded + sizeof info, 32), b);
    ck_assert_mem_ne(a, b, 256);
    ck_assert_int_eq(verify(&s, &s.public, usual, text, bytes_of(b, 256)), ERR_SIGNATURE);
    signer_reset(&s);
}
END_TEST

/* RFC 4754 §3: the hash is the input of ECDSA, and is not hashed once more. */
START_TEST(ecdsa_does_not_hash_again)
{
    struct bytes text = bytes_text("a text of some words");
    uint8_t hash[SIGN_HASH_MAX], out[SIGN_MAX];

    for (size_t k = 1; k < KEYS; k++) {
        struct signer s = signer_of(1, k);
        const struct hash_suite *h = hash_suite(kinds[k].ikev1);
        struct bytes signature =
            sign(&s, sign_suite_named(kinds[k].over_text, strlen(kinds[k].over_text)), text, out);

        ck_assert_ok(s.c->class->hash(s.c, h, &text, 1, hash));
        ck_assert_ok(verify(&s, &s.public, sign_suite_hashed(kinds[k].type), bytes_of(hash, h->len),
                            signature));
        signer_reset(&s);
    }
}
END_TEST

START_TEST(wrong_use_is_refused)
{
    uint8_t text[SIGN_HASH_MAX + 1] = {1}, out[SIGN_MAX];
    struct bytes part = bytes_of(text, sizeof text);
    size_t len = 7;

    for (int real = 0; real < 2; real++) {
        struct signer s = signer_of(real, 0);
        struct sign_op op = {&s.own, sign_suite_hashed(KEY_RSA), rng_stream(5, 1, RNG_SIGNATURE),
                             &part, 1};

        ck_assert_int_eq(s.c->class->sign(s.c, &op, out, sizeof out, &len), ERR_UNSUPPORTED);
        op.suite = sign_suite_hashed(KEY_ECP256);
        part.len = 32;
        ck_assert_int_eq(s.c->class->sign(s.c, &op, out, sizeof out, &len), ERR_UNSUPPORTED);
        ck_assert_uint_eq(len, 0);
        part.len = sizeof text;
        signer_reset(&s);
    }
}
END_TEST

/* IKEv2 must never offer, take or find them. */
START_TEST(they_are_in_no_list)
{
    size_t count;
    const struct sign_suite *all = sign_suites(&count);

    for (enum sign_key_type t = 0; t < KEY_TYPES; t++) {
        const struct sign_suite *suite = sign_suite_hashed(t);

        if (t == KEY_ED25519 || t == KEY_ED448) {
            ck_assert_ptr_null(suite);
            continue;
        }
        ck_assert(suite->key == t && suite->hash == SIGN_HASHED);
        ck_assert_uint_eq(sign_text_max(suite), SIGN_HASH_MAX);
        ck_assert_ptr_ne(sign_suite_of_method(suite->method), suite);
        ck_assert_ptr_null(sign_suite_named(suite->name, strlen(suite->name)));
        for (size_t i = 0; i < count; i++)
            ck_assert_ptr_ne(&all[i], suite);
    }
}
END_TEST

START_TEST(keys_are_given_back)
{
    for (size_t i = 0; i < sizeof keys / sizeof **keys; i++) {
        test_key_reset(&keys[i / KEYS][i % KEYS]);
        test_cert_reset(&publics[i / KEYS][i % KEYS]);
    }
}
END_TEST

SUITE("crypto_sign_hashed", keys_are_made, what_was_signed_verifies_and_nothing_else,
      rsa_adds_no_digest_info, ecdsa_does_not_hash_again, wrong_use_is_refused, they_are_in_no_list,
      keys_are_given_back)
