/*
 * The crypto provider: what the protocol asks of cryptography, with two makers behind it:
 * OpenSSL (real) and a model (same sizes, same meter ticks, NOT SECURE). An instance belongs to
 * one thread. Nothing here allocates per call except inside the library.
 */
#ifndef CRYPTO_PROVIDER_H
#define CRYPTO_PROVIDER_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/meter.h"
#include "base/rng.h"
#include "crypto/pkcs1.h"
#include "crypto/sign.h"
#include "crypto/suite.h"

struct crypto; /* an instance; `class` is its first member in every maker */

enum { PRF_SEEDS_MAX = 8 };

enum encrypt_sizes { ENCRYPT_MAX = SIGN_RSA_BITS_MAX / 8 };

enum seal_sizes {
    SEAL_EXPANDED_MAX = 1024, /* bytes of an expanded key, and how it is aligned */
    SEAL_EXPANDED_ALIGN = 64,
    SEAL_BATCH_MAX = 64,
};

/** What computes with expanded keys. All give the same bytes. */
enum crypto_engine {
    CRYPTO_OPENSSL, /* it has none */
    CRYPTO_SSE,     /* libipsec-mb, and the instructions that it uses besides AES */
    CRYPTO_AVX,
    CRYPTO_AVX2,
    CRYPTO_AVX512,
    CRYPTO_VAES, /* AVX-512 with AES on 64 bytes at once, and what came with it: GFNI, IFMA */
};

/** A key pair of one key exchange, raw bytes, owned by the caller, who wipes it. */
struct ke_pair {
    const struct ke_suite *suite;
    uint8_t private[KE_PRIVATE_MAX]; /* suite->private_len bytes */
    uint8_t public[KE_PUBLIC_MAX];   /* suite->public_len bytes, as on the wire */
};

/** The keys of one direction of an SA. `encr_key` is key | salt. Views only, never owned. */
struct seal_key {
    const struct encr_suite *encr;
    const struct integ_suite *integ; /* NULL for AEAD */
    const uint8_t *encr_key;
    const uint8_t *integ_key;
};

/**
 * One packet or SK payload to protect. AEAD: the nonce is salt | iv and `aad` is authenticated.
 * Otherwise: encrypt, then MAC over aad | iv | text | tail, the MAC cut to the ICV length.
 * The caller has padded `text` to a multiple of the block.
 */
struct seal_op {
    const struct seal_key *key;
    const void *expanded; /* what `expand` made of the key; NULL: it is used as it is */
    struct bytes aad;
    struct bytes tail; /* ESN high half of non-AEAD suites (RFC 4303 §2.2.1), else empty */
    uint8_t *iv;       /* encr_iv_len() bytes, written by the caller before seal; in place, or
                          wherever they are where none is sent */
    uint8_t *text;     /* in place */
    size_t text_len;
    uint8_t *icv; /* written by seal, compared by open */
};

/** What to sign and with what: part0 | part1 | ..., sign_text_max bytes at most. */
struct sign_op {
    const struct sign_key *key;
    const struct sign_suite *suite;
    struct rng random; /* a stream of its own for this one operation */
    const struct bytes *parts;
    size_t count;
};

struct verify_op {
    const struct verify_key *key;
    const struct sign_suite *suite;
    const struct bytes *parts;
    size_t count;
};

/** RSAES-PKCS1-v1_5 (RFC 8017 §7.2) to a public key. */
struct encrypt_op {
    const struct verify_key *key;
    struct rng random; /* a stream of its own for this one operation */
    struct bytes text; /* encrypt_text_max() bytes at most */
};

/** What somebody encrypted to our key, who knows what a message has to look like. */
struct decrypt_op {
    const struct sign_key *key;
    struct rng random; /* as above: blinding draws of it, and no result */
    struct bytes text; /* the ciphertext */
    size_t min, max;   /* bytes of a message that is one */
};

/**
 * CBC over whole blocks and nothing else: messages of IKEv1, whose integrity is a HASH payload
 * inside (RFC 2409 §5 and appendix B). The last block of ciphertext is the IV of the next message.
 */
struct cbc_op {
    const struct encr_suite *encr; /* CBC */
    const uint8_t *key;            /* encr->key_len bytes */
    const uint8_t *iv;             /* encr->block_len bytes, which are not on the wire */
    uint8_t *text;                 /* in place */
    size_t text_len;               /* a multiple of encr->block_len */
    bool encrypt;
};

struct crypto_class {
    const char *name; /* "real", "modelled" */
    bool secure;      /* false: every result says NOT SECURE */
    void (*destroy)(struct crypto *);
    /** Make a key pair; `random` is a stream of its own for this one operation. */
    enum err (*ke_generate)(struct crypto *, const struct ke_suite *, struct rng random,
                            struct ke_pair *out);
    /**
     * Shared secret, suite->shared_len bytes. Checks the peer's value: RFC 6989 (MODP range, point
     * on curve), RFC 7748 §6 (all-zero result). On error `shared` is zeroed.
     * @retval ERR_KEY_EXCHANGE the value is refused
     */
    enum err (*ke_derive)(struct crypto *, const struct ke_pair *own, struct bytes peer,
                          uint8_t *shared);
    /** prf(key, part0 | part1 | ...) into `out`, suite->out_len bytes. Any key length. */
    enum err (*prf)(struct crypto *, const struct prf_suite *, struct bytes key,
                    const struct bytes *parts, size_t count, uint8_t *out);
    /** prf+ as in keymat.h; PRF_SEEDS_MAX parts of a seed at most. Ticks as its `prf`s do. */
    enum err (*prf_plus)(struct crypto *, const struct prf_suite *, struct bytes key,
                         const struct bytes *seed, size_t seeds, uint8_t *out, size_t len);
    /** SHA-1 over the parts, 20 bytes: NAT detection (RFC 7296 §2.23) only. */
    enum err (*sha1)(struct crypto *, const struct bytes *parts, size_t count, uint8_t *out);
    /**
     * A hash over the parts, suite->len bytes: IVs of IKEv1 and SKEYID of its public-key
     * encryption (RFC 2409 §5 and appendix B). Its price is that of SHA-1.
     * @retval ERR_UNSUPPORTED  the library does not have it
     */
    enum err (*hash)(struct crypto *, const struct hash_suite *, const struct bytes *parts,
                     size_t count, uint8_t *out);
    /**
     * @retval ERR_UNSUPPORTED  not a CBC suite, or the library does not have it; nothing is done
     * @retval ERR_LENGTH       no whole number of blocks, or none; nothing is done
     */
    enum err (*cbc)(struct crypto *, const struct cbc_op *);
    enum err (*seal)(struct crypto *, const struct seal_op *);
    /** @retval ERR_ICV nothing of `text` may be used; it is unchanged or zeroed */
    enum err (*open)(struct crypto *, const struct seal_op *);
    /**
     * What is worked out of a key once, so that packets need not: bytes of room for it, up to
     * SEAL_EXPANDED_MAX. 0: nothing, and `expand` must not be called. NULL: of no suite.
     */
    size_t (*expanded_len)(struct crypto *, const struct encr_suite *, const struct integ_suite *);
    /**
     * Expand the keys into `room`, which is aligned to SEAL_EXPANDED_ALIGN and from then on as
     * secret as they are; its owner wipes it.
     * @return true: it took more than the room, which the owner has to give back with `forget`
     */
    bool (*expand)(struct crypto *, const struct seal_key *, void *room);
    /** Wipe and give back what such an `expand` took besides the room, before that is wiped. */
    void (*forget)(struct crypto *, void *room);
    /**
     * As `seal` and `open` of one after the other, and quicker; none may lie where another one is.
     * NULL: crypto_seal_batch and crypto_open_batch do just that.
     * @param[out] results  one an operation
     */
    void (*seal_batch)(struct crypto *, const struct seal_op *ops, size_t count, enum err *results);
    void (*open_batch)(struct crypto *, const struct seal_op *ops, size_t count, enum err *results);
    /**
     * Compute with `most` at best from now on; keys that were expanded before must not be used any
     * more. For tests and comparisons: by default it is the best that there is. NULL: no choice.
     * @return what it computes with, which may be less: what the processor and this build have
     */
    enum crypto_engine (*engine_limit)(struct crypto *, enum crypto_engine most);
    /**
     * Read a private key: PKCS#8 (RFC 5958) or the older forms of RFC 8017 and RFC 5915, in DER.
     * Once per credential; the key is shared by all SAs and given back with sign_key_reset before
     * the provider goes. On error `out` is empty.
     * @retval ERR_SYNTAX       it is no such key
     * @retval ERR_UNSUPPORTED  of a type or size that is not in enum sign_key_type
     */
    enum err (*sign_key_load)(struct crypto *, struct bytes der, struct sign_key *out);
    /** The same for a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7, RFC 7670). */
    enum err (*verify_key_load)(struct crypto *, struct bytes spki, struct verify_key *out);
    /**
     * Sign. The same key, suite, text and `random` give the same signature, bit for bit; its
     * length is sign_len(), with real entropy sign_len_max() at most.
     * @param[out] len  bytes written to `out`; 0 on error
     * @retval ERR_UNSUPPORTED  the suite does not go with the key, or the text is too long
     * @retval ERR_SPACE        `cap` is too small
     */
    enum err (*sign)(struct crypto *, const struct sign_op *, uint8_t *out, size_t cap,
                     size_t *len);
    /** @retval ERR_SIGNATURE not made by this key with this suite over this text */
    enum err (*verify)(struct crypto *, const struct verify_op *, struct bytes signature);
    /**
     * Encrypt for IKEv1 (RFC 2409 §5.2, §5.3). Its price is that of verifying. The same `random`
     * gives the same ciphertext.
     * @param[out] out  ENCRYPT_MAX bytes of room
     * @param[out] len  as the modulus; 0 on error
     * @retval ERR_UNSUPPORTED  no RSA key @retval ERR_LENGTH  the text is too long
     */
    enum err (*encrypt)(struct crypto *, const struct encrypt_op *, uint8_t *out, size_t *len);
    /**
     * Decrypt. Its price is that of signing. Whether the padding is right, and leaves `min` to
     * `max` bytes, shows in no result: where it is not, the message is one that nobody knows, made
     * of the key and the ciphertext, and always the same (the attack: RFC 8017 §7.2.2).
     * @param[out] out  ENCRYPT_MAX bytes of room
     * @param[out] len  min to max; 0 on error
     * @retval ERR_UNSUPPORTED  no RSA key @retval ERR_LENGTH  not as long as the modulus
     * @retval ERR_SYNTAX       a number that is not below the modulus
     */
    enum err (*decrypt)(struct crypto *, const struct decrypt_op *, uint8_t *out, size_t *len);
};

struct crypto {
    const struct crypto_class *class;
    struct meter *meter;             /* never NULL; set by the driver before it calls an endpoint */
    struct x509_shelf *certificates; /* that were read last; NULL: none yet */
};

/** All return NULL when out of memory or when the library fails to initialise. */
struct crypto *crypto_openssl_create(struct meter *meter);
/**
 * The same with nothing in it that peers on real sockets do without: X25519 by OpenSSL, with the
 * same results, and ECDSA in DER of whatever length it comes.
 */
struct crypto *crypto_openssl_plain_create(struct meter *meter);
/** The real provider with the operating system's randomness: its keys never repeat. */
struct crypto *crypto_openssl_live_create(struct meter *meter);
struct crypto *crypto_modelled_create(struct meter *meter);
static inline void crypto_destroy(struct crypto *c)
{
    if (c)
        c->class->destroy(c);
}

/** What serves ESP of the real provider here, for people: "libipsec-mb 1.3.0, AVX512". */
const char *crypto_packets_by(void);
/** The same for X25519 of simulated peers: "crypto/x25519, AVX512-IFMA", "OpenSSL 3.0.19". */
const char *crypto_x25519_by(void);

static inline void crypto_seal_batch(struct crypto *c, const struct seal_op *ops, size_t count,
                                     enum err *results)
{
    if (c->class->seal_batch) {
        c->class->seal_batch(c, ops, count, results);
        return;
    }
    for (size_t i = 0; i < count; i++)
        results[i] = c->class->seal(c, &ops[i]);
}

static inline void crypto_open_batch(struct crypto *c, const struct seal_op *ops, size_t count,
                                     enum err *results)
{
    if (c->class->open_batch) {
        c->class->open_batch(c, ops, count, results);
        return;
    }
    for (size_t i = 0; i < count; i++)
        results[i] = c->class->open(c, &ops[i]);
}

/** Bytes that can be encrypted to this key at once; 0: none. */
static inline size_t encrypt_text_max(const struct asymmetric_key *key)
{
    return key->type == KEY_RSA ? (key->bits + 7u) / 8 - PKCS1_OVERHEAD : 0;
}

static inline size_t seal_icv_len(const struct seal_key *k)
{
    return k->integ ? k->integ->icv_len : k->encr->icv_len;
}

#endif
