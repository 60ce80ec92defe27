/*
 * Two ESP endpoints with one child SA between them, and IP packets to send through it. Checksums
 * are computed here by a plain loop of their own, so that they judge the code under test.
 */
#ifndef TESTS_ESP_PAIR_H
#define TESTS_ESP_PAIR_H

#include "proto/esp/esp.h"
#include "suite.h"

enum { ROOM = 2048, FRONT = 64 };

/* A packet with canaries around it. */
struct store {
    uint8_t bytes[FRONT + ROOM];
    struct buf packet;
};

enum { SA_A = 2, SA_B = 1 }; /* their numbers, at either end */

struct esp_pair {
    struct meter meter;
    struct crypto *crypto;
    struct esp a, b;
    struct rng iv_a, iv_b;
    struct esp_user user_a, user_b;
    struct handle policy_a, policy_b;
    struct ip_addr outer_a, outer_b, inner_a, inner_b;
};

struct pair_options {
    bool real, transport, esn, outer6, inner6, encap;
    const struct encr_suite *encr;
    const struct integ_suite *integ;
    uint32_t window;
    struct esp_limits limits;
};

static inline struct ip_addr pair_addr(bool six, uint8_t net, uint8_t last)
{
    uint8_t b[16] = {0x20, 0x01, 0x0d, 0xb8, net, [15] = last};

    return six ? ip_addr_v6(b) : ip_addr_v4(UINT32_C(0x0a000000) | (uint32_t)net << 16 | last);
}

static inline struct esp_sa *pair_a(struct esp_pair *p)
{
    return sad_at(&p->a.sad, SA_A);
}

static inline struct esp_sa *pair_b(struct esp_pair *p)
{
    return sad_at(&p->b.sad, SA_B);
}

/* What they have carried, to change it, too. */
static inline struct esp_traffic *traffic_a(struct esp_pair *p)
{
    return sad_traffic_take(&p->a.sad, pair_a(p));
}

static inline struct esp_traffic *traffic_b(struct esp_pair *p)
{
    return sad_traffic_take(&p->b.sad, pair_b(p));
}

static inline struct handle pair_policy(struct esp *esp, struct ip_addr local,
                                        struct ip_addr remote)
{
    struct selector l = selector_host(local), r = selector_host(remote);
    struct spd_selectors s = {&l, &r, 1, 1};
    struct handle h;

    ck_assert_ok(spd_add(&esp->spd, 0, &s, &h));
    return h;
}

/* One instance of each provider for the whole program: making the real one takes long. */
static inline struct crypto *pair_crypto(bool real, struct meter *meter)
{
    static struct crypto *made[2];

    if (!made[real])
        made[real] = real ? crypto_openssl_create(meter) : crypto_modelled_create(meter);
    ck_assert_ptr_nonnull(made[real]);
    made[real]->meter = meter;
    return made[real];
}

static inline struct esp_pair *pair_make(const struct pair_options *o)
{
    struct esp_pair *p = calloc(1, sizeof *p);
    struct sad_limits limits = {4, REPLAY_WINDOW_MAX, ENCR_KEY_MAX + INTEG_KEY_MAX};
    uint8_t keys[4][64];
    struct rng r = rng_stream(7, o->encr->iana, RNG_TEST);
    size_t encr_len = (size_t)o->encr->key_len + o->encr->salt_len;
    size_t integ_len = o->integ ? o->integ->key_len : 0;
    struct esp_sa_params params;

    ck_assert_ptr_nonnull(p);
    p->crypto = pair_crypto(o->real, &p->meter);
    ck_assert_ok(esp_init(&p->a, p->crypto, &limits, 4, 1));
    ck_assert_ok(esp_init(&p->b, p->crypto, &limits, 4, 1));
    p->iv_a = rng_stream(1, 1, RNG_IV);
    p->iv_b = rng_stream(1, 2, RNG_IV);
    p->user_a = (struct esp_user){0, &p->iv_a};
    p->user_b = (struct esp_user){0, &p->iv_b};
    p->outer_a = pair_addr(o->outer6, 200, 1);
    p->outer_b = pair_addr(o->outer6, 200, 2);
    p->inner_a = o->transport ? p->outer_a : pair_addr(o->inner6, 1, 1);
    p->inner_b = o->transport ? p->outer_b : pair_addr(o->inner6, 2, 2);
    p->policy_a = pair_policy(&p->a, p->inner_a, p->inner_b);
    p->policy_b = pair_policy(&p->b, p->inner_b, p->inner_a);
    ck_assert_ok(sad_spi_take(&p->a.sad, 0, 0xa0a0a0a0, SA_A));
    ck_assert_ok(sad_spi_take(&p->b.sad, 0, 0xb0b0b0b0, SA_B));
    rng_fill(&r, keys, sizeof keys);
    params = (struct esp_sa_params){
        .encr = o->encr,
        .integ = o->integ,
        .encr_in = bytes_of(keys[0], encr_len),
        .integ_in = bytes_of(keys[1], integ_len),
        .encr_out = bytes_of(keys[2], encr_len),
        .integ_out = bytes_of(keys[3], integ_len),
        .spi_out = 0xb0b0b0b0,
        .transport = o->transport,
        .esn = o->esn,
        .udp_encapsulated = o->encap,
        .replay_window = o->window,
        .limits = o->limits,
        .local = {p->outer_a, 4500},
        .remote = {p->outer_b, 4500},
        .policy = p->policy_a,
    };
    ck_assert_ok(sad_install(&p->a.sad, SA_A, &params));
    params.encr_in = bytes_of(keys[2], encr_len);
    params.integ_in = bytes_of(keys[3], integ_len);
    params.encr_out = bytes_of(keys[0], encr_len);
    params.integ_out = bytes_of(keys[1], integ_len);
    params.spi_out = 0xa0a0a0a0;
    params.local.addr = p->outer_b;
    params.remote.addr = p->outer_a;
    params.policy = p->policy_b;
    ck_assert_ok(sad_install(&p->b.sad, SA_B, &params));
    spd_point(&p->a.spd, p->policy_a, SA_A);
    spd_point(&p->b.spd, p->policy_b, SA_B);
    return p;
}

static inline void pair_free(struct esp_pair *p)
{
    esp_reset(&p->a);
    esp_reset(&p->b);
    free(p);
}

/* Sum of big-endian words, folded; 0xffff over data with a right checksum in it. */
static inline uint16_t plain_sum(const uint8_t *p, size_t len, uint64_t s)
{
    for (size_t i = 0; i < len; i++)
        s += i % 2 ? p[i] : (uint64_t)p[i] << 8;
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint16_t)s;
}

/* With the pseudo header: 0xffff when the TCP, UDP or ICMPv6 checksum is right. */
static inline uint16_t upper_sum(const uint8_t *p, size_t len)
{
    bool six = p[0] >> 4 == 6;
    size_t header = six ? 40 : 20;
    uint64_t pseudo = (six ? p[6] : p[9]) + (uint64_t)(len - header);

    pseudo += six ? plain_sum(p + 8, 32, 0) : plain_sum(p + 12, 8, 0);
    return plain_sum(p + header, len - header, pseudo);
}

static inline size_t store_min(bool six)
{
    return six ? 40 : 20;
}

/* An IP packet of `len` bytes: header, then random bytes that are a UDP header if they reach. */
static inline void store_fill(struct store *s, struct ip_addr src, struct ip_addr dst, size_t len)
{
    struct rng r = rng_stream(5, len, RNG_TEST);
    bool six = src.family == 6;
    size_t header = store_min(six);
    uint8_t *p = s->bytes + FRONT;

    ck_assert_uint_ge(len, header);
    memset(s->bytes, 0xee, sizeof s->bytes);
    memset(p, 0, header);
    if (six) {
        p[0] = 0x60;
        store_be16(p + 4, (uint16_t)(len - header));
        p[6] = 17;
        p[7] = 63;
        memcpy(p + 8, src.bytes, 16);
        memcpy(p + 24, dst.bytes, 16);
    } else {
        p[0] = 0x45;
        store_be16(p + 2, (uint16_t)len);
        p[8] = 63;
        p[9] = 17;
        memcpy(p + 12, src.bytes, 4);
        memcpy(p + 16, dst.bytes, 4);
        store_be16(p + 10, (uint16_t)~plain_sum(p, 20, 0));
    }
    rng_fill(&r, p + header, len - header);
    if (len >= header + 8) {
        store_be16(p + header + 4, (uint16_t)(len - header));
        store_be16(p + header + 6, 0);
        store_be16(p + header + 6, (uint16_t)~upper_sum(p, len));
    }
    s->packet = (struct buf){p, len, ROOM};
}

static inline struct esp_arrival pair_arrival(const struct esp_pair *p, uint8_t tos)
{
    return (struct esp_arrival){{p->outer_b, 4500}, {p->outer_a, 4500}, tos, 64};
}

/* Call `with` for every suite that ESP can use. */
static inline void each_esp_suite(void (*with)(const struct encr_suite *,
                                               const struct integ_suite *))
{
    size_t encrs, integs;
    const struct encr_suite *encr = encr_suites(&encrs);
    const struct integ_suite *integ = integ_suites(&integs);

    for (size_t i = 0; i < encrs; i++) {
        if (encr[i].aead) {
            with(&encr[i], NULL);
            continue;
        }
        for (size_t k = 0; k < integs; k++)
            with(&encr[i], &integ[k]);
    }
}

#endif
