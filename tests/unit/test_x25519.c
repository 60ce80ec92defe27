/* X25519 of our own against RFC 7748 and against the library's: the same values for everything. */
#include "crypto/x25519.h"

#include "base/rng.h"
#include "crypto/field25519.h"
#include "crypto/provider.h"
#include "hex.h"
#include "suite.h"

static struct meter meter;

enum { LIBRARY, LANES };

static void both(struct crypto *crypto[2])
{
    if (!x25519_here())
        skip_all("this processor or compiler has no AVX512-IFMA, so OpenSSL's X25519 serves");
    crypto[LIBRARY] = crypto_openssl_plain_create(&meter);
    crypto[LANES] = crypto_openssl_create(&meter);
    ck_assert(crypto[LIBRARY] && crypto[LANES]);
}

static void neither(struct crypto *crypto[2])
{
    crypto_destroy(crypto[LIBRARY]);
    crypto_destroy(crypto[LANES]);
}

START_TEST(key_pairs_are_those_of_the_library)
{
    struct crypto *crypto[2];
    const struct ke_suite *suite = ke_suite(31);

    both(crypto);
    for (uint64_t seed = 0; seed < 500; seed++) {
        struct ke_pair pair[2];

        for (int i = 0; i < 2; i++)
            ck_assert_ok(crypto[i]->class->ke_generate(
                crypto[i], suite, rng_stream(seed, 1, RNG_KEY_EXCHANGE), &pair[i]));
        ck_assert_mem_eq(pair[LANES].private, pair[LIBRARY].private, 32);
        ck_assert_mem_eq(pair[LANES].public, pair[LIBRARY].public, 32);
    }
    neither(crypto);
}
END_TEST

/* Scalars whose digits are at their ends, and all that random ones are. */
static void scalar_of(unsigned i, uint8_t out[32])
{
    static const uint8_t filled[] = {0x00, 0xff, 0x88, 0x77, 0x80, 0x08, 0x7f, 0xf7, 0xf8, 0x8f};
    struct rng random = rng_stream(i, 2, RNG_KEY_EXCHANGE);

    if (i < sizeof filled)
        memset(out, filled[i], 32);
    else
        rng_fill(&random, out, 32);
}

/* Coordinates around 0, p and 2^255, also with the bit that is ignored, and random ones. */
static void coordinate_of(unsigned i, uint8_t out[32])
{
    struct rng random = rng_stream(i, 3, RNG_KEY_EXCHANGE);

    rng_fill(&random, out, 32);
    if (i >= 80)
        return;
    memset(out, i < 40 ? 0 : 0xff, 32);
    out[0] = (uint8_t)(i < 40 ? i / 2 : 0xff - (i - 40) / 2);
    out[31] = (uint8_t)((out[31] & 0x7f) | (i % 2 ? 0x80 : 0));
}

START_TEST(shared_secrets_are_those_of_the_library)
{
    struct crypto *crypto[2];

    both(crypto);
    for (unsigned i = 0; i < 1000; i++) {
        struct ke_pair own = {.suite = ke_suite(31)};
        uint8_t u[32], shared[2][32] = {{1}, {2}};
        enum err e[2];

        scalar_of(i % 100, own.private);
        coordinate_of(i, u);
        x25519_base(own.private, own.public);
        for (int k = 0; k < 2; k++)
            e[k] = crypto[k]->class->ke_derive(crypto[k], &own, bytes_of(u, 32), shared[k]);
        ck_assert_int_eq(e[LANES], e[LIBRARY]);
        ck_assert_mem_eq(shared[LANES], shared[LIBRARY], 32);
    }
    neither(crypto);
}
END_TEST

START_TEST(public_values_are_products_with_the_base_point)
{
    static const uint8_t nine[32] = {9};

    if (!x25519_here())
        skip_all("this processor or compiler has no AVX512-IFMA, so OpenSSL's X25519 serves");
    for (unsigned i = 0; i < 300; i++) {
        uint8_t k[32], product[32], public[32];

        scalar_of(i, k);
        x25519_shared(k, nine, product);
        x25519_base(k, public);
        ck_assert_mem_eq(public, product, 32);
    }
}
END_TEST

/* RFC 7748 §5.2: each result is the next scalar, and each scalar the next coordinate. */
START_TEST(iterated_a_thousand_times)
{
    uint8_t k[32] = {9}, u[32] = {9}, out[32];

    for (int i = 0; i < 1000; i++) {
        x25519_shared(k, u, out);
        memcpy(u, k, 32);
        memcpy(k, out, 32);
        if (i == 0)
            assert_hex(bytes_of(k, 32),
                       "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
    }
    assert_hex(bytes_of(k, 32), "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}
END_TEST

/* Numbers from p on have a smaller twin, and the smaller one is written. */
START_TEST(numbers_are_written_below_p)
{
    for (unsigned above = 0; above < 19; above++) {
        uint8_t in[32], out[32], want[32] = {0};
        struct field f, one = field_small(1), back;

        memset(in, 0xff, 32);
        in[0] = (uint8_t)(0xed + above); /* p + above */
        want[0] = (uint8_t)above;
        f = field_unpack(in);
        field_pack(out, &f);
        ck_assert_mem_eq(out, want, 32);
        back = field_add(&f, &one);
        back = field_sub(&back, &f); /* 1 again */
        field_pack(out, &back);
        memset(want, 0, 32);
        want[0] = 1;
        ck_assert_mem_eq(out, want, 32);
    }
}
END_TEST

SUITE("x25519", key_pairs_are_those_of_the_library, shared_secrets_are_those_of_the_library,
      public_values_are_products_with_the_base_point, iterated_a_thousand_times,
      numbers_are_written_below_p)
