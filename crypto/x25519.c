#include "crypto/x25519.h"

#ifdef IKELAB_IFMA

#include "crypto/engine.h"

bool x25519_here(void)
{
    return crypto_engine_limited(CRYPTO_VAES) == CRYPTO_VAES && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("bmi2");
}

#else

#include "base/assert.h"

bool x25519_here(void)
{
    return false;
}

void x25519_base(const uint8_t scalar[X25519_LEN], uint8_t out[X25519_LEN])
{
    (void)scalar;
    (void)out;
    ASSERT(x25519_here());
}

void x25519_shared(const uint8_t scalar[X25519_LEN], const uint8_t u[X25519_LEN],
                   uint8_t out[X25519_LEN])
{
    (void)scalar;
    (void)u;
    (void)out;
    ASSERT(x25519_here());
}

#endif
