/*
 * ESP-shaped traffic, and the ways to compute it. A packet is SPI, Seq, IV, text and ICV; a new
 * Seq and IV go into each before it is encrypted. RFC 4303 §2, RFC 4106, RFC 7634, RFC 4868
 */
#ifndef ESP_H
#define ESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum esp_sizes {
    SEQ_AT = 4,
    IV_AT = 8,
    AAD_LEN = 8, /* SPI | Seq */
    ICV_LEN = 16,
    MAC_LEN = 32,
    KEY_LEN = 32,
    SALT_LEN = 4,
    NONCE_LEN = 12,
    SAS_MAX = 200000,
};

enum esp_suite { AES128GCM16, AES256GCM16, AES256_SHA256_128, CHACHA20POLY1305, ESP_SUITES };

struct esp_keys {
    uint8_t cipher[KEY_LEN], mac[KEY_LEN], salt[SALT_LEN];
};

/** Keys of the n-th kind; equal for equal n. */
struct esp_keys esp_keys(uint32_t n);

static inline size_t esp_iv_len(enum esp_suite suite)
{
    return suite == AES256_SHA256_128 ? 16 : 8;
}

static inline size_t esp_header_len(enum esp_suite suite)
{
    return IV_AT + esp_iv_len(suite);
}

struct packet {
    uint8_t *wire;  /* encrypted in place */
    uint8_t *plain; /* where decryption leaves the text, behind room for a header */
    uint32_t size;  /* bytes under the cipher */
    bool busy;      /* handed to the library, not finished */
    uint8_t iv[16];
    uint8_t mac[MAC_LEN];
};

/** A row: a ring of packets that go round robin over the SAs, both where they were left. */
struct traffic {
    enum esp_suite suite;
    bool decrypt;
    struct packet *ring;
    uint32_t packets, next_packet;
    void *sas; /* as its engine made them */
    uint32_t sa_count, next_sa;
};

static inline struct packet *traffic_packet(struct traffic *t)
{
    struct packet *p = &t->ring[t->next_packet++];

    if (t->next_packet == t->packets)
        t->next_packet = 0;
    return p;
}

static inline uint32_t traffic_sa(struct traffic *t)
{
    uint32_t i = t->next_sa++;

    if (t->next_sa == t->sa_count)
        t->next_sa = 0;
    return i;
}

/** The header of an outbound packet: the next Seq, and an IV that repeats as rarely. */
static inline void packet_number(struct packet *p, uint32_t *seq, size_t iv_len)
{
    uint32_t wire = __builtin_bswap32(++*seq);

    memcpy(p->wire + SEQ_AT, &wire, sizeof wire);
    memcpy(p->wire + IV_AT + iv_len - sizeof wire, &wire, sizeof wire);
}

/** The nonce of an AEAD: salt | IV. */
static inline void packet_nonce(struct packet *p, const uint8_t salt[SALT_LEN])
{
    memcpy(p->iv, salt, SALT_LEN);
    memcpy(p->iv + SALT_LEN, p->wire + IV_AT, NONCE_LEN - SALT_LEN);
}

/** A way to compute ESP. */
struct esp_engine {
    /** What computes this suite, for people. */
    const char *(*name)(void *library, enum esp_suite);
    uint32_t sas_max;
    bool one_way; /* an SA serves the direction that it was made for */
    /** The library, ready for use; NULL: not there. */
    void *(*start)(void);
    void (*stop)(void *library);
    /** `count` SAs; SA i has the keys of kind i % distinct, and key tables of its own. */
    void *(*sas_new)(void *library, const struct traffic *, uint32_t count, uint32_t distinct);
    void (*sas_drop)(void *sas, uint32_t count);
    /** Ends the program when a packet does not verify. */
    void (*run)(void *library, struct traffic *, uint64_t count);
};

extern const struct esp_engine esp_openssl;
/** Built without libipsec-mb, its start() answers NULL. */
extern const struct esp_engine esp_multibuffer;

#endif
