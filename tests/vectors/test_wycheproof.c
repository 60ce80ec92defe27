/*
 * The provider against Wycheproof. Each file says how many of its cases were run and why others
 * were not; a floor on the number keeps a reader that skips everything from passing.
 * Signatures are in test_wycheproof_sign.c; HKDF and ML-KEM are of algorithms not here yet.
 */
#include "crypto/provider.h"
#include "hex.h"
#include "vectors.h"

enum { MSG_MAX = 8192, REASONS_MAX = 6 };

static struct meter meter;
static struct crypto *crypto;

/* Why cases were left out, and how many. */
struct tally {
    const char *file;
    size_t run, skipped;
    struct {
        const char *why;
        size_t count;
    } reasons[REASONS_MAX];
};

static void skip(struct tally *t, const char *why)
{
    size_t i = 0;

    while (t->reasons[i].why && strcmp(t->reasons[i].why, why) != 0)
        ck_assert_uint_lt(++i, REASONS_MAX);
    t->reasons[i].why = why;
    t->reasons[i].count++;
    t->skipped++;
}

/* Runs `one` on every case of the file; at least `floor` of them must be run. */
static void each_case_of(struct crypto *(*make)(struct meter *), const char *file, size_t floor,
                         void (*one)(struct tally *, const json_t *group, const json_t *test))
{
    struct tally t = {.file = file};
    char path[128];
    json_t *root, *group, *test;
    size_t g, i;

    vectors_needed();
    meter_clear(&meter);
    crypto = make(&meter);
    ck_assert_ptr_nonnull(crypto);
    snprintf(path, sizeof path, "wycheproof/%s_test.json", file);
    root = vectors_load(path);
    json_array_foreach(json_object_get(root, "testGroups"), g, group)
        json_array_foreach(json_object_get(group, "tests"), i, test) one(&t, group, test);
    printf("%s: %zu run", file, t.run);
    for (i = 0; i < REASONS_MAX && t.reasons[i].why; i++)
        printf(", %zu skipped (%s)", t.reasons[i].count, t.reasons[i].why);
    printf("\n");
    ck_assert_int_eq((json_int_t)(t.run + t.skipped),
                     json_integer_value(json_object_get(root, "numberOfTests")));
    ck_assert_uint_ge(t.run, floor);
    json_decref(root);
    crypto_destroy(crypto);
}

static void each_case(const char *file, size_t floor,
                      void (*one)(struct tally *, const json_t *group, const json_t *test))
{
    each_case_of(crypto_openssl_create, file, floor, one);
}

static long long number(const json_t *object, const char *member)
{
    ck_assert(json_is_integer(json_object_get(object, member)));
    return json_integer_value(json_object_get(object, member));
}

static bool is_valid(const json_t *test)
{
    return strcmp(vector_text(test, "result"), "valid") == 0;
}

static bool has_flag(const json_t *test, const char *flag)
{
    const json_t *text;
    size_t i;

    json_array_foreach(json_object_get(test, "flags"), i,
                       text) if (strcmp(json_string_value(text), flag) == 0) return true;
    return false;
}

/* ------------------------------------------------------------------- key exchange */

/* The private number, which the files write with more or fewer leading zeros than we do. */
static void own_pair(const struct ke_suite *suite, const json_t *test, struct ke_pair *own)
{
    uint8_t room[128];
    struct bytes key = unhex(vector_text(test, "private"), room, sizeof room);

    ck_assert_ok(crypto->class->ke_generate(crypto, suite, rng_stream(1, 1, RNG_TEST), own));
    while (key.len > suite->private_len) {
        ck_assert_uint_eq(key.data[0], 0);
        key = bytes_of(key.data + 1, key.len - 1);
    }
    memset(own->private, 0, suite->private_len);
    memcpy(own->private + suite->private_len - key.len, key.data, key.len);
}

static void exchange(const struct ke_suite *suite, const json_t *test, struct bytes peer,
                     bool refused)
{
    long long id = number(test, "tcId");
    uint8_t shared[KE_SHARED_MAX];
    struct ke_pair own;
    enum err e;

    own_pair(suite, test, &own);
    e = crypto->class->ke_derive(crypto, &own, peer, shared);
    ck_assert_msg(e == (refused ? ERR_KEY_EXCHANGE : OK), "%s tcId %lld: %s", suite->name, id,
                  err_name(e));
    if (!refused)
        assert_hex(bytes_of(shared, suite->shared_len), vector_text(test, "shared"));
}

/* "acceptable": on the twist, not canonical or of small order; RFC 7748 takes all but the last. */
static void xdh_case(struct tally *t, const json_t *group, const json_t *test)
{
    bool is448 = strcmp(vector_text(group, "curve"), "curve448") == 0;
    bool refused = has_flag(test, "ZeroSharedSecret") || has_flag(test, "PublicKeyTooLong");
    uint8_t room[128];

    exchange(ke_suite(is448 ? 32 : 31), test, unhex(vector_text(test, "public"), room, sizeof room),
             refused);
    t->run++;
}

START_TEST(x25519)
{
    each_case("x25519", 340, xdh_case); /* our own where the processor can, then the library's */
    each_case_of(crypto_openssl_plain_create, "x25519", 340, xdh_case);
}
END_TEST

START_TEST(x448)
{
    each_case("x448", 330, xdh_case);
}
END_TEST

static const struct ke_suite *curve_of(const json_t *group)
{
    const char *curve = vector_text(group, "curve");
    int iana = strcmp(curve, "secp256r1") == 0 ? 19 : strcmp(curve, "secp384r1") == 0 ? 20 : 21;

    return ke_suite((uint16_t)iana);
}

/*
 * IKE sends x | y, so the leading 04 goes; what starts otherwise cannot be said on our wire. Here
 * "acceptable" is a value that a loose reader of DER mends: too long, or a last byte changed.
 */
static void point_case(struct tally *t, const struct ke_suite *suite, const json_t *test,
                       struct bytes point)
{
    if (point.len == 0 || point.data[0] != 4) {
        skip(t, "not an uncompressed point");
        return;
    }
    exchange(suite, test, bytes_of(point.data + 1, point.len - 1), !is_valid(test));
    t->run++;
}

static void ecpoint_case(struct tally *t, const json_t *group, const json_t *test)
{
    uint8_t room[1024];

    point_case(t, curve_of(group), test, unhex(vector_text(test, "public"), room, sizeof room));
}

/* Keys as SubjectPublicKeyInfo: the plain DER of the named curve is a fixed head and the point. */
static void spki_case(struct tally *t, const json_t *group, const json_t *test)
{
    const struct ke_suite *suite = curve_of(group);
    const char *head = suite->iana == 19 ? "3059301306072a8648ce3d020106082a8648ce3d030107034200"
                                         : "3076301006072a8648ce3d020106052b81040022036200";
    const char *public = vector_text(test, "public");
    uint8_t room[1024];

    if (strncmp(public, head, strlen(head)) != 0) {
        skip(t, "not the plain DER of this curve; IKE sends no DER");
        return;
    }
    point_case(t, suite, test, unhex(public + strlen(head), room, sizeof room));
}

START_TEST(ecdh_points)
{
    each_case("ecdh_secp256r1_ecpoint", 220, ecpoint_case);
    each_case("ecdh_secp384r1_ecpoint", 490, ecpoint_case);
    each_case("ecdh_secp521r1_ecpoint", 430, ecpoint_case);
}
END_TEST

START_TEST(ecdh_points_in_der)
{
    each_case("ecdh_secp256r1", 220, spki_case);
    each_case("ecdh_secp384r1", 510, spki_case);
}
END_TEST

/* ------------------------------------------------------------------- sealing */

struct sealed {
    struct seal_key key;
    struct seal_op op;
    uint8_t encr_key[ENCR_KEY_MAX], iv[IV_MAX], icv[ICV_MAX];
    uint8_t aad[MSG_MAX], text[MSG_MAX], expected[MSG_MAX];
};

/* The file's nonce is our salt | iv; its salt stands behind the key. */
static void aead_read(const json_t *test, const struct encr_suite *suite, struct sealed *s)
{
    uint8_t nonce[16];

    s->key = (struct seal_key){suite, NULL, s->encr_key, NULL};
    unhex(vector_text(test, "key"), s->encr_key, suite->key_len);
    unhex(vector_text(test, "iv"), nonce, sizeof nonce);
    memcpy(s->encr_key + suite->key_len, nonce, suite->salt_len);
    memcpy(s->iv, nonce + suite->salt_len, suite->iv_len);
    s->op = (struct seal_op){
        .key = &s->key,
        .aad = unhex(vector_text(test, "aad"), s->aad, MSG_MAX),
        .iv = s->iv,
        .text = s->text,
        .icv = s->icv,
    };
}

static void aead_seal(const json_t *test, struct sealed *s)
{
    s->op.text_len = unhex(vector_text(test, "msg"), s->text, MSG_MAX).len;
    unhex(vector_text(test, "ct"), s->expected, MSG_MAX);
    ck_assert_ok(crypto->class->seal(crypto, &s->op));
    ck_assert_mem_eq(s->text, s->expected, s->op.text_len);
    assert_hex(bytes_of(s->icv, s->key.encr->icv_len), vector_text(test, "tag"));
}

static void aead_open(const json_t *test, struct sealed *s)
{
    size_t len = unhex(vector_text(test, "ct"), s->text, MSG_MAX).len;
    enum err e;

    s->op.text_len = len;
    unhex(vector_text(test, "msg"), s->expected, MSG_MAX);
    unhex(vector_text(test, "tag"), s->icv, ICV_MAX);
    e = crypto->class->open(crypto, &s->op);
    ck_assert_int_eq(e, is_valid(test) ? OK : ERR_ICV);
    if (e == OK)
        ck_assert_mem_eq(s->text, s->expected, len);
}

static void aead_case(struct tally *t, const json_t *test, const struct encr_suite *suite)
{
    static struct sealed s;

    aead_read(test, suite, &s);
    if (is_valid(test))
        aead_seal(test, &s);
    aead_open(test, &s);
    t->run++;
}

static void gcm_case(struct tally *t, const json_t *group, const json_t *test)
{
    if (number(group, "ivSize") != 96)
        skip(t, "nonce is not 12 bytes");
    else if (number(group, "tagSize") != 128)
        skip(t, "ICV is not 16 bytes");
    else
        aead_case(t, test, encr_suite(20, (uint16_t)number(group, "keySize")));
}

static void ccm_case(struct tally *t, const json_t *group, const json_t *test)
{
    long long tag = number(group, "tagSize");

    if (number(group, "ivSize") != 88)
        skip(t, "nonce is not 11 bytes");
    else if (tag != 64 && tag != 96 && tag != 128)
        skip(t, "ICV is not 8, 12 or 16 bytes");
    else
        aead_case(t, test,
                  encr_suite((uint16_t)(14 + (tag - 64) / 32), (uint16_t)number(group, "keySize")));
}

static void chacha_case(struct tally *t, const json_t *group, const json_t *test)
{
    if (number(group, "ivSize") != 96)
        skip(t, "nonce is not 12 bytes");
    else
        aead_case(t, test, encr_suite(28, 0));
}

START_TEST(aead)
{
    each_case("aes_gcm", 135, gcm_case);
    each_case("aes_ccm", 10, ccm_case);
    each_case("chacha20_poly1305", 203, chacha_case);
}
END_TEST

/* PKCS #5 padding is the file's, not IPsec's: here it is only looked at. */
static bool unpad(const uint8_t *text, size_t *len)
{
    size_t pad = *len ? text[*len - 1] : 0;

    if (pad == 0 || pad > 16 || pad > *len)
        return false;
    for (size_t i = 1; i <= pad; i++)
        if (text[*len - i] != pad)
            return false;
    *len -= pad;
    return true;
}

/* Open wants an ICV: a NULL cipher whose aad is the IV makes the same MAC over iv | ciphertext. */
static void cbc_case(struct tally *t, const json_t *group, const json_t *test)
{
    static struct sealed s;
    static const uint8_t integ_key[32];
    struct seal_key null = {encr_suite(11, 0), integ_suite(12), NULL, integ_key};
    struct seal_op mac;
    size_t len = unhex(vector_text(test, "ct"), s.text, MSG_MAX).len;
    enum err e;

    s.key = (struct seal_key){encr_suite(12, (uint16_t)number(group, "keySize")), integ_suite(12),
                              s.encr_key, integ_key};
    unhex(vector_text(test, "key"), s.encr_key, ENCR_KEY_MAX);
    unhex(vector_text(test, "iv"), s.iv, IV_MAX);
    s.op =
        (struct seal_op){.key = &s.key, .iv = s.iv, .text = s.text, .text_len = len, .icv = s.icv};
    mac = s.op;
    mac.key = &null;
    mac.aad = bytes_of(s.iv, 16);
    ck_assert_ok(crypto->class->seal(crypto, &mac));
    e = crypto->class->open(crypto, &s.op);
    ck_assert_int_eq(e, len % 16 ? ERR_LENGTH : OK);
    ck_assert_msg((e == OK && unpad(s.text, &len)) == is_valid(test), "tcId %lld",
                  number(test, "tcId"));
    if (is_valid(test))
        ck_assert(bytes_equal(bytes_of(s.text, len),
                              unhex(vector_text(test, "msg"), s.expected, MSG_MAX)));
    t->run++;
}

START_TEST(aes_cbc)
{
    each_case("aes_cbc_pkcs5", 154, cbc_case);
}
END_TEST

/* ------------------------------------------------------------------- MACs */

static void mac_case(struct tally *t, const json_t *group, const json_t *test,
                     const struct prf_suite *suite)
{
    static uint8_t message[MSG_MAX];
    uint8_t key[256], out[PRF_OUT_MAX], tag[PRF_OUT_MAX];
    struct bytes text = unhex(vector_text(test, "msg"), message, MSG_MAX);
    size_t len = (size_t)number(group, "tagSize") / 8;

    ck_assert_uint_eq(unhex(vector_text(test, "tag"), tag, sizeof tag).len, len);
    ck_assert_ok(crypto->class->prf(crypto, suite, unhex(vector_text(test, "key"), key, sizeof key),
                                    &text, 1, out));
    ck_assert_int_eq(bytes_equal_secret(bytes_of(out, len), bytes_of(tag, len)), is_valid(test));
    t->run++;
}

/* Where key and tag have the sizes of an integrity transform, that has to agree too. */
static void integ_case(const json_t *group, const json_t *test, const struct integ_suite *suite)
{
    static uint8_t message[MSG_MAX];
    uint8_t key[INTEG_KEY_MAX], icv[ICV_MAX];
    struct seal_key k = {encr_suite(11, 0), suite, NULL, key};
    struct seal_op op = {.key = &k, .text = message, .icv = icv};

    if (number(group, "keySize") != 8 * suite->key_len ||
        number(group, "tagSize") != 8 * suite->icv_len)
        return;
    unhex(vector_text(test, "key"), key, sizeof key);
    unhex(vector_text(test, "tag"), icv, sizeof icv);
    op.text_len = unhex(vector_text(test, "msg"), message, MSG_MAX).len;
    ck_assert_int_eq(crypto->class->open(crypto, &op), is_valid(test) ? OK : ERR_ICV);
}

static void hmac_sha1_case(struct tally *t, const json_t *group, const json_t *test)
{
    mac_case(t, group, test, prf_suite(2));
}

static void hmac_sha256_case(struct tally *t, const json_t *group, const json_t *test)
{
    mac_case(t, group, test, prf_suite(5));
    integ_case(group, test, integ_suite(12));
}

static void hmac_sha384_case(struct tally *t, const json_t *group, const json_t *test)
{
    mac_case(t, group, test, prf_suite(6));
    integ_case(group, test, integ_suite(13));
}

static void hmac_sha512_case(struct tally *t, const json_t *group, const json_t *test)
{
    mac_case(t, group, test, prf_suite(7));
    integ_case(group, test, integ_suite(14));
}

static void cmac_case(struct tally *t, const json_t *group, const json_t *test)
{
    if (number(group, "keySize") != 128)
        skip(t, "key is not 16 bytes");
    else
        mac_case(t, group, test, prf_suite(8));
}

START_TEST(hmac)
{
    each_case("hmac_sha1", 116, hmac_sha1_case);
    each_case("hmac_sha256", 130, hmac_sha256_case);
    each_case("hmac_sha384", 109, hmac_sha384_case);
    each_case("hmac_sha512", 115, hmac_sha512_case);
    ck_assert_uint_gt(meter.count[METER_INTEG_HMAC_SHA2], 50); /* sha512 through open as well */
}
END_TEST

START_TEST(aes_cmac)
{
    each_case("aes_cmac", 73, cmac_case);
}
END_TEST

SUITE("wycheproof", x25519, x448, ecdh_points, ecdh_points_in_der, aead, aes_cbc, hmac, aes_cmac)
