/*
 * X25519 (RFC 7748 §5) with the multipliers of AVX512-IFMA: 52 by 52 bits, many at a time. For
 * simulations, where handshakes of both ends share a core; peers on real networks keep to the
 * library. In constant time: no branch and no address depends on a scalar or a coordinate.
 */
#ifndef CRYPTO_X25519_H
#define CRYPTO_X25519_H

#include <stdbool.h>
#include <stdint.h>

enum { X25519_LEN = 32 };

/** Whether it was built and the processor can; else nothing below may be called. */
bool x25519_here(void);
/** The public value of a private one. The scalar is clamped here (RFC 7748 §5). */
void x25519_base(const uint8_t scalar[X25519_LEN], uint8_t out[X25519_LEN]);
/** The shared secret; all zeros if `u` is of low order (RFC 7748 §6), for the caller to refuse. */
void x25519_shared(const uint8_t scalar[X25519_LEN], const uint8_t u[X25519_LEN],
                   uint8_t out[X25519_LEN]);

#endif
