/*
 * Numbers modulo p = 2^255 - 19 (RFC 7748 §4.1), one at a time: five limbs of 51 bits. Between
 * operations limbs are below 2^52. No branch and no address depends on a value.
 */
#ifndef CRYPTO_FIELD25519_H
#define CRYPTO_FIELD25519_H

#include <stdint.h>

enum { FIELD_LIMBS = 5, FIELD_BITS = 51, FIELD_BYTES = 32 };

#define FIELD_MASK ((UINT64_C(1) << FIELD_BITS) - 1)

struct field {
    uint64_t limb[FIELD_LIMBS];
};

/** Little-endian, the highest bit ignored (RFC 7748 §5); p and more are taken modulo p. */
struct field field_unpack(const uint8_t in[FIELD_BYTES]);
/** Below p. */
void field_pack(uint8_t out[FIELD_BYTES], const struct field *);
struct field field_small(uint32_t);
struct field field_add(const struct field *, const struct field *);
struct field field_sub(const struct field *, const struct field *);
struct field field_mul(const struct field *, const struct field *);
/** 0 for 0. */
struct field field_invert(const struct field *);

#endif
