/* crypto/keymat: the formulas spelled out once more with single PRF calls, and the cut of the keys.
 */
#include "crypto/keymat.h"
#include "hex.h"
#include "suite.h"

static struct meter meter;
static uint8_t ni[256], nr[256], shared[32];

static struct ike_seed seed_of(size_t nonce_len)
{
    struct rng r = rng_stream(1, 1, RNG_TEST);

    rng_fill(&r, ni, sizeof ni);
    rng_fill(&r, nr, sizeof nr);
    rng_fill(&r, shared, sizeof shared);
    return (struct ike_seed){
        .ni = bytes_of(ni, nonce_len),
        .nr = bytes_of(nr, nonce_len),
        .spi_i = UINT64_C(0x0102030405060708),
        .spi_r = UINT64_C(0x1112131415161718),
        .shared = bytes_of(shared, sizeof shared),
    };
}

static void prf(struct crypto *c, const struct prf_suite *suite, struct bytes key,
                const struct bytes *parts, size_t count, uint8_t *out)
{
    ck_assert_ok(c->class->prf(c, suite, key, parts, count, out));
}

START_TEST(keys_are_cut_in_the_order_of_the_rfc)
{
    const struct ike_suite gcm = {encr_suite(20, 256), NULL, prf_suite(5), ke_suite(31)};
    const struct ike_suite cbc = {encr_suite(12, 128), integ_suite(14), prf_suite(2), ke_suite(14)};
    struct ike_key_map m = ike_key_map(&gcm);

    ck_assert_uint_eq(m.sk_d, 0);
    ck_assert_uint_eq(m.sk_ai, 32);
    ck_assert_uint_eq(m.sk_ar, 32); /* AEAD has no SK_a (RFC 5282 §7.1) */
    ck_assert_uint_eq(m.sk_ei, 32);
    ck_assert_uint_eq(m.sk_er, 68); /* the salt is part of SK_e */
    ck_assert_uint_eq(m.sk_pi, 104);
    ck_assert_uint_eq(m.sk_pr, 136);
    ck_assert_uint_eq(m.end, 168);
    m = ike_key_map(&cbc);
    ck_assert_uint_eq(m.sk_ai, 20);
    ck_assert_uint_eq(m.sk_ar, 84);
    ck_assert_uint_eq(m.sk_ei, 148);
    ck_assert_uint_eq(m.sk_er, 164);
    ck_assert_uint_eq(m.sk_pi, 180);
    ck_assert_uint_eq(m.sk_pr, 200);
    ck_assert_uint_eq(m.end, 220);
}
END_TEST

START_TEST(largest_suite_fits)
{
    const struct ike_suite big = {encr_suite(12, 256), integ_suite(14), prf_suite(7), ke_suite(16)};

    ck_assert_uint_le(ike_key_map(&big).end, IKE_KEYS_MAX);
}
END_TEST

/* RFC 7296 §2.13: T1 = prf (K, S | 1), T2 = prf (K, T1 | S | 2), T3 = prf (K, T2 | S | 3) */
START_TEST(prf_plus_chains)
{
    struct crypto *c = crypto_openssl_create(&meter);
    const struct prf_suite *suite = prf_suite(5);
    const struct bytes key = bytes_text("key");
    const struct bytes s[] = {bytes_text("se"), BYTES_NONE, bytes_text("ed")};
    uint8_t wanted[96], out[96 + 1], n[] = {1, 2, 3};

    prf(c, suite, key, (struct bytes[]){bytes_text("seed"), {&n[0], 1}}, 2, wanted);
    prf(c, suite, key, (struct bytes[]){{wanted, 32}, bytes_text("seed"), {&n[1], 1}}, 3,
        wanted + 32);
    prf(c, suite, key, (struct bytes[]){{wanted + 32, 32}, bytes_text("seed"), {&n[2], 1}}, 3,
        wanted + 64);
    for (size_t len = 0; len <= 96; len++) {
        memset(out, 0xee, sizeof out);
        ck_assert_ok(prf_plus(c, suite, key, s, 3, out, len));
        ck_assert_mem_eq(out, wanted, len);
        ck_assert_uint_eq(out[len], 0xee);
    }
    crypto_destroy(c);
}
END_TEST

/* RFC 7296 §2.13 */
START_TEST(prf_plus_reaches_its_limit)
{
    struct crypto *c = crypto_openssl_create(&meter);
    static uint8_t out[255 * 20];
    const struct bytes s = bytes_text("s");
    uint8_t last = 255, t[20];

    ck_assert_ok(prf_plus(c, prf_suite(2), bytes_text("k"), &s, 1, out, sizeof out));
    prf(c, prf_suite(2), bytes_text("k"), (struct bytes[]){{out + 253 * 20, 20}, s, {&last, 1}}, 3,
        t);
    ck_assert_mem_eq(t, out + 254 * 20, 20);
    crypto_destroy(c);
}
END_TEST

/* §2.14: SKEYSEED = prf(Ni | Nr, g^ir); 64 bits of each nonce where the key has a fixed length */
START_TEST(skeyseed_of_an_initial_exchange)
{
    static const uint16_t numbers[] = {2, 4, 5, 6, 7, 8};

    for (int real = 0; real < 2; real++) {
        struct crypto *c = real ? crypto_openssl_create(&meter) : crypto_modelled_create(&meter);

        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
            const struct prf_suite *p = prf_suite(numbers[i]);
            const struct ike_suite suite = {encr_suite(20, 128), NULL, p, ke_suite(31)};
            struct ike_seed seed = seed_of(32);
            size_t half = p->fixed_key ? 8 : 32;
            uint8_t key[64], wanted[PRF_OUT_MAX], got[PRF_OUT_MAX];
            struct ike_keys keys;

            memcpy(key, ni, half);
            memcpy(key + half, nr, half);
            prf(c, p, bytes_of(key, 2 * half), &seed.shared, 1, wanted);
            ck_assert_ok(ike_keys_derive(c, &suite, &seed, &keys, got));
            ck_assert_mem_eq(got, wanted, p->out_len);
        }
        crypto_destroy(c);
    }
}
END_TEST

/* {SK_d | ...} = prf+ (SKEYSEED, Ni | Nr | SPIi | SPIr), whole nonces also for AES-CMAC */
START_TEST(keys_of_an_initial_exchange)
{
    struct crypto *c = crypto_openssl_create(&meter);
    const struct ike_suite suite = {encr_suite(12, 128), integ_suite(8), prf_suite(8),
                                    ke_suite(19)};
    struct ike_seed seed = seed_of(40);
    uint8_t skeyseed[PRF_OUT_MAX], wanted[PRF_OUT_MAX], one = 1, spis[16];
    struct ike_keys keys, other;

    ck_assert_ok(ike_keys_derive(c, &suite, &seed, &keys, skeyseed));
    unhex("01020304050607081112131415161718", spis, sizeof spis);
    prf(c, suite.prf, bytes_of(skeyseed, 16),
        (struct bytes[]){seed.ni, seed.nr, {spis, 16}, {&one, 1}}, 4, wanted);
    ck_assert_mem_eq(keys.bytes, wanted, 16);
    for (size_t i = ike_key_map(&suite).end; i < sizeof keys.bytes; i++)
        ck_assert_uint_eq(keys.bytes[i], 0);
    seed.spi_r++;
    ck_assert_ok(ike_keys_derive(c, &suite, &seed, &other, NULL));
    ck_assert_mem_ne(keys.bytes, other.bytes, 16);
    crypto_destroy(c);
}
END_TEST

/* §2.18: SKEYSEED = prf(SK_d (old), g^ir (new) | Ni | Nr), with the old SA's prf */
START_TEST(rekeying_uses_the_old_prf_then_the_new)
{
    struct crypto *c = crypto_openssl_create(&meter);
    const struct ike_suite suite = {encr_suite(20, 256), NULL, prf_suite(7), ke_suite(31)};
    struct ike_seed seed = seed_of(32);
    uint8_t skeyseed[PRF_OUT_MAX], wanted[PRF_OUT_MAX], spis[16], one = 1;
    struct ike_keys keys;

    seed.old_sk_d = bytes_text("an old SK_d of twenty");
    seed.old_prf = prf_suite(2);
    ck_assert_ok(ike_keys_derive(c, &suite, &seed, &keys, skeyseed));
    prf(c, prf_suite(2), seed.old_sk_d, (struct bytes[]){seed.shared, seed.ni, seed.nr}, 3, wanted);
    ck_assert_mem_eq(skeyseed, wanted, 20);
    unhex("01020304050607081112131415161718", spis, sizeof spis);
    prf(c, prf_suite(7), bytes_of(wanted, 20),
        (struct bytes[]){seed.ni, seed.nr, {spis, 16}, {&one, 1}}, 4, wanted);
    ck_assert_mem_eq(keys.bytes, wanted, 64);
    crypto_destroy(c);
}
END_TEST

START_TEST(nonces_longer_than_the_rfc_allows_are_refused)
{
    struct crypto *c = crypto_openssl_create(&meter);
    const struct ike_suite suite = {encr_suite(20, 256), NULL, prf_suite(5), ke_suite(31)};
    static uint8_t nonce[257];
    struct ike_seed seed = seed_of(256);
    struct ike_keys keys, zeros;
    uint8_t skeyseed[PRF_OUT_MAX] = {1};

    memset(&zeros, 0, sizeof zeros);
    ck_assert_ok(ike_keys_derive(c, &suite, &seed, &keys, skeyseed));
    seed.ni = bytes_of(nonce, sizeof nonce);
    ck_assert_int_eq(ike_keys_derive(c, &suite, &seed, &keys, skeyseed), ERR_LENGTH);
    ck_assert_mem_eq(keys.bytes, zeros.bytes, sizeof keys.bytes);
    ck_assert_mem_eq(skeyseed, zeros.bytes, 32);
    crypto_destroy(c);
}
END_TEST

/* §2.17: KEYMAT = prf+(SK_d, [ g^ir (new) | ] Ni | Nr) */
START_TEST(child_keys_with_and_without_pfs)
{
    struct crypto *c = crypto_openssl_create(&meter);
    const struct prf_suite *p = prf_suite(5);
    struct ike_seed seed = seed_of(32);
    uint8_t out[72], pfs[72], wanted[32], one = 1;

    ck_assert_ok(
        child_keymat(c, p, bytes_text("SK_d"), BYTES_NONE, seed.ni, seed.nr, out, sizeof out));
    prf(c, p, bytes_text("SK_d"), (struct bytes[]){seed.ni, seed.nr, {&one, 1}}, 3, wanted);
    ck_assert_mem_eq(out, wanted, 32);
    ck_assert_ok(
        child_keymat(c, p, bytes_text("SK_d"), seed.shared, seed.ni, seed.nr, pfs, sizeof pfs));
    prf(c, p, bytes_text("SK_d"), (struct bytes[]){seed.shared, seed.ni, seed.nr, {&one, 1}}, 4,
        wanted);
    ck_assert_mem_eq(pfs, wanted, 32);
    crypto_destroy(c);
}
END_TEST

SUITE("crypto_keymat", keys_are_cut_in_the_order_of_the_rfc, largest_suite_fits, prf_plus_chains,
      prf_plus_reaches_its_limit, skeyseed_of_an_initial_exchange, keys_of_an_initial_exchange,
      rekeying_uses_the_old_prf_then_the_new, nonces_longer_than_the_rfc_allows_are_refused,
      child_keys_with_and_without_pfs)
