#include "proto/esp/sad.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <stdlib.h>

enum { CHAIN_END = UINT32_MAX };

_Static_assert(sizeof(struct esp_sa) <= 192, "what an established child SA needs is small");

static uint32_t *bucket(const struct sad *sad, uint32_t scope, uint32_t spi)
{
    /* SPIs are random already, but a caller may take them in order, and every scope the same. */
    uint32_t mixed = (spi ^ scope * UINT32_C(0x85ebca6b)) * UINT32_C(0x9e3779b1);

    return &sad->buckets[mixed >> 8 & sad->bucket_mask];
}

static size_t tail_size(const struct sad_limits *limits)
{
    return (size_t)replay_words(replay_window_fit(limits->replay_window)) * sizeof(uint64_t) +
           2 * (size_t)limits->key_bytes;
}

static void empty_buckets(struct sad *sad)
{
    for (uint32_t i = 0; i <= sad->bucket_mask; i++)
        sad->buckets[i] = (uint32_t)CHAIN_END;
}

enum err sad_init(struct sad *sad, const struct sad_limits *limits)
{
    uint32_t buckets = 1;
    enum err e;

    ASSERT(limits->key_bytes <= ENCR_KEY_MAX + INTEG_KEY_MAX);
    while (buckets < limits->sas && buckets < UINT32_C(1) << 24)
        buckets *= 2;
    *sad = (struct sad){.limits = *limits, .bucket_mask = buckets - 1};
    e = pool_init(&sad->sas, sizeof(struct esp_sa) + tail_size(limits), limits->sas);
    if (e != OK)
        return e;
    sad->buckets = malloc(buckets * sizeof *sad->buckets);
    if (!sad->buckets) {
        pool_reset(&sad->sas);
        return ERR_MEMORY;
    }
    empty_buckets(sad);
    return OK;
}

void sad_reset(struct sad *sad)
{
    pool_reset(&sad->sas);
    free(sad->buckets);
    *sad = (struct sad){0};
}

void sad_clear(struct sad *sad)
{
    for (uint32_t i = 0; i < sad->sas.fresh; i++)
        if (pool_slot(&sad->sas, i))
            pool_give(&sad->sas, pool_handle(&sad->sas, i));
    empty_buckets(sad);
}

/* The record with this inbound SPI, reserved or installed; its slot, or CHAIN_END. */
static struct esp_sa *find(const struct sad *sad, uint32_t scope, uint32_t spi, uint32_t *index)
{
    for (*index = *bucket(sad, scope, spi); *index != (uint32_t)CHAIN_END;) {
        struct esp_sa *sa = pool_slot(&sad->sas, *index);

        ASSERT(sa);
        if (sa->spi_in == spi && sa->scope == scope)
            return sa;
        *index = sa->next;
    }
    return NULL;
}

/* At the end of its chain: behind a record with the same SPI. */
enum err sad_spi_share(struct sad *sad, uint32_t scope, uint32_t spi, struct handle *out)
{
    struct esp_sa *sa;
    uint32_t *link = bucket(sad, scope, spi);

    *out = HANDLE_NONE;
    if (spi < SPI_MIN)
        return ERR_SYNTAX;
    sa = pool_take(&sad->sas, out);
    if (!sa)
        return ERR_FULL;
    sa->scope = scope;
    sa->spi_in = spi;
    sa->policy = HANDLE_NONE;
    sa->next = (uint32_t)CHAIN_END;
    while (*link != (uint32_t)CHAIN_END)
        link = &((struct esp_sa *)pool_slot(&sad->sas, *link))->next;
    *link = out->index;
    return OK;
}

enum err sad_spi_take(struct sad *sad, uint32_t scope, uint32_t spi, struct handle *out)
{
    uint32_t index;

    *out = HANDLE_NONE;
    if (spi >= SPI_MIN && find(sad, scope, spi, &index))
        return ERR_DUPLICATE;
    return sad_spi_share(sad, scope, spi, out);
}

enum err sad_spi_new(struct sad *sad, uint32_t scope, struct rng *random, struct handle *sa,
                     uint32_t *spi)
{
    enum err e;

    do {
        *spi = rng_u32(random);
        e = sad_spi_take(sad, scope, *spi, sa);
    } while (e == ERR_SYNTAX || e == ERR_DUPLICATE);
    return e;
}

static uint64_t limit_or_never(uint64_t limit)
{
    return limit ? limit : UINT64_MAX;
}

/*
 * The sequence numbers are a limit of their own (RFC 4303 §3.3.3): rekeying becomes due when one
 * sixteenth of them is left.
 */
static struct esp_limits limits_of(const struct esp_sa_params *p)
{
    uint64_t last = p->esn ? UINT64_MAX : UINT32_MAX;
    struct esp_limits l = {
        .soft_packets = limit_or_never(p->limits.soft_packets),
        .hard_packets = limit_or_never(p->limits.hard_packets),
        .soft_bytes = limit_or_never(p->limits.soft_bytes),
        .hard_bytes = limit_or_never(p->limits.hard_bytes),
    };

    if (l.soft_packets > last - last / 16)
        l.soft_packets = last - last / 16;
    return l;
}

static enum err params_check(const struct sad *sad, const struct esp_sa_params *p)
{
    size_t encr_len = (size_t)p->encr->key_len + p->encr->salt_len;
    size_t integ_len = p->integ ? p->integ->key_len : 0;

    /* RFC 4303 §3.2: not both NULL; §1: encryption alone is not offered. An AEAD has no MAC. */
    if (p->encr->aead == (p->integ != NULL))
        return ERR_UNSUPPORTED;
    if (p->encr_in.len != encr_len || p->encr_out.len != encr_len)
        return ERR_LENGTH;
    if (p->integ_in.len != integ_len || p->integ_out.len != integ_len)
        return ERR_LENGTH;
    if (encr_len + integ_len > sad->limits.key_bytes)
        return ERR_LENGTH;
    if (replay_window_fit(p->replay_window) > replay_window_fit(sad->limits.replay_window))
        return ERR_LENGTH;
    return p->spi_out < SPI_MIN ? ERR_SYNTAX : OK;
}

static uint8_t *put(uint8_t *at, struct bytes key)
{
    if (key.len > 0)
        memcpy(at, key.data, key.len);
    return at + key.len;
}

/* The tail of the slot: bitmap, then encr_in | integ_in | encr_out | integ_out. */
static void tail_fill(struct esp_sa *sa, const struct esp_sa_params *p)
{
    uint32_t window = replay_window_fit(p->replay_window);
    uint8_t *at;

    replay_init(&sa->replay, sad_bitmap(sa), window);
    sa->keys_at = (uint16_t)(sizeof *sa + replay_words(window) * sizeof(uint64_t));
    at = (uint8_t *)sa + sa->keys_at;
    at = put(at, p->encr_in);
    at = put(at, p->integ_in);
    at = put(at, p->encr_out);
    put(at, p->integ_out);
}

enum err sad_install(struct sad *sad, struct handle h, const struct esp_sa_params *p)
{
    struct esp_sa *sa = sad_at(sad, h);
    enum err e;

    if (!sa)
        return ERR_NOT_FOUND;
    if (sa->installed)
        return ERR_STATE;
    e = params_check(sad, p);
    if (e != OK)
        return e;
    sa->encr = p->encr;
    sa->integ = p->integ;
    sa->limits = limits_of(p);
    sa->spi_out = p->spi_out;
    sa->owner = p->owner;
    sa->policy = p->policy;
    sa->local = p->local;
    sa->remote = p->remote;
    sa->transport = p->transport;
    sa->esn = p->esn;
    sa->udp_encapsulated = p->udp_encapsulated;
    tail_fill(sa, p);
    sa->installed = true;
    return OK;
}

void sad_remove(struct sad *sad, struct handle h)
{
    struct esp_sa *sa = sad_at(sad, h);
    uint32_t *link;

    if (!sa)
        return;
    for (link = bucket(sad, sa->scope, sa->spi_in); *link != h.index;)
        link = &((struct esp_sa *)pool_slot(&sad->sas, *link))->next;
    *link = sa->next;
    pool_give(&sad->sas, h);
}

struct esp_sa *sad_at(const struct sad *sad, struct handle h)
{
    return pool_at(&sad->sas, h);
}

struct esp_sa *sad_find(const struct sad *sad, uint32_t scope, uint32_t spi_in, struct handle *out)
{
    uint32_t index;
    struct esp_sa *sa = find(sad, scope, spi_in, &index);

    if (!sa || !sa->installed) {
        *out = HANDLE_NONE;
        return NULL;
    }
    *out = pool_handle(&sad->sas, index);
    return sa;
}

struct handle sad_next(const struct sad *sad, struct handle after)
{
    uint32_t i = handle_none(after) ? 0 : after.index + 1;

    for (; i < sad->sas.fresh; i++)
        if (pool_slot(&sad->sas, i))
            return pool_handle(&sad->sas, i);
    return HANDLE_NONE;
}

void sad_update_peer(struct esp_sa *sa, const struct ip_endpoint *local,
                     const struct ip_endpoint *remote)
{
    sa->local = *local;
    sa->remote = *remote;
}

const uint8_t *sad_encr_key(const struct esp_sa *sa, enum sad_direction d)
{
    size_t one = (size_t)sa->encr->key_len + sa->encr->salt_len;

    if (sa->integ)
        one += sa->integ->key_len;
    return (const uint8_t *)sa + sa->keys_at + (d == SAD_OUT ? one : 0);
}

const uint8_t *sad_integ_key(const struct esp_sa *sa, enum sad_direction d)
{
    return sad_encr_key(sa, d) + sa->encr->key_len + sa->encr->salt_len;
}

uint64_t *sad_bitmap(struct esp_sa *sa)
{
    return (uint64_t *)(void *)(sa + 1);
}
