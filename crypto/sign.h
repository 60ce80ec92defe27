/*
 * Signature algorithms of IKEv2 as records, and the keys they take. Sources: RFC 7427 (method 14,
 * the algorithm is named by a DER AlgorithmIdentifier), RFC 8420 (Ed25519, Ed448), RFC 4754
 * (methods 9-11, ECDSA as r | s), RFC 7296 §3.8 (method 1, RSA with SHA-1). RSASSA-PSS with SHA-1
 * and DSA are left out (RFC 8247 §4.1, §4.2). P-256 goes with SHA-256, P-384 with SHA-384 and P-521
 * with SHA-512 only, as RFC 4754 §3 pairs them. Those of IKEv1 are apart: sign_suite_hashed.
 */
#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include "base/bytes.h"
#include "base/meter.h"
#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evp_pkey_st; /* the library's key */

enum sign_sizes {
    SIGN_MAX = 512, /* bytes of the longest signature: RSA-4096 */
    SIGN_RSA_BITS_MIN = 2048,
    SIGN_RSA_BITS_MAX = 4096,
    SIGN_KEY_DER_MAX = 4096,     /* no key of ours is longer; more is refused unread */
    SIGN_TEXT_MAX = 65535 + 512, /* a whole message, a nonce and a prf (RFC 7296 §2.15) */
    SIGN_HASH_MAX = 64,          /* a text that is a hash */
};

/** IANA "IKEv2 Hash Algorithms": what SIGNATURE_HASH_ALGORITHMS announces (RFC 7427 §4). */
enum sign_hash {
    SIGN_HASHED = 0, /* reserved there; here: the text is a hash already, and signed as it is */
    SIGN_SHA1 = 1,
    SIGN_SHA2_256 = 2,
    SIGN_SHA2_384 = 3,
    SIGN_SHA2_512 = 4,
    SIGN_IDENTITY = 5, /* RFC 8420 §2: the algorithm hashes by itself */
};

enum sign_key_type {
    KEY_RSA,
    KEY_ECP256,
    KEY_ECP384,
    KEY_ECP521,
    KEY_ED25519,
    KEY_ED448,
    KEY_TYPES
};

enum sign_form {
    SIGN_RSA_PKCS1,   /* RFC 8017 §8.2; SIGN_HASHED: the hash without its DigestInfo */
    SIGN_RSA_PSS,     /* RFC 8017 §8.1; MGF1 with the same hash, salt as long as the hash */
    SIGN_ECDSA_DER,   /* RFC 3279 §2.2.3: SEQUENCE of r and s; the length varies */
    SIGN_ECDSA_FIXED, /* RFC 4754 §3: r | s, each as long as the order */
    SIGN_EDDSA,       /* RFC 8032, pure, no context */
};

struct sign_suite {
    const char *name; /* strongSwan's notation: "rsa/pss-sha256" */
    uint8_t method;   /* IANA "IKEv2 Authentication Method" */
    enum sign_hash hash;
    enum sign_form form;
    enum sign_key_type key;
    struct bytes identifier; /* AlgorithmIdentifier in DER (RFC 7427 §3); empty unless method 14 */
    struct bytes accepted;   /* another encoding of the same that peers send; mostly empty */
};

/** What is known of a key of either kind. `library` is owned; the rest is plain. */
struct asymmetric_key {
    enum sign_key_type type;
    uint16_t bits;  /* RSA: of the modulus; EC: of the order */
    uint64_t model; /* names the key pair: what the modelled provider signs with */
    struct evp_pkey_st *library;
};

/** A private key. Made once per credential by sign_key_load and shared by all SAs that use it. */
struct sign_key {
    struct asymmetric_key key;
};

/** A public key, made by verify_key_load. */
struct verify_key {
    struct asymmetric_key key;
};

/**
 * Give the key back. It must go before the provider that loaded it, which may hold on to the keys
 * that were used last: a private key is wiped when that is gone at the latest.
 */
void sign_key_reset(struct sign_key *key);
void verify_key_reset(struct verify_key *key);

/**
 * The SubjectPublicKeyInfo that goes with a private key, as verify_key_load takes it.
 * @param[out] out  SIGN_KEY_DER_MAX bytes
 * @return its length, 0 when the library fails
 */
size_t sign_key_public(const struct sign_key *key, uint8_t *out);

/** The suite of a method other than 14: 1, 9, 10 or 11; NULL if it is none of ours. */
const struct sign_suite *sign_suite_of_method(uint8_t method);
/**
 * The suite of method 14 that an AlgorithmIdentifier names for a key of this type. The curve is
 * the key's, not the identifier's. NULL if the two do not go together or it is none of ours.
 */
const struct sign_suite *sign_suite_identified(struct bytes identifier, enum sign_key_type type);
/**
 * What IKEv1 signs with: the octets of HASH_I or HASH_R as they are (RFC 2409 §5.1), SIGN_HASH_MAX
 * at most. RSA by PKCS #1 v1.5 without the DigestInfo that names the hash: the RFC asks for "a
 * private key encryption in PKCS #1 format and not a signature", as both sides know the hash. ECDSA
 * as r | s (RFC 4754 §7). In no list and found by no name. NULL: IKEv1 has none for such keys.
 */
const struct sign_suite *sign_suite_hashed(enum sign_key_type type);
/** By name, compared over `len` characters; NULL if there is none. */
const struct sign_suite *sign_suite_named(const char *name, size_t len);
const struct sign_suite *sign_suites(size_t *count);

/** Bytes of the longest text that the suite signs. */
size_t sign_text_max(const struct sign_suite *suite);
/** Bytes of the hash that the suite makes; 0 for SIGN_IDENTITY and SIGN_HASHED. */
size_t sign_hash_len(enum sign_hash hash);
/** Bytes of the longest signature that a key of the suite's type and of `bits` bits makes. */
size_t sign_len_max(const struct sign_suite *suite, unsigned bits);
/**
 * Bytes of the signature that is made with the stream `random`: the longest one unless the form is
 * SIGN_ECDSA_DER, whose length is drawn. Both providers ask here, so real and modelled packets
 * have the same length.
 */
size_t sign_len(const struct sign_suite *suite, unsigned bits, const struct rng *random);

/** What the meter counts a signature as. RSA moduli of odd sizes count as the next larger one. */
enum meter_op sign_meter(const struct asymmetric_key *key);
enum meter_op verify_meter(const struct asymmetric_key *key);

#endif
