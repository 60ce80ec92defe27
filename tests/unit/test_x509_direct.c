/* The short way to a valid certificate against the library's: one answer, one count, every time. */
#include "crypto/x509_direct.h"

#include "crypto/test_pki.h"
#include "crypto/x509.h"
#include "suite.h"

#define NOW INT64_C(1700000000)
#define YEAR INT64_C(31536000)

enum { MUTATIONS = 4000 };

static struct meter meter;
static struct crypto *crypto;
static struct test_pki *pki;

static const struct test_cert_options root_options = {
    .common_name = "Root",
    .basic_constraints = "critical,CA:TRUE",
    .key_usage = "critical,keyCertSign,cRLSign",
    .not_before_s = NOW - YEAR,
    .not_after_s = NOW + YEAR,
};

static const struct test_cert_options end_options = {
    .common_name = "gw",
    .alt_name = "DNS:gw.example.org",
    .key_usage = "critical,digitalSignature",
    .extended_key_usage = "1.3.6.1.5.5.7.3.17",
    .not_before_s = NOW - YEAR,
    .not_after_s = NOW + YEAR,
};

/* A key, its certificate, and both as a peer reads them. */
struct holder {
    struct test_key key;
    struct test_cert der;
    struct x509_cert *cert;
    struct verify_key public;
};

static struct holder issue(struct test_cert_options o, enum sign_key_type type, uint64_t id,
                           const struct holder *issuer)
{
    struct holder h;

    ck_assert_ok(test_key_make(pki, type, 2048, rng_stream(1, id, RNG_CREDENTIAL), &h.key));
    o.serial = id;
    o.key = test_key_bytes(&h.key);
    o.random = rng_stream(2, id, RNG_CREDENTIAL);
    if (issuer) {
        o.issuer_key = test_key_bytes(&issuer->key);
        o.issuer_cert = test_cert_bytes(&issuer->der);
    }
    ck_assert_ok(test_cert_make(pki, &o, &h.der));
    ck_assert_int_eq(x509_read(crypto, test_cert_bytes(&h.der), &h.cert), CERT_VALID);
    ck_assert_ok(crypto->class->verify_key_load(crypto, x509_spki(h.cert), &h.public));
    return h;
}

static void holder_reset(struct holder *h)
{
    verify_key_reset(&h->public);
    x509_free(h->cert);
    test_key_reset(&h->key);
    test_cert_reset(&h->der);
}

static void begin(void)
{
    crypto = crypto_openssl_create(&meter);
    pki = test_pki_create();
    ck_assert(crypto && pki);
}

static void end(void)
{
    test_pki_destroy(pki);
    crypto_destroy(crypto);
}

static struct x509_anchors *trust(const struct holder *root)
{
    struct x509_anchors *anchors = x509_anchors_create();

    ck_assert_ptr_nonnull(anchors);
    ck_assert_int_eq(x509_anchors_trust(anchors, root->cert), CERT_VALID);
    return anchors;
}

/* By the library alone, and with the short way tried first. */
static enum x509_result both(const struct x509_anchors *anchors, const struct x509_cert *cert,
                             struct x509_check check)
{
    static const struct verify_key known = {.key = {.library = NULL}};
    struct meter by_library;
    enum x509_result result;

    meter_clear(&meter);
    result = x509_verify(crypto, anchors, cert, &check);
    by_library = meter;
    meter_clear(&meter);
    check.key = &known; /* that it is there counts: it has been loaded from this certificate */
    ck_assert_str_eq(x509_result_name(x509_verify(crypto, anchors, cert, &check)),
                     x509_result_name(result));
    ck_assert_mem_eq(&meter, &by_library, sizeof meter);
    return result;
}

static bool direct(const struct holder *root, const struct x509_cert *cert, struct x509_check check)
{
    struct x509_direct d = {.anchor = NULL};
    static const struct verify_key known = {.key = {.library = NULL}};
    X509 *whole = x509_with_key(root->cert);
    bool valid;

    ck_assert(whole && x509_direct_trust(&d, root->cert, whole));
    check.key = &known;
    valid = x509_direct_valid(&d, crypto, cert, &check);
    x509_direct_reset(&d);
    X509_free(whole);
    return valid;
}

START_TEST(certificates_of_every_key_type_go_the_short_way)
{
    for (enum sign_key_type ca = 0; ca < KEY_TYPES; ca++) {
        struct holder root, gw;
        struct x509_anchors *anchors;
        struct x509_check check = {.now_s = NOW};

        begin();
        root = issue(root_options, ca, 1, NULL);
        gw = issue(end_options, (ca + 1) % KEY_TYPES, 2, &root);
        anchors = trust(&root);
        ck_assert(direct(&root, gw.cert, check));
        ck_assert_int_eq(both(anchors, gw.cert, check), CERT_VALID);
        ck_assert_uint_eq(meter.count[METER_CERT_CHECK], 2);
        x509_anchors_free(anchors);
        holder_reset(&root);
        holder_reset(&gw);
        end();
    }
}
END_TEST

static void expect(struct test_cert_options root_o, struct test_cert_options end_o,
                   struct x509_check check, bool short_way, enum x509_result expected)
{
    struct holder root = issue(root_o, KEY_ECP256, 1, NULL);
    struct holder gw = issue(end_o, KEY_ECP256, 2, &root);
    struct x509_anchors *anchors = trust(&root);

    ck_assert_int_eq(direct(&root, gw.cert, check), short_way);
    ck_assert_str_eq(x509_result_name(both(anchors, gw.cert, check)), x509_result_name(expected));
    x509_anchors_free(anchors);
    holder_reset(&root);
    holder_reset(&gw);
}

START_TEST(what_is_not_plainly_valid_is_left_to_the_library)
{
    struct test_cert_options o;
    struct x509_check check = {.now_s = NOW};

    begin();
    for (int64_t side = -1; side <= 1; side += 2) /* the first second of either end */
        for (int64_t off = -1; off <= 1; off++) {
            int64_t inside = side < 0 ? off >= 0 : off < 0;
            struct x509_check then = {.now_s = NOW + side * YEAR + off};
            struct holder root = issue(root_options, KEY_ED25519, 1, NULL);
            struct holder gw = issue(end_options, KEY_ED25519, 2, &root);
            struct x509_anchors *anchors = trust(&root);

            ck_assert_int_eq(both(anchors, gw.cert, then) == CERT_VALID,
                             direct(&root, gw.cert, then));
            ck_assert(!inside || direct(&root, gw.cert, then));
            x509_anchors_free(anchors);
            holder_reset(&root);
            holder_reset(&gw);
        }
    o = end_options;
    o.not_after_s = NOW - 1;
    expect(root_options, o, check, false, CERT_EXPIRED);
    o = end_options;
    o.unknown = "what nobody knows";
    expect(root_options, o, check, false, CERT_CRITICAL);
    o = end_options;
    o.key_usage = "critical,keyAgreement";
    expect(root_options, o, check, true, CERT_KEY_USAGE); /* a matter of RFC 4945 */
    o = end_options;
    o.extended_key_usage = "emailProtection";
    expect(root_options, o, check, true, CERT_PURPOSE);
    o = end_options;
    o.basic_constraints = "critical,CA:TRUE";
    o.key_usage = "critical,keyCertSign,digitalSignature";
    expect(root_options, o, check, false, CERT_VALID);
    o = root_options;
    o.not_after_s = NOW - 1;
    expect(o, end_options, check, false, CERT_EXPIRED);
    o = root_options;
    o.basic_constraints = "critical,CA:FALSE";
    expect(o, end_options, check, false, CERT_NOT_CA);
    o = root_options;
    o.key_usage = "critical,cRLSign";
    expect(o, end_options, check, false, CERT_KEY_USAGE);
    o = root_options;
    o.basic_constraints = "critical,CA:TRUE,pathlen:0";
    expect(o, end_options, check, true, CERT_VALID);
    check.crl = CERT_CRL_REQUIRED;
    expect(root_options, end_options, check, false, CERT_NO_CRL);
    end();
}
END_TEST

START_TEST(other_anchors_and_two_of_one_name)
{
    struct x509_check check = {.now_s = NOW};
    struct holder root, same_name, gw;
    struct x509_anchors *anchors;

    begin();
    root = issue(root_options, KEY_ECP256, 1, NULL);
    same_name = issue(root_options, KEY_ECP256, 9, NULL);
    gw = issue(end_options, KEY_ECP256, 2, &root);
    anchors = trust(&same_name);
    ck_assert(!direct(&same_name, gw.cert, check));
    ck_assert_int_ne(both(anchors, gw.cert, check), CERT_VALID);
    ck_assert_int_eq(x509_anchors_trust(anchors, root.cert), CERT_VALID);
    (void)both(anchors, gw.cert, check);
    x509_anchors_free(anchors);
    holder_reset(&root);
    holder_reset(&same_name);
    holder_reset(&gw);
    end();
}
END_TEST

START_TEST(mutated_certificates_are_judged_alike)
{
    struct x509_check check = {.now_s = NOW};
    struct holder root, gw;
    struct x509_anchors *anchors;
    unsigned read = 0;

    begin();
    root = issue(root_options, KEY_ED25519, 1, NULL);
    gw = issue(end_options, KEY_ED25519, 2, &root);
    anchors = trust(&root);
    for (uint64_t i = 0; i < MUTATIONS; i++) {
        struct rng r = rng_stream(4, i, RNG_TEST);
        struct bytes der = x509_der(gw.cert);
        struct x509_cert *changed;
        uint8_t copy[2048];

        memcpy(copy, der.data, der.len);
        copy[rng_below(&r, der.len)] ^= (uint8_t)(1 << rng_below(&r, 8));
        if (x509_read(crypto, bytes_of(copy, der.len), &changed) != CERT_VALID)
            continue;
        read++;
        ck_assert_int_ne(both(anchors, changed, check), CERT_VALID);
        x509_free(changed);
    }
    ck_assert_uint_gt(read, MUTATIONS / 10);
    x509_anchors_free(anchors);
    holder_reset(&root);
    holder_reset(&gw);
    end();
}
END_TEST

/* The same bytes are read once, and lie there until sixteen others have come. */
START_TEST(a_certificate_is_read_once)
{
    struct holder root, gw[20];
    struct x509_cert *again, *late;

    begin();
    root = issue(root_options, KEY_ED25519, 1, NULL);
    meter_clear(&meter);
    ck_assert_int_eq(x509_read(crypto, x509_der(root.cert), &again), CERT_VALID);
    ck_assert_ptr_eq(again, root.cert);
    ck_assert_uint_eq(meter.count[METER_CERT_PARSE], 1);
    x509_free(again);
    for (uint64_t i = 0; i < 20; i++)
        gw[i] = issue(end_options, KEY_ED25519, 2 + i, &root);
    for (int i = 0; i < 20; i++)
        ck_assert_mem_eq(x509_der(gw[i].cert).data, gw[i].der.der, gw[i].der.len);
    ck_assert_int_eq(x509_read(crypto, x509_der(root.cert), &late), CERT_VALID);
    ck_assert_ptr_ne(late, root.cert);
    holder_reset(&root);
    for (int i = 0; i < 20; i++)
        holder_reset(&gw[i]);
    end();
    ck_assert_uint_gt(x509_der(late).len, 0); /* also after the provider */
    x509_free(late);
}
END_TEST

SUITE("x509_direct", a_certificate_is_read_once, certificates_of_every_key_type_go_the_short_way,
      what_is_not_plainly_valid_is_left_to_the_library, other_anchors_and_two_of_one_name,
      mutated_certificates_are_judged_alike)
