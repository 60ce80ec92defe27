#include "crypto/sign.h"

#include "base/assert.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Pieces of DER. RFC 8017 appendix A, RFC 5754 §2 and §3, RFC 8410 §3. */
#define OID_PKCS1(last) 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last
#define OID_ECDSA_SHA2(last) 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, last
#define OID_EDDSA(last) 0x06, 0x03, 0x2b, 0x65, last
#define HASH_SHA2(last)                                                                            \
    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last, 0x05, 0x00

/* SEQUENCE { id-RSASSA-PSS, SEQUENCE { [0] hash, [1] { id-mgf1, hash }, [2] salt ... } } */
#define PSS_START(all, parameters, hash)                                                           \
    0x30, all, OID_PKCS1(0x0a), 0x30, parameters, 0xa0, 0x0f, HASH_SHA2(hash), 0xa1, 0x1c, 0x30,   \
        0x1a, OID_PKCS1(0x08), HASH_SHA2(hash), 0xa2, 0x03, 0x02, 0x01
#define PSS(hash, salt) PSS_START(0x41, 0x34, hash), salt
/* The examples of RFC 7427 appendix A.4 spell out [3] trailerField, which DER leaves out. */
#define PSS_TRAILER(hash, salt) PSS_START(0x46, 0x39, hash), salt, 0xa3, 0x03, 0x02, 0x01, 0x01

#define DER(...)                                                                                   \
    {                                                                                              \
        (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})                     \
    }
#define NONE                                                                                       \
    {                                                                                              \
        NULL, 0                                                                                    \
    }
#define PKCS1(last) DER(0x30, 0x0d, OID_PKCS1(last), 0x05, 0x00)
#define ECDSA(last) DER(0x30, 0x0a, OID_ECDSA_SHA2(last))
#define EDDSA(last) DER(0x30, 0x05, OID_EDDSA(last))

static const struct sign_suite suites[] = {
    {"rsa-sha256", 14, SIGN_SHA2_256, SIGN_RSA_PKCS1, KEY_RSA, PKCS1(0x0b), NONE},
    {"rsa-sha384", 14, SIGN_SHA2_384, SIGN_RSA_PKCS1, KEY_RSA, PKCS1(0x0c), NONE},
    {"rsa-sha512", 14, SIGN_SHA2_512, SIGN_RSA_PKCS1, KEY_RSA, PKCS1(0x0d), NONE},
    {"rsa/pss-sha256", 14, SIGN_SHA2_256, SIGN_RSA_PSS, KEY_RSA, DER(PSS(0x01, 32)),
     DER(PSS_TRAILER(0x01, 32))},
    {"rsa/pss-sha384", 14, SIGN_SHA2_384, SIGN_RSA_PSS, KEY_RSA, DER(PSS(0x02, 48)),
     DER(PSS_TRAILER(0x02, 48))},
    {"rsa/pss-sha512", 14, SIGN_SHA2_512, SIGN_RSA_PSS, KEY_RSA, DER(PSS(0x03, 64)),
     DER(PSS_TRAILER(0x03, 64))},
    {"ecdsa-256-sha256", 14, SIGN_SHA2_256, SIGN_ECDSA_DER, KEY_ECP256, ECDSA(0x02), NONE},
    {"ecdsa-384-sha384", 14, SIGN_SHA2_384, SIGN_ECDSA_DER, KEY_ECP384, ECDSA(0x03), NONE},
    {"ecdsa-521-sha512", 14, SIGN_SHA2_512, SIGN_ECDSA_DER, KEY_ECP521, ECDSA(0x04), NONE},
    /* RFC 7427 §3: the curve is the key's, and each hash that was announced may go with it. */
    {"ecdsa-256-sha384", 14, SIGN_SHA2_384, SIGN_ECDSA_DER, KEY_ECP256, ECDSA(0x03), NONE},
    {"ecdsa-256-sha512", 14, SIGN_SHA2_512, SIGN_ECDSA_DER, KEY_ECP256, ECDSA(0x04), NONE},
    {"ecdsa-384-sha256", 14, SIGN_SHA2_256, SIGN_ECDSA_DER, KEY_ECP384, ECDSA(0x02), NONE},
    {"ecdsa-384-sha512", 14, SIGN_SHA2_512, SIGN_ECDSA_DER, KEY_ECP384, ECDSA(0x04), NONE},
    {"ecdsa-521-sha256", 14, SIGN_SHA2_256, SIGN_ECDSA_DER, KEY_ECP521, ECDSA(0x02), NONE},
    {"ecdsa-521-sha384", 14, SIGN_SHA2_384, SIGN_ECDSA_DER, KEY_ECP521, ECDSA(0x03), NONE},
    {"ed25519", 14, SIGN_IDENTITY, SIGN_EDDSA, KEY_ED25519, EDDSA(0x70), NONE},
    {"ed448", 14, SIGN_IDENTITY, SIGN_EDDSA, KEY_ED448, EDDSA(0x71), NONE},
    {"rsa-sha1", 1, SIGN_SHA1, SIGN_RSA_PKCS1, KEY_RSA, NONE, NONE},
    {"ecdsa-256", 9, SIGN_SHA2_256, SIGN_ECDSA_FIXED, KEY_ECP256, NONE, NONE},
    {"ecdsa-384", 10, SIGN_SHA2_384, SIGN_ECDSA_FIXED, KEY_ECP384, NONE, NONE},
    {"ecdsa-521", 11, SIGN_SHA2_512, SIGN_ECDSA_FIXED, KEY_ECP521, NONE, NONE},
};

/* By type of key; methods are those of IKEv1 (RFC 2409 appendix A, RFC 4754 §4). */
static const struct sign_suite hashed_suites[] = {
    [KEY_RSA] = {"rsa-hashed", 3, SIGN_HASHED, SIGN_RSA_PKCS1, KEY_RSA, NONE, NONE},
    [KEY_ECP256] = {"ecdsa-256-hashed", 9, SIGN_HASHED, SIGN_ECDSA_FIXED, KEY_ECP256, NONE, NONE},
    [KEY_ECP384] = {"ecdsa-384-hashed", 10, SIGN_HASHED, SIGN_ECDSA_FIXED, KEY_ECP384, NONE, NONE},
    [KEY_ECP521] = {"ecdsa-521-hashed", 11, SIGN_HASHED, SIGN_ECDSA_FIXED, KEY_ECP521, NONE, NONE},
};

enum { DIGITAL_SIGNATURE = 14 };

const struct sign_suite *sign_suite_of_method(uint8_t method)
{
    for (size_t i = 0; i < COUNT(suites); i++)
        if (suites[i].method == method && method != DIGITAL_SIGNATURE)
            return &suites[i];
    return NULL;
}

const struct sign_suite *sign_suite_identified(struct bytes identifier, enum sign_key_type type)
{
    for (size_t i = 0; i < COUNT(suites); i++)
        if (identifier.len > 0 && suites[i].key == type &&
            (bytes_equal(suites[i].identifier, identifier) ||
             bytes_equal(suites[i].accepted, identifier)))
            return &suites[i];
    return NULL;
}

const struct sign_suite *sign_suite_hashed(enum sign_key_type type)
{
    return type < COUNT(hashed_suites) ? &hashed_suites[type] : NULL;
}

const struct sign_suite *sign_suite_named(const char *name, size_t len)
{
    for (size_t i = 0; i < COUNT(suites); i++)
        if (strlen(suites[i].name) == len && memcmp(suites[i].name, name, len) == 0)
            return &suites[i];
    return NULL;
}

const struct sign_suite *sign_suites(size_t *count)
{
    *count = COUNT(suites);
    return suites;
}

size_t sign_hash_len(enum sign_hash hash)
{
    static const uint8_t len[] = {
        [SIGN_HASHED] = 0,    [SIGN_SHA1] = 20,     [SIGN_SHA2_256] = 32,
        [SIGN_SHA2_384] = 48, [SIGN_SHA2_512] = 64, [SIGN_IDENTITY] = 0,
    };

    ASSERT((unsigned)hash <= SIGN_IDENTITY);
    return len[hash];
}

size_t sign_text_max(const struct sign_suite *suite)
{
    return suite->hash == SIGN_HASHED ? SIGN_HASH_MAX : SIGN_TEXT_MAX;
}

/* SEQUENCE { INTEGER r, INTEGER s } whose two numbers have `numbers` bytes together. */
static size_t der_len(size_t numbers)
{
    size_t content = 2 + 2 + numbers;

    return content + (content < 128 ? 2 : 3);
}

/* The longest INTEGER below 2^bits, with the zero byte before a number whose top bit is set. */
static size_t integer_len(unsigned bits)
{
    return bits / 8 + 1;
}

size_t sign_len_max(const struct sign_suite *suite, unsigned bits)
{
    switch (suite->form) {
    case SIGN_ECDSA_DER:
        return der_len(2 * integer_len(bits));
    case SIGN_ECDSA_FIXED:
        return (size_t)2 * ((bits + 7) / 8);
    case SIGN_EDDSA:
        return suite->key == KEY_ED25519 ? 64 : 114; /* RFC 8032 §5.1.6, §5.2.6 */
    default:
        return (bits + 7) / 8;
    }
}

/*
 * The numbers r and s of ECDSA are uniform below the order, which is so close to 2^bits for our
 * curves that the count of leading zero bits is that of a random word.
 */
static size_t drawn_integer_len(unsigned bits, struct rng *r)
{
    uint64_t word = rng_u64(r);

    return integer_len(bits - (word ? (unsigned)__builtin_clzll(word) : 64));
}

/*
 * How long a DER signature gets is known only after the curve arithmetic, which the modelled
 * provider does not do. So the length is drawn first, from a sub-stream and with the distribution
 * that r and s give it, and the real provider signs with one sub-stream after the other until the
 * length is the drawn one. Each length costs 1/p attempts and comes with probability p: the mean
 * is the number of lengths. It is kept at four by counting signatures more than three bytes below
 * the longest (about one in 90,000) as three bytes below.
 */
size_t sign_len(const struct sign_suite *suite, unsigned bits, const struct rng *random)
{
    struct rng lengths = rng_fork(random, 0);
    size_t numbers, least = 2 * integer_len(bits) - 3;

    if (suite->form != SIGN_ECDSA_DER)
        return sign_len_max(suite, bits);
    numbers = drawn_integer_len(bits, &lengths);
    numbers += drawn_integer_len(bits, &lengths);
    return der_len(numbers > least ? numbers : least);
}

static unsigned meter_offset(const struct asymmetric_key *key)
{
    if (key->type == KEY_RSA)
        return key->bits <= 2048 ? 0 : key->bits <= 3072 ? 1 : 2;
    return 2 + (unsigned)key->type;
}

_Static_assert(METER_SIGN_ED448 - METER_SIGN_RSA2048 == 2 + KEY_ED448, "the order of key types");
_Static_assert(METER_VERIFY_ED448 - METER_VERIFY_RSA2048 == 2 + KEY_ED448,
               "the order of key types");

enum meter_op sign_meter(const struct asymmetric_key *key)
{
    return (enum meter_op)(METER_SIGN_RSA2048 + meter_offset(key));
}

enum meter_op verify_meter(const struct asymmetric_key *key)
{
    return (enum meter_op)(METER_VERIFY_RSA2048 + meter_offset(key));
}
