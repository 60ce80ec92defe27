/* One certificate: reading, its parts, the identities it speaks for. */
#include "crypto/x509.h"

#include "base/assert.h"
#include "crypto/x509_cert.h"
#include "crypto/x509_shelf.h"

#include <openssl/sha.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>

static const struct {
    const char *name, *text;
} results[CERT_RESULT_COUNT] = {
#define X(name, text) {#name, text},
    CERT_RESULT_LIST(X)
#undef X
};

const char *x509_result_name(enum x509_result result)
{
    ASSERT((unsigned)result < CERT_RESULT_COUNT);
    return results[result].name;
}

const char *x509_result_text(enum x509_result result)
{
    ASSERT((unsigned)result < CERT_RESULT_COUNT);
    return results[result].text;
}

/* ------------------------------------------------------------------- reading */

/* Content octets of the element at *at: moves behind its header. Only for DER already accepted. */
static size_t enter(const uint8_t **at, size_t left)
{
    long len = 0;
    int tag, class;

    if (ASN1_get_object(at, &len, &tag, &class, (long)left) & 0x80)
        return 0;
    return (size_t)len;
}

/* The first element inside the outer SEQUENCE. */
static struct bytes find_tbs(struct bytes der)
{
    const uint8_t *at = der.data, *start;
    size_t inside = enter(&at, der.len), len;

    start = at;
    len = enter(&at, inside);
    return bytes_of(start, (size_t)(at - start) + len);
}

/*
 * A library context that knows no algorithms. In it the library finds nobody to decode the public
 * key of a certificate and leaves it, which spares nine tenths of the time that reading one takes:
 * whoever wants the key has it read from the SubjectPublicKeyInfo.
 */
static OSSL_LIB_CTX *without_algorithms;

static void make_without_algorithms(void)
{
    OSSL_LIB_CTX *made = OSSL_LIB_CTX_new();

    if (made && OSSL_PROVIDER_load(made, "null"))
        without_algorithms = made; /* as long as the process */
    else
        OSSL_LIB_CTX_free(made);
}

static X509 *read_without_key(struct bytes der, const uint8_t **at)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    X509 *cert;

    *at = der.data;
    pthread_once(&once, make_without_algorithms);
    cert = without_algorithms ? X509_new_ex(without_algorithms, NULL) : NULL;
    if (cert && d2i_X509(&cert, at, (long)der.len))
        return cert;
    X509_free(cert);
    return NULL;
}

/* What the library writes must be what it has read: DER has one encoding, and nothing behind it. */
static bool read_exactly(struct x509_cert *cert)
{
    const uint8_t *at;
    unsigned char *again = NULL;
    bool same;
    int len;

    cert->library = read_without_key(bytes_of(cert->der, cert->der_len), &at);
    if (!cert->library || at != cert->der + cert->der_len)
        return false;
    len = i2d_X509(cert->library, &again);
    same = len > 0 && bytes_equal(bytes_of(again, (size_t)len), bytes_of(cert->der, cert->der_len));
    OPENSSL_free(again);
    return same;
}

X509 *x509_with_key(const struct x509_cert *cert)
{
    const uint8_t *at = cert->der;

    return d2i_X509(NULL, &at, (long)cert->der_len);
}

/* Unix time of a point that is written as RFC 5280 wants it. */
static bool point_in_time(const ASN1_TIME *written, int64_t *out)
{
    time_t any = 0;
    struct tm tm;

    if (X509_cmp_time(written, &any) == 0 || !ASN1_TIME_to_tm(written, &tm))
        return false;
    *out = (int64_t)timegm(&tm);
    return true;
}

/* EXFLAG_INVALID: an extension that the library knows cannot be read, or appears twice. */
static bool describe(struct x509_cert *cert)
{
    int name_len, spki_len;

    if (X509_get_version(cert->library) != X509_VERSION_3 &&
        X509_get_version(cert->library) != X509_VERSION_1)
        return false;
    if (X509_get_extension_flags(cert->library) & EXFLAG_INVALID)
        return false;
    name_len = i2d_X509_NAME(X509_get_subject_name(cert->library), &cert->name);
    spki_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert->library), &cert->spki);
    if (name_len <= 0 || spki_len <= 0)
        return false;
    cert->names = X509_get_ext_d2i(cert->library, NID_subject_alt_name, NULL, NULL);
    cert->timed = point_in_time(X509_get0_notBefore(cert->library), &cert->from_s) &&
                  point_in_time(X509_get0_notAfter(cert->library), &cert->until_s);
    cert->name_len = (size_t)name_len;
    cert->spki_len = (size_t)spki_len;
    cert->tbs = find_tbs(bytes_of(cert->der, cert->der_len));
    SHA1(cert->spki, cert->spki_len, cert->key_hash);
    return true;
}

enum x509_result x509_read(struct crypto *c, struct bytes der, struct x509_cert **out)
{
    struct x509_cert *cert;

    *out = NULL;
    if (der.len > CERT_DER_MAX)
        return CERT_TOO_LARGE;
    meter_tick(c->meter, METER_CERT_PARSE, der.len);
    if (der.len == 0)
        return CERT_MALFORMED;
    *out = x509_shelf_find(c->certificates, der);
    if (*out)
        return CERT_VALID;
    cert = calloc(1, sizeof *cert);
    if (!cert)
        return CERT_MEMORY;
    cert->users = 1;
    cert->der = malloc(der.len);
    if (!cert->der) {
        x509_free(cert);
        return CERT_MEMORY;
    }
    memcpy(cert->der, der.data, der.len);
    cert->der_len = der.len;
    if (!read_exactly(cert) || !describe(cert)) {
        x509_free(cert);
        ERR_clear_error();
        return CERT_MALFORMED;
    }
    x509_shelf_put(&c->certificates, cert);
    *out = cert;
    ERR_clear_error();
    return CERT_VALID;
}

void x509_free(struct x509_cert *cert)
{
    if (!cert || --cert->users > 0)
        return;
    X509_free(cert->library);
    GENERAL_NAMES_free(cert->names);
    OPENSSL_free(cert->name);
    OPENSSL_free(cert->spki);
    free(cert->der);
    free(cert);
}

struct bytes x509_der(const struct x509_cert *cert)
{
    return bytes_of(cert->der, cert->der_len);
}

struct bytes x509_tbs(const struct x509_cert *cert)
{
    return cert->tbs;
}

struct bytes x509_subject(const struct x509_cert *cert)
{
    return bytes_of(cert->name, cert->name_len);
}

struct bytes x509_spki(const struct x509_cert *cert)
{
    return bytes_of(cert->spki, cert->spki_len);
}

struct bytes x509_key_hash(const struct x509_cert *cert)
{
    return bytes_of(cert->key_hash, sizeof cert->key_hash);
}

/* ------------------------------------------------------------------- identity */

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

static bool equal_names(struct bytes a, struct bytes b)
{
    if (a.len != b.len || a.len == 0)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.data[i]) != lower(b.data[i]))
            return false;
    return true;
}

/* RFC 5280 §7.5: the local part as it is, the host without regard to case. */
static bool equal_mail(struct bytes a, struct bytes b)
{
    size_t host = a.len;

    while (host > 0 && a.data[host - 1] != '@')
        host--;
    return a.len == b.len && memcmp(a.data, b.data, host) == 0 &&
           equal_names(bytes_of(a.data + host, a.len - host),
                       bytes_of(b.data + host, b.len - host));
}

/* What a name is as an identity. @return its type, 0: none */
static uint8_t identity_of(const GENERAL_NAME *name, struct bytes *value)
{
    const ASN1_STRING *text;

    if (name->type != GEN_DNS && name->type != GEN_EMAIL && name->type != GEN_IPADD)
        return 0;
    text = name->type == GEN_IPADD ? name->d.iPAddress : name->d.ia5;
    *value = bytes_of(ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
    if (name->type == GEN_DNS)
        return CERT_ID_FQDN;
    if (name->type == GEN_EMAIL)
        return CERT_ID_RFC822_ADDR;
    return value->len == 4 ? CERT_ID_IPV4_ADDR : value->len == 16 ? CERT_ID_IPV6_ADDR : 0;
}

static bool matches_name(const GENERAL_NAME *name, uint8_t id_type, struct bytes value)
{
    struct bytes held;

    if (!id_type || identity_of(name, &held) != id_type)
        return false;
    switch (id_type) {
    case CERT_ID_FQDN:
        return equal_names(held, value);
    case CERT_ID_RFC822_ADDR:
        return equal_mail(held, value);
    default:
        return bytes_equal(held, value);
    }
}

static bool matches_alt_name(const struct x509_cert *cert, uint8_t id_type, struct bytes value)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(cert->names); i++)
        if (matches_name(sk_GENERAL_NAME_value(cert->names, i), id_type, value))
            return true;
    return false;
}

uint8_t x509_identity(const struct x509_cert *cert, struct bytes *value)
{
    uint8_t type = 0;

    for (int i = 0; !type && i < sk_GENERAL_NAME_num(cert->names); i++)
        type = identity_of(sk_GENERAL_NAME_value(cert->names, i), value);
    if (type)
        return type;
    *value = x509_subject(cert);
    return X509_NAME_entry_count(X509_get_subject_name(cert->library)) > 0 ? CERT_ID_DER_ASN1_DN
                                                                           : 0;
}

static bool matches_subject(const struct x509_cert *cert, struct bytes value)
{
    const uint8_t *at = value.data;
    X509_NAME *name = value.len <= CERT_DER_MAX ? d2i_X509_NAME(NULL, &at, (long)value.len) : NULL;
    bool same = name && at == value.data + value.len && X509_NAME_entry_count(name) > 0 &&
                X509_NAME_cmp(name, X509_get_subject_name(cert->library)) == 0;

    X509_NAME_free(name);
    return same;
}

enum x509_result x509_matches(const struct x509_cert *cert, uint8_t id_type, struct bytes value)
{
    bool found = false;

    if (value.len > 0)
        found = id_type == CERT_ID_DER_ASN1_DN ? matches_subject(cert, value)
                                               : matches_alt_name(cert, id_type, value);
    ERR_clear_error();
    return found ? CERT_VALID : CERT_IDENTITY;
}
