/*
 * Algorithm records: IANA number, strongSwan name, sizes in bytes. All are const; a suite is
 * always passed as a pointer to its record, so two records are equal when the pointers are.
 * Numbers: IANA "Internet Key Exchange Version 2 (IKEv2) Parameters".
 */
#ifndef CRYPTO_SUITE_H
#define CRYPTO_SUITE_H

#include "base/meter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum crypto_sizes {
    PRF_OUT_MAX = 64,   /* HMAC-SHA2-512 */
    ENCR_KEY_MAX = 36,  /* AES-256 or ChaCha20 key and a 4-byte salt */
    INTEG_KEY_MAX = 64, /* HMAC-SHA2-512 */
    ICV_MAX = 32,
    IV_MAX = 16,
    IMPLICIT_IV_LEN = 8,
    BLOCK_MAX = 16,
    KE_PUBLIC_MAX = 512, /* MODP-4096 */
    KE_PRIVATE_MAX = 66, /* P-521; MODP exponents are short (RFC 3526 §8) */
    KE_SHARED_MAX = 512,
};

struct encr_suite {
    const char *name;  /* "aes256gcm16" */
    uint16_t iana;     /* transform type 1 */
    uint16_t key_bits; /* value of the Key Length attribute, 0 where it must be absent */
    uint8_t key_len;   /* without salt */
    uint8_t salt_len;  /* taken from KEYMAT behind the key (RFC 4106 §8.1) */
    uint8_t iv_len;    /* explicit IV on the wire */
    uint8_t icv_len;   /* 0 unless aead */
    uint8_t block_len; /* plaintext is padded to a multiple of this; 1 for stream-like modes */
    bool aead;
    bool implicit_iv;    /* RFC 8750: ESP only; the sequence number is the IV, and iv_len is 0 */
    enum meter_op meter; /* METER_COUNT for NULL, which costs nothing */
};

struct integ_suite {
    const char *name; /* "sha256" */
    uint16_t iana;    /* transform type 3 */
    uint8_t key_len;
    uint8_t icv_len;
    enum meter_op meter;
};

struct prf_suite {
    const char *name; /* "prfsha256" */
    uint16_t iana;    /* transform type 2 */
    uint8_t key_len;  /* preferred key length: the length of SK_d, SK_pi, SK_pr (RFC 7296 §2.13) */
    uint8_t out_len;
    bool fixed_key; /* AES-XCBC, AES-CMAC: Ni | Nr are cut to 8 bytes each for SKEYSEED (§2.14) */
};

/** How public values look and what must be checked of them. */
enum ke_family {
    KE_MODP,       /* RFC 3526 */
    KE_ECP,        /* RFC 5903 */
    KE_MONTGOMERY, /* RFC 8031 */
};

struct ke_suite {
    const char *name;    /* "x25519" */
    uint16_t iana;       /* transform type 4 */
    uint16_t public_len; /* Key Exchange Data on the wire; EC points are x | y (RFC 5903 §7) */
    uint16_t private_len;
    uint16_t shared_len; /* EC: the x coordinate; MODP: padded to the prime (RFC 7296 §2.14) */
    enum meter_op generate;
    enum meter_op derive;
    enum ke_family family;
};

/** How long the IV is that the cipher gets, sent or not. */
static inline size_t encr_iv_len(const struct encr_suite *s)
{
    return s->implicit_iv ? IMPLICIT_IV_LEN : s->iv_len;
}

/**
 * A hash function of IKEv1 and its HMAC, which is the prf unless another one is negotiated
 * (RFC 2409 §4).
 */
struct hash_suite {
    const char *name;            /* "sha256" */
    uint16_t ikev1;              /* IANA "Hash Algorithm" of RFC 2409 appendix A; 0: it has none */
    uint8_t len;                 /* bytes of a digest */
    const struct prf_suite *prf; /* HMAC with it; an IKEv2 proposal may not be able to name it */
};

/** 3DES-CBC, RFC 2451: IKEv1 messages of others are opened with it. In no list and no proposal. */
extern const struct encr_suite encr_3des_cbc;

/** By the number of RFC 2409 appendix A; NULL if not ours. */
const struct hash_suite *hash_suite(uint16_t ikev1);
/** The cipher of phase 1 by its number there and its Key Length, 0 if absent; NULL if not ours. */
const struct encr_suite *encr_suite_v1(uint16_t ikev1, uint16_t key_bits);

/** By IANA number (and key length in bits, 0 if the attribute was absent); NULL if not ours. */
const struct encr_suite *encr_suite(uint16_t iana, uint16_t key_bits);
const struct integ_suite *integ_suite(uint16_t iana);
const struct prf_suite *prf_suite(uint16_t iana);
const struct ke_suite *ke_suite(uint16_t iana);

/** By strongSwan's proposal keyword, compared over `len` characters; NULL if there is none. */
const struct encr_suite *encr_suite_named(const char *name, size_t len);
const struct integ_suite *integ_suite_named(const char *name, size_t len);
const struct prf_suite *prf_suite_named(const char *name, size_t len);
const struct ke_suite *ke_suite_named(const char *name, size_t len);
const struct hash_suite *hash_suite_named(const char *name, size_t len);

/** The records themselves, for tables, help and tests. */
const struct encr_suite *encr_suites(size_t *count);
const struct integ_suite *integ_suites(size_t *count);
const struct prf_suite *prf_suites(size_t *count);
const struct ke_suite *ke_suites(size_t *count);
const struct hash_suite *hash_suites(size_t *count);

#endif
