/* PRFs, MACs and the hash: examples of the RFCs, keys of all lengths, and where parts are cut. */
#include "crypto/provider.h"
#include "hex.h"
#include "suite.h"

static struct meter meter;

static struct crypto *make(bool real)
{
    struct crypto *c = real ? crypto_openssl_create(&meter) : crypto_modelled_create(&meter);

    ck_assert_ptr_nonnull(c);
    return c;
}

static void assert_prf(uint16_t iana, const char *key, const char *text, const char *expected)
{
    struct crypto *c = make(true);
    const struct prf_suite *suite = prf_suite(iana);
    uint8_t k[256], t[256], out[PRF_OUT_MAX];
    struct bytes message = unhex(text, t, sizeof t);

    ck_assert_ok(c->class->prf(c, suite, unhex(key, k, sizeof k), &message, 1, out));
    assert_hex(bytes_of(out, suite->out_len), expected);
    crypto_destroy(c);
}

/* RFC 2202 §3 and RFC 4231 §4.3, test case 2: key "Jefe" */
START_TEST(hmac_as_in_the_rfcs)
{
    const char *text = "7768617420646f2079612077616e7420666f72206e6f7468696e673f";

    assert_prf(2, "4a656665", text, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    assert_prf(5, "4a656665", text,
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_prf(6, "4a656665", text,
               "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
               "8e2240ca5e69e2c78b3239ecfab21649");
    assert_prf(7, "4a656665", text,
               "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
               "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
}
END_TEST

/* RFC 3566 §4.6, test cases 1 to 5 (whole MACs) */
START_TEST(xcbc_as_in_rfc3566)
{
    const char *key = "000102030405060708090a0b0c0d0e0f";

    assert_prf(4, key, "", "75f0251d528ac01c4573dfd584d79f29");
    assert_prf(4, key, "000102", "5b376580ae2f19afe7219ceef172756f");
    assert_prf(4, key, "000102030405060708090a0b0c0d0e0f", "d2a246fa349b68a79998a4394ff7a263");
    assert_prf(4, key, "000102030405060708090a0b0c0d0e0f10111213",
               "47f51b4564966215b8985c63055ed308");
    assert_prf(4, key, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
               "f54f0ec8d2b9f3d36807734bd5283fd4");
}
END_TEST

/* RFC 4434 §3: keys of 10 and 18 bytes */
START_TEST(xcbc_prf_as_in_rfc4434)
{
    const char *text = "000102030405060708090a0b0c0d0e0f10111213";

    assert_prf(4, "00010203040506070809", text, "0fa087af7d866e7653434e602fdde835");
    assert_prf(4, "000102030405060708090a0b0c0d0e0fedcb", text, "8cd3c93ae598a9803006ffb67c40e9e4");
}
END_TEST

/* RFC 4493 §4, examples 1 to 3 */
START_TEST(cmac_as_in_rfc4493)
{
    const char *key = "2b7e151628aed2a6abf7158809cf4f3c";

    assert_prf(8, key, "", "bb1d6929e95937287fa37d129b756746");
    assert_prf(8, key, "6bc1bee22e409f96e93d7e117393172a", "070a16b46b4d4144f79bdd9dd04a287c");
    assert_prf(8, key,
               "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411",
               "dfa66747de9ae63030ca32611497c827");
}
END_TEST

/* RFC 4615 §4: keys of 18, 16 and 10 bytes */
START_TEST(cmac_prf_as_in_rfc4615)
{
    const char *text = "000102030405060708090a0b0c0d0e0f10111213";

    assert_prf(8, "000102030405060708090a0b0c0d0e0fedcb", text, "84a348a4a45d235babfffc0d2b4da09a");
    assert_prf(8, "000102030405060708090a0b0c0d0e0f", text, "980ae87b5f4c9c5214f5b6a8455e4c2d");
    assert_prf(8, "00010203040506070809", text, "290d9e112edb09ee141fcf64c0b72f3d");
}
END_TEST

START_TEST(sha1_of_abc)
{
    struct crypto *c = make(true);
    const struct bytes parts[] = {bytes_text("a"), BYTES_NONE, bytes_text("bc")};
    uint8_t out[20];

    ck_assert_ok(c->class->sha1(c, parts, 3, out));
    assert_hex(bytes_of(out, 20), "a9993e364706816aba3e25717850c26c9cd0d89d");
    crypto_destroy(c);
}
END_TEST

enum { MESSAGE = 2500 };

/* Cut anywhere, the parts are the same message; and every PRF keeps its hands off the rest. */
START_TEST(only_the_concatenation_counts)
{
    static const size_t cuts[] = {0,   1,   15,   16,   17,   64,   255,
                                  256, 257, 1023, 1024, 1025, 2048, 2499};
    static uint8_t text[MESSAGE];
    struct rng r = rng_stream(3, 1, RNG_TEST);
    size_t count;
    const struct prf_suite *all = prf_suites(&count);

    rng_fill(&r, text, sizeof text);
    for (int real = 0; real < 2; real++) {
        struct crypto *c = make(real);

        for (size_t i = 0; i < count; i++) {
            const struct bytes whole = bytes_of(text, MESSAGE);
            uint8_t expected[PRF_OUT_MAX], out[PRF_OUT_MAX + 1];

            ck_assert_ok(c->class->prf(c, &all[i], bytes_text("k"), &whole, 1, expected));
            for (size_t k = 0; k < sizeof cuts / sizeof *cuts; k++) {
                struct bytes cut[] = {bytes_of(text, cuts[k]), BYTES_NONE,
                                      bytes_of(text + cuts[k], MESSAGE - cuts[k])};

                out[all[i].out_len] = 0x77;
                ck_assert_ok(c->class->prf(c, &all[i], bytes_text("k"), cut, 3, out));
                ck_assert_mem_eq(out, expected, all[i].out_len);
                ck_assert_uint_eq(out[all[i].out_len], 0x77);
            }
        }
        crypto_destroy(c);
    }
}
END_TEST

/* Keys of every length are taken, also none; a changed key or message changes the result. */
START_TEST(keys_of_any_length_matter)
{
    size_t count;
    const struct prf_suite *all = prf_suites(&count);
    uint8_t key[300] = {0};

    for (int real = 0; real < 2; real++) {
        struct crypto *c = make(real);

        for (size_t i = 0; i < count; i++) {
            for (size_t len = 0; len <= sizeof key; len += len < 140 ? 1 : 80) {
                uint8_t a[PRF_OUT_MAX], b[PRF_OUT_MAX];
                struct bytes text = bytes_text("message"), other = bytes_text("messagf");

                ck_assert_ok(c->class->prf(c, &all[i], bytes_of(key, len), &text, 1, a));
                ck_assert_ok(c->class->prf(c, &all[i], bytes_of(key, len), &other, 1, b));
                ck_assert_mem_ne(a, b, all[i].out_len);
                if (len == 0)
                    continue;
                key[len - 1] ^= 1;
                ck_assert_ok(c->class->prf(c, &all[i], bytes_of(key, len), &text, 1, b));
                key[len - 1] ^= 1;
                ck_assert_mem_ne(a, b, all[i].out_len);
            }
        }
        crypto_destroy(c);
    }
}
END_TEST

SUITE("crypto_mac", hmac_as_in_the_rfcs, xcbc_as_in_rfc3566, xcbc_prf_as_in_rfc4434,
      cmac_as_in_rfc4493, cmac_prf_as_in_rfc4615, sha1_of_abc, only_the_concatenation_counts,
      keys_of_any_length_matter)
