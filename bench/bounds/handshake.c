/*
 * The bound of `ikelab bench handshake`: all cryptography of one IKEv2 X25519/PSK handshake, both
 * ends on one core, straight through OpenSSL and nothing else: no messages, no parsing, nothing of
 * ours. Algorithms are fetched once, contexts are kept, the peer's key is not validated twice.
 *
 * Protocol with the parent: a line with a number of pairs comes in, the CPU nanoseconds that this
 * many pairs took goes out; end of input ends the program.
 */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct kept {
    EVP_PKEY_CTX *generate;
    EVP_MAC_CTX *hmac;
    EVP_MD *sha1;
    EVP_MD_CTX *hash;
    EVP_CIPHER *gcm;
    EVP_CIPHER_CTX *cipher;
};

static void need(int ok, const char *what)
{
    if (ok <= 0) {
        fprintf(stderr, "bound handshake: %s failed\n", what);
        exit(1);
    }
}

static void keep(struct kept *k)
{
    uint8_t key[32] = {0};
    OSSL_PARAM digest[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end()};
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    k->generate = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
    need(EVP_PKEY_keygen_init(k->generate), "X25519");
    k->hmac = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);
    need(EVP_MAC_init(k->hmac, key, sizeof key, digest), "HMAC");
    k->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    k->hash = EVP_MD_CTX_new();
    k->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    k->cipher = EVP_CIPHER_CTX_new();
    need(EVP_CipherInit_ex2(k->cipher, k->gcm, key, NULL, 1, NULL), "AES-256-GCM");
}

static void prf(struct kept *k, const uint8_t *key, const uint8_t *data, size_t len, uint8_t *out)
{
    size_t n;

    need(EVP_MAC_init(k->hmac, key, 32, NULL), "HMAC key");
    EVP_MAC_update(k->hmac, data, len);
    need(EVP_MAC_final(k->hmac, out, &n, 32), "HMAC");
}

/* prf+ over Ni | Nr | SPIi | SPIr. */
static void prf_plus(struct kept *k, const uint8_t *key, uint8_t *out, size_t len)
{
    uint8_t block[32 + 80 + 1] = {0};

    for (uint8_t round = 1; len > 0; round++) {
        size_t n = len < 32 ? len : 32;
        uint8_t t[32];

        block[112] = round;
        prf(k, key, round == 1 ? block + 32 : block, round == 1 ? 81 : 113, t);
        memcpy(block, t, sizeof t);
        memcpy(out, t, n);
        out += n;
        len -= n;
    }
}

static void sk_payload(struct kept *k, int seal, const uint8_t *key, uint8_t *text, int len)
{
    uint8_t iv[12] = {0}, aad[32] = {0};
    int n;

    need(EVP_CipherInit_ex2(k->cipher, NULL, key, iv, seal, NULL), "GCM key");
    if (!seal)
        need(EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_SET_TAG, 16, text + len), "GCM tag");
    EVP_CipherUpdate(k->cipher, NULL, &n, aad, sizeof aad);
    EVP_CipherUpdate(k->cipher, text, &n, text, len);
    need(EVP_CipherFinal_ex(k->cipher, text + n, &n), "GCM");
    if (seal)
        need(EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_GET_TAG, 16, text + len), "GCM tag");
}

static void nat_detection(struct kept *k)
{
    uint8_t in[22] = {0}, out[20];

    need(EVP_DigestInit_ex2(k->hash, k->sha1, NULL), "SHA-1");
    EVP_DigestUpdate(k->hash, in, sizeof in);
    EVP_DigestFinal_ex(k->hash, out, NULL);
}

static void derive(EVP_PKEY *own, const uint8_t *public, uint8_t *shared)
{
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, public, 32);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    size_t n = 32;

    need(EVP_PKEY_derive_init(ctx), "derive");
    need(EVP_PKEY_derive_set_peer_ex(ctx, peer, 0), "peer key");
    need(EVP_PKEY_derive(ctx, shared, &n), "derive");
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
}

/* RFC 7296 §2.14, §2.15, §2.17 with a pre-shared key: what each end has to compute. */
static void one_end(struct kept *k, const uint8_t *shared)
{
    uint8_t keys[176], child[80], message[640] = {0}, t[32], psk[32] = {0};

    for (int i = 0; i < 4; i++) /* two hashes made, two checked */
        nat_detection(k);
    prf(k, message, shared, 32, t); /* SKEYSEED */
    prf_plus(k, t, keys, 168);
    for (int side = 0; side < 2; side++) { /* own AUTH, the peer's AUTH */
        prf(k, keys, message, 16, t);      /* prf(SK_p, ID) */
        prf(k, psk, message, 17, t);       /* prf(PSK, pad) */
        prf(k, t, message, 500, t);
    }
    sk_payload(k, 1, keys, message, 250);
    sk_payload(k, 0, keys, message, 250);
    prf_plus(k, keys, child, 72);
}

static void pair(struct kept *k)
{
    uint8_t public[2][32], shared[2][32], random[40];
    EVP_PKEY *own[2];
    size_t n;

    for (int i = 0; i < 2; i++) {
        own[i] = NULL;
        need(EVP_PKEY_generate(k->generate, &own[i]), "X25519 key");
        n = 32;
        need(EVP_PKEY_get_raw_public_key(own[i], public[i], &n), "public key");
        need(RAND_bytes(random, 32), "nonce");
        need(RAND_bytes(random, 8), "SPI");
    }
    for (int i = 0; i < 2; i++)
        derive(own[i], public[!i], shared[i]);
    for (int i = 0; i < 2; i++) {
        EVP_PKEY_free(own[i]);
        one_end(k, shared[i]);
    }
}

static uint64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int main(void)
{
    struct kept k;
    unsigned long pairs;

    keep(&k);
    while (scanf("%lu", &pairs) == 1) {
        uint64_t start = cpu_ns();

        for (unsigned long i = 0; i < pairs; i++)
            pair(&k);
        printf("%llu\n", (unsigned long long)(cpu_ns() - start));
        fflush(stdout);
    }
    EVP_PKEY_CTX_free(k.generate);
    EVP_MAC_CTX_free(k.hmac);
    EVP_MD_free(k.sha1);
    EVP_MD_CTX_free(k.hash);
    EVP_CIPHER_free(k.gcm);
    EVP_CIPHER_CTX_free(k.cipher);
    return 0;
}
