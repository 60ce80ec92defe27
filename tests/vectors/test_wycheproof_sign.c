/*
 * Signatures against Wycheproof: RSA PKCS#1 and PSS, ECDSA as DER and as r | s, Ed25519. Cases
 * that are "acceptable" there may go either way; each file says how many were run and how many of
 * those we take.
 */
#include "crypto/provider.h"
#include "hex.h"
#include "vectors.h"

enum { MSG_MAX = 8192 };

static struct meter meter;
static struct crypto *crypto;

static enum err verdict(const struct sign_suite *suite, const struct verify_key *key,
                        const json_t *test)
{
    static uint8_t msg_room[MSG_MAX], sig_room[MSG_MAX];
    struct bytes msg = unhex(vector_text(test, "msg"), msg_room, sizeof msg_room);
    struct bytes sig = unhex(vector_text(test, "sig"), sig_room, sizeof sig_room);
    struct verify_op op = {key, suite, &msg, 1};

    return crypto->class->verify(crypto, &op, sig);
}

struct tally {
    size_t run, taken, either;
};

static void one_group(const char *file, const struct sign_suite *suite, const json_t *group,
                      struct tally *t)
{
    uint8_t room[MSG_MAX];
    struct bytes spki = unhex(vector_text(group, "publicKeyDer"), room, sizeof room);
    struct verify_key key;
    json_t *test;
    size_t i;

    ck_assert_ok(crypto->class->verify_key_load(crypto, spki, &key));
    json_array_foreach(json_object_get(group, "tests"), i, test)
    {
        const char *result = vector_text(test, "result");
        enum err e = verdict(suite, &key, test);

        ck_assert(e == OK || e == ERR_SIGNATURE);
        if (strcmp(result, "acceptable") == 0)
            t->either++;
        else
            ck_assert_msg(
                (e == OK) == (strcmp(result, "valid") == 0), "%s tcId %lld: %s, we say %s", file,
                (long long)json_integer_value(json_object_get(test, "tcId")), result, err_name(e));
        t->run++;
        t->taken += e == OK;
    }
    verify_key_reset(&key);
}

static void whole_file(const char *file, const char *name, size_t taken)
{
    const struct sign_suite *suite = sign_suite_named(name, strlen(name));
    struct tally t = {0, 0, 0};
    char path[128];
    json_t *root, *group;
    size_t i;

    vectors_needed();
    ck_assert_ptr_nonnull(suite);
    meter_clear(&meter);
    crypto = crypto_openssl_create(&meter);
    ck_assert_ptr_nonnull(crypto);
    snprintf(path, sizeof path, "wycheproof/%s_test.json", file);
    root = vectors_load(path);
    json_array_foreach(json_object_get(root, "testGroups"), i, group)
        one_group(file, suite, group, &t);
    printf("%s: %zu run, %zu taken, %zu could go either way, 0 skipped\n", file, t.run, t.taken,
           t.either);
    ck_assert_int_eq((json_int_t)t.run, json_integer_value(json_object_get(root, "numberOfTests")));
    ck_assert_uint_eq(t.taken, taken);
    json_decref(root);
    crypto_destroy(crypto);
}

START_TEST(rsa_pkcs1)
{
    whole_file("rsa_signature_2048_sha256", "rsa-sha256", 6);
    whole_file("rsa_signature_3072_sha256", "rsa-sha256", 6);
    whole_file("rsa_signature_4096_sha512", "rsa-sha512", 3);
}
END_TEST

START_TEST(rsa_pss)
{
    whole_file("rsa_pss_2048_sha256_mgf1_32", "rsa/pss-sha256", 42);
    whole_file("rsa_pss_3072_sha256_mgf1_32", "rsa/pss-sha256", 43);
    whole_file("rsa_pss_4096_sha384_mgf1_48", "rsa/pss-sha384", 65);
}
END_TEST

START_TEST(ecdsa_der)
{
    whole_file("ecdsa_secp256r1_sha256", "ecdsa-256-sha256", 113);
    whole_file("ecdsa_secp384r1_sha384", "ecdsa-384-sha384", 131);
}
END_TEST

START_TEST(ecdsa_fixed)
{
    whole_file("ecdsa_secp256r1_sha256_p1363", "ecdsa-256", 99);
    whole_file("ecdsa_secp384r1_sha384_p1363", "ecdsa-384", 139);
}
END_TEST

START_TEST(ed25519)
{
    whole_file("ed25519", "ed25519", 63);
}
END_TEST

SUITE("wycheproof_sign", rsa_pkcs1, rsa_pss, ecdsa_der, ecdsa_fixed, ed25519)
