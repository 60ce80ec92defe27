#include "crypto/x509_direct.h"

#include "crypto/sign_key.h"

#include <stdlib.h>

enum { ALGORITHM_MAX = 128, SECURITY_BITS = 112 /* as LEVEL_112_BITS in crypto/x509_path */ };

struct direct_anchor {
    X509 *cert;
    int64_t from_s, until_s;
    struct asymmetric_key key; /* its library key is the certificate's */
    bool plain;
    struct key_use use; /* of the suite that was asked for last */
};

/* ------------------------------------------------------------------- what is plain */

/* Extensions that the library reads into flags, and the names, which only constraints look at. */
static bool plain_extensions(const X509 *cert)
{
    for (int i = 0; i < X509_get_ext_count(cert); i++)
        switch (OBJ_obj2nid(X509_EXTENSION_get_object(X509_get_ext(cert, i)))) {
        case NID_basic_constraints:
        case NID_key_usage:
        case NID_ext_key_usage:
        case NID_subject_alt_name:
        case NID_subject_key_identifier:
        case NID_authority_key_identifier:
            break;
        default:
            return false;
        }
    return true;
}

static bool plain(X509 *cert)
{
    const uint32_t unusual =
        EXFLAG_INVALID | EXFLAG_CRITICAL | EXFLAG_PROXY | EXFLAG_INVALID_POLICY | EXFLAG_V1;

    return X509_get_version(cert) == X509_VERSION_3 &&
           !(X509_get_extension_flags(cert) & unusual) && plain_extensions(cert);
}

static bool plain_anchor(X509 *cert)
{
    return plain(cert) && X509_check_ca(cert) == 1 &&
           (X509_get_key_usage(cert) & KU_KEY_CERT_SIGN) &&
           (X509_get_extension_flags(cert) & EXFLAG_SI);
}

static bool plain_end(X509 *cert)
{
    int bits;

    return plain(cert) && !(X509_get_extension_flags(cert) & (EXFLAG_CA | EXFLAG_SI)) &&
           X509_get_signature_info(cert, NULL, NULL, &bits, NULL) && bits >= SECURITY_BITS;
}

/* ------------------------------------------------------------------- anchors */

bool x509_direct_trust(struct x509_direct *d, const struct x509_cert *read, X509 *cert)
{
    struct direct_anchor *more = realloc(d->anchor, (d->count + 1) * sizeof *more), *a;
    EVP_PKEY *key = X509_get0_pubkey(cert);

    if (!more)
        return false;
    d->anchor = more;
    if (!X509_up_ref(cert))
        return false;
    a = &d->anchor[d->count++];
    *a = (struct direct_anchor){.cert = cert, .from_s = read->from_s, .until_s = read->until_s};
    a->plain =
        key && read->timed && asymmetric_key_describe(key, &a->key) == OK && plain_anchor(cert);
    a->key.library = key;
    return true;
}

void x509_direct_reset(struct x509_direct *d)
{
    for (size_t i = 0; i < d->count; i++) {
        key_use_reset(&d->anchor[i].use);
        X509_free(d->anchor[i].cert);
    }
    free(d->anchor);
    *d = (struct x509_direct){.anchor = NULL};
}

struct bytes x509_direct_name(const struct x509_direct *d, size_t n)
{
    const unsigned char *der;
    size_t len;

    if (n >= d->count || !X509_NAME_get0_der(X509_get_subject_name(d->anchor[n].cert), &der, &len))
        return BYTES_NONE;
    return bytes_of(der, len);
}

/* The one of the issuer's name; NULL: none, or one of several. */
static struct direct_anchor *anchor_of(const struct x509_direct *d, X509 *cert)
{
    const X509_NAME *name = X509_get_issuer_name(cert);
    struct direct_anchor *found = NULL;

    for (size_t i = 0; i < d->count; i++) {
        if (X509_NAME_cmp(X509_get_subject_name(d->anchor[i].cert), name) != 0)
            continue;
        if (found)
            return NULL;
        found = &d->anchor[i];
    }
    return found;
}

/* ------------------------------------------------------------------- one certificate */

/* As X509_cmp_time has it: a point in time is over when it has come. */
static bool in_time(int64_t from_s, int64_t until_s, int64_t now_s)
{
    return from_s <= now_s && now_s < until_s;
}

/* The suite by which the certificate says that it is signed; NULL: not by this key. */
static const struct sign_suite *suite_of(const X509 *cert, const X509_ALGOR *named,
                                         enum sign_key_type type)
{
    uint8_t identifier[ALGORITHM_MAX], *at = identifier;
    int len = i2d_X509_ALGOR(named, NULL);

    if (X509_ALGOR_cmp(named, X509_get0_tbs_sigalg(cert)) != 0 || len <= 0 || len > ALGORITHM_MAX)
        return NULL;
    len = i2d_X509_ALGOR(named, &at);
    return sign_suite_identified(bytes_of(identifier, (size_t)len), type);
}

static struct key_use *use_for(struct direct_anchor *a, const struct sign_suite *suite)
{
    if (a->use.suite == suite)
        return &a->use;
    key_use_reset(&a->use);
    return key_use_init(&a->use, NULL, a->key.library, suite, KEY_VERIFIES) ? &a->use : NULL;
}

static bool signed_by(struct direct_anchor *a, const struct x509_cert *cert)
{
    const ASN1_BIT_STRING *signature;
    const X509_ALGOR *named;
    const struct sign_suite *suite;
    struct key_use *use = NULL;

    X509_get0_signature(&signature, &named, cert->library);
    suite = suite_of(cert->library, named, a->key.type);
    if (suite && !(signature->flags & 7)) /* bits that are left over */
        use = use_for(a, suite);
    return use && key_use_verify(use, &cert->tbs, 1,
                                 bytes_of(ASN1_STRING_get0_data(signature),
                                          (size_t)ASN1_STRING_length(signature)));
}

bool x509_direct_valid(const struct x509_direct *d, struct crypto *c, const struct x509_cert *cert,
                       const struct x509_check *check)
{
    struct direct_anchor *a;

    if (!cert->timed || check->crl != CERT_CRL_OFF || !check->key || !plain_end(cert->library))
        return false;
    a = anchor_of(d, cert->library);
    if (!a || !a->plain || X509_check_issued(a->cert, cert->library) != X509_V_OK ||
        !in_time(cert->from_s, cert->until_s, check->now_s) ||
        !in_time(a->from_s, a->until_s, check->now_s) || !signed_by(a, cert))
        return false;
    meter_tick(c->meter, METER_CERT_CHECK, 0);
    meter_tick(c->meter, verify_meter(&a->key), 0);
    meter_tick(c->meter, METER_CERT_CHECK, 0);
    return true;
}
