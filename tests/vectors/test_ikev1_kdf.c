/* Key derivation of IKEv1 against kdf/ikev1_kdf.json: SKEYID, SKEYID_d, SKEYID_a, SKEYID_e for
 * signatures, pre-shared keys and public-key encryption (RFC 2409 §5). */
#include "crypto/ikev1_keymat.h"
#include "hex.h"
#include "vectors.h"

enum { FIELD_MAX = 1024 };

static const struct hash_suite *hash_of(const char *name)
{
    static const char *const known[][2] = {{"MD5", "md5"},         {"SHA-1", "sha1"},
                                           {"SHA2-224", "sha224"}, {"SHA2-256", "sha256"},
                                           {"SHA2-384", "sha384"}, {"SHA2-512", "sha512"}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i][0], name) == 0)
            return hash_suite_named(known[i][1], strlen(known[i][1]));
    return NULL;
}

static enum ikev1_skeyid_kind kind_of(const char *method)
{
    if (strcmp(method, "psk") == 0)
        return IKEV1_SKEYID_PSK;
    if (strcmp(method, "dsa") == 0)
        return IKEV1_SKEYID_SIGNATURE;
    ck_assert_str_eq(method, "pke");
    return IKEV1_SKEYID_ENCRYPTION;
}

static void check_case(struct crypto *c, const struct hash_suite *hash, const json_t *test)
{
    static uint8_t ni[FIELD_MAX], nr[FIELD_MAX], gxy[FIELD_MAX], psk[FIELD_MAX];
    uint8_t cky_i[8], cky_r[8];
    struct ikev1_seed seed = {.kind = kind_of(vector_text(test, "authenticationMethod"))};
    struct ikev1_keys keys;

    seed.ni = unhex(vector_text(test, "nInit"), ni, sizeof ni);
    seed.nr = unhex(vector_text(test, "nResp"), nr, sizeof nr);
    seed.shared = unhex(vector_text(test, "gxy"), gxy, sizeof gxy);
    seed.cky_i = load_be64(unhex(vector_text(test, "ckyInit"), cky_i, 8).data);
    seed.cky_r = load_be64(unhex(vector_text(test, "ckyResp"), cky_r, 8).data);
    if (seed.kind == IKEV1_SKEYID_PSK)
        seed.psk = unhex(vector_text(test, "preSharedKey"), psk, sizeof psk);
    ck_assert_ok(ikev1_keys_derive(c, hash, &seed, &keys));
    assert_hex(bytes_of(keys.skeyid, hash->len), vector_text(test, "sKeyId"));
    assert_hex(bytes_of(keys.skeyid_d, hash->len), vector_text(test, "sKeyIdD"));
    assert_hex(bytes_of(keys.skeyid_a, hash->len), vector_text(test, "sKeyIdA"));
    assert_hex(bytes_of(keys.skeyid_e, hash->len), vector_text(test, "sKeyIdE"));
}

START_TEST(ikev1_kdf)
{
    struct crypto *c;
    struct meter meter = {0};
    json_t *root, *test;
    size_t i, run = 0;

    vectors_needed();
    c = crypto_openssl_create(&meter);
    root = vectors_load("kdf/ikev1_kdf.json");
    json_array_foreach(json_object_get(root, "tests"), i, test)
    {
        const struct hash_suite *hash = hash_of(vector_text(test, "hashAlg"));

        ck_assert_ptr_nonnull(hash);
        check_case(c, hash, test);
        run++;
    }
    printf("ikev1_kdf.json: %zu run, 0 skipped\n", run);
    ck_assert_uint_eq(run, 12);
    json_decref(root);
    crypto_destroy(c);
}
END_TEST

SUITE("ikev1_kdf", ikev1_kdf)
