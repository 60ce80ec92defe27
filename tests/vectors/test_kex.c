/* Key exchange against kex/rfc_kex.json: RFC 7748 §5.2 and RFC 5903 §8.1. */
#include "crypto/provider.h"
#include "hex.h"
#include "vectors.h"

static struct meter meter;

/* A pair from the wanted private key; its public part is somebody else's, which derive ignores. */
static void pair_with(struct crypto *c, const struct ke_suite *suite, const char *private,
                      struct ke_pair *out)
{
    ck_assert_ok(c->class->ke_generate(c, suite, rng_stream(1, 1, RNG_TEST), out));
    ck_assert_uint_eq(unhex(private, out->private, KE_PRIVATE_MAX).len, suite->private_len);
}

START_TEST(x25519_of_rfc7748)
{
    struct crypto *c;
    json_t *root, *test;
    size_t i, run = 0;

    vectors_needed();
    c = crypto_openssl_create(&meter);
    root = vectors_load("kex/rfc_kex.json");
    json_array_foreach(json_object_get(root, "x25519"), i, test)
    {
        struct ke_pair own;
        uint8_t u[32], shared[KE_SHARED_MAX];

        pair_with(c, ke_suite(31), vector_text(test, "scalar"), &own);
        ck_assert_ok(
            c->class->ke_derive(c, &own, unhex(vector_text(test, "u"), u, sizeof u), shared));
        assert_hex(bytes_of(shared, 32), vector_text(test, "result"));
        run++;
    }
    ck_assert_uint_ge(run, 1);
    json_decref(root);
    crypto_destroy(c);
}
END_TEST

static struct bytes point(const json_t *test, const char *x, const char *y, uint8_t *out)
{
    unhex(vector_text(test, x), out, 32);
    unhex(vector_text(test, y), out + 32, 32);
    return bytes_of(out, 64);
}

START_TEST(ecp256_of_rfc5903)
{
    struct crypto *c;
    struct ke_pair i, r;
    uint8_t gi[64], gr[64], shared[KE_SHARED_MAX];
    json_t *root, *test;

    vectors_needed();
    c = crypto_openssl_create(&meter);
    root = vectors_load("kex/rfc_kex.json");
    test = json_object_get(root, "ecp256");
    pair_with(c, ke_suite(19), vector_text(test, "i"), &i);
    pair_with(c, ke_suite(19), vector_text(test, "r"), &r);
    ck_assert_ok(c->class->ke_derive(c, &i, point(test, "rx", "ry", gr), shared));
    assert_hex(bytes_of(shared, 32), vector_text(test, "z"));
    ck_assert_ok(c->class->ke_derive(c, &r, point(test, "ix", "iy", gi), shared));
    assert_hex(bytes_of(shared, 32), vector_text(test, "z"));
    json_decref(root);
    crypto_destroy(c);
}
END_TEST

SUITE("kex", x25519_of_rfc7748, ecp256_of_rfc5903)
