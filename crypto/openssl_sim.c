/*
 * The real provider with repeatable keys: the OpenSSL provider over crypto/sim_rand. Alone in its
 * file so that a program which does not call it does not link sim_rand either.
 */
#include "crypto/openssl_provider.h"
#include "crypto/sim_rand.h"

#include <stdlib.h>

static void close_sim_rand(void *owner)
{
    sim_rand_close(owner);
    free(owner);
}

struct crypto *crypto_openssl_plain_create(struct meter *meter)
{
    struct sim_rand *s = malloc(sizeof *s);

    if (!s)
        return NULL;
    if (!sim_rand_open(s)) {
        free(s);
        return NULL;
    }
    return openssl_provider_create(
        (struct openssl_entropy){s->library, sim_rand_seed, close_sim_rand, s}, meter);
}

struct crypto *crypto_openssl_create(struct meter *meter)
{
    struct crypto *c = crypto_openssl_plain_create(meter);

    if (c) {
        openssl_use_lanes(c);
        openssl_draw_lengths(c);
    }
    return c;
}
