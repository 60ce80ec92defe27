/*
 * Key derivation of IKEv2 (RFC 7296 §2.13, §2.14, §2.17, §2.18). Each function carries its
 * formula; outputs are sliced in the RFC's order. On error outputs are zeroed.
 */
#ifndef CRYPTO_KEYMAT_H
#define CRYPTO_KEYMAT_H

#include "crypto/provider.h"

enum keymat_sizes {
    /* SK_d, SK_ai, SK_ar, SK_ei, SK_er, SK_pi, SK_pr at their largest */
    IKE_KEYS_MAX = 3 * PRF_OUT_MAX + 2 * INTEG_KEY_MAX + 2 * ENCR_KEY_MAX,
    CHILD_KEYS_MAX = 2 * (ENCR_KEY_MAX + INTEG_KEY_MAX),
};

/** Sizes of the keys of one IKE SA, by its negotiated algorithms. */
struct ike_suite {
    const struct encr_suite *encr;
    const struct integ_suite *integ; /* NULL for AEAD */
    const struct prf_suite *prf;
    const struct ke_suite *ke;
};

/** SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr in one piece; lengths follow the suite. */
struct ike_keys {
    uint8_t bytes[IKE_KEYS_MAX];
};

/**
 * Offsets into struct ike_keys for a suite, in the order of RFC 7296 §2.14. With an AEAD SK_ai and
 * SK_ar are empty, and the salts are the ends of SK_ei and SK_er (RFC 5282 §7.1).
 */
struct ike_key_map {
    uint16_t sk_d, sk_ai, sk_ar, sk_ei, sk_er, sk_pi, sk_pr, end;
};
struct ike_key_map ike_key_map(const struct ike_suite *);

/** prf+ (K, S) = T1 | T2 | ... (RFC 7296 §2.13), `len` bytes, len <= 255 * out_len. */
enum err prf_plus(struct crypto *, const struct prf_suite *, struct bytes key,
                  const struct bytes *seed, size_t seeds, uint8_t *out, size_t len) MUST_USE;

/** What goes into the keys of a new IKE SA. */
struct ike_seed {
    struct bytes ni, nr;
    uint64_t spi_i, spi_r;
    struct bytes shared; /* g^ir */
    /** Rekey (§2.18): SK_d of the old SA and its prf; empty for an initial exchange. */
    struct bytes old_sk_d;
    const struct prf_suite *old_prf;
};

/**
 * Initial: SKEYSEED = prf(Ni | Nr, g^ir). Rekey: SKEYSEED = prf(SK_d(old), g^ir(new) | Ni | Nr).
 * {SK_d ...} = prf+ (SKEYSEED, Ni | Nr | SPIi | SPIr)
 * @param[out] skeyseed  room for PRF_OUT_MAX bytes, or NULL if the caller does not export it; it is
 *     out_len bytes of old_prf in a rekey (§2.18), else of suite->prf
 */
enum err ike_keys_derive(struct crypto *, const struct ike_suite *, const struct ike_seed *,
                         struct ike_keys *out, uint8_t *skeyseed) MUST_USE;

/**
 * KEYMAT = prf+(SK_d, [ g^ir(new) | ] Ni | Nr), §2.17: encryption then integrity key of
 * initiator-to-responder, then the same of responder-to-initiator. `shared` is empty without PFS.
 * @param len  bytes wanted: 2 * (key_len + salt_len + integ key_len)
 */
enum err child_keymat(struct crypto *, const struct prf_suite *, struct bytes sk_d,
                      struct bytes shared, struct bytes ni, struct bytes nr, uint8_t *out,
                      size_t len) MUST_USE;

#endif
