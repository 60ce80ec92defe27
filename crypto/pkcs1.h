/*
 * The padding of RSAES-PKCS1-v1_5 (RFC 8017 §7.2) taken off without telling whether it was right:
 * neither the result nor time nor the places of memory that are touched depend on it. Who makes
 * the padding is the library.
 */
#ifndef CRYPTO_PKCS1_H
#define CRYPTO_PKCS1_H

#include <stddef.h>
#include <stdint.h>

enum { PKCS1_OVERHEAD = 11 /* 0 | 2 | eight bytes at least that are not 0 | 0 */ };

/** What a message has to look like, and what takes its place where there is none. */
struct pkcs1_want {
    size_t min, max;        /* bytes; max: em_len - PKCS1_OVERHEAD at most */
    const uint8_t *instead; /* max bytes */
    size_t instead_len;     /* min to max */
};

/**
 * @param[in,out] em   what the private key made of a ciphertext: as long as the modulus; destroyed
 * @param[out]    out  want->max bytes of room, all written
 * @return bytes of the message, or of `instead`
 */
size_t pkcs1_take(uint8_t *em, size_t em_len, const struct pkcs1_want *want, uint8_t *out);

#endif
