/*
 * Repeatable randomness for OpenSSL: a private library context whose random numbers come from one
 * of our streams. For simulations and tests only, NOT SECURE; a program with real peers does not
 * link this file.
 */
#ifndef CRYPTO_SIM_RAND_H
#define CRYPTO_SIM_RAND_H

#include "base/rng.h"
#include "crypto/openssl_headers.h"

/** A library context with the default provider and our generator, closed by sim_rand_close. */
struct sim_rand {
    OSSL_LIB_CTX *library;
    OSSL_PROVIDER *generator;
    OSSL_PROVIDER *algorithms;
};

/** False and `s` empty when the library fails. */
bool sim_rand_open(struct sim_rand *s);
/** Everything made in the library context must be gone. */
void sim_rand_close(struct sim_rand *s);

/**
 * Let this thread's draws start at the beginning of `stream`. Called before every operation,
 * because how much OpenSSL draws depends on what it did before (blinding, rejection).
 * Until the first call on a thread every draw fails.
 */
void sim_rand_seed(const struct rng *stream);

#endif
