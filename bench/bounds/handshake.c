#include "handshake.h"

#include "loop.h"

#include <openssl/rand.h>

#include <string.h>

enum {
    NONCE_LEN = 32,
    SPI_LEN = 8,
    ID_LEN = 16,
    PAD_LEN = 17,           /* "Key Pad for IKEv2" */
    SIGNED_LEN = 500,       /* a message and a nonce, behind them prf(SK_p, ID) */
    SK_KEYS_LEN = 168,      /* SK_d 32, SK_ei and SK_er 36 each, SK_pi and SK_pr 32 each */
    CHILD_KEYS_LEN = 72,    /* AES-256 and salt, both directions */
    AUTH_LEN = 250,         /* of an IKE_AUTH message under the cipher */
    AUTH_CERT_LEN = 1300,   /* the same with a certificate in it */
    NAT_HASH_INPUT_LEN = 22 /* SPIi | SPIr | IPv4 address | port */
};

struct end {
    struct kex_party kex;
    uint8_t nonce[NONCE_LEN], spi[SPI_LEN];
    uint8_t keys[SK_KEYS_LEN];
};

static void offer(struct handshake *h, struct end *e)
{
    kex_offer(h->kex, &e->kex);
    need(RAND_bytes(e->nonce, sizeof e->nonce), "nonce");
    need(RAND_bytes(e->spi, sizeof e->spi), "SPI");
}

static void derive_keys(struct handshake *h, struct end *e)
{
    uint8_t input[NAT_HASH_INPUT_LEN] = {0}, hash[20], nonces[2 * NONCE_LEN], seed[PRF_LEN];

    for (int i = 0; i < 4; i++) /* NAT detection: two hashes made, two checked */
        sha1(h->symmetric, input, sizeof input, hash);
    memcpy(nonces, e->nonce, NONCE_LEN);
    memcpy(nonces + NONCE_LEN, e->nonce, NONCE_LEN);
    skeyseed(h->symmetric, nonces, e->kex.shared, e->kex.shared_len, seed);
    prf_plus(h->symmetric, seed, e->keys, SK_KEYS_LEN);
}

/* AUTH = prf(prf(Shared Secret, "Key Pad for IKEv2"), <signed octets>) */
static void auth_psk(struct handshake *h, const uint8_t *octets)
{
    static const uint8_t secret[PRF_LEN];
    uint8_t padded[PRF_LEN], auth[PRF_LEN];

    prf(h->symmetric, secret, octets, PAD_LEN, padded);
    prf(h->symmetric, padded, octets, SIGNED_LEN, auth);
}

static void authenticate(struct handshake *h, struct end *e)
{
    uint8_t message[AUTH_CERT_LEN + TAG_LEN] = {0}, octets[SIGNED_LEN] = {0}, maced_id[PRF_LEN];
    uint8_t signature[SIGNATURE_MAX], child[CHILD_KEYS_LEN];
    size_t message_len = h->certificate ? AUTH_CERT_LEN : AUTH_LEN, signature_len = 0;

    memcpy(octets, e->nonce, NONCE_LEN);
    prf(h->symmetric, e->keys, octets, ID_LEN, maced_id); /* prf(SK_p, ID), ours */
    if (h->signer)
        signature_len = signer_sign(h->signer, octets, sizeof octets, signature);
    else
        auth_psk(h, octets);
    sk_seal(h->symmetric, e->keys, message, message, message_len);
    sk_open(h->symmetric, e->keys, message, message, message_len);
    prf(h->symmetric, e->keys, octets, ID_LEN, maced_id); /* the peer's */
    if (h->certificate)
        signer_check_certificate(h->signer);
    if (h->signer)
        signer_verify(h->signer, octets, sizeof octets, signature, signature_len);
    else
        auth_psk(h, octets);
    prf_plus(h->symmetric, e->keys, child, CHILD_KEYS_LEN); /* KEYMAT */
}

void handshake_init(struct handshake *h)
{
    EVP_PKEY *peer = kex_generate(h->kex);

    h->peer_len = kex_public(h->kex, peer, h->peer);
    EVP_PKEY_free(peer);
}

void handshake_pair(void *handshake, uint64_t count)
{
    struct handshake *h = handshake;
    struct end e[2];

    for (uint64_t n = 0; n < count; n++) {
        for (int i = 0; i < 2; i++)
            offer(h, &e[i]);
        for (int i = 0; i < 2; i++)
            kex_agree(h->kex, &e[i].kex, e[!i].kex.public_value, e[!i].kex.public_len);
        for (int i = 0; i < 2; i++)
            derive_keys(h, &e[i]);
        for (int i = 0; i < 2; i++)
            authenticate(h, &e[i]);
    }
}

void handshake_end(void *handshake, uint64_t count)
{
    struct handshake *h = handshake;
    struct end e;

    for (uint64_t n = 0; n < count; n++) {
        offer(h, &e);
        kex_agree(h->kex, &e.kex, h->peer, h->peer_len);
        derive_keys(h, &e);
        authenticate(h, &e);
    }
}
