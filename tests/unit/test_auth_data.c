/*
 * AUTH with a shared key (RFC 7296 §2.15) against the formula written out with OpenSSL's HMAC:
 * which octets, in which order, under which keys. Two of our endpoints would agree on any other
 * order too.
 */
#include "crypto/provider.h"
#include "proto/ike/auth_data.h"
#include "suite.h"

enum { SHA256_LEN = 32, MESSAGE_LEN = 300, NONCE_LEN = 40 };

struct octets {
    uint8_t psk[70], message[MESSAGE_LEN], nonce[NONCE_LEN], id[11], sk_p[SHA256_LEN];
};

static void hmac(struct crypto *c, const uint8_t *key, size_t key_len, const uint8_t *data,
                 size_t len, uint8_t *out)
{
    struct bytes part = bytes_of(data, len);

    ck_assert_ok(
        c->class->prf(c, prf_suite_named("prfsha256", 9), bytes_of(key, key_len), &part, 1, out));
}

/* AUTH = prf( prf(Shared Secret, "Key Pad for IKEv2"), RealMessage | NonceData | prf(SK_p, ID) ) */
static void by_formula(struct crypto *c, const struct octets *o, size_t psk_len, uint8_t *auth)
{
    uint8_t key[SHA256_LEN], octets[MESSAGE_LEN + NONCE_LEN + SHA256_LEN];

    hmac(c, o->psk, psk_len, (const uint8_t *)"Key Pad for IKEv2", 17, key);
    memcpy(octets, o->message, MESSAGE_LEN);
    memcpy(octets + MESSAGE_LEN, o->nonce, NONCE_LEN);
    hmac(c, o->sk_p, SHA256_LEN, o->id, sizeof o->id, octets + MESSAGE_LEN + NONCE_LEN);
    hmac(c, key, SHA256_LEN, octets, sizeof octets, auth);
}

static void fill(struct octets *o)
{
    uint8_t *at = (uint8_t *)o;

    for (size_t i = 0; i < sizeof *o; i++)
        at[i] = (uint8_t)(i * 7 + i / 251);
}

START_TEST(auth_is_the_formula)
{
    static const size_t psk_lens[] = {1, 16, 64, 65, 70}; /* past the block of the hash: hashed */
    struct meter meter = {0};
    struct crypto *c = crypto_openssl_create(&meter);
    struct octets o;

    ck_assert_ptr_nonnull(c);
    fill(&o);
    for (size_t i = 0; i < sizeof psk_lens / sizeof *psk_lens; i++) {
        struct auth_input in = {.message = bytes_of(o.message, sizeof o.message),
                                .nonce = bytes_of(o.nonce, sizeof o.nonce),
                                .id_body = bytes_of(o.id, sizeof o.id),
                                .sk_p = bytes_of(o.sk_p, sizeof o.sk_p)};
        uint8_t expected[SHA256_LEN], made[PRF_OUT_MAX];

        by_formula(c, &o, psk_lens[i], expected);
        ck_assert_ok(auth_shared_key(c, prf_suite_named("prfsha256", 9), &in,
                                     bytes_of(o.psk, psk_lens[i]), made));
        ck_assert_mem_eq(made, expected, SHA256_LEN);
    }
    crypto_destroy(c);
}
END_TEST

SUITE("auth_data", auth_is_the_formula)
