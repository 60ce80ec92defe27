/*
 * crypto/ikev1_keymat, and hash and CBC of both providers: the formulas of RFC 2409 §5, §5.5, §5.7
 * and its appendix B spelled out once more over one string with single calls; SKEYID has vectors
 * of its own (tests/vectors/test_ikev1_kdf.c).
 */
#include "crypto/ikev1_keymat.h"
#include "hex.h"
#include "suite.h"

static struct meter meter;
static struct ikev1_keys keys;
static uint8_t ni[20], nr[32], shared[128];
static const uint64_t cky_i = UINT64_C(0x0102030405060708), cky_r = UINT64_C(0xf1f2f3f4f5f6f7f8);

static const struct hash_suite *named(const char *name)
{
    return hash_suite_named(name, strlen(name));
}

static void setup(struct crypto *c, const struct hash_suite *hash)
{
    struct rng r = rng_stream(7, 1, RNG_TEST);
    struct ikev1_seed seed = {.kind = IKEV1_SKEYID_SIGNATURE, .cky_i = cky_i, .cky_r = cky_r};

    rng_fill(&r, ni, sizeof ni);
    rng_fill(&r, nr, sizeof nr);
    rng_fill(&r, shared, sizeof shared);
    seed.ni = bytes_of(ni, sizeof ni);
    seed.nr = bytes_of(nr, sizeof nr);
    seed.shared = bytes_of(shared, sizeof shared);
    ck_assert_ok(ikev1_keys_derive(c, hash, &seed, &keys));
}

/* One string of everything, and a PRF over it. */
static uint8_t line[2048];
static size_t line_len;

static void put(const void *data, size_t len)
{
    memcpy(line + line_len, data, len);
    line_len += len;
}

static void prf_line(struct crypto *c, const struct hash_suite *hash, const uint8_t *key,
                     uint8_t *out)
{
    const struct bytes text = bytes_of(line, line_len);

    ck_assert_ok(c->class->prf(c, hash->prf, bytes_of(key, hash->len), &text, 1, out));
    line_len = 0;
}

static void check_proofs(struct crypto *c, const struct hash_suite *hash)
{
    static const uint8_t xi[] = "g^xi", xr[] = "g^xr!", sa[] = "SAi_b", id[] = "IDii_b";
    struct ikev1_proof proof = {.g_xi = bytes_of(xi, 4),
                                .g_xr = bytes_of(xr, 5),
                                .cky_i = cky_i,
                                .cky_r = cky_r,
                                .sai_b = bytes_of(sa, 5),
                                .id_b = bytes_of(id, 6)};
    struct bytes text;
    uint8_t got[IKEV1_HASH_MAX], wanted[IKEV1_HASH_MAX];

    put("g^xig^xr!", 9);
    put("\1\2\3\4\5\6\7\10\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8", 16);
    put("SAi_bIDii_b", 11);
    prf_line(c, hash, keys.skeyid, wanted);
    ck_assert_ok(ikev1_hash_of(c, hash, &keys, &proof, true, got));
    ck_assert_mem_eq(got, wanted, hash->len);
    put("g^xr!g^xi", 9);
    put("\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\1\2\3\4\5\6\7\10", 16);
    put("SAi_bIDii_b", 11);
    prf_line(c, hash, keys.skeyid, wanted);
    ck_assert_ok(ikev1_hash_of(c, hash, &keys, &proof, false, got));
    ck_assert_mem_eq(got, wanted, hash->len);
    /* RFC 2409 §5.1: another HMAC where the signature wants it, under the same SKEYID */
    proof.tied = hash_suite(6);
    text = bytes_of("g^xr!g^xi\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\1\2\3\4\5\6\7\10SAi_bIDii_b", 36);
    ck_assert_ok(
        c->class->prf(c, proof.tied->prf, bytes_of(keys.skeyid, hash->len), &text, 1, wanted));
    ck_assert_ok(ikev1_hash_of(c, hash, &keys, &proof, false, got));
    ck_assert_mem_eq(got, wanted, 64);
}

static void check_hashes(struct crypto *c, const struct hash_suite *hash)
{
    const struct bytes rest = bytes_text("payloads"), n = bytes_of(ni, sizeof ni),
                       r = bytes_of(nr, sizeof nr);
    uint8_t got[IKEV1_HASH_MAX], wanted[IKEV1_HASH_MAX];

    put("\xde\xad\xbe\xef"
        "payloads",
        12);
    prf_line(c, hash, keys.skeyid_a, wanted);
    ck_assert_ok(ikev1_hash_12(c, hash, &keys, 0xdeadbeef, BYTES_NONE, rest, got));
    ck_assert_mem_eq(got, wanted, hash->len);
    put("\xde\xad\xbe\xef", 4);
    put(ni, sizeof ni);
    put("payloads", 8);
    prf_line(c, hash, keys.skeyid_a, wanted);
    ck_assert_ok(ikev1_hash_12(c, hash, &keys, 0xdeadbeef, n, rest, got));
    ck_assert_mem_eq(got, wanted, hash->len);
    put("\0\xde\xad\xbe\xef", 5);
    put(ni, sizeof ni);
    put(nr, sizeof nr);
    prf_line(c, hash, keys.skeyid_a, wanted);
    ck_assert_ok(ikev1_hash_3(c, hash, &keys, 0xdeadbeef, n, r, got));
    ck_assert_mem_eq(got, wanted, hash->len);
}

static void put_sa(bool pfs)
{
    if (pfs)
        put(shared, sizeof shared);
    put("\3\xca\xfe\xba\xbe", 5);
    put(ni, sizeof ni);
    put(nr, sizeof nr);
}

static void check_keymat(struct crypto *c, const struct hash_suite *hash, bool pfs)
{
    const struct ikev1_keymat_seed seed = {.shared =
                                               pfs ? bytes_of(shared, sizeof shared) : BYTES_NONE,
                                           .protocol = 3,
                                           .spi = 0xcafebabe,
                                           .ni = bytes_of(ni, sizeof ni),
                                           .nr = bytes_of(nr, sizeof nr)};
    uint8_t got[IKEV1_KEYMAT_MAX], wanted[3 * IKEV1_HASH_MAX];
    size_t len = 2 * (size_t)hash->len + 3 < sizeof got ? 2 * (size_t)hash->len + 3 : sizeof got;

    put_sa(pfs);
    prf_line(c, hash, keys.skeyid_d, wanted);
    for (size_t i = 1; i < 3; i++) {
        put(wanted + (i - 1) * hash->len, hash->len);
        put_sa(pfs);
        prf_line(c, hash, keys.skeyid_d, wanted + i * hash->len);
    }
    ck_assert_ok(ikev1_keymat(c, hash, &keys, &seed, got, len));
    ck_assert_mem_eq(got, wanted, len);
}

/* RFC 2409 §5, §5.5, §5.7 */
START_TEST(hashes_and_keymat_are_the_formulas)
{
    struct crypto *c = crypto_openssl_create(&meter);
    size_t count;
    const struct hash_suite *hashes = hash_suites(&count);

    for (size_t i = 0; i < count; i++) {
        setup(c, &hashes[i]);
        check_proofs(c, &hashes[i]);
        check_hashes(c, &hashes[i]);
        check_keymat(c, &hashes[i], false);
        check_keymat(c, &hashes[i], true);
    }
    crypto_destroy(c);
}
END_TEST

/* RFC 2409 appendix B: cut where SKEYID_e is long enough, else a chain that begins with a zero. */
START_TEST(the_key_of_the_cipher_is_cut_or_chained)
{
    struct crypto *c = crypto_openssl_create(&meter);
    const struct hash_suite *hash = named("sha1");
    uint8_t got[ENCR_KEY_MAX], wanted[2 * IKEV1_HASH_MAX];

    setup(c, hash);
    ck_assert_ok(ikev1_encr_key(c, hash, &keys, encr_suite(12, 128), got));
    ck_assert_mem_eq(got, keys.skeyid_e, 16);
    put("\0", 1);
    prf_line(c, hash, keys.skeyid_e, wanted);
    put(wanted, 20);
    prf_line(c, hash, keys.skeyid_e, wanted + 20);
    ck_assert_ok(ikev1_encr_key(c, hash, &keys, encr_suite(12, 256), got));
    ck_assert_mem_eq(got, wanted, 32);
    ck_assert_ok(ikev1_encr_key(c, hash, &keys, &encr_3des_cbc, got));
    ck_assert_mem_eq(got, wanted, 24);
    hash = named("sha256");
    setup(c, hash);
    ck_assert_ok(ikev1_encr_key(c, hash, &keys, encr_suite(12, 256), got));
    ck_assert_mem_eq(got, keys.skeyid_e, 32);
    crypto_destroy(c);
}
END_TEST

/* RFC 2409 appendix B */
START_TEST(ivs_are_the_beginning_of_a_hash)
{
    struct crypto *c = crypto_openssl_create(&meter);
    const struct hash_suite *hash = named("sha256");
    const struct bytes whole = bytes_text("abc"), with_id = bytes_of("block\0\0\0\7", 9);
    uint8_t got[IV_MAX], digest[IKEV1_HASH_MAX];

    ck_assert_ok(c->class->hash(c, hash, &whole, 1, digest));
    ck_assert_ok(ikev1_iv_first(c, hash, bytes_text("a"), bytes_text("bc"), 16, got));
    ck_assert_mem_eq(got, digest, 16);
    ck_assert_ok(c->class->hash(c, hash, &with_id, 1, digest));
    ck_assert_ok(ikev1_iv_of(c, hash, bytes_text("block"), 7, 8, got));
    ck_assert_mem_eq(got, digest, 8);
    crypto_destroy(c);
}
END_TEST

/* FIPS 180-4 and RFC 1321: the digests of "abc". */
START_TEST(hashes_are_those_of_their_standards)
{
    static const char *const abc[][2] = {
        {"md5", "900150983cd24fb0d6963f7d28e17f72"},
        {"sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"},
        {"sha224", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"},
        {"sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    };
    const struct bytes parts[] = {bytes_text("a"), BYTES_NONE, bytes_text("bc")};
    struct crypto *c = crypto_openssl_create(&meter);
    uint8_t out[IKEV1_HASH_MAX];

    for (size_t i = 0; i < sizeof abc / sizeof *abc; i++) {
        ck_assert_ok(c->class->hash(c, named(abc[i][0]), parts, 3, out));
        assert_hex(bytes_of(out, named(abc[i][0])->len), abc[i][1]);
    }
    crypto_destroy(c);
}
END_TEST

static struct crypto *provider(int i)
{
    return i == 0 ? crypto_openssl_create(&meter) : crypto_modelled_create(&meter);
}

static void check_cbc(struct crypto *c, const struct encr_suite *encr)
{
    uint8_t key[ENCR_KEY_MAX] = {1, 2, 3, 9, 7}, iv[IV_MAX] = {5}, text[64] = "forty-eight bytes",
            was[64];
    struct cbc_op op = {encr, key, iv, text, 48, true};
    struct meter before = meter;

    memcpy(was, text, sizeof text);
    ck_assert_ok(c->class->cbc(c, &op));
    ck_assert_mem_ne(text, was, 48);
    ck_assert_mem_eq(text + 48, was + 48, 16);
    op.encrypt = false;
    iv[0] ^= 1; /* another IV is another text, in the first block at least */
    ck_assert_ok(c->class->cbc(c, &op));
    ck_assert_mem_ne(text, was, encr->block_len);
    op.encrypt = true;
    ck_assert_ok(c->class->cbc(c, &op));
    iv[0] ^= 1;
    op.encrypt = false;
    ck_assert_ok(c->class->cbc(c, &op));
    ck_assert_mem_eq(text, was, sizeof text);
    if (encr->meter != METER_COUNT)
        ck_assert_uint_eq(meter.count[encr->meter], before.count[encr->meter] + 4);
    before = meter;
    op.text_len = 47;
    ck_assert_int_eq(c->class->cbc(c, &op), ERR_LENGTH);
    op.text_len = 0;
    ck_assert_int_eq(c->class->cbc(c, &op), ERR_LENGTH);
    ck_assert_mem_eq(text, was, sizeof text);
    ck_assert_mem_eq(&before, &meter, sizeof meter);
}

START_TEST(cbc_of_both_providers)
{
    for (int i = 0; i < 2; i++) {
        struct crypto *c = provider(i);
        uint8_t block[16] = {0};
        struct cbc_op op = {encr_suite(20, 128), block, block, block, 16, true};

        check_cbc(c, encr_suite(12, 128));
        check_cbc(c, encr_suite(12, 192));
        check_cbc(c, encr_suite(12, 256));
        check_cbc(c, &encr_3des_cbc);
        ck_assert_int_eq(c->class->cbc(c, &op), ERR_UNSUPPORTED);
        op.encr = encr_suite(13, 128);
        ck_assert_int_eq(c->class->cbc(c, &op), ERR_UNSUPPORTED);
        op.encr = encr_suite(11, 0);
        ck_assert_int_eq(c->class->cbc(c, &op), ERR_UNSUPPORTED);
        crypto_destroy(c);
    }
}
END_TEST

/* Where a packet ends does not show in what follows: the same steps, the same ticks. */
START_TEST(both_providers_tick_alike)
{
    struct meter ticked[2];

    for (int i = 0; i < 2; i++) {
        struct crypto *c = provider(i);
        uint8_t iv[IV_MAX], key[ENCR_KEY_MAX];

        meter_clear(&meter);
        setup(c, named("sha256"));
        check_keymat(c, named("sha256"), true);
        ck_assert_ok(ikev1_iv_first(c, named("sha1"), bytes_text("x"), bytes_text("y"), 16, iv));
        ck_assert_ok(ikev1_encr_key(c, named("sha1"), &keys, encr_suite(12, 256), key));
        ticked[i] = meter;
        crypto_destroy(c);
    }
    ck_assert_mem_eq(&ticked[0], &ticked[1], sizeof ticked[0]);
}
END_TEST

START_TEST(hash_suites_are_found_both_ways)
{
    size_t count;
    const struct hash_suite *all = hash_suites(&count);

    ck_assert_uint_eq(count, 6);
    for (size_t i = 0; i < count; i++) {
        ck_assert_ptr_eq(named(all[i].name), &all[i]);
        ck_assert_uint_eq(all[i].prf->out_len, all[i].len);
        ck_assert_ptr_eq(hash_suite(all[i].ikev1), all[i].ikev1 ? &all[i] : NULL);
    }
    ck_assert_ptr_null(hash_suite(3));                /* Tiger */
    ck_assert_ptr_null(prf_suite_named("prfmd5", 6)); /* no proposal of IKEv2 */
    ck_assert_ptr_null(encr_suite(3, 0));
}
END_TEST

SUITE("crypto_ikev1", hashes_and_keymat_are_the_formulas, the_key_of_the_cipher_is_cut_or_chained,
      ivs_are_the_beginning_of_a_hash, hashes_are_those_of_their_standards, cbc_of_both_providers,
      both_providers_tick_alike, hash_suites_are_found_both_ways)
