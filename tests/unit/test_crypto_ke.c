/* Key exchange of both providers: agreement, repeatability, refused public values. */
#include "crypto/openssl_provider.h"
#include "crypto/provider.h"
#include "hex.h"
#include "suite.h"

#include <sys/wait.h>
#include <unistd.h>

static struct meter meter;

static struct crypto *make(bool real)
{
    struct crypto *c = real ? crypto_openssl_create(&meter) : crypto_modelled_create(&meter);

    ck_assert_ptr_nonnull(c);
    return c;
}

static const struct ke_suite *group_named(const char *name)
{
    const struct ke_suite *suite = ke_suite_named(name, strlen(name));

    ck_assert_ptr_nonnull(suite);
    return suite;
}

static struct ke_pair pair_of(struct crypto *c, const struct ke_suite *suite, uint64_t seed)
{
    struct ke_pair pair;

    memset(&pair, 0, sizeof pair);
    ck_assert_ok(c->class->ke_generate(c, suite, rng_stream(seed, 7, RNG_KEY_EXCHANGE), &pair));
    return pair;
}

static bool same_pair(const struct ke_pair *a, const struct ke_pair *b)
{
    return memcmp(a->public, b->public, a->suite->public_len) == 0 &&
           memcmp(a->private, b->private, a->suite->private_len) == 0;
}

static enum err derive(struct crypto *c, const struct ke_pair *own, const uint8_t *peer, size_t len,
                       uint8_t *shared)
{
    return c->class->ke_derive(c, own, bytes_of(peer, len), shared);
}

START_TEST(both_sides_derive_the_same_secret)
{
    size_t count;
    const struct ke_suite *all = ke_suites(&count);

    for (int real = 0; real < 2; real++) {
        struct crypto *c = make(real);

        for (size_t i = 0; i < count; i++) {
            uint8_t s1[KE_SHARED_MAX] = {0}, s2[KE_SHARED_MAX] = {1}, s3[KE_SHARED_MAX] = {0};
            struct ke_pair a = pair_of(c, &all[i], 1), b = pair_of(c, &all[i], 2);
            struct ke_pair other = pair_of(c, &all[i], 3);

            ck_assert_ok(derive(c, &a, b.public, all[i].public_len, s1));
            ck_assert_ok(derive(c, &b, a.public, all[i].public_len, s2));
            ck_assert_ok(derive(c, &other, a.public, all[i].public_len, s3));
            ck_assert_mem_eq(s1, s2, all[i].shared_len);
            ck_assert_mem_ne(s1, s3, all[i].shared_len);
        }
        crypto_destroy(c);
    }
}
END_TEST

START_TEST(keys_repeat_with_the_stream_whatever_came_before)
{
    size_t count;
    const struct ke_suite *all = ke_suites(&count);

    for (int real = 0; real < 2; real++) {
        struct crypto *c = make(real), *d = make(real);

        for (size_t i = 0; i < count; i++) {
            struct ke_pair a = pair_of(c, &all[i], 1), again, elsewhere, b = pair_of(c, &all[i], 2);
            uint8_t shared[KE_SHARED_MAX];

            ck_assert_ok(derive(c, &a, b.public, all[i].public_len, shared));
            again = pair_of(c, &all[i], 1);
            elsewhere = pair_of(d, &all[i], 1);
            ck_assert(same_pair(&a, &again));
            ck_assert(same_pair(&a, &elsewhere));
            ck_assert(!same_pair(&a, &b));
        }
        crypto_destroy(c);
        crypto_destroy(d);
    }
}
END_TEST

/* A child process makes one pair per group and writes the public values. */
static void child_publics(uint8_t (*out)[KE_PUBLIC_MAX], size_t count)
{
    int ends[2], status;
    pid_t child;

    ck_assert_ok(pipe(ends));
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const struct ke_suite *all = ke_suites(&count);
        struct crypto *c = make(true);

        for (size_t i = 0; i < count; i++) {
            struct ke_pair pair = pair_of(c, &all[i], 5);

            if (write(ends[1], pair.public, KE_PUBLIC_MAX) != KE_PUBLIC_MAX)
                _exit(1);
        }
        crypto_destroy(c);
        _exit(0);
    }
    close(ends[1]);
    for (size_t i = 0; i < count; i++)
        for (size_t have = 0; have < KE_PUBLIC_MAX;) {
            ssize_t n = read(ends[0], out[i] + have, KE_PUBLIC_MAX - have);

            ck_assert_int_gt(n, 0);
            have += (size_t)n;
        }
    close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

START_TEST(keys_repeat_across_processes)
{
    static uint8_t first[8][KE_PUBLIC_MAX], second[8][KE_PUBLIC_MAX];

    child_publics(first, 8);
    child_publics(second, 8);
    ck_assert_mem_eq(first, second, sizeof first);
    ck_assert_mem_ne(first[6], first[7], 32);
}
END_TEST

static void refused(const struct ke_pair *own, const uint8_t *peer, size_t len)
{
    struct crypto *c = make(true);
    uint8_t shared[KE_SHARED_MAX];
    uint8_t zeros[KE_SHARED_MAX] = {0};

    memset(shared, 0x5a, sizeof shared);
    ck_assert_msg(derive(c, own, peer, len, shared) == ERR_KEY_EXCHANGE, "%s, byte 0 %02x, len %zu",
                  own->suite->name, len ? peer[0] : 0, len);
    ck_assert_mem_eq(shared, zeros, own->suite->shared_len);
    crypto_destroy(c);
}

static void prime_of(const struct ke_suite *suite, uint8_t *out)
{
    BIGNUM *p = suite->public_len == 256   ? BN_get_rfc3526_prime_2048(NULL)
                : suite->public_len == 384 ? BN_get_rfc3526_prime_3072(NULL)
                                           : BN_get_rfc3526_prime_4096(NULL);

    ck_assert_int_eq(BN_bn2binpad(p, out, suite->public_len), suite->public_len);
    BN_free(p);
}

/* RFC 6989 §2.1: 1 < r < p - 1 */
START_TEST(modp_range_is_checked)
{
    static const char *const names[] = {"modp2048", "modp3072", "modp4096"};
    struct crypto *c = make(true);

    for (int i = 0; i < 3; i++) {
        const struct ke_suite *suite = group_named(names[i]);
        struct ke_pair own = pair_of(c, suite, 1);
        uint8_t p[KE_PUBLIC_MAX], r[KE_PUBLIC_MAX] = {0}, shared[KE_SHARED_MAX];
        size_t n = suite->public_len;

        prime_of(suite, p);
        refused(&own, r, n); /* 0 */
        r[n - 1] = 1;
        refused(&own, r, n); /* 1 */
        r[n - 1] = 2;
        ck_assert_ok(derive(c, &own, r, n, shared));
        memcpy(r, p, n);
        refused(&own, r, n); /* p */
        r[n - 1]--;
        refused(&own, r, n); /* p - 1 */
        r[n - 1]--;
        ck_assert_ok(derive(c, &own, r, n, shared)); /* p - 2 */
        memset(r, 0xff, n);
        refused(&own, r, n);
        memcpy(r, p, n);
        r[8]++; /* above p before the last byte */
        refused(&own, r, n);
    }
    crypto_destroy(c);
}
END_TEST

/* RFC 6989 §2.3: the point is on the curve */
START_TEST(points_off_the_curve_are_refused)
{
    static const char *const names[] = {"ecp256", "ecp384", "ecp521"};
    struct crypto *c = make(true);

    for (int i = 0; i < 3; i++) {
        const struct ke_suite *suite = group_named(names[i]);
        struct ke_pair own = pair_of(c, suite, 1), peer = pair_of(c, suite, 2);
        uint8_t r[KE_PUBLIC_MAX] = {0};
        size_t n = suite->public_len;

        refused(&own, r, n); /* (0, 0) */
        r[n - 1] = 1;
        refused(&own, r, n); /* (0, 1) */
        memset(r, 0xff, n);
        refused(&own, r, n); /* not in the field */
        for (size_t bit = 0; bit < 8 * n; bit += 37) {
            memcpy(r, peer.public, n);
            r[bit / 8] ^= (uint8_t)(1 << bit % 8);
            refused(&own, r, n);
        }
        memcpy(r, peer.public + n / 2, n / 2);
        memcpy(r + n / 2, peer.public, n / 2);
        refused(&own, r, n); /* (y, x) */
    }
    crypto_destroy(c);
}
END_TEST

/* RFC 7748 §6: points of small order give zero */
START_TEST(montgomery_points_of_small_order_are_refused)
{
    static const char *const x25519[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    struct crypto *c = make(true);
    struct ke_pair own = pair_of(c, group_named("x25519"), 1);
    struct ke_pair own448 = pair_of(c, group_named("x448"), 1);
    uint8_t u[56];

    for (size_t i = 0; i < sizeof x25519 / sizeof *x25519; i++)
        refused(&own, u, unhex(x25519[i], u, sizeof u).len);
    memset(u, 0, sizeof u);
    refused(&own448, u, 56); /* 0 */
    u[0] = 1;
    refused(&own448, u, 56); /* 1 */
    memset(u, 0xff, sizeof u);
    u[28] = 0xfe;
    refused(&own448, u, 56); /* p = 2^448 - 2^224 - 1 */
    u[0] = 0xfe;
    refused(&own448, u, 56); /* p - 1 */
    memset(u, 0, 28);
    u[28] = 0xff;
    refused(&own448, u, 56); /* p + 1 */
    crypto_destroy(c);
}
END_TEST

START_TEST(wrong_lengths_and_zeros_are_refused_by_both)
{
    size_t count;
    const struct ke_suite *all = ke_suites(&count);

    for (int real = 0; real < 2; real++) {
        struct crypto *c = make(real);

        for (size_t i = 0; i < count; i++) {
            struct ke_pair own = pair_of(c, &all[i], 1), peer = pair_of(c, &all[i], 2);
            uint8_t shared[KE_SHARED_MAX], long_value[KE_PUBLIC_MAX + 1] = {4}, zero[KE_PUBLIC_MAX];
            size_t n = all[i].public_len;

            memcpy(long_value + 1, peer.public, n);
            memset(zero, 0, sizeof zero);
            ck_assert_int_eq(derive(c, &own, peer.public, n - 1, shared), ERR_KEY_EXCHANGE);
            ck_assert_int_eq(derive(c, &own, peer.public, n / 2, shared), ERR_KEY_EXCHANGE);
            ck_assert_int_eq(derive(c, &own, peer.public, 0, shared), ERR_KEY_EXCHANGE);
            ck_assert_int_eq(derive(c, &own, long_value, n + 1, shared), ERR_KEY_EXCHANGE);
            ck_assert_int_eq(derive(c, &own, zero, n, shared), ERR_KEY_EXCHANGE);
            ck_assert_ok(derive(c, &own, long_value + 1, n, shared));
        }
        crypto_destroy(c);
    }
}
END_TEST

/* As in the real groups: a changed value is off the curve (EC) or gives another secret. */
START_TEST(modelled_exchange_notices_changes)
{
    size_t count;
    const struct ke_suite *all = ke_suites(&count);
    struct crypto *c = make(false);

    for (size_t i = 0; i < count; i++) {
        struct ke_pair own = pair_of(c, &all[i], 1), peer = pair_of(c, &all[i], 2);
        uint8_t good[KE_SHARED_MAX], shared[KE_SHARED_MAX];

        ck_assert_ok(derive(c, &own, peer.public, all[i].public_len, good));
        for (size_t byte = 0; byte < all[i].public_len; byte += 5) {
            enum err e;

            peer.public[byte] ^= 0x10;
            e = derive(c, &own, peer.public, all[i].public_len, shared);
            peer.public[byte] ^= 0x10;
            if (all[i].family == KE_ECP)
                ck_assert_int_eq(e, ERR_KEY_EXCHANGE);
            else
                ck_assert(e == OK && memcmp(good, shared, all[i].shared_len) != 0);
        }
    }
    crypto_destroy(c);
}
END_TEST

START_TEST(modelled_publics_look_random)
{
    struct crypto *c = make(false);
    unsigned ones = 0, total = 0;

    for (uint64_t seed = 0; seed < 64; seed++) {
        struct ke_pair pair = pair_of(c, group_named("modp2048"), seed);

        for (int i = 0; i < 256; i++, total += 8)
            ones += (unsigned)__builtin_popcount(pair.public[i]);
    }
    /* 131072 fair bits: within 5 standard deviations of half. */
    ck_assert_uint_gt(ones, total / 2 - 905);
    ck_assert_uint_lt(ones, total / 2 + 905);
    crypto_destroy(c);
}
END_TEST

/* Pinned: no compiler, optimisation or machine may change what a simulation sees. */
START_TEST(modelled_values_are_pinned)
{
    struct crypto *c = make(false);
    struct ke_pair a = pair_of(c, group_named("x25519"), 1),
                   b = pair_of(c, group_named("ecp256"), 2);
    struct bytes text = bytes_text("a message of some length to be hashed");
    uint8_t out[PRF_OUT_MAX];

    assert_hex(bytes_of(a.public, 32),
               "ef721a215989ce34f261956340879c8b3b8dd115bb8ae1e0d97525c2a31d3ea5");
    assert_hex(bytes_of(b.public, 64),
               "f3ffb3c79e1cb4eeb3f3958865d0ffee88833c4a85199fe9887d99fdf568ea3b16f5dd8bedf5300f802"
               "c57123220a645f1bfaefcf91e469afa9616b9a01e32bb");
    ck_assert_ok(c->class->prf(c, prf_suite(5), bytes_text("key"), &text, 1, out));
    assert_hex(bytes_of(out, 32),
               "0a58c9ffd4547de70b18577b5b84e0174616ed708e1fa531719b09ff94b717d9");
    crypto_destroy(c);
}
END_TEST

static void close_library(void *library)
{
    OSSL_LIB_CTX_free(library);
}

/* What a program with real peers does: the library's own entropy, so nothing repeats. */
START_TEST(keys_from_the_librarys_entropy_do_not_repeat)
{
    OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
    struct openssl_entropy entropy = {library, NULL, close_library, library};
    struct crypto *c = openssl_provider_create(entropy, &meter);
    uint8_t s1[KE_SHARED_MAX], s2[KE_SHARED_MAX];
    size_t count;
    const struct ke_suite *all = ke_suites(&count);

    ck_assert_ptr_nonnull(c);
    for (size_t i = 0; i < count; i++) {
        struct ke_pair a = pair_of(c, &all[i], 1), b = pair_of(c, &all[i], 1);

        ck_assert(!same_pair(&a, &b));
        ck_assert_ok(derive(c, &a, b.public, all[i].public_len, s1));
        ck_assert_ok(derive(c, &b, a.public, all[i].public_len, s2));
        ck_assert_mem_eq(s1, s2, all[i].shared_len);
    }
    crypto_destroy(c);
}
END_TEST

SUITE("crypto_ke", both_sides_derive_the_same_secret,
      keys_repeat_with_the_stream_whatever_came_before, keys_repeat_across_processes,
      modp_range_is_checked, points_off_the_curve_are_refused,
      montgomery_points_of_small_order_are_refused, wrong_lengths_and_zeros_are_refused_by_both,
      modelled_exchange_notices_changes, modelled_publics_look_random, modelled_values_are_pinned,
      keys_from_the_librarys_entropy_do_not_repeat)
