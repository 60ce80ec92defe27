/* SHA-256 of public data (FIPS 180-4): names a file in a result. Keys are crypto/provider's. */
#ifndef CRYPTO_SHA256_H
#define CRYPTO_SHA256_H

#include "base/bytes.h"
#include "base/err.h"

/** @param[out] out  32 bytes. @retval ERR_CRYPTO the library refused; out is zero */
enum err crypto_sha256(struct bytes data, uint8_t out[32]) MUST_USE;

#endif
