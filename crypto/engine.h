/*
 * How much of the processor cryptography uses. All that is there by default; IKELAB_CPU=WORD in the
 * environment makes it a lesser processor, for tests, comparisons, and doubts about a machine.
 * Every byte stays the same. OpenSSL looks at the processor for itself and is not told.
 */
#ifndef CRYPTO_ENGINE_H
#define CRYPTO_ENGINE_H

#include "crypto/provider.h"

#define CRYPTO_ENGINE_VARIABLE "IKELAB_CPU"
#define CRYPTO_ENGINE_HINT "IKELAB_CPU=openssl, sse, avx, avx2, avx512 or vaes, or without it"

/**
 * This engine, or what the variable allows if that is less: "openssl" is a processor without AES
 * instructions, "avx512" one that has AVX-512 without VAES and IFMA. Read once in a process.
 */
enum crypto_engine crypto_engine_limited(enum crypto_engine);
/** What the variable says if it is none of its words: programs refuse to start. Else NULL. */
const char *crypto_engine_wrong(void);

#endif
