/*
 * What a piece of protocol work consisted of: crypto operations and handling, counted, with bytes
 * where the price depends on size. crypto/cost turns a meter into simulated CPU time. Both crypto
 * providers tick the same meter for the same work.
 */
#ifndef BASE_METER_H
#define BASE_METER_H

#include <stdint.h>
#include <string.h>

/* X(symbol, name in cost tables) */
#define METER_LIST(X)                                                                              \
    X(KE_GENERATE_MODP2048, "ke_generate.modp2048")                                                \
    X(KE_GENERATE_MODP3072, "ke_generate.modp3072")                                                \
    X(KE_GENERATE_MODP4096, "ke_generate.modp4096")                                                \
    X(KE_GENERATE_ECP256, "ke_generate.ecp256")                                                    \
    X(KE_GENERATE_ECP384, "ke_generate.ecp384")                                                    \
    X(KE_GENERATE_ECP521, "ke_generate.ecp521")                                                    \
    X(KE_GENERATE_X25519, "ke_generate.x25519")                                                    \
    X(KE_GENERATE_X448, "ke_generate.x448")                                                        \
    X(KE_DERIVE_MODP2048, "ke_derive.modp2048")                                                    \
    X(KE_DERIVE_MODP3072, "ke_derive.modp3072")                                                    \
    X(KE_DERIVE_MODP4096, "ke_derive.modp4096")                                                    \
    X(KE_DERIVE_ECP256, "ke_derive.ecp256")                                                        \
    X(KE_DERIVE_ECP384, "ke_derive.ecp384")                                                        \
    X(KE_DERIVE_ECP521, "ke_derive.ecp521")                                                        \
    X(KE_DERIVE_X25519, "ke_derive.x25519")                                                        \
    X(KE_DERIVE_X448, "ke_derive.x448")                                                            \
    X(SIGN_RSA2048, "sign.rsa2048")                                                                \
    X(SIGN_RSA3072, "sign.rsa3072")                                                                \
    X(SIGN_RSA4096, "sign.rsa4096")                                                                \
    X(SIGN_ECDSA256, "sign.ecdsa256")                                                              \
    X(SIGN_ECDSA384, "sign.ecdsa384")                                                              \
    X(SIGN_ECDSA521, "sign.ecdsa521")                                                              \
    X(SIGN_ED25519, "sign.ed25519")                                                                \
    X(SIGN_ED448, "sign.ed448")                                                                    \
    X(VERIFY_RSA2048, "verify.rsa2048")                                                            \
    X(VERIFY_RSA3072, "verify.rsa3072")                                                            \
    X(VERIFY_RSA4096, "verify.rsa4096")                                                            \
    X(VERIFY_ECDSA256, "verify.ecdsa256")                                                          \
    X(VERIFY_ECDSA384, "verify.ecdsa384")                                                          \
    X(VERIFY_ECDSA521, "verify.ecdsa521")                                                          \
    X(VERIFY_ED25519, "verify.ed25519")                                                            \
    X(VERIFY_ED448, "verify.ed448")                                                                \
    X(KEY_LOAD, "key.load")                                                                        \
    X(CERT_PARSE, "cert.parse")                                                                    \
    X(CERT_CHECK, "cert.check")                                                                    \
    X(PRF, "prf")                                                                                  \
    X(HASH_SHA1, "hash.sha1")                                                                      \
    X(CIPHER_AES_GCM, "cipher.aes_gcm")                                                            \
    X(CIPHER_AES_CCM, "cipher.aes_ccm")                                                            \
    X(CIPHER_AES_CTR, "cipher.aes_ctr")                                                            \
    X(CIPHER_AES_CBC, "cipher.aes_cbc")                                                            \
    X(CIPHER_CHACHA20, "cipher.chacha20_poly1305")                                                 \
    X(INTEG_HMAC_SHA1, "integ.hmac_sha1")                                                          \
    X(INTEG_HMAC_SHA2, "integ.hmac_sha2")                                                          \
    X(INTEG_AES, "integ.aes_mac")                                                                  \
    X(RANDOM, "random")                                                                            \
    X(MESSAGE_RECEIVED, "message.received")                                                        \
    X(MESSAGE_SENT, "message.sent")                                                                \
    X(PAYLOAD_PARSED, "payload.parsed")                                                            \
    X(SA_INSTALLED, "sa.installed")                                                                \
    X(ESP_IN, "esp.in")                                                                            \
    X(ESP_OUT, "esp.out")                                                                          \
    X(TIMER_FIRED, "timer.fired")

enum meter_op {
#define X(symbol, name) METER_##symbol,
    METER_LIST(X)
#undef X
    METER_COUNT
};

struct meter {
    uint64_t count[METER_COUNT];
    uint64_t bytes[METER_COUNT];
};

/** `count` operations over so many bytes altogether. */
static inline void meter_add(struct meter *m, enum meter_op op, uint64_t count, uint64_t bytes)
{
    m->count[op] += count;
    m->bytes[op] += bytes;
}

static inline void meter_tick(struct meter *m, enum meter_op op, uint64_t bytes)
{
    meter_add(m, op, 1, bytes);
}

static inline void meter_clear(struct meter *m)
{
    memset(m, 0, sizeof *m);
}

const char *meter_name(enum meter_op op);

#endif
