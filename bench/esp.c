/*
 * The whole ESP path of packets in place: policy and SA looked up, sealed; or found by SPI, replay
 * window, opened. Suite x size x direction x number of SAs, on one core and on two, by what
 * computes packets here and by OpenSSL alone.
 *
 * Packets go round robin over the SAs, in batches: what prepares a batch (fresh inner packets;
 * for opening, sealing them at the other end) is not timed.
 */
#define _GNU_SOURCE
#include "proto/esp/esp.h"
#include "bench/measure.h"
#include "bench/row.h"
#include "bench/threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 256, /* packets; with 1400 bytes each they stay in the second cache */
    FRONT = 64,
    ROOM = 1600,
    IPV4_HEADER = 20,
    UDP = 17,
    KEYS = 64,
    INNER_LOCAL = 0x0a000001,  /* 10.0.0.1 */
    INNER_REMOTE = 0x0b000000, /* 11.0.0.0 and up: one host a SA */
    SPI_FIRST = 0x10000,
    WINDOW = 128,
    IMIX = 0, /* as a size */
};

/* By 7:4:1, spread so that any twelve packets in a row have the mix. */
static const uint16_t imix[12] = {64, 570, 64, 64, 570, 64, 1400, 64, 570, 64, 570, 64};

static const struct suite_name {
    const char *name;
    const char *encr, *integ;
} suites[] = {
    {"aes256gcm16", "aes256gcm16", NULL},
    {"aes128gcm16", "aes128gcm16", NULL},
    {"aes256-sha256_128", "aes256", "sha256"},
    {"chacha20poly1305", "chacha20poly1305", NULL},
};

/* One packet, with what esp_seal needs free around it. */
struct store {
    _Alignas(64) uint8_t bytes[FRONT + ROOM];
    struct buf packet;
};

/* Two ends of many tunnels, for one thread: in lines that the other thread does not write to. */
struct tunnels {
    _Alignas(64) struct meter meter;
    struct crypto *crypto;
    struct esp end[2]; /* [0] seals, [1] opens */
    struct rng iv;
    struct store *store;
    struct esp_sealing *sealing; /* BATCH each */
    struct esp_opening *opening;
    uint32_t sas, size, next;
    bool decrypt, openssl;
    unsigned count; /* in the batch */
    enum err error;
};

/* What a row needs: one or two threads' worth. */
struct load {
    struct tunnels tunnels[BENCH_THREADS_MAX];
    unsigned threads;
};

static enum err add_policy(struct esp *esp, uint32_t local, uint32_t remote, struct handle *policy)
{
    struct selector l = selector_host(ip_addr_v4(local)), r = selector_host(ip_addr_v4(remote));
    struct spd_selectors s = {&l, &r, 1, 1};

    return spd_add(&esp->spd, 0, &s, policy);
}

/* SA number i of one end: end 0 sends from INNER_LOCAL to INNER_REMOTE + i. */
static enum err add_sa(struct tunnels *t, const struct suite_name *suite, int end, uint32_t i,
                       const uint8_t *keys)
{
    struct esp *esp = &t->end[end];
    struct esp_sa_params p = {
        .encr = encr_suite_named(suite->encr, strlen(suite->encr)),
        .integ = suite->integ ? integ_suite_named(suite->integ, strlen(suite->integ)) : NULL,
        .spi_out = SPI_FIRST + i,
        .replay_window = WINDOW,
        .local = {ip_addr_v4(0xc0000201), 500},
        .remote = {ip_addr_v4(0xc0000202), 500},
    };
    uint32_t local = end == 0 ? INNER_LOCAL : INNER_REMOTE + i;
    uint32_t remote = end == 0 ? INNER_REMOTE + i : INNER_LOCAL;
    size_t encr_len = (size_t)p.encr->key_len + p.encr->salt_len;
    enum err error;

    p.encr_in = p.encr_out = bytes_of(keys, encr_len);
    p.integ_in = p.integ_out = bytes_of(keys + ENCR_KEY_MAX, p.integ ? p.integ->key_len : 0);
    error = sad_spi_take(&esp->sad, 0, SPI_FIRST + i, i);
    /* The opening end has one policy for each host; for the sealing end it is looked up. */
    if (error == OK)
        error = add_policy(esp, local, remote, &p.policy);
    if (error == OK)
        error = sad_install(&esp->sad, i, &p);
    if (error == OK)
        spd_point(&esp->spd, p.policy, i);
    return error;
}

static enum err add_sas(struct tunnels *t, const struct suite_name *suite)
{
    uint8_t keys[ENCR_KEY_MAX + INTEG_KEY_MAX];
    enum err error = OK;

    for (uint32_t i = 0; i < t->sas && error == OK; i++) {
        struct rng r = rng_stream(1, i, RNG_BENCH);

        rng_fill(&r, keys, sizeof keys);
        for (int end = 0; end < 2 && error == OK; end++)
            error = add_sa(t, suite, end, i, keys);
    }
    return error;
}

static enum err open_tunnels(struct tunnels *t, const struct suite_name *suite)
{
    struct sad_limits limits = {t->sas, WINDOW, ENCR_KEY_MAX + INTEG_KEY_MAX};
    enum err error = OK;

    t->crypto = crypto_openssl_create(&t->meter);
    t->iv = rng_stream(1, 0, RNG_IV);
    t->store = aligned_alloc(64, BATCH * sizeof *t->store);
    t->sealing = calloc(BATCH, sizeof *t->sealing);
    t->opening = calloc(BATCH, sizeof *t->opening);
    if (!t->crypto || !t->store || !t->sealing || !t->opening)
        return ERR_MEMORY;
    if (t->openssl)
        (void)t->crypto->class->engine_limit(t->crypto, CRYPTO_OPENSSL);
    for (int end = 0; end < 2 && error == OK; end++)
        error = esp_init(&t->end[end], t->crypto, &limits, t->sas, 1);
    return error == OK ? add_sas(t, suite) : error;
}

static void close_load(void *state)
{
    struct load *l = state;

    for (unsigned i = 0; i < l->threads; i++) {
        struct tunnels *t = &l->tunnels[i];

        for (int end = 0; end < 2; end++)
            if (t->end[end].crypto)
                esp_reset(&t->end[end]);
        crypto_destroy(t->crypto);
        free(t->store);
        free(t->sealing);
        free(t->opening);
    }
    free(l);
}

static uint16_t header_sum(const uint8_t *p)
{
    uint32_t sum = 0;

    for (int i = 0; i < IPV4_HEADER; i += 2)
        sum += load_be16(p + i);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

/* A fresh inner packet for the tunnel whose turn it is; its payload is what lies there. */
static void fill(struct tunnels *t, struct store *s)
{
    uint32_t size = t->size == IMIX ? imix[t->next % 12] : t->size;
    uint8_t *p = s->bytes + FRONT;

    memset(p, 0, IPV4_HEADER);
    p[0] = 0x45;
    store_be16(p + 2, (uint16_t)size);
    p[8] = 63;
    p[9] = UDP;
    store_be32(p + 12, INNER_LOCAL);
    store_be32(p + 16, INNER_REMOTE + t->next % t->sas);
    store_be16(p + 10, header_sum(p));
    s->packet = (struct buf){p, size, ROOM};
    t->next++;
}

static void seal_batch(void *state)
{
    struct tunnels *t = state;
    struct esp *esp = &t->end[0];

    for (unsigned i = 0; i < t->count; i++)
        t->sealing[i].packet = &t->store[i].packet;
    esp_protect_batch(esp, (struct esp_user){0, &t->iv}, t->sealing, t->count);
    for (unsigned i = 0; i < t->count && t->error == OK; i++)
        t->error = t->sealing[i].result;
}

static void open_batch(void *state)
{
    struct tunnels *t = state;

    for (unsigned i = 0; i < t->count; i++) {
        t->opening[i].in.hop_limit = 64;
        t->opening[i].packet = &t->store[i].packet;
    }
    esp_open_batch(&t->end[1], (struct esp_user){0, &t->iv}, t->opening, t->count);
    for (unsigned i = 0; i < t->count && t->error == OK; i++)
        t->error = t->opening[i].result;
}

/* @param ns  NULL: not to be measured, and not counted either */
static enum err run_tunnels(void *state, uint64_t operations, uint64_t *ns)
{
    struct tunnels *t = state;
    void (*work)(void *) = t->decrypt ? open_batch : seal_batch;

    for (uint64_t left = operations; left > 0 && t->error == OK; left -= t->count) {
        t->count = left < BATCH ? (unsigned)left : BATCH;
        for (unsigned i = 0; i < t->count; i++)
            fill(t, &t->store[i]);
        if (t->decrypt)
            seal_batch(t);
        if (ns)
            measured(work, t, ns);
        else
            work(t);
    }
    return t->error;
}

/* number: suite, decrypt, size, SAs, OpenSSL alone */
static void *open_load(struct row *row, const char **why)
{
    struct load *l = aligned_alloc(_Alignof(struct load), sizeof *l);
    enum err error = OK;

    *why = "out of memory";
    if (!l)
        return NULL;
    memset(l, 0, sizeof *l);
    l->threads = row->threads;
    for (unsigned i = 0; i < l->threads && error == OK; i++) {
        struct tunnels *t = &l->tunnels[i];

        t->decrypt = row->number[1];
        t->size = row->number[2];
        t->sas = row->number[3];
        t->openssl = row->number[4];
        error = open_tunnels(t, &suites[row->number[0]]);
    }
    /* Every SA has carried a packet: what is made with the first one is not measured. */
    for (unsigned i = 0; i < l->threads && error == OK; i++)
        error = run_tunnels(&l->tunnels[i], l->tunnels[i].sas, NULL);
    if (error == OK)
        return l;
    *why = err_text(error);
    close_load(l);
    return NULL;
}

static enum err run_load(void *state, uint64_t operations, double *value)
{
    struct load *l = state;
    void *states[BENCH_THREADS_MAX] = {NULL};
    uint64_t ns = 0;
    enum err error;

    for (unsigned i = 0; i < l->threads; i++)
        states[i] = &l->tunnels[i];
    error = l->threads == 1 ? run_tunnels(&l->tunnels[0], operations, &ns)
                            : threads_run(l->threads, run_tunnels, states, operations, &ns);
    *value = (double)ns;
    return error;
}

static const struct family esp_family = {
    "esp",
    "ESP packets, suite x direction x size x SAs: policy, SA, replay window and cipher, in place",
    open_load,
    run_load,
    close_load,
};

struct choice {
    uint32_t suite, size, sas;
    bool decrypt, openssl;
};

/* RFC 4303 §2.4: padded to the block of the cipher, four bytes at least, trailer included. */
static uint32_t under_cipher(const struct choice *c)
{
    const char *name = suites[c->suite].encr;
    uint32_t block = encr_suite_named(name, strlen(name))->block_len;

    block = block < 4 ? 4 : block;
    return (c->size + ESP_TRAILER_LEN + block - 1) / block * block;
}

static struct row *add(struct rows *rows, const struct choice *c, const char *suffix)
{
    static const char *const direction[] = {"encrypt", "decrypt"};
    struct row *row;
    char size[16], under[16];

    snprintf(size, sizeof size, c->size == IMIX ? "imix" : "%u", c->size);
    snprintf(under, sizeof under, c->size == IMIX ? "imix" : "%u", under_cipher(c));
    row = rows_add(rows, &esp_family, "esp/%s/%s/%s/sas-%u%s", suites[c->suite].name,
                   direction[c->decrypt], size, c->sas, suffix);
    row->number[0] = c->suite;
    row->number[1] = c->decrypt;
    row->number[2] = c->size;
    row->number[3] = c->sas;
    row->number[4] = c->openssl;
    row->bound_program = "ikelab-bound-esp";
    row->bound_name = "the cipher alone";
    snprintf(row->bound_row, sizeof row->bound_row, "%s%s/%s/%s/%u", c->openssl ? "openssl/" : "",
             suites[c->suite].name, direction[c->decrypt], under, c->sas);
    row->counted = c->sas == 1;
    row->counted_operations = 1000;
    return row;
}

static void both_directions(struct rows *rows, struct choice c, bool quick)
{
    for (int d = 0; d < 2; d++) {
        c.decrypt = d;
        add(rows, &c, c.openssl ? "/openssl" : "")->quick = quick;
    }
}

void esp_rows(struct rows *rows)
{
    static const uint32_t sizes[] = {64, 576, 1400, IMIX};
    static const uint32_t sas[] = {1000, 16000, 131000};

    for (uint32_t s = 0; s < sizeof suites / sizeof *suites; s++)
        for (size_t z = 0; z < sizeof sizes / sizeof *sizes; z++)
            both_directions(rows, (struct choice){.suite = s, .size = sizes[z], .sas = 1},
                            s == 0 ? sizes[z] != 576 : sizes[z] == 1400 && s >= 2);
    for (size_t n = 0; n < sizeof sas / sizeof *sas; n++) {
        both_directions(rows, (struct choice){.suite = 0, .size = 1400, .sas = sas[n]},
                        sas[n] == 16000);
        both_directions(rows, (struct choice){.suite = 0, .size = 64, .sas = sas[n]}, false);
    }
    /* As without libipsec-mb. */
    for (uint32_t s = 0; s < sizeof suites / sizeof *suites; s++)
        both_directions(rows, (struct choice){.suite = s, .size = 1400, .sas = 1, .openssl = true},
                        false);
    /* Not in --quick: with anything else on the second core they measure that. */
    for (int d = 0; d < 2; d++) {
        struct choice c = {.suite = 0, .size = 1400, .sas = 1, .decrypt = d};
        struct row *row = add(rows, &c, "/threads-2");

        row->threads = 2;
        row->counted = false;
    }
}
