#include "proto/esp/sad.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <stdlib.h>

_Static_assert(sizeof(struct esp_sa) <= 96, "what an established child SA needs is small");

static uint32_t hash_of(uint32_t scope, uint32_t spi)
{
    return chains_mix((uint64_t)scope << 32 | spi);
}

static uint32_t sa_hash(const void *records, uint32_t number)
{
    const struct esp_sa *sa = pool_slot(records, number);

    return hash_of(sa->scope, sa->spi_in);
}

static uint32_t *sa_link(const void *records, uint32_t number)
{
    return &((struct esp_sa *)pool_slot(records, number))->link;
}

static uint64_t mixed(uint64_t hash, uint64_t word)
{
    return (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15) + (hash >> 31);
}

static uint32_t words_hash(const struct esp_kind *k)
{
    uint64_t hash = mixed(k->encr->iana, k->encr->key_bits);

    hash = mixed(hash, k->integ ? k->integ->iana : 0);
    hash = mixed(hash, k->limits.soft_packets);
    hash = mixed(hash, k->limits.hard_packets);
    hash = mixed(hash, k->limits.soft_bytes);
    hash = mixed(hash, k->limits.hard_bytes);
    return chains_mix(mixed(hash, k->fresh.window));
}

static uint32_t kind_hash(const void *records, uint32_t number)
{
    return words_hash(pool_slot(records, number));
}

static uint32_t *kind_link(const void *records, uint32_t number)
{
    return &((struct esp_kind *)pool_slot(records, number))->link;
}

static const struct chains_class by_spi = {sa_hash, sa_link};
static const struct chains_class by_words = {kind_hash, kind_link};

static size_t tail_size(const struct sad_limits *limits)
{
    return (size_t)replay_words(replay_window_fit(limits->replay_window)) * sizeof(uint64_t) +
           2 * (size_t)limits->key_bytes;
}

enum err sad_init(struct sad *sad, const struct sad_limits *limits)
{
    ASSERT(limits->key_bytes <= ENCR_KEY_MAX + INTEG_KEY_MAX);
    *sad = (struct sad){.limits = *limits};
    if (pool_init(&sad->sas, sizeof(struct esp_sa) + tail_size(limits), limits->sas) ||
        pool_init(&sad->kinds, sizeof(struct esp_kind), limits->sas) ||
        endpoint_asides_init(&sad->asides, limits->sas) ||
        chains_init(&sad->by_spi, &by_spi, limits->sas) ||
        chains_init(&sad->by_words, &by_words, limits->sas)) {
        sad_reset(sad);
        return ERR_MEMORY;
    }
    return OK;
}

void sad_reset(struct sad *sad)
{
    pool_reset(&sad->sas);
    pool_reset(&sad->kinds);
    pool_reset(&sad->asides);
    chains_reset(&sad->by_spi);
    chains_reset(&sad->by_words);
    *sad = (struct sad){0};
}

void sad_clear(struct sad *sad)
{
    for (uint32_t i = 0; i < sad->sas.fresh; i++)
        if (pool_slot(&sad->sas, i))
            sad_remove(sad, pool_handle(&sad->sas, i));
}

/* The record with this inbound SPI, reserved or installed, and its slot. */
static struct esp_sa *find(const struct sad *sad, uint32_t scope, uint32_t spi, uint32_t *index)
{
    for (*index = chains_first(&sad->by_spi, hash_of(scope, spi)); *index != CHAINS_END;) {
        struct esp_sa *sa = pool_slot(&sad->sas, *index);

        ASSERT(sa);
        if (sa->spi_in == spi && sa->scope == scope)
            return sa;
        *index = sa->link - 1;
    }
    return NULL;
}

/* At the end of its chain: behind a record with the same SPI. */
enum err sad_spi_share(struct sad *sad, uint32_t scope, uint32_t spi, struct handle *out)
{
    struct esp_sa *sa;

    *out = HANDLE_NONE;
    if (spi < SPI_MIN)
        return ERR_SYNTAX;
    sa = pool_take(&sad->sas, out);
    if (!sa)
        return ERR_FULL;
    sa->scope = scope;
    sa->spi_in = spi;
    sa->policy = HANDLE_NONE;
    chains_add(&sad->by_spi, &sad->sas, hash_of(scope, spi), out->index);
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

static struct esp_kind kind_of(const struct esp_sa_params *p)
{
    uint32_t window = replay_window_fit(p->replay_window);
    struct esp_kind k = {.encr = p->encr, .integ = p->integ, .limits = limits_of(p)};
    uint64_t bitmap[REPLAY_WORDS_MAX];

    replay_init(&k.fresh, bitmap, window);
    k.keys_at = (uint16_t)(sizeof(struct esp_sa) + replay_words(window) * sizeof(uint64_t));
    k.key_bytes = (uint16_t)(p->encr_in.len + p->integ_in.len);
    return k;
}

static bool same_words(const struct esp_kind *a, const struct esp_kind *b)
{
    return a->encr == b->encr && a->integ == b->integ && a->fresh.window == b->fresh.window &&
           a->limits.soft_packets == b->limits.soft_packets &&
           a->limits.hard_packets == b->limits.hard_packets &&
           a->limits.soft_bytes == b->limits.soft_bytes &&
           a->limits.hard_bytes == b->limits.hard_bytes;
}

/* The record of this kind, with one SA more. There is room: no more kinds than SAs. */
static struct esp_kind *kind_take(struct sad *sad, const struct esp_sa_params *p)
{
    struct esp_kind words = kind_of(p), *kind;
    uint32_t hash = words_hash(&words), i;
    struct handle h;

    for (i = chains_first(&sad->by_words, hash); i != CHAINS_END;
         i = chains_next(&sad->by_words, &sad->kinds, i)) {
        kind = pool_slot(&sad->kinds, i);
        if (same_words(kind, &words)) {
            kind->sas++;
            return kind;
        }
    }
    kind = pool_take(&sad->kinds, &h);
    ASSERT(kind);
    *kind = words;
    kind->sas = 1;
    chains_add(&sad->by_words, &sad->kinds, hash, h.index);
    return kind;
}

static void kind_give(struct sad *sad, struct esp_kind *kind)
{
    uint32_t index;

    if (--kind->sas > 0)
        return;
    index = pool_index(&sad->kinds, kind);
    chains_remove(&sad->by_words, &sad->kinds, words_hash(kind), index);
    pool_give(&sad->kinds, pool_handle(&sad->kinds, index));
}

/* The tail of the slot: bitmap (which is zero), then encr_in | integ_in | encr_out | integ_out. */
static void tail_fill(struct esp_sa *sa, const struct esp_sa_params *p)
{
    uint8_t *at = (uint8_t *)sa + sa->kind->keys_at;

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
    sa->kind = kind_take(sad, p);
    sa->spi_out = p->spi_out;
    sa->owner = p->owner;
    sa->policy = p->policy;
    sad_update_peer(sad, sa, &p->local, &p->remote);
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

    if (!sa)
        return;
    chains_remove(&sad->by_spi, &sad->sas, hash_of(sa->scope, sa->spi_in), h.index);
    if (sa->kind)
        kind_give(sad, sa->kind);
    endpoint_pair_clear(&sad->asides, &sa->outer);
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

struct ip_endpoint sad_local(const struct sad *sad, const struct esp_sa *sa)
{
    return endpoint_pair_local(&sad->asides, &sa->outer);
}

struct ip_endpoint sad_remote(const struct sad *sad, const struct esp_sa *sa)
{
    return endpoint_pair_remote(&sad->asides, &sa->outer);
}

void sad_update_peer(struct sad *sad, struct esp_sa *sa, const struct ip_endpoint *local,
                     const struct ip_endpoint *remote)
{
    endpoint_pair_set(&sad->asides, &sa->outer, local, remote);
}

const uint8_t *sad_encr_key(const struct esp_sa *sa, enum sad_direction d)
{
    const uint8_t *keys = (const uint8_t *)sa + sa->kind->keys_at;

    return keys + (d == SAD_OUT ? sa->kind->key_bytes : 0);
}

const uint8_t *sad_integ_key(const struct esp_sa *sa, enum sad_direction d)
{
    return sad_encr_key(sa, d) + sa->kind->encr->key_len + sa->kind->encr->salt_len;
}

uint64_t *sad_bitmap(struct esp_sa *sa)
{
    return (uint64_t *)(void *)(sa + 1);
}
