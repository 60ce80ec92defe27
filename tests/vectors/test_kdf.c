/* Key derivation against kdf/ikev2_kdf.json: SKEYSEED, prf+, child keys with and without PFS,
 * rekey. */
#include "crypto/keymat.h"
#include "hex.h"
#include "vectors.h"

enum { FIELD_MAX = 1024 };

struct inputs {
    uint8_t ni[FIELD_MAX], nr[FIELD_MAX], gir[FIELD_MAX], gir_new[FIELD_MAX], spi_i[8], spi_r[8];
    struct ike_seed seed;
    struct bytes shared_new;
};

static void inputs_read(const json_t *test, struct inputs *in)
{
    in->seed.ni = unhex(vector_text(test, "nInit"), in->ni, FIELD_MAX);
    in->seed.nr = unhex(vector_text(test, "nResp"), in->nr, FIELD_MAX);
    in->seed.shared = unhex(vector_text(test, "gir"), in->gir, FIELD_MAX);
    in->shared_new = unhex(vector_text(test, "girNew"), in->gir_new, FIELD_MAX);
    in->seed.spi_i = load_be64(unhex(vector_text(test, "spiInit"), in->spi_i, 8).data);
    in->seed.spi_r = load_be64(unhex(vector_text(test, "spiResp"), in->spi_r, 8).data);
    in->seed.old_sk_d = BYTES_NONE;
    in->seed.old_prf = NULL;
}

static const struct prf_suite *prf_of(const char *hash)
{
    static const struct {
        const char *hash;
        uint16_t iana;
    } known[] = {{"SHA-1", 2}, {"SHA2-256", 5}, {"SHA2-384", 6}, {"SHA2-512", 7}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].hash, hash) == 0)
            return prf_suite(known[i].iana);
    return NULL;
}

static void check_initial(struct crypto *c, const json_t *test, const struct inputs *in,
                          const struct ike_suite *suite, uint8_t *skeyseed)
{
    const struct bytes seed[] = {in->seed.ni, in->seed.nr, bytes_of(in->spi_i, 8),
                                 bytes_of(in->spi_r, 8)};
    const char *expected = vector_text(test, "derivedKeyingMaterial");
    size_t len = strlen(expected) / 2, n = ike_key_map(suite).end;
    uint8_t stream[FIELD_MAX], wanted[FIELD_MAX];
    struct ike_keys keys;

    ck_assert_ok(ike_keys_derive(c, suite, &in->seed, &keys, skeyseed));
    assert_hex(bytes_of(skeyseed, suite->prf->out_len), vector_text(test, "sKeySeed"));
    unhex(expected, wanted, sizeof wanted);
    ck_assert_mem_eq(keys.bytes, wanted, n < len ? n : len);
    ck_assert_ok(
        prf_plus(c, suite->prf, bytes_of(skeyseed, suite->prf->out_len), seed, 4, stream, len));
    assert_hex(bytes_of(stream, len), expected);
}

static void check_child(struct crypto *c, const json_t *test, const struct inputs *in,
                        const struct prf_suite *prf, struct bytes sk_d)
{
    const char *plain = vector_text(test, "derivedKeyingMaterialChild");
    const char *pfs = vector_text(test, "derivedKeyingMaterialDh");
    uint8_t out[FIELD_MAX];

    ck_assert_ok(
        child_keymat(c, prf, sk_d, BYTES_NONE, in->seed.ni, in->seed.nr, out, strlen(plain) / 2));
    assert_hex(bytes_of(out, strlen(plain) / 2), plain);
    ck_assert_ok(
        child_keymat(c, prf, sk_d, in->shared_new, in->seed.ni, in->seed.nr, out, strlen(pfs) / 2));
    assert_hex(bytes_of(out, strlen(pfs) / 2), pfs);
}

static void check_rekey(struct crypto *c, const json_t *test, const struct inputs *in,
                        const struct ike_suite *suite, struct bytes sk_d)
{
    struct ike_seed seed = in->seed;
    uint8_t skeyseed[PRF_OUT_MAX];
    struct ike_keys keys;

    seed.shared = in->shared_new;
    seed.old_sk_d = sk_d;
    seed.old_prf = suite->prf;
    ck_assert_ok(ike_keys_derive(c, suite, &seed, &keys, skeyseed));
    assert_hex(bytes_of(skeyseed, suite->prf->out_len), vector_text(test, "sKeySeedReKey"));
}

START_TEST(ikev2_kdf)
{
    struct crypto *c;
    struct meter meter;
    json_t *root, *test;
    size_t i, run = 0, skipped = 0;

    vectors_needed();
    c = crypto_openssl_create(&meter);
    root = vectors_load("kdf/ikev2_kdf.json");
    json_array_foreach(json_object_get(root, "tests"), i, test)
    {
        const struct prf_suite *prf = prf_of(vector_text(test, "hashAlg"));
        const struct ike_suite suite = {encr_suite(20, 128), NULL, prf, ke_suite(31)};
        static struct inputs in;
        uint8_t skeyseed[PRF_OUT_MAX], sk_d[FIELD_MAX];
        struct bytes whole;

        if (!prf) {
            printf("skipped: %s is no PRF of IKE that we have\n", vector_text(test, "hashAlg"));
            skipped++;
            continue;
        }
        inputs_read(test, &in);
        check_initial(c, test, &in, &suite, skeyseed);
        whole = unhex(vector_text(test, "derivedKeyingMaterial"), sk_d, sizeof sk_d);
        ck_assert_uint_ge(whole.len, prf->key_len);
        check_child(c, test, &in, prf, bytes_of(sk_d, prf->key_len));
        check_rekey(c, test, &in, &suite, bytes_of(sk_d, prf->key_len));
        run++;
    }
    printf("ikev2_kdf.json: %zu run, %zu skipped\n", run, skipped);
    ck_assert_uint_ge(run, 25);
    ck_assert_uint_le(skipped, 1);
    json_decref(root);
    crypto_destroy(c);
}
END_TEST

SUITE("kdf", ikev2_kdf)
