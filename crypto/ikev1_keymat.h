/*
 * Key derivation of IKEv1 (RFC 2409 §5, §5.5, appendix B): SKEYID and its three keys, the cipher's
 * key, IVs, the HASH payloads and KEYMAT. Each function carries its formula. "_b" is the body of a
 * payload without its generic header; prf is the HMAC of the hash. On error outputs are zeroed.
 */
#ifndef CRYPTO_IKEV1_KEYMAT_H
#define CRYPTO_IKEV1_KEYMAT_H

#include "crypto/provider.h"

enum ikev1_keymat_sizes {
    IKEV1_HASH_MAX = PRF_OUT_MAX,
    IKEV1_NONCE_MAX = 256, /* RFC 2409 §5: nonces have 8 to 256 bytes */
    /* One direction of a child SA: KEYMAT is made for each SPI by itself. */
    IKEV1_KEYMAT_MAX = ENCR_KEY_MAX + INTEG_KEY_MAX,
};

/** How SKEYID is made: by the method of authentication (RFC 2409 §5). */
enum ikev1_skeyid_kind {
    IKEV1_SKEYID_PSK,
    IKEV1_SKEYID_SIGNATURE,
    IKEV1_SKEYID_ENCRYPTION, /* both modes of public-key encryption */
};

struct ikev1_seed {
    enum ikev1_skeyid_kind kind;
    struct bytes ni, nr;   /* Ni_b, Nr_b */
    struct bytes shared;   /* g^xy */
    struct bytes psk;      /* IKEV1_SKEYID_PSK only */
    uint64_t cky_i, cky_r; /* cookies */
};

/** Each is hash->len bytes. */
struct ikev1_keys {
    uint8_t skeyid[IKEV1_HASH_MAX];
    uint8_t skeyid_d[IKEV1_HASH_MAX];
    uint8_t skeyid_a[IKEV1_HASH_MAX];
    uint8_t skeyid_e[IKEV1_HASH_MAX];
};

/**
 * SKEYID and what is derived of it.                                                RFC 2409 §5
 * @retval ERR_LENGTH       nonces longer than 512 bytes together
 * @retval ERR_UNSUPPORTED  the library does not have the hash
 */
enum err ikev1_keys_derive(struct crypto *, const struct hash_suite *, const struct ikev1_seed *,
                           struct ikev1_keys *out) MUST_USE;

/** The key of the cipher: the beginning of SKEYID_e, or of its expansion where that is too short.
 * @param[out] out  encr->key_len bytes */
enum err ikev1_encr_key(struct crypto *, const struct hash_suite *, const struct ikev1_keys *,
                        const struct encr_suite *, uint8_t *out) MUST_USE;

/**
 * Ke_i or Ke_r of the revised mode of public-key encryption: of Ne = prf(N_b, CKY), as the key of
 * the cipher is of SKEYID_e.                                                       RFC 2409 §5.3
 * @param nonce   of one side, decrypted
 * @param cookie  of that side
 * @param[out] out  encr->key_len bytes
 */
enum err ikev1_nonce_key(struct crypto *, const struct hash_suite *, struct bytes nonce,
                         uint64_t cookie, const struct encr_suite *, uint8_t *out) MUST_USE;

/** The first IV of phase 1: the beginning of hash(g^xi | g^xr).
 * @param[out] iv  block_len bytes, at most the hash's */
enum err ikev1_iv_first(struct crypto *, const struct hash_suite *, struct bytes g_xi,
                        struct bytes g_xr, size_t block_len, uint8_t *iv) MUST_USE;

/** The first IV under a message ID: the beginning of hash(last block of phase 1 | M-ID). */
enum err ikev1_iv_of(struct crypto *, const struct hash_suite *, struct bytes last_block,
                     uint32_t message_id, size_t block_len, uint8_t *iv) MUST_USE;

/** What HASH_I and HASH_R are made of, as the whole SA knows it. */
struct ikev1_proof {
    struct bytes g_xi, g_xr; /* bodies of KE */
    uint64_t cky_i, cky_r;
    struct bytes sai_b; /* body of the initiator's SA payload, all proposals */
    struct bytes id_b;  /* body of IDii or IDir, of the one who proves */
    /** Its HMAC makes it, under SKEYID as it is: a signature that is tied to a hash, as ECDSA is
     * (RFC 2409 §5.1, RFC 4754 §3). NULL: the negotiated one. */
    const struct hash_suite *tied;
};

/** HASH_I (`initiator`) or HASH_R: what is sent, or signed (RFC 2409 §5). Bytes as the hash. */
enum err ikev1_hash_of(struct crypto *, const struct hash_suite *, const struct ikev1_keys *,
                       const struct ikev1_proof *, bool initiator, uint8_t *out) MUST_USE;

/**
 * HASH(1) of Quick Mode, and HASH of Informational (RFC 2409 §5.5, §5.7) and Transaction exchanges:
 * prf(SKEYID_a, M-ID | rest); HASH(2): prf(SKEYID_a, M-ID | Ni_b | rest).
 * @param ni    empty but for HASH(2)
 * @param rest  every payload behind HASH with its generic header, without padding
 */
enum err ikev1_hash_12(struct crypto *, const struct hash_suite *, const struct ikev1_keys *,
                       uint32_t message_id, struct bytes ni, struct bytes rest,
                       uint8_t *out) MUST_USE;
/** HASH(3) = prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b)                                RFC 2409 §5.5 */
enum err ikev1_hash_3(struct crypto *, const struct hash_suite *, const struct ikev1_keys *,
                      uint32_t message_id, struct bytes ni, struct bytes nr, uint8_t *out) MUST_USE;

/** One SA of Quick Mode: each direction, and each protocol, has keys of its own. */
struct ikev1_keymat_seed {
    struct bytes shared; /* g(qm)^xy, empty without PFS */
    uint8_t protocol;    /* as in the proposal: 2 AH, 3 ESP (RFC 2407 §4.4.1) */
    uint32_t spi;        /* chosen by who receives */
    struct bytes ni, nr; /* of this Quick Mode */
};

/**
 * KEYMAT = K1 | K2 | ..., K1 = prf(SKEYID_d, [g(qm)^xy |] protocol | SPI | Ni_b | Nr_b),
 * Kn = prf(SKEYID_d, Kn-1 | [g(qm)^xy |] protocol | SPI | Ni_b | Nr_b)              RFC 2409 §5.5
 * @param len  bytes wanted: the cipher's key (and salt), then the integrity algorithm's
 */
enum err ikev1_keymat(struct crypto *, const struct hash_suite *, const struct ikev1_keys *,
                      const struct ikev1_keymat_seed *, uint8_t *out, size_t len) MUST_USE;

#endif
