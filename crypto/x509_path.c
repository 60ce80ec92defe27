/*
 * Trust anchors, CRLs and path validation on the library's X509_STORE; certificates that an anchor
 * vouches for directly need not go there (crypto/x509_direct).
 */
#include "crypto/x509.h"

#include "base/assert.h"
#include "crypto/openssl_headers.h"
#include "crypto/sign_key.h"
#include "crypto/x509_cert.h"
#include "crypto/x509_direct.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

struct x509_anchors {
    X509_STORE *library;
    struct x509_direct direct;
};

enum { LEVEL_112_BITS = 2 }; /* SSL_CTX_set_security_level(3): RSA-2048, no SHA-1 */

struct x509_anchors *x509_anchors_create(void)
{
    struct x509_anchors *store = calloc(1, sizeof *store);

    if (!store)
        return NULL;
    store->library = X509_STORE_new();
    if (!store->library) {
        free(store);
        return NULL;
    }
    return store;
}

void x509_anchors_free(struct x509_anchors *store)
{
    if (!store)
        return;
    x509_direct_reset(&store->direct);
    X509_STORE_free(store->library);
    free(store);
}

enum x509_result x509_anchors_trust(struct x509_anchors *store, const struct x509_cert *anchor)
{
    X509 *cert = x509_with_key(anchor);
    bool done = cert && X509_STORE_add_cert(store->library, cert) &&
                x509_direct_trust(&store->direct, anchor, cert);

    X509_free(cert);
    ERR_clear_error();
    return done ? CERT_VALID : CERT_MEMORY;
}

struct bytes x509_anchors_name(const struct x509_anchors *store, size_t n)
{
    return x509_direct_name(&store->direct, n);
}

enum x509_result x509_anchors_add_crl(struct x509_anchors *store, struct bytes der)
{
    const uint8_t *at = der.data;
    X509_CRL *crl;
    bool done;

    if (der.len > CERT_CRL_MAX)
        return CERT_TOO_LARGE;
    crl = d2i_X509_CRL(NULL, &at, (long)der.len);
    if (!crl || at != der.data + der.len) {
        X509_CRL_free(crl);
        ERR_clear_error();
        return CERT_MALFORMED;
    }
    done = X509_STORE_add_crl(store->library, crl);
    X509_CRL_free(crl);
    ERR_clear_error();
    return done ? CERT_VALID : CERT_MEMORY;
}

/* ------------------------------------------------------------------- the library's verdict */

static const struct {
    int code;
    enum x509_result result;
} verdicts[] = {
    {X509_V_OK, CERT_VALID},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, CERT_NO_ANCHOR},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, CERT_NO_ANCHOR},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, CERT_NO_ANCHOR},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, CERT_NO_ANCHOR},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, CERT_NO_ANCHOR},
    {X509_V_ERR_CERT_UNTRUSTED, CERT_NO_ANCHOR},
    {X509_V_ERR_SUBJECT_ISSUER_MISMATCH, CERT_NO_ANCHOR},
    {X509_V_ERR_AKID_SKID_MISMATCH, CERT_NO_ANCHOR},
    {X509_V_ERR_AKID_ISSUER_SERIAL_MISMATCH, CERT_NO_ANCHOR},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, CERT_TOO_MANY},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, CERT_SIGNATURE},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, CERT_SIGNATURE},
    {X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH, CERT_SIGNATURE},
    {X509_V_ERR_UNSUPPORTED_SIGNATURE_ALGORITHM, CERT_SIGNATURE},
    {X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, CERT_KEY},
    {X509_V_ERR_CERT_NOT_YET_VALID, CERT_NOT_YET_VALID},
    {X509_V_ERR_CERT_HAS_EXPIRED, CERT_EXPIRED},
    {X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, CERT_MALFORMED},
    {X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, CERT_MALFORMED},
    {X509_V_ERR_INVALID_EXTENSION, CERT_MALFORMED},
    {X509_V_ERR_INVALID_CA, CERT_NOT_CA},
    {X509_V_ERR_INVALID_NON_CA, CERT_NOT_CA},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, CERT_PATH_LENGTH},
    {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, CERT_KEY_USAGE},
    {X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, CERT_BAD_CRL},
    {X509_V_ERR_INVALID_PURPOSE, CERT_PURPOSE},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, CERT_CRITICAL},
    {X509_V_ERR_PERMITTED_VIOLATION, CERT_NAME_CONSTRAINT},
    {X509_V_ERR_EXCLUDED_VIOLATION, CERT_NAME_CONSTRAINT},
    {X509_V_ERR_SUBTREE_MINMAX, CERT_NAME_CONSTRAINT},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, CERT_NAME_CONSTRAINT},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, CERT_NAME_CONSTRAINT},
    {X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, CERT_NAME_CONSTRAINT},
    {X509_V_ERR_EE_KEY_TOO_SMALL, CERT_WEAK},
    {X509_V_ERR_CA_KEY_TOO_SMALL, CERT_WEAK},
    {X509_V_ERR_CA_MD_TOO_WEAK, CERT_WEAK},
    {X509_V_ERR_UNABLE_TO_GET_CRL, CERT_NO_CRL},
    {X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, CERT_BAD_CRL},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, CERT_BAD_CRL},
    {X509_V_ERR_CRL_SIGNATURE_FAILURE, CERT_BAD_CRL},
    {X509_V_ERR_CRL_NOT_YET_VALID, CERT_BAD_CRL},
    {X509_V_ERR_CRL_HAS_EXPIRED, CERT_BAD_CRL},
    {X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, CERT_BAD_CRL},
    {X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, CERT_BAD_CRL},
    {X509_V_ERR_DIFFERENT_CRL_SCOPE, CERT_BAD_CRL},
    {X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, CERT_BAD_CRL},
    {X509_V_ERR_CRL_PATH_VALIDATION_ERROR, CERT_BAD_CRL},
    {X509_V_ERR_CERT_REVOKED, CERT_REVOKED},
    {X509_V_ERR_OUT_OF_MEM, CERT_MEMORY},
};

static enum x509_result result_of(int code)
{
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        if (verdicts[i].code == code)
            return verdicts[i].result;
    return CERT_OTHER;
}

/* CERT_CRL_IF_PRESENT: the one complaint that is let pass. */
static int no_crl_is_fine(int good, X509_STORE_CTX *ctx)
{
    if (!good && X509_STORE_CTX_get_error(ctx) == X509_V_ERR_UNABLE_TO_GET_CRL) {
        X509_STORE_CTX_set_error(ctx, X509_V_OK);
        return 1;
    }
    return good;
}

static void set_up(X509_STORE_CTX *ctx, const struct x509_check *check)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN; /* an anchor need not be its own issuer */

    if (check->crl != CERT_CRL_OFF)
        flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    X509_VERIFY_PARAM_set_flags(param, flags);
    X509_VERIFY_PARAM_set_time(param, (time_t)check->now_s);
    X509_VERIFY_PARAM_set_depth(param, CERT_CHAIN_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, LEVEL_112_BITS);
    if (check->crl == CERT_CRL_IF_PRESENT)
        X509_STORE_CTX_set_verify_cb(ctx, no_crl_is_fine);
}

/* ------------------------------------------------------------------- what RFC 4945 adds */

/* RFC 4945 §5.1.3.2: a key usage, where there is one, must allow signatures. */
static bool may_sign(X509 *cert)
{
    return (X509_get_key_usage(cert) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0;
}

/* RFC 4945 §5.1.3.12: without the extension every purpose, else ipsecIKE or any. */
static bool serves_ike(X509 *cert, bool tls_purpose)
{
    EXTENDED_KEY_USAGE *list = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
    bool found = !list;

    for (int i = 0; !found && i < sk_ASN1_OBJECT_num(list); i++) {
        int purpose = OBJ_obj2nid(sk_ASN1_OBJECT_value(list, i));

        found = purpose == NID_ipsec_IKE || purpose == NID_anyExtendedKeyUsage ||
                (tls_purpose && (purpose == NID_server_auth || purpose == NID_client_auth));
    }
    EXTENDED_KEY_USAGE_free(list);
    return found;
}

/*
 * RFC 5280 §6.1.4 (k): every CA below the anchor says so in basicConstraints. The library also
 * takes a few older signs.
 */
static bool all_are_cas(STACK_OF(X509) * path)
{
    for (int i = 1; i < sk_X509_num(path) - 1; i++)
        if (X509_check_ca(sk_X509_value(path, i)) != 1)
            return false;
    return true;
}

/* The library says "no CA" also of a CA whose key usage leaves out certificates. */
static bool is_ca_by_name(X509 *cert)
{
    return cert && (X509_get_extension_flags(cert) & EXFLAG_CA) &&
           !(X509_get_key_usage(cert) & KU_KEY_CERT_SIGN);
}

static bool has_crl(X509_STORE_CTX *ctx, X509 *cert)
{
    STACK_OF(X509_CRL) *crls = X509_STORE_CTX_get1_crls(ctx, X509_get_issuer_name(cert));
    bool some = sk_X509_CRL_num(crls) > 0;

    sk_X509_CRL_pop_free(crls, X509_CRL_free);
    return some;
}

/* One check for each certificate, one signature for each but the anchor, by its issuer's key, and
 * one more for the issuer's CRL. */
static void tick_path(struct crypto *c, X509_STORE_CTX *ctx, bool with_crls)
{
    STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(ctx);

    for (int i = 0; i < sk_X509_num(path); i++) {
        struct verify_key issuer;
        X509 *above = i + 1 < sk_X509_num(path) ? sk_X509_value(path, i + 1) : NULL;
        EVP_PKEY *key = above ? X509_get0_pubkey(above) : NULL;

        meter_tick(c->meter, METER_CERT_CHECK, 0);
        if (!key || asymmetric_key_describe(key, &issuer.key) != OK)
            continue;
        meter_tick(c->meter, verify_meter(&issuer.key), 0);
        if (with_crls && has_crl(ctx, sk_X509_value(path, i)))
            meter_tick(c->meter, verify_meter(&issuer.key), 0);
    }
}

/* RFC 4945 §5.1.3: what the end entity's certificate must allow besides. */
static enum x509_result judge_use(const struct x509_cert *cert, const struct x509_check *check)
{
    if (!may_sign(cert->library))
        return CERT_KEY_USAGE;
    return serves_ike(cert->library, check->tls_purpose) ? CERT_VALID : CERT_PURPOSE;
}

static enum x509_result judge_path(struct crypto *c, X509_STORE_CTX *ctx,
                                   const struct x509_cert *cert, const struct x509_check *check)
{
    int good = X509_verify_cert(ctx);
    enum x509_result result = result_of(X509_STORE_CTX_get_error(ctx));
    STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(ctx);

    tick_path(c, ctx, check->crl != CERT_CRL_OFF);
    if (good <= 0 && result == CERT_NOT_CA && is_ca_by_name(X509_STORE_CTX_get_current_cert(ctx)))
        return CERT_KEY_USAGE;
    if (good <= 0)
        return result == CERT_VALID ? CERT_OTHER : result;
    return all_are_cas(path) ? judge_use(cert, check) : CERT_NOT_CA;
}

/* Owned, as what lies in it. */
static STACK_OF(X509) * stack_of(const struct x509_check *check)
{
    STACK_OF(X509) *stack = sk_X509_new_null();

    for (size_t i = 0; stack && i < check->intermediate_count; i++) {
        X509 *cert = x509_with_key(check->intermediates[i]);

        if (!cert || sk_X509_push(stack, cert) <= 0) {
            X509_free(cert);
            sk_X509_pop_free(stack, X509_free);
            return NULL;
        }
    }
    return stack;
}

static enum x509_result verify_by_library(struct crypto *c, const struct x509_anchors *store,
                                          const struct x509_cert *cert,
                                          const struct x509_check *check)
{
    STACK_OF(X509) *intermediates = stack_of(check);
    X509_STORE_CTX *ctx = intermediates ? X509_STORE_CTX_new() : NULL;
    X509 *end = x509_with_key(cert);
    enum x509_result result = CERT_MEMORY;

    if (ctx && end && X509_STORE_CTX_init(ctx, store->library, end, intermediates)) {
        set_up(ctx, check);
        result = judge_path(c, ctx, cert, check);
    }
    X509_STORE_CTX_free(ctx);
    X509_free(end);
    sk_X509_pop_free(intermediates, X509_free);
    return result;
}

enum x509_result x509_verify(struct crypto *c, const struct x509_anchors *store,
                             const struct x509_cert *cert, const struct x509_check *check)
{
    enum x509_result result;

    if (check->intermediate_count > CERT_CHAIN_MAX)
        return CERT_TOO_MANY;
    result = x509_direct_valid(&store->direct, c, cert, check)
                 ? judge_use(cert, check)
                 : verify_by_library(c, store, cert, check);
    ERR_clear_error();
    return result;
}
