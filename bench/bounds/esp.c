/*
 * The bound of ESP: packet cryptography on one core, by what computes it best here. This file
 * finds rows by name, makes their packets and checks once that both libraries agree on them.
 */
#include "esp.h"

#include "loop.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    RING = 64,      /* packets of one size: at 1400 bytes they stay in the second-level cache */
    RING_MIX = 240, /* packets of the mix: as many bytes */
    MIX = 12,
    SIZE_MAX_BYTES = 16384,
    BLOCK = 16,
    SPARE = 64, /* libraries read and write whole vectors */
};

static const char *const suite_names[ESP_SUITES] = {
    [AES128GCM16] = "aes128gcm16",
    [AES256GCM16] = "aes256gcm16",
    [AES256_SHA256_128] = "aes256-sha256_128",
    [CHACHA20POLY1305] = "chacha20poly1305",
};

/* 7:4:1, the long one in the middle. */
static const uint16_t mix[MIX] = {64, 570, 64, 64, 570, 64, 1400, 64, 570, 64, 64, 570};

/* SAs of one kind, which rows share: many of them take much memory. */
struct sa_set {
    struct sa_set *next;
    const struct esp_engine *engine;
    enum esp_suite suite;
    bool decrypt;
    uint32_t count, distinct;
    void *sas;
};

struct esp {
    void *openssl, *multibuffer; /* the libraries; multibuffer may be NULL */
    struct sa_set *sets;
};

struct esp_row {
    const struct esp_engine *engine;
    void *library;
    struct traffic traffic;
};

/* What a row's name says. */
struct wish {
    bool openssl;
    enum esp_suite suite;
    bool decrypt;
    uint32_t size; /* 0: the mix */
    uint32_t sas;
};

struct esp_keys esp_keys(uint32_t n)
{
    struct esp_keys keys;

    for (uint32_t i = 0; i < KEY_LEN; i++) {
        keys.cipher[i] = (uint8_t)(n * 7 + i);
        keys.mac[i] = (uint8_t)(n * 13 + i);
    }
    memset(keys.salt, (int)n, sizeof keys.salt);
    return keys;
}

static void *set_find(struct esp *esp, const struct esp_row *row, uint32_t distinct)
{
    const struct traffic *t = &row->traffic;
    struct sa_set *s;

    for (s = esp->sets; s; s = s->next)
        if (s->engine == row->engine && s->suite == t->suite &&
            (s->decrypt == t->decrypt || !row->engine->one_way) && s->count == t->sa_count &&
            s->distinct == distinct)
            return s->sas;
    s = need_memory(1, sizeof *s);
    *s = (struct sa_set){esp->sets, row->engine, t->suite, t->decrypt, t->sa_count, distinct, NULL};
    s->sas = row->engine->sas_new(row->library, t, t->sa_count, distinct);
    esp->sets = s;
    return s->sas;
}

static void sets_drop(struct esp *esp)
{
    while (esp->sets) {
        struct sa_set *s = esp->sets;

        esp->sets = s->next;
        s->engine->sas_drop(s->sas, s->count);
        free(s);
    }
}

/* All packets come from one allocation, which the first one's `wire` names. */
static void ring_init(struct traffic *t, uint32_t size)
{
    size_t header = esp_header_len(t->suite), room = 0;
    uint8_t *memory;

    t->packets = size ? RING : RING_MIX;
    t->ring = need_memory(t->packets, sizeof t->ring[0]);
    for (uint32_t i = 0; i < t->packets; i++) {
        struct packet *p = &t->ring[i];

        p->size = size ? size : mix[i % MIX];
        if (t->suite == AES256_SHA256_128)
            p->size = (p->size + BLOCK - 1) / BLOCK * BLOCK;
        room += 2 * ((header + p->size + SPARE + 63) / 64 * 64);
    }
    memory = need_memory(room, 1);
    for (uint32_t i = 0; i < t->packets; i++) {
        struct packet *p = &t->ring[i];
        size_t one = (header + p->size + SPARE + 63) / 64 * 64;

        memset(memory, (int)i, header + p->size);
        p->wire = memory;
        p->plain = memory + one;
        memory += 2 * one;
    }
}

static void row_drop(void *state)
{
    struct esp_row *r = state;

    free(r->traffic.ring[0].wire);
    free(r->traffic.ring);
    free(r);
}

static void packets(void *state, uint64_t count)
{
    struct esp_row *r = state;

    r->engine->run(r->library, &r->traffic, count);
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
    while (b) {
        uint32_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

/* One round of the ring, the other way or the same, by OpenSSL with `distinct` SAs. */
static void round_by_openssl(struct esp *esp, struct traffic t, bool decrypt, uint32_t distinct)
{
    t.decrypt = decrypt;
    t.sa_count = distinct;
    t.next_packet = t.next_sa = 0;
    t.sas = esp_openssl.sas_new(esp->openssl, &t, distinct, distinct);
    esp_openssl.run(esp->openssl, &t, t.packets);
    esp_openssl.sas_drop(t.sas, distinct);
}

/*
 * Packet i % ring meets SA i % SAs, for every i: such a pair has in common only i modulo the
 * greatest common divisor. That many kinds of keys let every packet that was sealed once be
 * opened again and again, by SAs that each have their own key tables.
 */
static struct esp_row *row_new(struct esp *esp, const struct wish *w)
{
    struct esp_row *r = need_memory(1, sizeof *r);
    struct traffic *t = &r->traffic;
    uint32_t distinct;

    r->engine = w->openssl ? &esp_openssl : &esp_multibuffer;
    r->library = w->openssl ? esp->openssl : esp->multibuffer;
    *t = (struct traffic){.suite = w->suite, .decrypt = w->decrypt, .sa_count = w->sas};
    ring_init(t, w->size);
    distinct = common_divisor(w->sas, t->packets);
    t->sas = set_find(esp, r, distinct);
    if (w->decrypt) {
        round_by_openssl(esp, *t, false, distinct);
    } else { /* what this row seals, OpenSSL opens */
        packets(r, t->packets);
        round_by_openssl(esp, *t, true, distinct);
        t->next_packet = t->next_sa = 0;
    }
    return r;
}

static bool read_wish(const struct row_name *name, struct wish *w)
{
    unsigned at = 0, suite = 0;
    uint64_t number = 0;

    *w = (struct wish){.openssl = name->parts == 5 && strcmp(name->part[0], "openssl") == 0};
    at = w->openssl ? 1 : 0;
    if (name->parts != at + 4)
        return false;
    while (suite < ESP_SUITES && strcmp(suite_names[suite], name->part[at]) != 0)
        suite++;
    w->suite = suite;
    w->decrypt = strcmp(name->part[at + 1], "decrypt") == 0;
    if (suite == ESP_SUITES || (!w->decrypt && strcmp(name->part[at + 1], "encrypt") != 0))
        return false;
    if (strcmp(name->part[at + 2], "imix") != 0 &&
        !loop_number(name->part[at + 2], SIZE_MAX_BYTES, &number))
        return false;
    w->size = (uint32_t)number;
    if (!loop_number(name->part[at + 3], SAS_MAX, &number))
        return false;
    w->sas = (uint32_t)number;
    return true;
}

static const char *computed_by(struct esp *esp, enum esp_suite suite, bool openssl)
{
    return openssl ? esp_openssl.name(esp->openssl, suite)
                   : esp_multibuffer.name(esp->multibuffer, suite);
}

static bool open_row(void *context, const struct row_name *name, struct row *out)
{
    struct esp *esp = context;
    struct wish w;

    if (!read_wish(name, &w))
        return false;
    if (!esp->multibuffer)
        w.openssl = true;
    if (w.openssl && w.sas > esp_openssl.sas_max)
        return false;
    *out = (struct row){packets, row_drop, row_new(esp, &w), computed_by(esp, w.suite, w.openssl)};
    return true;
}

static void list(void *context)
{
    static const char *const loads[] = {"64/1", "1400/1", "1400/1024", "imix/1", "imix/100"};
    struct esp *esp = context;
    char row[ROW_LEN_MAX];

    for (int openssl = 0; openssl < 2; openssl++)
        for (int i = 0; i < ESP_SUITES * 2 * 5; i++) {
            enum esp_suite suite = i / 10;

            snprintf(row, sizeof row, "%s%s/%s/%s", openssl ? "openssl/" : "", suite_names[suite],
                     i / 5 % 2 ? "decrypt" : "encrypt", loads[i % 5]);
            loop_show(row, computed_by(esp, suite, openssl || !esp->multibuffer));
        }
}

static const char help[] =
    "  SUITE/DIRECTION/SIZE/SAS           by libipsec-mb where it was there at build time\n"
    "  openssl/SUITE/DIRECTION/SIZE/SAS   by OpenSSL in any case, up to 16384 SAs\n"
    "SUITE: aes128gcm16 aes256gcm16 aes256-sha256_128 chacha20poly1305\n"
    "DIRECTION: encrypt decrypt\n"
    "SIZE: bytes under the cipher, 1 to 16384, or imix: 64, 570 and 1400 as 7:4:1\n"
    "SAS: 1 to 200000, packets go round robin over them\n";

int main(int argc, char **argv)
{
    struct esp esp = {0};
    const struct loop loop = {.help = help, .open = open_row, .list = list, .context = &esp};
    int status;

    esp.openssl = esp_openssl.start();
    esp.multibuffer = esp_multibuffer.start();
    status = loop_main(&loop, argc, argv);
    sets_drop(&esp);
    esp_openssl.stop(esp.openssl);
    if (esp.multibuffer)
        esp_multibuffer.stop(esp.multibuffer);
    return status;
}
