/*
 * ESP through OpenSSL done right: a context per SA keeps the key, a packet sets only the IV.
 */
#include "esp.h"
#include "loop.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <stdio.h>
#include <stdlib.h>

struct openssl {
    EVP_CIPHER *cipher[ESP_SUITES];
    EVP_MAC *hmac;
    char name[48];
};

struct openssl_sa {
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
    uint32_t seq;
    uint8_t salt[SALT_LEN];
};

static void *start(void)
{
    static const char *const names[ESP_SUITES] = {
        [AES128GCM16] = "AES-128-GCM",
        [AES256GCM16] = "AES-256-GCM",
        [AES256_SHA256_128] = "AES-256-CBC",
        [CHACHA20POLY1305] = "ChaCha20-Poly1305",
    };
    struct openssl *o = need_memory(1, sizeof *o);

    for (int i = 0; i < ESP_SUITES; i++) {
        o->cipher[i] = EVP_CIPHER_fetch(NULL, names[i], NULL);
        need(o->cipher[i] != NULL, names[i]);
    }
    o->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    need(o->hmac != NULL, "HMAC");
    snprintf(o->name, sizeof o->name, "OpenSSL %s, a context per SA",
             OpenSSL_version(OPENSSL_VERSION_STRING));
    return o;
}

static void stop(void *library)
{
    struct openssl *o = library;

    for (int i = 0; i < ESP_SUITES; i++)
        EVP_CIPHER_free(o->cipher[i]);
    EVP_MAC_free(o->hmac);
    free(o);
}

static const char *name(void *library, enum esp_suite suite)
{
    struct openssl *o = library;

    (void)suite;
    return o->name;
}

static void sa_init(struct openssl *o, struct openssl_sa *sa, const struct traffic *t,
                    uint32_t kind)
{
    struct esp_keys keys = esp_keys(kind);
    OSSL_PARAM digest[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end()};

    memcpy(sa->salt, keys.salt, SALT_LEN);
    sa->cipher = EVP_CIPHER_CTX_new();
    need(EVP_CipherInit_ex2(sa->cipher, o->cipher[t->suite], keys.cipher, NULL, !t->decrypt, NULL),
         "cipher key");
    EVP_CIPHER_CTX_set_padding(sa->cipher, 0);
    if (t->suite != AES256_SHA256_128)
        return;
    sa->mac = EVP_MAC_CTX_new(o->hmac);
    need(EVP_MAC_init(sa->mac, keys.mac, KEY_LEN, digest), "HMAC key");
}

static void *sas_new(void *library, const struct traffic *t, uint32_t count, uint32_t distinct)
{
    struct openssl_sa *sas = need_memory(count, sizeof *sas);

    for (uint32_t i = 0; i < count; i++)
        sa_init(library, &sas[i], t, i % distinct);
    return sas;
}

static void sas_drop(void *sas, uint32_t count)
{
    struct openssl_sa *sa = sas;

    for (uint32_t i = 0; i < count; i++) {
        EVP_CIPHER_CTX_free(sa[i].cipher);
        EVP_MAC_CTX_free(sa[i].mac);
    }
    free(sas);
}

static void aead_seal(struct openssl_sa *sa, struct packet *p)
{
    uint8_t *text = p->wire + esp_header_len(AES256GCM16);
    int n;

    packet_nonce(p, sa->salt);
    need(EVP_CipherInit_ex2(sa->cipher, NULL, NULL, p->iv, -1, NULL), "IV");
    EVP_CipherUpdate(sa->cipher, NULL, &n, p->wire, AAD_LEN);
    EVP_CipherUpdate(sa->cipher, text, &n, text, (int)p->size);
    need(EVP_CipherFinal_ex(sa->cipher, text + n, &n), "sealing a packet");
    need(EVP_CIPHER_CTX_ctrl(sa->cipher, EVP_CTRL_AEAD_GET_TAG, ICV_LEN, text + p->size), "ICV");
}

static void aead_open(struct openssl_sa *sa, struct packet *p)
{
    size_t header = esp_header_len(AES256GCM16);
    uint8_t *text = p->wire + header, *out = p->plain + header;
    int n;

    packet_nonce(p, sa->salt);
    need(EVP_CipherInit_ex2(sa->cipher, NULL, NULL, p->iv, -1, NULL), "IV");
    need(EVP_CIPHER_CTX_ctrl(sa->cipher, EVP_CTRL_AEAD_SET_TAG, ICV_LEN, text + p->size), "ICV");
    EVP_CipherUpdate(sa->cipher, NULL, &n, p->wire, AAD_LEN);
    EVP_CipherUpdate(sa->cipher, out, &n, text, (int)p->size);
    need(EVP_CipherFinal_ex(sa->cipher, out + n, &n), "verifying a packet");
}

/* HMAC over SPI to the end of the text; the key was set when the SA was made. */
static void mac(struct openssl_sa *sa, struct packet *p)
{
    size_t n;

    need(EVP_MAC_init(sa->mac, NULL, 0, NULL), "HMAC");
    EVP_MAC_update(sa->mac, p->wire, esp_header_len(AES256_SHA256_128) + p->size);
    need(EVP_MAC_final(sa->mac, p->mac, &n, MAC_LEN), "HMAC");
}

static void cbc_seal(struct openssl_sa *sa, struct packet *p)
{
    uint8_t *text = p->wire + esp_header_len(AES256_SHA256_128);
    int n;

    memcpy(p->iv, p->wire + IV_AT, sizeof p->iv);
    need(EVP_CipherInit_ex2(sa->cipher, NULL, NULL, p->iv, -1, NULL), "IV");
    need(EVP_CipherUpdate(sa->cipher, text, &n, text, (int)p->size), "AES-CBC");
    mac(sa, p);
    memcpy(text + p->size, p->mac, ICV_LEN);
}

static void cbc_open(struct openssl_sa *sa, struct packet *p)
{
    size_t header = esp_header_len(AES256_SHA256_128);
    uint8_t *text = p->wire + header;
    int n;

    mac(sa, p);
    need(CRYPTO_memcmp(p->mac, text + p->size, ICV_LEN) == 0, "verifying a packet");
    memcpy(p->iv, p->wire + IV_AT, sizeof p->iv);
    need(EVP_CipherInit_ex2(sa->cipher, NULL, NULL, p->iv, -1, NULL), "IV");
    need(EVP_CipherUpdate(sa->cipher, p->plain + header, &n, text, (int)p->size), "AES-CBC");
}

static void run(void *library, struct traffic *t, uint64_t count)
{
    bool cbc = t->suite == AES256_SHA256_128;
    void (*seal)(struct openssl_sa *, struct packet *) = cbc ? cbc_seal : aead_seal;
    void (*open)(struct openssl_sa *, struct packet *) = cbc ? cbc_open : aead_open;
    struct openssl_sa *sas = t->sas;

    (void)library;
    for (uint64_t i = 0; i < count; i++) {
        struct packet *p = traffic_packet(t);
        struct openssl_sa *sa = &sas[traffic_sa(t)];

        if (t->decrypt) {
            open(sa, p);
            continue;
        }
        packet_number(p, &sa->seq, esp_iv_len(t->suite));
        seal(sa, p);
    }
}

const struct esp_engine esp_openssl = {
    .name = name,
    .sas_max = 16384, /* contexts take a kibibyte and more each, out of line */
    .one_way = true,
    .start = start,
    .stop = stop,
    .sas_new = sas_new,
    .sas_drop = sas_drop,
    .run = run,
};
