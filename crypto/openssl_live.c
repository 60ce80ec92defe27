/*
 * The real provider on the library's default context: random numbers are OpenSSL's own, seeded by
 * the operating system. For live sockets. Does not link crypto/sim_rand.
 */
#include "crypto/openssl_provider.h"

static void close_nothing(void *owner)
{
    (void)owner;
}

struct crypto *crypto_openssl_live_create(struct meter *meter)
{
    return openssl_provider_create((struct openssl_entropy){.close = close_nothing}, meter);
}
