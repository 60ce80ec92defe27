#include "crypto/sha256.h"

#include "crypto/openssl_headers.h"

enum err crypto_sha256(struct bytes data, uint8_t out[32])
{
    memset(out, 0, 32);
    return EVP_Digest(data.data, data.len, out, NULL, EVP_sha256(), NULL) == 1 ? OK : ERR_CRYPTO;
}
