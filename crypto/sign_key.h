/*
 * Reading keys, for the two makers of the provider; private to crypto. Both read the same DER, so
 * that one credential serves real and modelled runs.
 */
#ifndef CRYPTO_SIGN_KEY_H
#define CRYPTO_SIGN_KEY_H

#include "base/err.h"
#include "crypto/sign.h"

struct ossl_lib_ctx_st;

/** As sign_key_load and verify_key_load; the key belongs to `library`, NULL: the default one. */
enum err sign_key_read(struct ossl_lib_ctx_st *library, struct bytes der,
                       struct sign_key *out) MUST_USE;
enum err verify_key_read(struct ossl_lib_ctx_st *library, struct bytes der,
                         struct verify_key *out) MUST_USE;

/** Type and size of a library's key, not its name; nothing is owned. @retval ERR_UNSUPPORTED */
enum err asymmetric_key_describe(struct evp_pkey_st *library, struct asymmetric_key *out) MUST_USE;

/** Whether the suite can work with this key at all. */
static inline bool sign_suite_fits(const struct sign_suite *suite, const struct asymmetric_key *key)
{
    return suite->key == key->type;
}

#endif
