/*
 * Credentials from files: what an endpoint is configured with, and what is said of files that do
 * not go together. TEST CREDENTIALS, made at run time.
 */
#include "crypto/provider.h"
#include "crypto/test_pki.h"
#include "net/credentials.h"
#include "pem_text.h"
#include "suite.h"

#include <sys/stat.h>
#include <unistd.h>

#define NOW INT64_C(1700000000)
#define YEAR INT64_C(31536000)

static char folder[32];
static char paths[16][64];
static unsigned path_count;

static const char *write_text(const char *name, const char *text)
{
    char *path = paths[path_count++];
    FILE *f;

    ck_assert_uint_le(path_count, 16);
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
    return path;
}

static const char *write_block(const char *name, const char *label, struct bytes der)
{
    static char text[16384];

    text[0] = 0;
    append_block(text, label, der.data, der.len);
    return write_text(name, text);
}

/* Files of a CA, of a gateway with its certificate, and of a stranger's key. */
static struct office {
    struct meter meter;
    struct crypto *crypto;
    const char *ca, *crl, *cert, *key, *other_key, *public_key, *nameless, *junk;
} office;

static const char *issue(struct test_pki *pki, const char *name, struct test_cert_options o,
                         struct bytes key, const struct test_key *issuer_key,
                         const struct test_cert *issuer, struct test_cert *out)
{
    o.key = key;
    o.serial = path_count + 1;
    o.not_before_s = NOW - YEAR;
    o.not_after_s = NOW + YEAR;
    o.random = rng_stream(2, path_count, RNG_TEST);
    if (issuer) {
        o.issuer_key = test_key_bytes(issuer_key);
        o.issuer_cert = test_cert_bytes(issuer);
    }
    ck_assert_ok(test_cert_make(pki, &o, out));
    return write_block(name, "CERTIFICATE", test_cert_bytes(out));
}

static void open_office(void)
{
    struct test_cert_options ca = {.common_name = "CA", .basic_constraints = "critical,CA:TRUE"};
    struct test_cert_options gw = {.common_name = "gw", .alt_name = "DNS:gw.test"};
    struct test_pki *pki = test_pki_create();
    struct test_cert ca_cert, cert, nameless, public, crl;
    struct test_key keys[3];

    path_count = 0;
    strcpy(folder, "/tmp/ikelab-credentials-XXXXXX");
    office.crypto = crypto_openssl_create(&office.meter);
    ck_assert(pki && office.crypto && mkdtemp(folder));
    for (int i = 0; i < 3; i++)
        ck_assert_ok(
            test_key_make(pki, KEY_ECP256, 0, rng_stream(1, (uint64_t)i, RNG_TEST), &keys[i]));
    office.ca = issue(pki, "ca", ca, test_key_bytes(&keys[0]), NULL, NULL, &ca_cert);
    office.cert = issue(pki, "cert", gw, test_key_bytes(&keys[1]), &keys[0], &ca_cert, &cert);
    gw.alt_name = NULL;
    office.nameless =
        issue(pki, "nameless", gw, test_key_bytes(&keys[1]), &keys[0], &ca_cert, &nameless);
    office.key = write_block("key", "PRIVATE KEY", test_key_bytes(&keys[1]));
    office.other_key = write_block("other", "PRIVATE KEY", test_key_bytes(&keys[2]));
    ck_assert_ok(test_key_public(pki, test_key_bytes(&keys[1]), &public));
    office.public_key = write_block("public", "PUBLIC KEY", test_cert_bytes(&public));
    ck_assert_ok(test_crl_make(pki,
                               &(struct test_crl_options){.issuer_key = test_key_bytes(&keys[0]),
                                                          .issuer_cert = test_cert_bytes(&ca_cert),
                                                          .this_update_s = NOW,
                                                          .next_update_s = NOW + YEAR},
                               &crl));
    office.crl = write_block("crl", "X509 CRL", test_cert_bytes(&crl));
    office.junk = write_text("junk", "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n"
                                     "-----END CERTIFICATE-----\n-----BEGIN PUBLIC KEY-----\n"
                                     "MAMCAQE=\n-----END PUBLIC KEY-----\n");
    for (int i = 0; i < 3; i++)
        test_key_reset(&keys[i]);
    test_cert_reset(&ca_cert);
    test_cert_reset(&cert);
    test_cert_reset(&nameless);
    test_cert_reset(&public);
    test_cert_reset(&crl);
    test_pki_destroy(pki);
}

static void close_office(void)
{
    for (unsigned i = 0; i < path_count; i++)
        unlink(paths[i]);
    rmdir(folder);
    crypto_destroy(office.crypto);
}

static struct identity name(const char *text)
{
    struct identity id = {.type = CERT_ID_FQDN, .len = (uint8_t)strlen(text)};

    memcpy(id.data, text, id.len);
    return id;
}

START_TEST(files_become_a_configuration)
{
    struct credential_files f;
    struct ike_config config = {.psk_len = 3};
    struct credentials *c;
    char why[CREDENTIALS_WHY];

    open_office();
    f = (struct credential_files){.cert = office.cert,
                                  .key = office.key,
                                  .ca = office.ca,
                                  .crl = office.crl,
                                  .signature = "ecdsa-256-sha256"};
    ck_assert_ok(credentials_load(office.crypto, &f, &config, &c, why));
    ck_assert_int_eq(config.auth.way, AUTH_CERTIFICATE);
    ck_assert_uint_eq(config.auth.accepted, AUTH_BIT(AUTH_CERTIFICATE) | AUTH_BIT(AUTH_PSK));
    ck_assert_uint_eq(config.auth.credential.cert_count, 1);
    ck_assert_str_eq(config.auth.credential.suite->name, "ecdsa-256-sha256");
    ck_assert_uint_eq(config.auth.trust.authorities.len, CERT_KEY_HASH_LEN);
    ck_assert_int_eq(config.auth.trust.crl, CERT_CRL_IF_PRESENT);
    ck_assert(bytes_equal(bytes_of(config.id.data, config.id.len), bytes_text("gw.test")));
    credentials_free(c);

    /* The key by itself, shown raw; the same key is known. */
    f = (struct credential_files){.key = office.key, .peer_key = office.public_key};
    config = (struct ike_config){.id = name("gw.test")};
    ck_assert_ok(credentials_load(office.crypto, &f, &config, &c, why));
    ck_assert_int_eq(config.auth.way, AUTH_RAW_KEY);
    ck_assert(bytes_equal(config.auth.credential.certs[0], config.auth.trust.keys[0].spki));
    credentials_free(c);

    f = (struct credential_files){.null = true};
    config = (struct ike_config){0};
    ck_assert_ok(credentials_load(office.crypto, &f, &config, &c, why));
    ck_assert_int_eq(config.auth.way, AUTH_NULL);
    credentials_free(c);

    /* A certificate without a name speaks for its subject. */
    f = (struct credential_files){.cert = office.nameless, .key = office.key, .ca = office.ca};
    config = (struct ike_config){0};
    ck_assert_ok(credentials_load(office.crypto, &f, &config, &c, why));
    ck_assert_uint_eq(config.id.type, CERT_ID_DER_ASN1_DN);
    credentials_free(c);
    close_office();
}
END_TEST

/* The office is open: names of its files are known. */
static void check_complaints(void)
{
    const struct {
        struct credential_files files;
        const char *id;
        const char *says;
    } cases[] = {
        {{.cert = office.cert, .ca = office.ca}, NULL, "needs its key"},
        {{.cert = office.cert, .key = office.other_key, .ca = office.ca}, NULL, "not that of"},
        {{.cert = office.cert, .key = office.key, .ca = office.ca}, "other.test", "--local-id"},
        {{.cert = office.key, .key = office.key, .ca = office.ca}, NULL, "no certificate"},
        {{.cert = office.cert, .key = office.cert, .ca = office.ca}, NULL, "no private key"},
        {{.cert = office.junk, .key = office.key, .ca = office.ca}, NULL, "cannot be read"},
        {{.cert = "/nowhere/cert", .key = office.key}, NULL, "No such file"},
        {{.key = office.key, .ca = office.junk}, "gw.test", "cannot be read"},
        {{.key = office.key, .ca = office.crl}, "gw.test", "no certificate"},
        {{.key = office.key, .crl = office.crl}, "gw.test", "needs its issuer"},
        {{.key = office.key, .ca = office.ca, .crl = office.cert}, "gw.test", "no CRL"},
        {{.key = office.key, .peer_key = office.junk}, "gw.test", "none that we can use"},
        {{.key = office.key, .peer_key = office.key}, "gw.test", "no public key"},
        {{.key = office.key, .ca = office.ca, .signature = "rsa-sha256"},
         "gw.test",
         "no signature"},
        {{.key = office.key, .ca = office.ca, .signature = "ecdsa-256"}, "gw.test", "no signature"},
        {{.ca = office.ca, .signature = "ecdsa-256-sha256"}, "gw.test", "no signature"},
        {{.key = office.key, .ca = office.ca}, NULL, "missing"},
        {{.key = office.key}, "gw.test", "nothing by which to believe a peer"},
        {{.ca = office.ca}, "gw.test", "a peer could believe us"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ike_config config = {0};
        struct credentials *c;
        char why[CREDENTIALS_WHY];

        if (cases[i].id)
            config.id = name(cases[i].id);
        ck_assert_int_eq(credentials_load(office.crypto, &cases[i].files, &config, &c, why),
                         ERR_USAGE);
        ck_assert_ptr_null(c);
        ck_assert_msg(strstr(why, cases[i].says), "case %zu: %s", i, why);
        ck_assert_ptr_null(config.auth.credential.certs);
        ck_assert_ptr_null(config.auth.trust.anchors);
    }
}

START_TEST(what_does_not_go_together_is_said)
{
    open_office();
    check_complaints();
    close_office();
}
END_TEST

SUITE("credential_files", files_become_a_configuration, what_does_not_go_together_is_said)
