/* Certificates: what a path needs, each way in which it fails, identities, mutated certificates. */
#include "crypto/test_pki.h"
#include "crypto/x509.h"
#include "hex.h"
#include "suite.h"

#define NOW INT64_C(1700000000)
#define YEAR INT64_C(31536000)
#define IPSEC_IKE "1.3.6.1.5.5.7.3.17"
#define ALT_NAMES "DNS:gw.example.org,email:Ann@Example.org,IP:192.0.2.1,IP:2001:db8::1"

enum { MUTATIONS = 10000 };

static struct meter meter;
static struct crypto *crypto;
static struct test_pki *pki;

/* A key and its certificate, read. */
struct holder {
    struct test_key key;
    struct test_cert der;
    struct x509_cert *cert;
};

static void holder_reset(struct holder *h)
{
    x509_free(h->cert);
    test_key_reset(&h->key);
    test_cert_reset(&h->der);
    h->cert = NULL;
}

static const struct test_cert_options ca_options = {
    .common_name = "Root",
    .basic_constraints = "critical,CA:TRUE",
    .key_usage = "critical,keyCertSign,cRLSign",
    .not_before_s = NOW - YEAR,
    .not_after_s = NOW + YEAR,
};

static const struct test_cert_options leaf_options = {
    .common_name = "gw",
    .alt_name = ALT_NAMES,
    .key_usage = "critical,digitalSignature",
    .extended_key_usage = IPSEC_IKE,
    .not_before_s = NOW - YEAR,
    .not_after_s = NOW + YEAR,
};

/* A certificate with a key of its own; `issuer` NULL: by itself. */
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
    return h;
}

/* Root, intermediate, leaf. */
struct chain {
    struct holder root, middle, leaf;
    struct x509_anchors *store;
};

static struct chain chain_of(struct test_cert_options root, struct test_cert_options middle,
                             struct test_cert_options leaf, enum sign_key_type type)
{
    struct chain c;

    crypto = crypto_openssl_create(&meter);
    pki = test_pki_create();
    ck_assert(crypto && pki);
    middle.common_name = "Middle";
    c.root = issue(root, type, 1, NULL);
    c.middle = issue(middle, type, 2, &c.root);
    c.leaf = issue(leaf, type, 3, &c.middle);
    c.store = x509_anchors_create();
    ck_assert_ptr_nonnull(c.store);
    ck_assert_int_eq(x509_anchors_trust(c.store, c.root.cert), CERT_VALID);
    return c;
}

static struct chain good_chain(void)
{
    return chain_of(ca_options, ca_options, leaf_options, KEY_ECP256);
}

static void chain_reset(struct chain *c)
{
    x509_anchors_free(c->store);
    holder_reset(&c->root);
    holder_reset(&c->middle);
    holder_reset(&c->leaf);
    test_pki_destroy(pki);
    crypto_destroy(crypto);
}

static enum x509_result verify_at(const struct chain *c, int64_t now_s, enum x509_crl_mode crl)
{
    const struct x509_cert *middle = c->middle.cert;
    struct x509_check check = {
        .now_s = now_s, .crl = crl, .intermediates = &middle, .intermediate_count = 1};

    return x509_verify(crypto, c->store, c->leaf.cert, &check);
}

static void expect(struct test_cert_options root, struct test_cert_options middle,
                   struct test_cert_options leaf, enum x509_result expected)
{
    struct chain c = chain_of(root, middle, leaf, KEY_ECP256);
    enum x509_result got = verify_at(&c, NOW, CERT_CRL_OFF);

    ck_assert_msg(got == expected, "%s, not %s", x509_result_name(got), x509_result_name(expected));
    chain_reset(&c);
}

START_TEST(chains_of_every_key_type_are_valid)
{
    for (enum sign_key_type t = 0; t < KEY_TYPES; t++) {
        struct chain c = chain_of(ca_options, ca_options, leaf_options, t);
        struct verify_key key;

        meter_clear(&meter);
        ck_assert_int_eq(verify_at(&c, NOW, CERT_CRL_OFF), CERT_VALID);
        ck_assert_uint_eq(meter.count[METER_CERT_CHECK], 3);
        ck_assert_ok(crypto->class->verify_key_load(crypto, x509_spki(c.leaf.cert), &key));
        ck_assert_int_eq(key.key.type, t);
        ck_assert_uint_eq(meter.count[verify_meter(&key.key)], 2);
        verify_key_reset(&key);
        chain_reset(&c);
    }
}
END_TEST

START_TEST(certificates_repeat)
{
    struct chain a = good_chain();
    struct test_cert first = a.leaf.der, copy = {malloc(first.len), first.len};
    struct chain b;

    memcpy(copy.der, first.der, first.len);
    chain_reset(&a);
    b = good_chain();
    ck_assert_uint_eq(b.leaf.der.len, copy.len);
    ck_assert_mem_eq(b.leaf.der.der, copy.der, copy.len);
    test_cert_reset(&copy);
    chain_reset(&b);
}
END_TEST

START_TEST(time_decides)
{
    struct test_cert_options late = leaf_options, early = leaf_options, old = ca_options;
    struct chain c = good_chain();

    ck_assert_int_eq(verify_at(&c, NOW - YEAR - 1, CERT_CRL_OFF), CERT_NOT_YET_VALID);
    ck_assert_int_eq(verify_at(&c, NOW - YEAR, CERT_CRL_OFF), CERT_VALID);
    ck_assert_int_eq(verify_at(&c, NOW + YEAR - 1, CERT_CRL_OFF), CERT_VALID);
    ck_assert_int_eq(verify_at(&c, NOW + YEAR + 1, CERT_CRL_OFF), CERT_EXPIRED);
    chain_reset(&c);
    late.not_before_s = NOW + 1;
    expect(ca_options, ca_options, late, CERT_NOT_YET_VALID);
    early.not_after_s = NOW - 1;
    expect(ca_options, ca_options, early, CERT_EXPIRED);
    old.not_after_s = NOW - 1;
    expect(ca_options, old, leaf_options, CERT_EXPIRED);
}
END_TEST

START_TEST(issuers_must_be_cas)
{
    struct test_cert_options none = ca_options, no_flag = ca_options, zero = ca_options,
                             no_sign = ca_options;

    none.basic_constraints = NULL;
    expect(ca_options, none, leaf_options, CERT_NOT_CA);
    none.key_usage = NULL;
    expect(ca_options, none, leaf_options, CERT_NOT_CA);
    no_flag.basic_constraints = "critical,CA:FALSE";
    expect(ca_options, no_flag, leaf_options, CERT_NOT_CA);
    zero.basic_constraints = "critical,CA:TRUE,pathlen:0";
    expect(zero, ca_options, leaf_options, CERT_PATH_LENGTH);
    expect(ca_options, zero, leaf_options, CERT_VALID);
    no_sign.key_usage = "critical,cRLSign";
    expect(ca_options, no_sign, leaf_options, CERT_KEY_USAGE);
}
END_TEST

START_TEST(a_leaf_must_be_for_ike)
{
    struct test_cert_options o = leaf_options;
    struct x509_check check = {.now_s = NOW, .tls_purpose = true};
    const struct x509_cert *middle;
    struct chain c;

    o.key_usage = "critical,keyAgreement";
    expect(ca_options, ca_options, o, CERT_KEY_USAGE);
    o.key_usage = "nonRepudiation";
    expect(ca_options, ca_options, o, CERT_VALID);
    o.key_usage = NULL;
    o.extended_key_usage = NULL;
    expect(ca_options, ca_options, o, CERT_VALID);
    o.extended_key_usage = "emailProtection";
    expect(ca_options, ca_options, o, CERT_PURPOSE);
    o.extended_key_usage = "critical,emailProtection,anyExtendedKeyUsage";
    expect(ca_options, ca_options, o, CERT_VALID);
    o.extended_key_usage = "serverAuth";
    expect(ca_options, ca_options, o, CERT_PURPOSE);
    c = chain_of(ca_options, ca_options, o, KEY_ECP256);
    middle = c.middle.cert;
    check.intermediates = &middle;
    check.intermediate_count = 1;
    ck_assert_int_eq(x509_verify(crypto, c.store, c.leaf.cert, &check), CERT_VALID);
    chain_reset(&c);
    o = leaf_options;
    o.unknown = "what nobody knows";
    expect(ca_options, ca_options, o, CERT_CRITICAL);
}
END_TEST

START_TEST(other_anchors_lead_nowhere)
{
    struct chain c = good_chain();
    struct holder other = issue(ca_options, KEY_ECP256, 9, NULL); /* same name, another key */
    struct x509_anchors *store = c.store;
    struct x509_check check = {.now_s = NOW};
    const struct x509_cert *many[CERT_CHAIN_MAX + 1];

    ck_assert_int_eq(x509_verify(crypto, store, c.leaf.cert, &check), CERT_NO_ANCHOR);
    for (size_t i = 0; i <= CERT_CHAIN_MAX; i++)
        many[i] = c.middle.cert;
    check.intermediates = many;
    check.intermediate_count = CERT_CHAIN_MAX + 1;
    ck_assert_int_eq(x509_verify(crypto, store, c.leaf.cert, &check), CERT_TOO_MANY);
    check.intermediate_count = CERT_CHAIN_MAX;
    ck_assert_int_eq(x509_verify(crypto, store, c.leaf.cert, &check), CERT_VALID);
    c.store = x509_anchors_create();
    ck_assert_int_eq(verify_at(&c, NOW, CERT_CRL_OFF), CERT_NO_ANCHOR);
    ck_assert_int_eq(x509_anchors_trust(c.store, other.cert), CERT_VALID);
    ck_assert_int_eq(verify_at(&c, NOW, CERT_CRL_OFF), CERT_NO_ANCHOR);
    /* An intermediate may be trusted by itself. */
    ck_assert_int_eq(x509_anchors_trust(c.store, c.middle.cert), CERT_VALID);
    ck_assert_int_eq(verify_at(&c, NOW, CERT_CRL_OFF), CERT_VALID);
    x509_anchors_free(store);
    holder_reset(&other);
    chain_reset(&c);
}
END_TEST

START_TEST(weak_keys_are_refused)
{
    struct chain c = good_chain();
    struct test_cert_options o = leaf_options;
    struct test_key small;
    struct test_cert der;
    struct x509_cert *cert;
    struct x509_check check = {.now_s = NOW};

    ck_assert_ok(test_key_make(pki, KEY_RSA, 1024, rng_stream(1, 8, RNG_CREDENTIAL), &small));
    o.key = test_key_bytes(&small);
    o.issuer_key = test_key_bytes(&c.root.key);
    o.issuer_cert = test_cert_bytes(&c.root.der);
    ck_assert_ok(test_cert_make(pki, &o, &der));
    ck_assert_int_eq(x509_read(crypto, test_cert_bytes(&der), &cert), CERT_VALID);
    ck_assert_int_eq(x509_verify(crypto, c.store, cert, &check), CERT_WEAK);
    x509_free(cert);
    test_cert_reset(&der);
    test_key_reset(&small);
    chain_reset(&c);
}
END_TEST

/* ------------------------------------------------------------------- revocation */

static void add_crl(struct chain *c, const struct holder *issuer, const struct holder *signer,
                    int64_t from_s, uint64_t revoked)
{
    struct test_crl_options o = {
        .issuer_key = test_key_bytes(&signer->key),
        .issuer_cert = test_cert_bytes(&issuer->der),
        .this_update_s = from_s,
        .next_update_s = from_s + 1000,
        .revoked = &revoked,
        .revoked_count = 1,
        .random = rng_stream(3, revoked, RNG_CREDENTIAL),
    };
    struct test_cert crl;

    ck_assert_ok(test_crl_make(pki, &o, &crl));
    ck_assert_int_eq(x509_anchors_add_crl(c->store, test_cert_bytes(&crl)), CERT_VALID);
    ck_assert_int_eq(x509_anchors_add_crl(c->store, bytes_of(crl.der, crl.len - 1)),
                     CERT_MALFORMED);
    test_cert_reset(&crl);
}

START_TEST(crls_decide)
{
    struct chain c = good_chain();

    ck_assert_int_eq(verify_at(&c, NOW, CERT_CRL_REQUIRED), CERT_NO_CRL);
    ck_assert_int_eq(verify_at(&c, NOW, CERT_CRL_IF_PRESENT), CERT_VALID);
    add_crl(&c, &c.middle, &c.middle, NOW - 500, 77);
    ck_assert_int_eq(verify_at(&c, NOW, CERT_CRL_REQUIRED), CERT_NO_CRL); /* of the root */
    ck_assert_int_eq(verify_at(&c, NOW, CERT_CRL_IF_PRESENT), CERT_VALID);
    add_crl(&c, &c.root, &c.root, NOW - 500, 78);
    ck_assert_int_eq(verify_at(&c, NOW, CERT_CRL_REQUIRED), CERT_VALID);
    ck_assert_int_eq(verify_at(&c, NOW + 501, CERT_CRL_REQUIRED), CERT_BAD_CRL);
    ck_assert_int_eq(verify_at(&c, NOW - 501, CERT_CRL_REQUIRED), CERT_BAD_CRL);
    add_crl(&c, &c.middle, &c.middle, NOW - 400, 3); /* newer, and the leaf is on it */
    ck_assert_int_eq(verify_at(&c, NOW, CERT_CRL_REQUIRED), CERT_REVOKED);
    ck_assert_int_eq(verify_at(&c, NOW, CERT_CRL_IF_PRESENT), CERT_REVOKED);
    ck_assert_int_eq(verify_at(&c, NOW, CERT_CRL_OFF), CERT_VALID);
    chain_reset(&c);
}
END_TEST

START_TEST(an_intermediate_can_be_revoked_and_a_crl_forged)
{
    struct chain c = good_chain();

    add_crl(&c, &c.root, &c.root, NOW - 500, 2);
    ck_assert_int_eq(verify_at(&c, NOW, CERT_CRL_IF_PRESENT), CERT_REVOKED);
    chain_reset(&c);
    c = good_chain();
    add_crl(&c, &c.root, &c.middle, NOW - 500, 77); /* the root's name, another's key */
    ck_assert_int_eq(verify_at(&c, NOW, CERT_CRL_IF_PRESENT), CERT_BAD_CRL);
    chain_reset(&c);
}
END_TEST

/* ------------------------------------------------------------------- identities */

static bool speaks(const struct x509_cert *cert, uint8_t type, const char *text)
{
    return x509_matches(cert, type, bytes_text(text)) == CERT_VALID;
}

START_TEST(identities_match_exactly)
{
    static const uint8_t v4[] = {192, 0, 2, 1}, v6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
    struct chain c = good_chain();
    const struct x509_cert *leaf = c.leaf.cert;
    uint8_t dn[256];
    struct bytes subject = x509_subject(leaf);

    ck_assert(speaks(leaf, CERT_ID_FQDN, "gw.example.org"));
    ck_assert(speaks(leaf, CERT_ID_FQDN, "GW.example.ORG"));
    ck_assert(speaks(leaf, CERT_ID_RFC822_ADDR, "Ann@example.ORG"));
    ck_assert(x509_matches(leaf, CERT_ID_IPV4_ADDR, bytes_of(v4, 4)) == CERT_VALID);
    ck_assert(x509_matches(leaf, CERT_ID_IPV6_ADDR, bytes_of(v6, 16)) == CERT_VALID);
    ck_assert(x509_matches(leaf, CERT_ID_DER_ASN1_DN, subject) == CERT_VALID);

    ck_assert(!speaks(leaf, CERT_ID_FQDN, "gw.example.or"));
    ck_assert(!speaks(leaf, CERT_ID_FQDN, "gw.example.org."));
    ck_assert(!speaks(leaf, CERT_ID_FQDN, "*.example.org"));
    ck_assert(!speaks(leaf, CERT_ID_FQDN, "gw")); /* the common name is no host name */
    ck_assert(!speaks(leaf, CERT_ID_FQDN, ""));
    ck_assert(!speaks(leaf, CERT_ID_FQDN, "Ann@Example.org"));
    ck_assert(!speaks(leaf, CERT_ID_RFC822_ADDR, "ann@example.org"));
    ck_assert(!speaks(leaf, CERT_ID_RFC822_ADDR, "gw.example.org"));
    ck_assert(!speaks(leaf, CERT_ID_RFC822_ADDR, "@Example.org"));
    ck_assert(x509_matches(leaf, CERT_ID_IPV4_ADDR, bytes_of(v6, 16)) == CERT_IDENTITY);
    ck_assert(x509_matches(leaf, CERT_ID_IPV6_ADDR, bytes_of(v4, 4)) == CERT_IDENTITY);
    ck_assert(x509_matches(leaf, CERT_ID_IPV4_ADDR, bytes_of(v4, 3)) == CERT_IDENTITY);
    ck_assert(!speaks(leaf, 11, "gw.example.org")); /* ID_KEY_ID */
    ck_assert(x509_matches(leaf, CERT_ID_DER_ASN1_DN, x509_subject(c.root.cert)) == CERT_IDENTITY);
    ck_assert(x509_matches(c.root.cert, CERT_ID_FQDN, bytes_text("gw.example.org")) ==
              CERT_IDENTITY); /* no subjectAltName */
    for (size_t len = 0; len < subject.len; len++)
        ck_assert(x509_matches(leaf, CERT_ID_DER_ASN1_DN, bytes_of(subject.data, len)) ==
                  CERT_IDENTITY);
    memcpy(dn, subject.data, subject.len);
    dn[subject.len] = 0;
    ck_assert(x509_matches(leaf, CERT_ID_DER_ASN1_DN, bytes_of(dn, subject.len + 1)) ==
              CERT_IDENTITY);
    ck_assert(x509_matches(leaf, CERT_ID_DER_ASN1_DN, bytes_of("\x30\x00", 2)) == CERT_IDENTITY);
    chain_reset(&c);
}
END_TEST

/* ------------------------------------------------------------------- bad input */

START_TEST(what_is_no_certificate_is_refused)
{
    static uint8_t big[CERT_DER_MAX + 1];
    struct chain c = good_chain();
    struct bytes der = x509_der(c.leaf.cert);
    struct x509_cert *cert;

    for (size_t len = 0; len < der.len; len++)
        ck_assert_int_eq(x509_read(crypto, bytes_of(der.data, len), &cert), CERT_MALFORMED);
    memcpy(big, der.data, der.len);
    ck_assert_int_eq(x509_read(crypto, bytes_of(big, der.len + 1), &cert), CERT_MALFORMED);
    ck_assert_int_eq(x509_read(crypto, bytes_of(big, sizeof big - 1), &cert), CERT_MALFORMED);
    ck_assert_int_eq(x509_read(crypto, bytes_of(big, sizeof big), &cert), CERT_TOO_LARGE);
    ck_assert_ptr_null(cert);
    chain_reset(&c);
}
END_TEST

static void mutate(struct rng *r, uint8_t *data, size_t *len)
{
    uint64_t changes = 1 + rng_below(r, 3);

    for (uint64_t i = 0; i < changes; i++) {
        size_t at = rng_below(r, *len);

        switch (rng_below(r, 8)) {
        case 0: /* cut out */
            memmove(data + at, data + at + 1, *len - at - 1);
            --*len;
            break;
        case 1: /* put in */
            memmove(data + at + 1, data + at, *len - at);
            data[at] = (uint8_t)rng_u32(r);
            ++*len;
            break;
        case 2:
            data[at] = (uint8_t)rng_u32(r);
            break;
        default:
            data[at] ^= (uint8_t)(1 << rng_below(r, 8));
        }
    }
}

/* The leaf and the intermediate in turn; what is still accepted was not changed where it is signed.
 */
START_TEST(mutated_certificates_neither_crash_nor_pass)
{
    struct chain c = good_chain();
    unsigned seen[CERT_RESULT_COUNT] = {0};

    for (uint64_t i = 0; i < MUTATIONS; i++) {
        struct rng r = rng_stream(4, i, RNG_TEST);
        struct holder *victim = i % 2 ? &c.leaf : &c.middle;
        struct x509_cert *whole = victim->cert, *changed;
        struct bytes der = x509_der(whole);
        uint8_t copy[2048];
        size_t len = der.len;
        enum x509_result result;

        memcpy(copy, der.data, len);
        mutate(&r, copy, &len);
        result = x509_read(crypto, bytes_of(copy, len), &changed);
        if (result == CERT_VALID) {
            victim->cert = changed;
            result = verify_at(&c, NOW, CERT_CRL_OFF);
            (void)x509_matches(changed, CERT_ID_FQDN, bytes_text("gw.example.org"));
            if (result == CERT_VALID)
                ck_assert_msg(bytes_equal(x509_tbs(changed), x509_tbs(whole)), "mutation %d",
                              (int)i);
            victim->cert = whole;
            x509_free(changed);
        }
        seen[result]++;
    }
    for (int i = 0; i < CERT_RESULT_COUNT; i++)
        if (seen[i])
            printf("%s: %u\n", x509_result_name(i), seen[i]);
    ck_assert_uint_gt(seen[CERT_MALFORMED], 1000);
    ck_assert_uint_gt(seen[CERT_SIGNATURE] + seen[CERT_NO_ANCHOR], 1000);
    ck_assert_uint_lt(seen[CERT_VALID], 100);
    ck_assert_int_eq(verify_at(&c, NOW, CERT_CRL_OFF), CERT_VALID);
    chain_reset(&c);
}
END_TEST

START_TEST(parts_are_views_of_the_certificate)
{
    struct chain c = good_chain();
    struct bytes tbs = x509_tbs(c.leaf.cert), der = x509_der(c.leaf.cert);
    uint8_t hash[CERT_KEY_HASH_LEN];
    struct bytes spki = x509_spki(c.root.cert);

    ck_assert_ptr_eq(tbs.data, der.data + 4);
    ck_assert_uint_eq(tbs.len, 4u + load_be16(tbs.data + 2));
    ck_assert_ok(crypto->class->sha1(crypto, &spki, 1, hash));
    ck_assert_mem_eq(x509_key_hash(c.root.cert).data, hash, sizeof hash);
    for (int i = 0; i < CERT_RESULT_COUNT; i++)
        ck_assert(x509_result_text(i)[0] != '\0' && strncmp(x509_result_name(i), "CERT_", 5) == 0);
    chain_reset(&c);
}
END_TEST

SUITE("crypto_x509", chains_of_every_key_type_are_valid, certificates_repeat, time_decides,
      issuers_must_be_cas, a_leaf_must_be_for_ike, other_anchors_lead_nowhere,
      weak_keys_are_refused, crls_decide, an_intermediate_can_be_revoked_and_a_crl_forged,
      identities_match_exactly, what_is_no_certificate_is_refused,
      mutated_certificates_neither_crash_nor_pass, parts_are_views_of_the_certificate)
