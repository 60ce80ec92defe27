/*
 * sim/credentials: TEST CREDENTIALS of a run. Each member's own, whatever else is in the scenario;
 * bad in the way that was asked for; equal for both providers.
 */
#include "suite.h"

#include "sim/credentials.h"

#include <unistd.h>

static struct meter meter;
static struct crypto *crypto;

static struct scenario load(const char *format, const char *words)
{
    char path[] = "/tmp/ikelab-scenario-XXXXXX", text[2048];
    int fd = mkstemp(path);
    struct scenario s;

    snprintf(text, sizeof text, format, words);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
    close(fd);
    ck_assert_ok(scenario_load(path, NULL, 0, &s, stderr));
    unlink(path);
    return s;
}

#define NET                                                                                        \
    "  isp: {role: router}\n  gw: {role: responder, address: 198.51.100.1}\n"                      \
    "links: {a: {sides: [homes, isp]}, g: {sides: [isp, gw]}%s}\n"
#define HEAD "ikelab: 1\nname: t\nstop_time: 1min\n"
#define HOMES(count) "  homes: {role: initiator, count: " #count ", connect: gw}\n"

/* Groups as they stand in most of the scenarios below: homes, isp, gw. */
enum { GROUP_HOMES, GROUP_ISP, GROUP_GW };

struct made {
    struct scenario scenario;
    struct credentials *credentials;
};

static struct made *make(const char *format, const char *words)
{
    struct made *m = calloc(1, sizeof *m);

    if (!crypto)
        crypto = crypto_openssl_create(&meter);
    ck_assert(crypto && m);
    m->scenario = load(format, words);
    ck_assert_ok(credentials_create(&m->scenario, crypto, &m->credentials));
    return m;
}

static void reset(struct made *m)
{
    credentials_destroy(m->credentials);
    scenario_reset(&m->scenario);
    free(m);
}

static struct auth_config give(const struct made *m, uint32_t group, uint32_t member)
{
    struct auth_config auth = m->scenario.groups[group].ike.auth;

    credentials_give(m->credentials, group, member, &auth);
    return auth;
}

static struct bytes shown(const struct made *m, uint32_t group, uint32_t member)
{
    return give(m, group, member).credential.certs[0];
}

START_TEST(nobody_signs)
{
    struct made *m = make(HEAD "nodes:\n" HOMES(2) NET, "");

    ck_assert_ptr_null(m->credentials);
    ck_assert_uint_eq(credentials_estimate(&m->scenario), 0);
    reset(m);
}
END_TEST

START_TEST(a_member_more_changes_nobody)
{
    struct scenario s;
    struct made *few = make(HEAD "ike: {auth: ecdsa}\nnodes:\n" HOMES(3) NET, "");
    struct made *many = make(HEAD "ike: {auth: ecdsa}\nnodes:\n" HOMES(9) NET, "");
    struct made *behind = make(
        HEAD
        "ike: {auth: ecdsa}\nnodes:\n  first: {role: initiator, count: 2, connect: gw}\n" HOMES(3)
            NET,
        ", f: {sides: [first, isp]}");

    for (uint32_t i = 0; i < 3; i++) {
        ck_assert(bytes_equal(shown(few, GROUP_HOMES, i), shown(many, GROUP_HOMES, i)));
        ck_assert(bytes_equal(shown(few, GROUP_HOMES, i), shown(behind, 1 + GROUP_HOMES, i)));
        ck_assert_uint_eq(give(few, GROUP_HOMES, i).credential.key->key.model,
                          give(many, GROUP_HOMES, i).credential.key->key.model);
    }
    ck_assert(bytes_equal(shown(few, GROUP_GW, 0), shown(behind, 1 + GROUP_GW, 0)));
    ck_assert(!bytes_equal(shown(few, GROUP_HOMES, 0), shown(few, GROUP_HOMES, 1)));
    s = few->scenario;
    s.seed++;
    credentials_destroy(few->credentials);
    ck_assert_ok(credentials_create(&s, crypto, &few->credentials));
    ck_assert(!bytes_equal(shown(few, GROUP_HOMES, 0), shown(many, GROUP_HOMES, 0)));
    reset(few);
    reset(many);
    reset(behind);
}
END_TEST

START_TEST(the_model_has_the_same)
{
    struct made *real = make(HEAD "ike: {auth: ed25519}\nnodes:\n" HOMES(2) NET, "");
    struct crypto *model = crypto_modelled_create(&meter);
    struct credentials *c;
    struct auth_config auth = {.way = AUTH_CERTIFICATE};

    ck_assert_ok(credentials_create(&real->scenario, model, &c));
    credentials_give(c, GROUP_HOMES, 1, &auth);
    ck_assert(bytes_equal(auth.credential.certs[0], shown(real, GROUP_HOMES, 1)));
    ck_assert_uint_eq(auth.credential.key->key.model,
                      give(real, GROUP_HOMES, 1).credential.key->key.model);
    credentials_destroy(c);
    crypto_destroy(model);
    reset(real);
}
END_TEST

/* What the gateway says to a member's certificates, `seconds` after the start of the run. */
static enum x509_result verdict(const struct made *m, uint32_t group, uint32_t member,
                                int64_t seconds)
{
    struct auth_config auth = give(m, group, member);
    struct identity id = scenario_identity(&m->scenario, group, member);
    struct x509_cert *cert, *others[PKI_INTERMEDIATES_MAX] = {NULL};
    struct x509_check check = {.now_s = SCENARIO_EPOCH_S + seconds,
                               .crl = auth.trust.crl,
                               .intermediates = (const struct x509_cert *const *)others,
                               .intermediate_count = auth.credential.cert_count - 1};
    enum x509_result result;

    ck_assert_int_eq(x509_read(crypto, auth.credential.certs[0], &cert), CERT_VALID);
    for (size_t i = 1; i < auth.credential.cert_count; i++)
        ck_assert_int_eq(x509_read(crypto, auth.credential.certs[i], &others[i - 1]), CERT_VALID);
    result = x509_matches(cert, id.type, bytes_of(id.data, id.len));
    if (result == CERT_VALID)
        result = x509_verify(crypto, auth.trust.anchors, cert, &check);
    x509_free(cert);
    for (size_t i = 0; i < PKI_INTERMEDIATES_MAX; i++)
        x509_free(others[i]);
    return result;
}

#define LISTS                                                                                      \
    ", revoked: [\"homes[1]\", \"homes[6]\"], expired: \"homes[2]\", not_yet_valid: "              \
    "\"homes[3]\", wrong_ca: \"homes[4]\", wrong_identity: \"homes[5]\"}\n"

START_TEST(bad_ones_are_bad_as_asked)
{
    static const char *const words[] = {
        "ike: {auth: ecdsa}\npki: {crl: if-present" LISTS,
        "ike: {auth: ecdsa}\npki: {crl: required, intermediates: 1" LISTS,
        "ike: {auth: ed25519, id: \"m{n}@example.org\"}\npki: {crl: required, intermediates: "
        "3" LISTS,
    };
    static const enum x509_result expected[] = {CERT_VALID,         CERT_REVOKED,   CERT_EXPIRED,
                                                CERT_NOT_YET_VALID, CERT_NO_ANCHOR, CERT_IDENTITY,
                                                CERT_REVOKED,       CERT_VALID};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        char format[2048];
        struct made *m;

        snprintf(format, sizeof format, "%s%snodes:\n%s%s", HEAD, words[i], HOMES(8), NET);
        m = make(format, "");
        for (uint32_t n = 0; n < 8; n++)
            ck_assert_int_eq(verdict(m, GROUP_HOMES, n, 0), expected[n]);
        ck_assert_int_eq(verdict(m, GROUP_GW, 0, 60), CERT_VALID);
        reset(m);
    }
}
END_TEST

START_TEST(lifetimes)
{
    struct made *m =
        make(HEAD "ike: {auth: ecdsa}\npki: {lifetime: 2h}\nnodes:\n" HOMES(1) NET, "");

    ck_assert_int_eq(verdict(m, GROUP_HOMES, 0, 7199), CERT_VALID);
    ck_assert_int_eq(verdict(m, GROUP_HOMES, 0, 7201), CERT_EXPIRED);
    reset(m);
}
END_TEST

START_TEST(rsa_keys_are_shared_certificates_are_not)
{
    struct made *m = make(HEAD "ike: {auth: rsa}\npki: {rsa_keys: 2}\nnodes:\n" HOMES(5) NET, "");
    const struct sign_key *first = give(m, GROUP_HOMES, 0).credential.key;

    ck_assert_ptr_eq(give(m, GROUP_HOMES, 2).credential.key, first);
    ck_assert_ptr_eq(give(m, GROUP_HOMES, 4).credential.key, first);
    ck_assert_ptr_ne(give(m, GROUP_HOMES, 1).credential.key, first);
    ck_assert_uint_eq(first->key.bits, 2048);
    ck_assert(!bytes_equal(shown(m, GROUP_HOMES, 0), shown(m, GROUP_HOMES, 2)));
    for (uint32_t n = 0; n < 5; n++)
        ck_assert_int_eq(verdict(m, GROUP_HOMES, n, 0), CERT_VALID);
    reset(m);
}
END_TEST

static bool knows(const struct made *m, uint32_t who, uint32_t as)
{
    struct auth_config gw = give(m, GROUP_GW, 0);
    struct identity id = scenario_identity(&m->scenario, GROUP_HOMES, as);

    return known_key_find(&gw.trust, shown(m, GROUP_HOMES, who), id.type,
                          bytes_of(id.data, id.len));
}

START_TEST(raw_keys_are_known_of_whom_they_are)
{
    struct made *m = make(HEAD "ike: {auth: ecdsa}\npki: {form: raw-keys, revoked: \"homes[1]\", "
                               "wrong_identity: \"homes[2]\"}\nnodes:\n" HOMES(4) NET,
                          "");

    ck_assert_uint_eq(give(m, GROUP_HOMES, 0).credential.cert_count, 1);
    ck_assert(knows(m, 0, 0));
    ck_assert(!knows(m, 0, 3));
    ck_assert(!knows(m, 1, 1));
    ck_assert(!knows(m, 2, 2));
    ck_assert(knows(m, 3, 3));
    reset(m);
}
END_TEST

/* Groups with several kinds of keys: authorities of each kind are trusted by all. */
START_TEST(kinds_of_keys_side_by_side)
{
    struct made *m = make(HEAD "ike: {auth: ed448}\nnodes:\n"
                               "  homes: {role: initiator, count: 2, connect: gw, ike: {auth: "
                               "ecdsa-384}}\n" NET,
                          "");

    ck_assert_int_eq(verdict(m, GROUP_HOMES, 1, 0), CERT_VALID);
    ck_assert_int_eq(verdict(m, GROUP_GW, 0, 0), CERT_VALID);
    ck_assert_uint_eq(give(m, GROUP_GW, 0).trust.authorities.len, 2 * CERT_KEY_HASH_LEN);
    ck_assert_uint_gt(credentials_estimate(&m->scenario), 3000);
    reset(m);
    crypto_destroy(crypto);
}
END_TEST

SUITE("credentials", nobody_signs, a_member_more_changes_nobody, the_model_has_the_same,
      bad_ones_are_bad_as_asked, lifetimes, rsa_keys_are_shared_certificates_are_not,
      raw_keys_are_known_of_whom_they_are, kinds_of_keys_side_by_side)
