/*
 * The headers of OpenSSL, in the one place that knows the clash: the library has a type ERR_STATE
 * and we have an error of that name (base/err.h).
 */
#ifndef CRYPTO_OPENSSL_HEADERS_H
#define CRYPTO_OPENSSL_HEADERS_H

#define ERR_STATE OPENSSL_ERR_STATE
#include <openssl/bn.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/dh.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#undef ERR_STATE

#endif
