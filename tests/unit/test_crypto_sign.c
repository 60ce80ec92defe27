/* Signatures of both providers: round trips, refusals, repeatability, lengths, the meter. */
#include "crypto/provider.h"
#include "crypto/test_pki.h"
#include "hex.h"
#include "suite.h"

#include <sys/wait.h>
#include <unistd.h>

enum { KEYS = 8 };

static struct meter meter;
static struct test_key keys[2][KEYS]; /* two key pairs of each kind */
static struct test_cert publics[2][KEYS];

static const struct {
    enum sign_key_type type;
    unsigned bits;
} kinds[KEYS] = {{KEY_RSA, 2048},  {KEY_ECP256, 0}, {KEY_ECP384, 0}, {KEY_ECP521, 0},
                 {KEY_ED25519, 0}, {KEY_ED448, 0},  {KEY_RSA, 3072}, {KEY_RSA, 4096}};

static void make_keys(void)
{
    struct test_pki *pki = test_pki_create();

    ck_assert_ptr_nonnull(pki);
    for (size_t who = 0; who < 2; who++)
        for (size_t i = 0; i < KEYS - 2 * who; i++) {
            ck_assert_ok(test_key_make(pki, kinds[i].type, kinds[i].bits,
                                       rng_stream(1 + who, i, RNG_CREDENTIAL), &keys[who][i]));
            ck_assert_ok(test_key_public(pki, test_key_bytes(&keys[who][i]), &publics[who][i]));
        }
    test_pki_destroy(pki);
}

static void free_keys(void)
{
    for (size_t who = 0; who < 2; who++)
        for (size_t i = 0; i < KEYS; i++) {
            test_key_reset(&keys[who][i]);
            test_cert_reset(&publics[who][i]);
        }
}

static struct crypto *make(bool real)
{
    struct crypto *c = real ? crypto_openssl_create(&meter) : crypto_modelled_create(&meter);

    ck_assert_ptr_nonnull(c);
    return c;
}

static size_t kind_of(enum sign_key_type type)
{
    size_t i = 0;

    while (kinds[i].type != type)
        i++;
    return i;
}

/* A provider and the two halves of a key that a suite takes. */
struct signer {
    struct crypto *c;
    const struct sign_suite *suite;
    struct sign_key own;
    struct verify_key public;
};

static struct signer signer_with(bool real, const struct sign_suite *suite, size_t who, size_t kind)
{
    struct signer s = {.c = make(real), .suite = suite};

    ck_assert_ok(s.c->class->sign_key_load(s.c, test_key_bytes(&keys[who][kind]), &s.own));
    ck_assert_ok(s.c->class->verify_key_load(s.c, test_cert_bytes(&publics[who][kind]), &s.public));
    return s;
}

static struct signer signer_of(bool real, const struct sign_suite *suite, size_t who)
{
    return signer_with(real, suite, who, kind_of(suite->key));
}

static void signer_reset(struct signer *s)
{
    sign_key_reset(&s->own);
    verify_key_reset(&s->public);
    crypto_destroy(s->c);
}

static size_t sign(struct signer *s, const char *text, uint64_t stream, uint8_t *out)
{
    struct bytes parts[2] = {bytes_of(text, 1), bytes_of(text + 1, strlen(text) - 1)};
    struct sign_op op = {&s->own, s->suite, rng_stream(5, stream, RNG_SIGNATURE), parts, 2};
    size_t len;

    ck_assert_ok(s->c->class->sign(s->c, &op, out, SIGN_MAX, &len));
    return len;
}

static enum err verify(struct signer *s, const char *text, struct bytes signature)
{
    struct bytes part = bytes_text(text);
    struct verify_op op = {&s->public, s->suite, &part, 1};

    return s->c->class->verify(s->c, &op, signature);
}

START_TEST(every_suite_signs_and_verifies)
{
    size_t count;
    const struct sign_suite *all = sign_suites(&count);

    for (size_t i = 0; i < 2 * count; i++) {
        struct signer s = signer_of(i % 2, &all[i / 2], 0);
        uint8_t signature[SIGN_MAX];
        size_t len = sign(&s, "a text", 1, signature);

        ck_assert_uint_le(len, sign_len_max(s.suite, s.own.key.bits));
        ck_assert_msg(verify(&s, "a text", bytes_of(signature, len)) == OK, "%s", s.suite->name);
        signer_reset(&s);
    }
}
END_TEST

START_TEST(rsa_of_every_size)
{
    static const size_t sizes[] = {0, 6, 7};
    const struct sign_suite *pss = sign_suite_named("rsa/pss-sha512", 14);

    for (size_t i = 0; i < 6; i++) {
        struct signer s = signer_with(i % 2, pss, 0, sizes[i / 2]);
        uint8_t signature[SIGN_MAX];
        size_t len = sign(&s, "a text", 1, signature);

        ck_assert_uint_eq(len, kinds[sizes[i / 2]].bits / 8);
        ck_assert_ok(verify(&s, "a text", bytes_of(signature, len)));
        signer_reset(&s);
    }
}
END_TEST

/* Every bit of EdDSA and ECDSA signatures and every seventh of RSA ones; other lengths. */
static void refuses_changed(struct signer *s, uint8_t *signature, size_t len)
{
    size_t step = s->suite->key == KEY_RSA ? 7 : s->suite->key == KEY_ECP384 ? 5 : 3;
    uint8_t longer[SIGN_MAX + 1] = {0};

    for (size_t bit = 0; bit < 8 * len; bit += step) {
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_msg(verify(s, "a text", bytes_of(signature, len)) == ERR_SIGNATURE,
                      "%s takes bit %zu", s->suite->name, bit);
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t shorter = 0; shorter < len; shorter += step)
        ck_assert_int_eq(verify(s, "a text", bytes_of(signature, shorter)), ERR_SIGNATURE);
    memcpy(longer, signature, len);
    ck_assert_int_eq(verify(s, "a text", bytes_of(longer, len + 1)), ERR_SIGNATURE);
    memset(longer, 0, sizeof longer);
    ck_assert_int_eq(verify(s, "a text", bytes_of(longer, len)), ERR_SIGNATURE);
    memset(longer, 0xff, sizeof longer);
    ck_assert_int_eq(verify(s, "a text", bytes_of(longer, len)), ERR_SIGNATURE);
}

START_TEST(what_was_changed_does_not_verify)
{
    size_t count;
    const struct sign_suite *all = sign_suites(&count);

    for (size_t i = 0; i < 2 * count; i++) {
        struct signer s = signer_of(i % 2, &all[i / 2], 0), other = signer_of(i % 2, s.suite, 1);
        uint8_t signature[SIGN_MAX];
        size_t len = sign(&s, "a text", 1, signature);

        refuses_changed(&s, signature, len);
        ck_assert_int_eq(verify(&s, "a texT", bytes_of(signature, len)), ERR_SIGNATURE);
        ck_assert_int_eq(verify(&s, "a text ", bytes_of(signature, len)), ERR_SIGNATURE);
        ck_assert_int_eq(verify(&s, "a tex", bytes_of(signature, len)), ERR_SIGNATURE);
        ck_assert_int_eq(verify(&other, "a text", bytes_of(signature, len)), ERR_SIGNATURE);
        signer_reset(&other);
        signer_reset(&s);
    }
}
END_TEST

START_TEST(another_suite_does_not_verify)
{
    size_t count;
    const struct sign_suite *all = sign_suites(&count);

    for (size_t i = 0; i < 2 * count; i++) {
        struct signer s = signer_of(i % 2, &all[i / 2], 0);
        const struct sign_suite *made_with = s.suite;
        uint8_t signature[SIGN_MAX];
        size_t len = sign(&s, "a text", 1, signature);

        for (size_t k = 0; k < count; k++) {
            s.suite = &all[k];
            ck_assert_msg((verify(&s, "a text", bytes_of(signature, len)) == OK) ==
                              (s.suite == made_with),
                          "%s as %s", made_with->name, s.suite->name);
        }
        s.suite = made_with;
        signer_reset(&s);
    }
}
END_TEST

START_TEST(wrong_use_is_refused)
{
    for (int real = 0; real < 2; real++) {
        struct signer s = signer_of(real, sign_suite_named("ecdsa-256", 9), 0);
        static uint8_t text[SIGN_TEXT_MAX + 1];
        struct bytes part = bytes_of(text, 9);
        struct sign_op op = {&s.own, s.suite, rng_stream(5, 1, RNG_SIGNATURE), &part, 1};
        uint8_t out[SIGN_MAX];
        size_t len = 7;

        ck_assert_int_eq(s.c->class->sign(s.c, &op, out, 63, &len), ERR_SPACE);
        ck_assert_uint_eq(len, 0);
        op.suite = sign_suite_named("ed25519", 7);
        ck_assert_int_eq(s.c->class->sign(s.c, &op, out, sizeof out, &len), ERR_UNSUPPORTED);
        op.suite = s.suite;
        part.len = sizeof text;
        ck_assert_int_eq(s.c->class->sign(s.c, &op, out, sizeof out, &len), ERR_UNSUPPORTED);
        ck_assert_uint_eq(len, 0);
        signer_reset(&s);
    }
}
END_TEST

/* ------------------------------------------------------------------- repeatability */

/* All suites, the keys used in between so that blinding has a history. */
static void all_signatures(bool real, uint64_t before, uint8_t *out)
{
    size_t count;
    const struct sign_suite *all = sign_suites(&count);

    memset(out, 0, count * SIGN_MAX);
    for (size_t i = 0; i < count; i++) {
        struct signer s = signer_of(real, &all[i], 0);

        for (uint64_t k = 0; k < before; k++)
            sign(&s, "another text", 100 + k, out + i * SIGN_MAX);
        memset(out + i * SIGN_MAX, 0, SIGN_MAX);
        sign(&s, "a text", 1, out + i * SIGN_MAX);
        signer_reset(&s);
    }
}

START_TEST(signatures_repeat)
{
    static uint8_t first[32 * SIGN_MAX], second[32 * SIGN_MAX];
    size_t count;

    sign_suites(&count);
    ck_assert_uint_le(count, 32);
    for (int real = 0; real < 2; real++) {
        all_signatures(real, 0, first);
        all_signatures(real, 2, second);
        ck_assert_mem_eq(first, second, count * SIGN_MAX);
    }
}
END_TEST

START_TEST(signatures_repeat_in_another_process)
{
    static uint8_t first[32 * SIGN_MAX], second[32 * SIGN_MAX];
    size_t count, got = 0;
    int ends[2], status;
    pid_t child;

    sign_suites(&count);
    ck_assert_int_eq(pipe(ends), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        free_keys();
        make_keys();
        all_signatures(true, 1, first);
        for (size_t at = 0; at < count * SIGN_MAX; at += SIGN_MAX)
            if (write(ends[1], first + at, SIGN_MAX) != SIGN_MAX)
                _exit(1);
        _exit(0);
    }
    close(ends[1]);
    while (got < count * SIGN_MAX) {
        ssize_t n = read(ends[0], second + got, count * SIGN_MAX - got);

        ck_assert_int_gt(n, 0);
        got += (size_t)n;
    }
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    all_signatures(true, 0, first);
    ck_assert_mem_eq(first, second, count * SIGN_MAX);
}
END_TEST

START_TEST(another_stream_gives_another_signature_where_chance_is_used)
{
    size_t count;
    const struct sign_suite *all = sign_suites(&count);

    for (size_t i = 0; i < count; i++) {
        struct signer s = signer_of(true, &all[i], 0);
        uint8_t a[SIGN_MAX], b[SIGN_MAX];
        bool fixed = s.suite->form == SIGN_RSA_PKCS1 || s.suite->form == SIGN_EDDSA;
        size_t len = sign(&s, "a text", 1, a);
        bool same = len == sign(&s, "a text", 2, b) && memcmp(a, b, len) == 0;

        ck_assert_int_eq(same, fixed);
        signer_reset(&s);
    }
}
END_TEST

/* ------------------------------------------------------------------- real as modelled */

START_TEST(both_providers_agree_on_length_and_meter)
{
    size_t count;
    const struct sign_suite *all = sign_suites(&count);

    for (size_t i = 0; i < count; i++) {
        struct signer real = signer_of(true, &all[i], 0), modelled = signer_of(false, &all[i], 0);
        uint8_t out[SIGN_MAX];

        for (uint64_t k = 0; k < 12; k++) {
            struct meter after;
            size_t len;

            meter_clear(&meter);
            len = sign(&real, "a text", k, out);
            ck_assert_ok(verify(&real, "a text", bytes_of(out, len)));
            ck_assert_int_eq(verify(&real, "b text", bytes_of(out, len)), ERR_SIGNATURE);
            ck_assert_int_eq(verify(&real, "b text", bytes_of(out, 0)), ERR_SIGNATURE);
            after = meter;
            meter_clear(&meter);
            ck_assert_uint_eq(sign(&modelled, "a text", k, out), len);
            ck_assert_ok(verify(&modelled, "a text", bytes_of(out, len)));
            ck_assert_int_eq(verify(&modelled, "b text", bytes_of(out, len)), ERR_SIGNATURE);
            ck_assert_int_eq(verify(&modelled, "b text", bytes_of(out, 0)), ERR_SIGNATURE);
            ck_assert_mem_eq(&meter, &after, sizeof meter);
            ck_assert_uint_eq(meter.count[sign_meter(&real.own.key)], 1);
            ck_assert_uint_eq(meter.count[verify_meter(&real.own.key)], 2);
            ck_assert_uint_eq(meter.bytes[sign_meter(&real.own.key)], 6);
        }
        signer_reset(&real);
        signer_reset(&modelled);
    }
}
END_TEST

/* One integer of P-256 has 33, 32 or fewer bytes with 256/512, 255/512 and 1/512. */
START_TEST(der_lengths_have_the_true_distribution)
{
    const struct sign_suite *p256 = sign_suite_named("ecdsa-256-sha256", 16);
    const struct sign_suite *p521 = sign_suite_named("ecdsa-521-sha512", 16);
    unsigned seen[160] = {0}, seen_long[160] = {0};

    for (uint64_t i = 0; i < 65536; i++) {
        struct rng random = rng_stream(6, i, RNG_SIGNATURE);

        seen[sign_len(p256, 256, &random)]++;
        seen_long[sign_len(p521, 521, &random)]++;
    }
    ck_assert_uint_eq(seen[69] + seen[70] + seen[71] + seen[72], 65536);
    ck_assert_uint_ge(seen[72], 16384 - 600);
    ck_assert_uint_le(seen[72], 16384 + 600);
    ck_assert_uint_ge(seen[71], 32640 - 700);
    ck_assert_uint_le(seen[71], 32640 + 700);
    ck_assert_uint_ge(seen[69], 80); /* 65536 / 512, about */
    ck_assert_uint_le(seen[69], 180);
    ck_assert_uint_eq(seen_long[136] + seen_long[137] + seen_long[138] + seen_long[139], 65536);
    ck_assert_uint_ge(seen_long[139], 36864 - 700); /* 9/16 */
    ck_assert_uint_le(seen_long[139], 36864 + 700);
}
END_TEST

/* ------------------------------------------------------------------- names, identifiers, keys */

static bool is_ec(enum sign_key_type type)
{
    return type == KEY_ECP256 || type == KEY_ECP384 || type == KEY_ECP521;
}

/* RFC 7427 §3: ECDSA names its hash only, the curve is the key's; all others name their key too.
 * pluto signs by SHA2-512 with a key on P-256. */
static void check_identified(const struct sign_suite *s, enum sign_key_type type)
{
    const struct sign_suite *found = sign_suite_identified(s->identifier, type);

    if (is_ec(s->key) && is_ec(type)) {
        ck_assert_ptr_nonnull(found);
        ck_assert(found->key == type && found->hash == s->hash && found->form == s->form);
    } else if (type != s->key)
        ck_assert_ptr_null(found);
    if (type == s->key)
        ck_assert_ptr_eq(found, s);
}

/* RFC 8247 §4.1, §4.2 */
START_TEST(suites_are_found)
{
    size_t count;
    const struct sign_suite *all = sign_suites(&count);

    for (size_t i = 0; i < count; i++) {
        const struct sign_suite *s = &all[i];
        size_t len = strlen(s->name);

        ck_assert_ptr_eq(sign_suite_named(s->name, len), s);
        ck_assert_ptr_ne(sign_suite_named(s->name, len - 1), s);
        if (s->method != 14) {
            ck_assert_ptr_eq(sign_suite_of_method(s->method), s);
            ck_assert_uint_eq(s->identifier.len, 0);
            continue;
        }
        for (enum sign_key_type t = 0; t < KEY_TYPES; t++)
            check_identified(s, t);
        ck_assert_uint_eq(s->identifier.data[1], s->identifier.len - 2);
        ck_assert_ptr_null(
            sign_suite_identified(bytes_of(s->identifier.data, s->identifier.len - 1), s->key));
        if (s->accepted.len) {
            ck_assert_ptr_eq(sign_suite_identified(s->accepted, s->key), s);
            ck_assert_uint_eq(s->accepted.data[1], s->accepted.len - 2);
        }
    }
    ck_assert_ptr_null(sign_suite_of_method(14));
    ck_assert_ptr_null(sign_suite_of_method(2)); /* shared key */
    ck_assert_ptr_null(sign_suite_of_method(3)); /* DSS */
    ck_assert_ptr_null(sign_suite_identified(BYTES_NONE, KEY_RSA));
    ck_assert_ptr_null(sign_suite_named("rsa/pss-sha1", 12));
}
END_TEST

/* RFC 7427 appendix A.1.2, A.3.2, RFC 8420 appendix A. */
START_TEST(identifiers_are_those_of_the_rfcs)
{
    assert_hex(sign_suite_named("rsa-sha256", 10)->identifier, "300d06092a864886f70d01010b0500");
    assert_hex(sign_suite_named("ecdsa-256-sha256", 16)->identifier, "300a06082a8648ce3d040302");
    assert_hex(sign_suite_named("ed25519", 7)->identifier, "300506032b6570");
    assert_hex(sign_suite_named("ed448", 5)->identifier, "300506032b6571");
    assert_hex(
        sign_suite_named("rsa/pss-sha256", 14)->identifier,
        "304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886"
        "f70d010108300d06096086480165030402010500a203020120");
}
END_TEST

START_TEST(what_is_no_key_is_refused)
{
    for (int real = 0; real < 2; real++) {
        struct crypto *c = make(real);
        struct test_pki *pki = test_pki_create();
        struct test_key small;
        uint8_t longer[2048];
        struct sign_key own;
        struct verify_key public;

        ck_assert_ok(test_key_make(pki, KEY_RSA, 1024, rng_stream(7, 1, RNG_CREDENTIAL), &small));
        ck_assert_int_eq(c->class->sign_key_load(c, test_key_bytes(&small), &own), ERR_UNSUPPORTED);
        ck_assert_ptr_null(own.key.library);
        test_key_reset(&small);
        test_pki_destroy(pki);
        ck_assert_int_eq(c->class->sign_key_load(c, BYTES_NONE, &own), ERR_SYNTAX);
        ck_assert_int_eq(c->class->verify_key_load(c, BYTES_NONE, &public), ERR_SYNTAX);
        for (size_t i = 0; i < 6; i++) {
            struct bytes der = test_cert_bytes(&publics[0][i]);

            memcpy(longer, der.data, der.len);
            longer[der.len] = 0;
            ck_assert_int_eq(c->class->sign_key_load(c, der, &own), ERR_SYNTAX);
            ck_assert_int_eq(c->class->verify_key_load(c, bytes_of(longer, der.len + 1), &public),
                             ERR_SYNTAX);
            for (size_t len = 0; len < der.len; len++)
                ck_assert_int_eq(c->class->verify_key_load(c, bytes_of(der.data, len), &public),
                                 ERR_SYNTAX);
        }
        crypto_destroy(c);
    }
}
END_TEST

START_TEST(keys_are_made)
{
    make_keys();
}
END_TEST

START_TEST(keys_are_given_back)
{
    free_keys();
}
END_TEST

SUITE("crypto_sign", keys_are_made, every_suite_signs_and_verifies, rsa_of_every_size,
      what_was_changed_does_not_verify, another_suite_does_not_verify, wrong_use_is_refused,
      signatures_repeat, signatures_repeat_in_another_process,
      another_stream_gives_another_signature_where_chance_is_used,
      both_providers_agree_on_length_and_meter, der_lengths_have_the_true_distribution,
      suites_are_found, identifiers_are_those_of_the_rfcs, what_is_no_key_is_refused,
      keys_are_given_back)
