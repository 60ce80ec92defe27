#include "handshake_v1.h"

#include "loop.h"

#include <openssl/rand.h>

#include <stdbool.h>
#include <string.h>

enum {
    NONCE_LEN = 32,
    COOKIE_LEN = 8,
    COOKIES_LEN = 2 * COOKIE_LEN,
    NAT_HASH_INPUT_LEN = COOKIES_LEN + 6, /* IPv4 address and port */
    SA_LEN = 56,                          /* SAi_b of one transform */
    ID_LEN = 10,                          /* IDii_b */
    PROOF_LEN = 64,                       /* messages 5 and 6: ID and HASH, padded */
    REST_LEN = 124,                       /* Quick Mode: SA, NONCE, two IDs */
    QUICK_LEN = 160,                      /* those behind HASH, padded */
    QUICK_LAST_LEN = 48,                  /* HASH(3), padded */
    SA_NAME_LEN = 5,                      /* protocol | SPI */
    CHILD_KEYS_LEN = 64,                  /* one direction: AES-256 32, HMAC-SHA-256 32 */
    TEXT_MAX = 2 * KEX_LEN_MAX + COOKIES_LEN + SA_LEN + ID_LEN,
};

struct end {
    struct kex_party kex;
    uint8_t nonce[NONCE_LEN], cookie[COOKIE_LEN];
    uint8_t skeyid[PRF_LEN], skeyid_d[PRF_LEN], skeyid_a[PRF_LEN], skeyid_e[PRF_LEN];
    uint8_t iv[IV_LEN]; /* of the next message; behind phase 1 its last block */
};

static void offer(struct handshake_v1 *h, struct end *e)
{
    kex_offer(h->kex, &e->kex);
    need(RAND_bytes(e->nonce, sizeof e->nonce), "nonce");
    need(RAND_bytes(e->cookie, sizeof e->cookie), "cookie");
}

/* SKEYID_x = prf(SKEYID, [the one before |] g^xy | CKY-I | CKY-R | n) */
static void skeyid_of(struct handshake_v1 *h, struct end *e, const uint8_t *before, uint8_t n,
                      uint8_t *out)
{
    uint8_t text[PRF_LEN + KEX_LEN_MAX + COOKIES_LEN + 1] = {0};
    size_t at = 0;

    if (before)
        memcpy(text, before, at = PRF_LEN);
    memcpy(text + at, e->kex.shared, e->kex.shared_len);
    memcpy(text + at + e->kex.shared_len, e->cookie, COOKIE_LEN);
    at += e->kex.shared_len + COOKIES_LEN;
    text[at++] = n;
    prf(h->symmetric, e->skeyid, text, at, out);
}

/* Nothing here depends on who is who: what is hashed has the length it has, and other contents. */
static void derive_keys(struct handshake_v1 *h, struct end *e)
{
    static const uint8_t psk[PRF_LEN];
    uint8_t input[NAT_HASH_INPUT_LEN] = {0}, hash[HASH_LEN], nonces[2 * NONCE_LEN];
    uint8_t values[2 * KEX_LEN_MAX];

    for (int i = 0; i < 4; i++) /* NAT detection: two hashes made, two checked */
        sha256(h->symmetric, input, sizeof input, hash);
    memcpy(nonces, e->nonce, NONCE_LEN);
    memcpy(nonces + NONCE_LEN, e->nonce, NONCE_LEN);
    prf(h->symmetric, psk, nonces, sizeof nonces, e->skeyid); /* SKEYID */
    skeyid_of(h, e, NULL, 0, e->skeyid_d);
    skeyid_of(h, e, e->skeyid_d, 1, e->skeyid_a);
    skeyid_of(h, e, e->skeyid_a, 2, e->skeyid_e);
    memcpy(values, e->kex.public_value, e->kex.public_len);
    memcpy(values + e->kex.public_len, e->kex.public_value, e->kex.public_len);
    sha256(h->symmetric, values, 2 * e->kex.public_len, hash); /* the first IV */
    memcpy(e->iv, hash, sizeof e->iv);
}

static void message(struct handshake_v1 *h, struct end *e, uint8_t *iv, size_t len, bool sent)
{
    uint8_t text[QUICK_LEN] = {0};

    cbc(h->symmetric, e->skeyid_e, iv, text, len, sent);
    memcpy(iv, text + len - IV_LEN, IV_LEN);
}

/* HASH_I and HASH_R, one made and one checked; messages 5 and 6 */
static void authenticate(struct handshake_v1 *h, struct end *e, bool initiator)
{
    uint8_t text[TEXT_MAX] = {0}, hash[PRF_LEN];
    size_t len = 2 * e->kex.public_len + COOKIES_LEN + SA_LEN + ID_LEN;

    memcpy(text, e->kex.public_value, e->kex.public_len);
    for (int i = 0; i < 2; i++)
        prf(h->symmetric, e->skeyid, text, len, hash);
    for (int i = 0; i < 2; i++)
        message(h, e, e->iv, PROOF_LEN, (i == 0) == initiator);
}

/* KEYMAT = prf(SKEYID_d, protocol | SPI | Ni_b | Nr_b), then with the one before in front */
static void child_keys(struct handshake_v1 *h, struct end *e)
{
    uint8_t text[PRF_LEN + SA_NAME_LEN + 2 * NONCE_LEN] = {0}, keys[CHILD_KEYS_LEN];

    memcpy(text + PRF_LEN + SA_NAME_LEN, e->nonce, NONCE_LEN);
    prf(h->symmetric, e->skeyid_d, text + PRF_LEN, sizeof text - PRF_LEN, keys);
    memcpy(text, keys, PRF_LEN);
    prf(h->symmetric, e->skeyid_d, text, sizeof text, keys + PRF_LEN);
}

static void quick_mode(struct handshake_v1 *h, struct end *e, bool initiator)
{
    uint8_t text[4 + NONCE_LEN + REST_LEN] = {0}, hash[HASH_LEN], iv[IV_LEN], spi[4];

    need(RAND_bytes(e->nonce, sizeof e->nonce), "nonce");
    need(RAND_bytes(spi, sizeof spi), "SPI");
    memcpy(text, e->iv, sizeof e->iv);
    sha256(h->symmetric, text, sizeof e->iv + 4, hash); /* last block of phase 1 | M-ID */
    memcpy(iv, hash, sizeof iv);
    prf(h->symmetric, e->skeyid_a, text, 4 + REST_LEN, hash);      /* HASH(1) */
    prf(h->symmetric, e->skeyid_a, text, sizeof text, hash);       /* HASH(2) */
    prf(h->symmetric, e->skeyid_a, text, 5 + 2 * NONCE_LEN, hash); /* HASH(3) */
    message(h, e, iv, QUICK_LEN, initiator);
    message(h, e, iv, QUICK_LEN, !initiator);
    message(h, e, iv, QUICK_LAST_LEN, initiator);
    for (int way = 0; way < 2; way++)
        child_keys(h, e);
}

void handshake_v1_init(struct handshake_v1 *h)
{
    EVP_PKEY *peer = kex_generate(h->kex);

    h->peer_len = kex_public(h->kex, peer, h->peer);
    EVP_PKEY_free(peer);
}

static void both_phases(struct handshake_v1 *h, struct end *e, bool initiator)
{
    derive_keys(h, e);
    authenticate(h, e, initiator);
    quick_mode(h, e, initiator);
}

void handshake_v1_pair(void *handshake, uint64_t count)
{
    struct handshake_v1 *h = handshake;
    struct end e[2];

    for (uint64_t n = 0; n < count; n++) {
        for (int i = 0; i < 2; i++)
            offer(h, &e[i]);
        for (int i = 0; i < 2; i++)
            kex_agree(h->kex, &e[i].kex, e[!i].kex.public_value, e[!i].kex.public_len);
        for (int i = 0; i < 2; i++)
            both_phases(h, &e[i], i == 0);
    }
}

void handshake_v1_end(void *handshake, uint64_t count)
{
    struct handshake_v1 *h = handshake;
    struct end e;

    for (uint64_t n = 0; n < count; n++) {
        offer(h, &e);
        kex_agree(h->kex, &e.kex, h->peer, h->peer_len);
        both_phases(h, &e, true);
    }
}
