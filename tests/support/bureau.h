/*
 * A root, an intermediate CA and keys with certificates of two sides. TEST CREDENTIALS, made from a
 * seed at run time.
 */
#ifndef TESTS_BUREAU_H
#define TESTS_BUREAU_H

#include "crypto/test_pki.h"
#include "proto/core/credential.h"
#include "suite.h"

#define BUREAU_NOW INT64_C(1700000000)
#define BUREAU_DAY INT64_C(86400)
#define IPSEC_IKE "1.3.6.1.5.5.7.3.17"
#define CLIENT_AUTH "1.3.6.1.5.5.7.3.2"

/** A key pair and what its owner shows of it. */
struct card {
    struct test_key key;
    struct test_cert cert, public;
    struct sign_key sign;
    uint64_t serial;
    struct bytes shown[2]; /* end entity, intermediate; or the raw key */
};

struct bureau {
    struct test_pki *maker;
    struct crypto *crypto; /* of the pair */
    struct card root, middle;
    struct card card[2]; /* by side */
    struct x509_anchors *anchors;
    uint8_t authority[CERT_KEY_HASH_LEN];
    struct known_key known[2];
    uint64_t issued;
};

static inline struct test_cert_options card_options(int side)
{
    return (struct test_cert_options){
        .common_name = side == 0 ? "a" : "b",
        .alt_name = side == 0 ? "DNS:a.test" : "DNS:b.test",
        .key_usage = "critical,digitalSignature",
        .extended_key_usage = IPSEC_IKE,
        .not_before_s = BUREAU_NOW - BUREAU_DAY,
        .not_after_s = BUREAU_NOW + BUREAU_DAY,
    };
}

/** @param issuer  NULL: by itself */
static inline void card_issue(struct bureau *b, struct card *c, struct test_cert_options o,
                              enum sign_key_type type, const struct card *issuer)
{
    uint64_t id = ++b->issued;

    *c = (struct card){.serial = id};
    ck_assert_ok(test_key_make(b->maker, type, 2048, rng_stream(1, id, RNG_CREDENTIAL), &c->key));
    ck_assert_ok(test_key_public(b->maker, test_key_bytes(&c->key), &c->public));
    o.serial = id;
    o.key = test_key_bytes(&c->key);
    o.random = rng_stream(2, id, RNG_CREDENTIAL);
    if (issuer) {
        o.issuer_key = test_key_bytes(&issuer->key);
        o.issuer_cert = test_cert_bytes(&issuer->cert);
    }
    ck_assert_ok(test_cert_make(b->maker, &o, &c->cert));
    ck_assert_ok(b->crypto->class->sign_key_load(b->crypto, o.key, &c->sign));
}

static inline void card_reset(struct card *c)
{
    sign_key_reset(&c->sign);
    test_key_reset(&c->key);
    test_cert_reset(&c->cert);
    test_cert_reset(&c->public);
}

/** A root that both sides trust, an intermediate, and a certificate of each side from that. */
static inline void bureau_open(struct bureau *b, struct crypto *crypto, enum sign_key_type type)
{
    struct test_cert_options ca = {.common_name = "Root",
                                   .basic_constraints = "critical,CA:TRUE",
                                   .key_usage = "critical,keyCertSign,cRLSign",
                                   .not_before_s = BUREAU_NOW - BUREAU_DAY,
                                   .not_after_s = BUREAU_NOW + BUREAU_DAY};
    struct x509_cert *root;

    *b = (struct bureau){.maker = test_pki_create(), .crypto = crypto};
    ck_assert_ptr_nonnull(b->maker);
    card_issue(b, &b->root, ca, type, NULL);
    ca.common_name = "Middle";
    card_issue(b, &b->middle, ca, type, &b->root);
    for (int side = 0; side < 2; side++)
        card_issue(b, &b->card[side], card_options(side), type, &b->middle);
    b->anchors = x509_anchors_create();
    ck_assert_int_eq(x509_read(crypto, test_cert_bytes(&b->root.cert), &root), CERT_VALID);
    ck_assert_int_eq(x509_anchors_trust(b->anchors, root), CERT_VALID);
    memcpy(b->authority, x509_key_hash(root).data, sizeof b->authority);
    x509_free(root);
}

static inline void bureau_close(struct bureau *b)
{
    x509_anchors_free(b->anchors);
    card_reset(&b->root);
    card_reset(&b->middle);
    for (int side = 0; side < 2; side++)
        card_reset(&b->card[side]);
    test_pki_destroy(b->maker);
}

/** Who has this card shows it as a certificate with the intermediate; the other one believes it. */
static inline void card_show(const struct bureau *b, struct card *c, struct auth_config *own,
                             struct auth_config *other)
{
    c->shown[0] = test_cert_bytes(&c->cert);
    c->shown[1] = test_cert_bytes(&b->middle.cert);
    own->way = AUTH_CERTIFICATE;
    own->credential = (struct ike_credential){.key = &c->sign, .certs = c->shown, .cert_count = 2};
    other->accepted = AUTH_BIT(AUTH_CERTIFICATE);
    other->trust.anchors = b->anchors;
}

#endif
