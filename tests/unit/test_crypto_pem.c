/* PEM and DER files: what is in them, and what is said of those that hold nothing of use. */
#include "crypto/pem.h"
#include "crypto/provider.h"
#include "crypto/test_pki.h"
#include "crypto/x509.h"
#include "pem_text.h"
#include "suite.h"

#include <unistd.h>

static char path[64];
static const char *why;

static void write_file(const void *data, size_t len)
{
    FILE *f = fopen(path, "wb");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(data, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

static enum err read_as(enum pem_kind expected, const char *text, struct pem_items *out)
{
    write_file(text, strlen(text));
    return pem_read_file(path, expected, out, &why);
}

static enum err read_text(const char *text, struct pem_items *out)
{
    return read_as(PEM_CERTIFICATE, text, out);
}

/* A key and its certificate in one file, words of somebody around them. */
START_TEST(blocks_are_found_among_other_text)
{
    struct meter meter = {0};
    struct crypto *crypto = crypto_openssl_create(&meter);
    struct test_pki *pki = test_pki_create();
    struct test_cert_options o = {.common_name = "x", .alt_name = "DNS:x.test", .not_after_s = 1};
    struct test_key key;
    struct test_cert cert;
    struct pem_items items;
    static char text[16384];
    struct x509_cert *read;
    struct bytes name;

    ck_assert_ok(test_key_make(pki, KEY_ECP256, 0, rng_stream(1, 1, RNG_TEST), &key));
    o.key = test_key_bytes(&key);
    o.random = rng_stream(1, 2, RNG_TEST);
    ck_assert_ok(test_cert_make(pki, &o, &cert));
    strcpy(text, "0 s:CN = made up\n"); /* 0x30 begins DER too */
    append_block(text, "CERTIFICATE", cert.der, cert.len);
    append_block(text, "X509 STRANGE", cert.der, cert.len);
    append_block(text, "PRIVATE KEY", key.der, key.len);
    append_block(text, "CERTIFICATE", cert.der, cert.len);
    ck_assert_ok(read_text(text, &items));
    ck_assert_uint_eq(items.count, 3);
    ck_assert_int_eq(items.item[1].kind, PEM_PRIVATE_KEY);
    ck_assert(bytes_equal(pem_item_bytes(&items.item[1]), test_key_bytes(&key)));
    ck_assert_int_eq(items.item[2].kind, PEM_CERTIFICATE);
    ck_assert_int_eq(x509_read(crypto, pem_item_bytes(&items.item[2]), &read), CERT_VALID);
    ck_assert_int_eq(x509_identity(read, &name), CERT_ID_FQDN);
    ck_assert(bytes_equal(name, bytes_text("x.test")));
    x509_free(read);
    pem_items_reset(&items);

    /* The same certificate in DER. */
    write_file(cert.der, cert.len);
    ck_assert_ok(pem_read_file(path, PEM_CERTIFICATE, &items, &why));
    ck_assert_uint_eq(items.count, 1);
    ck_assert(bytes_equal(pem_item_bytes(&items.item[0]), test_cert_bytes(&cert)));
    pem_items_reset(&items);

    test_cert_reset(&cert);
    test_key_reset(&key);
    test_pki_destroy(pki);
    crypto_destroy(crypto);
}
END_TEST

START_TEST(files_of_no_use_are_told_apart)
{
    static const struct {
        const char *text;
        enum err expected;
        const char *says;
    } cases[] = {
        {"", ERR_SYNTAX, "nothing of use"},
        {"no PEM at all\n", ERR_SYNTAX, "nothing of use"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n", ERR_SYNTAX, "no PEM"},
        {"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", ERR_SYNTAX, "no PEM"},
        {"-----BEGIN NEW THING-----\nAAAA\n-----END NEW THING-----\n", ERR_SYNTAX,
         "nothing of use"},
    };
    static char encrypted[256];
    struct pem_items items;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(read_text(cases[i].text, &items), cases[i].expected);
        ck_assert_msg(strstr(why, cases[i].says), "case %zu: %s", i, why);
        pem_items_reset(&items);
    }
    append_block(encrypted, "ENCRYPTED PRIVATE KEY", (const uint8_t[]){0, 0, 0}, 3);
    /* An encrypted key matters where a key is wanted. */
    ck_assert_int_eq(read_as(PEM_PRIVATE_KEY, encrypted, &items), ERR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(why, "encrypted"));
    pem_items_reset(&items);
    ck_assert_int_eq(read_as(PEM_CERTIFICATE, encrypted, &items), ERR_SYNTAX);
    ck_assert_ptr_nonnull(strstr(why, "nothing of use"));
    pem_items_reset(&items);
    unlink(path);
    ck_assert_int_eq(pem_read_file(path, PEM_CERTIFICATE, &items, &why), ERR_IO);
    ck_assert_int_eq(pem_read_file("/", PEM_CERTIFICATE, &items, &why), ERR_IO);
}
END_TEST

static int run_all(void)
{
    const TTest *list[] = {blocks_are_found_among_other_text, files_of_no_use_are_told_apart};

    return suite_run("crypto_pem", list, sizeof list / sizeof *list);
}

int main(void)
{
    int failed;

    snprintf(path, sizeof path, "/tmp/ikelab-pem-%ld", (long)getpid());
    failed = run_all();
    unlink(path);
    return failed;
}
