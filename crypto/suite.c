#include "crypto/suite.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* RFC 4106 §6, §8.4 (GCM), RFC 4309 (CCM): one row per ICV length and key length. */
#define AEAD_ROWS(mode, number, salt, op)                                                          \
    AEAD_ROW(mode, "8", number, 128, salt, 8, op), AEAD_ROW(mode, "8", number, 192, salt, 8, op),  \
        AEAD_ROW(mode, "8", number, 256, salt, 8, op),                                             \
        AEAD_ROW(mode, "12", number + 1, 128, salt, 12, op),                                       \
        AEAD_ROW(mode, "12", number + 1, 192, salt, 12, op),                                       \
        AEAD_ROW(mode, "12", number + 1, 256, salt, 12, op),                                       \
        AEAD_ROW(mode, "16", number + 2, 128, salt, 16, op),                                       \
        AEAD_ROW(mode, "16", number + 2, 192, salt, 16, op),                                       \
        AEAD_ROW(mode, "16", number + 2, 256, salt, 16, op)
#define AEAD_ROW(mode, icv_text, number, bits, salt, icv, op)                                      \
    {                                                                                              \
        .name = "aes" #bits mode icv_text, .iana = number, .key_bits = bits, .key_len = bits / 8,  \
        .salt_len = salt, .iv_len = 8, .icv_len = icv, .block_len = 1, .aead = true, .meter = op   \
    }

/* RFC 8750 §4, §8: what the explicit form would send as its IV is not sent. */
#define IMPLICIT_ROW(mode, number, bits, salt, icv, op)                                            \
    {                                                                                              \
        .name = "aes" #bits mode "iiv", .iana = number, .key_bits = bits, .key_len = bits / 8,     \
        .salt_len = salt, .icv_len = icv, .block_len = 1, .aead = true, .implicit_iv = true,       \
        .meter = op                                                                                \
    }

/* RFC 3602 (CBC), RFC 3686 (CTR: the nonce is the salt). */
#define PLAIN_ROW(text, number, bits, salt, iv, block, op)                                         \
    {                                                                                              \
        .name = "aes" #bits text, .iana = number, .key_bits = bits, .key_len = bits / 8,           \
        .salt_len = salt, .iv_len = iv, .block_len = block, .meter = op                            \
    }

static const struct encr_suite encr[] = {
    {.name = "null", .iana = 11, .block_len = 1, .meter = METER_COUNT}, /* RFC 2410 */
    PLAIN_ROW("", 12, 128, 0, 16, 16, METER_CIPHER_AES_CBC),
    PLAIN_ROW("", 12, 192, 0, 16, 16, METER_CIPHER_AES_CBC),
    PLAIN_ROW("", 12, 256, 0, 16, 16, METER_CIPHER_AES_CBC),
    PLAIN_ROW("ctr", 13, 128, 4, 8, 1, METER_CIPHER_AES_CTR),
    PLAIN_ROW("ctr", 13, 192, 4, 8, 1, METER_CIPHER_AES_CTR),
    PLAIN_ROW("ctr", 13, 256, 4, 8, 1, METER_CIPHER_AES_CTR),
    AEAD_ROWS("ccm", 14, 3, METER_CIPHER_AES_CCM),
    AEAD_ROWS("gcm", 18, 4, METER_CIPHER_AES_GCM),
    /* RFC 7634 §2, §4: no Key Length attribute. */
    {.name = "chacha20poly1305",
     .iana = 28,
     .key_len = 32,
     .salt_len = 4,
     .iv_len = 8,
     .icv_len = 16,
     .block_len = 1,
     .aead = true,
     .meter = METER_CIPHER_CHACHA20},
    IMPLICIT_ROW("ccm8", 29, 128, 3, 8, METER_CIPHER_AES_CCM),
    IMPLICIT_ROW("ccm8", 29, 192, 3, 8, METER_CIPHER_AES_CCM),
    IMPLICIT_ROW("ccm8", 29, 256, 3, 8, METER_CIPHER_AES_CCM),
    IMPLICIT_ROW("gcm16", 30, 128, 4, 16, METER_CIPHER_AES_GCM),
    IMPLICIT_ROW("gcm16", 30, 192, 4, 16, METER_CIPHER_AES_GCM),
    IMPLICIT_ROW("gcm16", 30, 256, 4, 16, METER_CIPHER_AES_GCM),
    {.name = "chacha20poly1305iiv",
     .iana = 31,
     .key_len = 32,
     .salt_len = 4,
     .icv_len = 16,
     .block_len = 1,
     .aead = true,
     .implicit_iv = true,
     .meter = METER_CIPHER_CHACHA20},
};

static const struct integ_suite integ[] = {
    {"sha1", 2, 20, 12, METER_INTEG_HMAC_SHA1},    /* RFC 2404 */
    {"aesxcbc", 5, 16, 12, METER_INTEG_AES},       /* RFC 3566 */
    {"aescmac", 8, 16, 12, METER_INTEG_AES},       /* RFC 4494 */
    {"sha256", 12, 32, 16, METER_INTEG_HMAC_SHA2}, /* RFC 4868 §2.6 */
    {"sha384", 13, 48, 24, METER_INTEG_HMAC_SHA2}, {"sha512", 14, 64, 32, METER_INTEG_HMAC_SHA2},
};

static const struct prf_suite prf[] = {
    {"prfsha1", 2, 20, 20, false},   /* RFC 2104 */
    {"prfaesxcbc", 4, 16, 16, true}, /* RFC 4434 */
    {"prfsha256", 5, 32, 32, false}, /* RFC 4868 §2.4 */
    {"prfsha384", 6, 48, 48, false}, {"prfsha512", 7, 64, 64, false},
    {"prfaescmac", 8, 16, 16, true}, /* RFC 4615 */
};

/* HMACs that no IKEv2 proposal of ours may ask for: RFC 8247 forbids the first, and IANA has
 * no number for the second. */
static const struct prf_suite hmac_md5 = {"prfmd5", 1, 16, 16, false};
static const struct prf_suite hmac_sha224 = {"prfsha224", 0, 28, 28, false};

/* RFC 2409 appendix A, and the numbers that IANA has given since ("Hash Algorithms" of its IPsec
 * list). */
static const struct hash_suite hash[] = {
    {"md5", 1, 16, &hmac_md5},  {"sha1", 2, 20, &prf[0]},   {"sha224", 0, 28, &hmac_sha224},
    {"sha256", 4, 32, &prf[2]}, {"sha384", 5, 48, &prf[3]}, {"sha512", 6, 64, &prf[4]},
};

const struct encr_suite encr_3des_cbc = {
    .name = "3des", .iana = 3, .key_len = 24, .iv_len = 8, .block_len = 8, .meter = METER_COUNT};

/* Private lengths of MODP hold exponents of 225, 275 and 325 bits, twice the group's strength. */
static const struct ke_suite ke[] = {
    {"modp2048", 14, 256, 32, 256, METER_KE_GENERATE_MODP2048, METER_KE_DERIVE_MODP2048, KE_MODP},
    {"modp3072", 15, 384, 40, 384, METER_KE_GENERATE_MODP3072, METER_KE_DERIVE_MODP3072, KE_MODP},
    {"modp4096", 16, 512, 48, 512, METER_KE_GENERATE_MODP4096, METER_KE_DERIVE_MODP4096, KE_MODP},
    {"ecp256", 19, 64, 32, 32, METER_KE_GENERATE_ECP256, METER_KE_DERIVE_ECP256, KE_ECP},
    {"ecp384", 20, 96, 48, 48, METER_KE_GENERATE_ECP384, METER_KE_DERIVE_ECP384, KE_ECP},
    {"ecp521", 21, 132, 66, 66, METER_KE_GENERATE_ECP521, METER_KE_DERIVE_ECP521, KE_ECP},
    {"x25519", 31, 32, 32, 32, METER_KE_GENERATE_X25519, METER_KE_DERIVE_X25519, KE_MONTGOMERY},
    {"x448", 32, 56, 56, 56, METER_KE_GENERATE_X448, METER_KE_DERIVE_X448, KE_MONTGOMERY},
};

/* Other keywords of strongSwan for the same records. */
struct alias {
    const char *keyword;
    const char *name;
};

#define AEAD_ALIASES(prefix)                                                                       \
    {prefix "64", prefix "8"}, {prefix "96", prefix "12"}, {prefix "128", prefix "16"},            \
    {                                                                                              \
        prefix, prefix "16"                                                                        \
    }

static const struct alias aliases[] = {
    {"aes", "aes128"},         AEAD_ALIASES("aes128ccm"), AEAD_ALIASES("aes192ccm"),
    AEAD_ALIASES("aes256ccm"), AEAD_ALIASES("aes128gcm"), AEAD_ALIASES("aes192gcm"),
    AEAD_ALIASES("aes256gcm"), {"sha", "sha1"},           {"sha2_256", "sha256"},
    {"sha2_384", "sha384"},    {"sha2_512", "sha512"},    {"curve25519", "x25519"},
    {"curve448", "x448"},
};

static bool same(const char *name, const char *given, size_t len)
{
    return strlen(name) == len && memcmp(name, given, len) == 0;
}

/* The record's own name for a keyword; the keyword itself if it is no alias. */
static const char *canonical(const char *given, size_t *len)
{
    for (size_t i = 0; i < COUNT(aliases); i++) {
        if (same(aliases[i].keyword, given, *len)) {
            *len = strlen(aliases[i].name);
            return aliases[i].name;
        }
    }
    return given;
}

const struct encr_suite *encr_suite(uint16_t iana, uint16_t key_bits)
{
    for (size_t i = 0; i < COUNT(encr); i++)
        if (encr[i].iana == iana && encr[i].key_bits == key_bits)
            return &encr[i];
    return NULL;
}

/* RFC 2409 appendix A: 5 is 3DES-CBC; RFC 3602 §5.3 has 7 as AES-CBC, 128 bits if none are said. */
const struct encr_suite *encr_suite_v1(uint16_t ikev1, uint16_t key_bits)
{
    if (ikev1 == 5)
        return key_bits == 0 ? &encr_3des_cbc : NULL;
    return ikev1 == 7 ? encr_suite(12, key_bits ? key_bits : 128) : NULL;
}

/* The three kinds without a Key Length attribute are found alike; C has no other way to say so. */
#define BY_NUMBER(kind)                                                                            \
    const struct kind##_suite *kind##_suite(uint16_t iana)                                         \
    {                                                                                              \
        for (size_t i = 0; i < COUNT(kind); i++)                                                   \
            if (kind[i].iana == iana)                                                              \
                return &kind[i];                                                                   \
        return NULL;                                                                               \
    }
BY_NUMBER(integ)
BY_NUMBER(prf)
BY_NUMBER(ke)

const struct hash_suite *hash_suite(uint16_t ikev1)
{
    for (size_t i = 0; ikev1 != 0 && i < COUNT(hash); i++)
        if (hash[i].ikev1 == ikev1)
            return &hash[i];
    return NULL;
}

#define BY_NAME(kind)                                                                              \
    const struct kind##_suite *kind##_suite_named(const char *name, size_t len)                    \
    {                                                                                              \
        name = canonical(name, &len);                                                              \
        for (size_t i = 0; i < COUNT(kind); i++)                                                   \
            if (same(kind[i].name, name, len))                                                     \
                return &kind[i];                                                                   \
        return NULL;                                                                               \
    }                                                                                              \
    const struct kind##_suite *kind##_suites(size_t *count)                                        \
    {                                                                                              \
        *count = COUNT(kind);                                                                      \
        return kind;                                                                               \
    }
BY_NAME(encr)
BY_NAME(integ)
BY_NAME(prf)
BY_NAME(ke)
BY_NAME(hash)
