#include "proto/esp/sad.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <stdlib.h>

_Static_assert(sizeof(struct esp_sa) == 40, "what an established child SA needs is small");
_Static_assert(_Alignof(struct esp_sa) == 4, "slots are aligned to words of 32 bits");
_Static_assert(sizeof(struct esp_kind) % 8 == 0, "pools round up to that: kinds are an array");

static struct esp_sa *slot(const struct sad *sad, uint32_t number)
{
    return (struct esp_sa *)(void *)(sad->slots + (size_t)number * sad->slot_size);
}

static uint32_t hash_of(uint32_t scope, uint32_t spi)
{
    return chains_mix((uint64_t)scope << 32 | spi);
}

static uint32_t sa_hash(const void *records, uint32_t number)
{
    const struct esp_sa *sa = slot(records, number);

    return hash_of(sa->scope, sa->spi_in);
}

static uint32_t *sa_link(const void *records, uint32_t number)
{
    return &slot(records, number)->link;
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

static size_t bitmap_bytes(uint32_t window)
{
    return (size_t)replay_words(replay_window_fit(window)) * sizeof(uint64_t);
}

/* No more kinds than SAs, and than an SA can name. */
static uint32_t kinds_max(const struct sad_limits *limits)
{
    uint32_t most = (UINT32_C(1) << SAD_KIND_BITS) - 1;

    return limits->sas < most ? limits->sas : most;
}

enum err sad_init(struct sad *sad, const struct sad_limits *limits)
{
    size_t slot_size = sizeof(struct esp_sa) + 2 * (size_t)limits->key_bytes;

    ASSERT(limits->key_bytes <= ENCR_KEY_MAX + INTEG_KEY_MAX && limits->sas < SAD_NONE);
    *sad = (struct sad){.limits = *limits, .slot_size = (uint32_t)(slot_size + 3) & ~UINT32_C(3)};
    expanded_init(&sad->expanded, 2 * limits->sas, EXPANDED_MAX);
    /* Not zeroed here: a slot is before it can be taken, so that unused ones cost no memory. */
    sad->slots = malloc((size_t)limits->sas * sad->slot_size);
    if (!sad->slots || pool_init(&sad->kinds, sizeof(struct esp_kind), kinds_max(limits)) ||
        pool_init(&sad->traffic, sizeof(struct esp_traffic) + bitmap_bytes(limits->replay_window),
                  limits->sas) ||
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
    if (sad->slots)
        wipe(sad->slots, (size_t)sad->fresh * sad->slot_size);
    free(sad->slots);
    pool_reset(&sad->kinds);
    pool_reset(&sad->traffic);
    pool_reset(&sad->asides);
    chains_reset(&sad->by_spi);
    chains_reset(&sad->by_words);
    expanded_reset(&sad->expanded);
    *sad = (struct sad){0};
}

void sad_clear(struct sad *sad)
{
    for (uint32_t i = 0; i < sad->fresh; i++)
        sad_remove(sad, i);
}

static bool names(const struct esp_sa *sa, uint32_t scope, uint32_t spi)
{
    return sa->spi_in == spi && sa->scope == scope;
}

/* From this slot of the chain on: the record with this inbound SPI, reserved or installed. */
static struct esp_sa *find_from(const struct sad *sad, uint32_t scope, uint32_t spi,
                                uint32_t *index)
{
    while (*index != CHAINS_END) {
        struct esp_sa *sa = slot(sad, *index);

        if (names(sa, scope, spi))
            return sa;
        *index = sa->link - 1;
    }
    return NULL;
}

/* The same of the whole chain, and its slot. */
static struct esp_sa *find(const struct sad *sad, uint32_t scope, uint32_t spi, uint32_t *index)
{
    *index = chains_first(&sad->by_spi, hash_of(scope, spi));
    return find_from(sad, scope, spi, index);
}

static struct esp_sa *take(struct sad *sad, uint32_t number)
{
    ASSERT(number < sad->limits.sas);
    for (; sad->fresh <= number; sad->fresh++)
        memset(slot(sad, sad->fresh), 0, sad->slot_size);
    ASSERT(slot(sad, number)->spi_in == 0);
    sad->taken++;
    return slot(sad, number);
}

/* At the end of its chain: behind a record with the same SPI. */
enum err sad_spi_share(struct sad *sad, uint32_t scope, uint32_t spi, uint32_t number)
{
    struct esp_sa *sa;

    if (spi < SPI_MIN)
        return ERR_SYNTAX;
    sa = take(sad, number);
    sa->scope = scope;
    sa->spi_in = spi;
    sa->policy = POOL_NONE;
    chains_add(&sad->by_spi, sad, hash_of(scope, spi), number);
    return OK;
}

enum err sad_spi_take(struct sad *sad, uint32_t scope, uint32_t spi, uint32_t number)
{
    uint32_t index;

    if (spi >= SPI_MIN && find(sad, scope, spi, &index))
        return ERR_DUPLICATE;
    return sad_spi_share(sad, scope, spi, number);
}

uint32_t sad_spi_new(struct sad *sad, uint32_t scope, struct rng *random, uint32_t number)
{
    uint32_t spi;

    do
        spi = rng_u32(random);
    while (sad_spi_take(sad, scope, spi, number) != OK);
    return spi;
}

void sad_spi_expect(const struct sad *sad, uint32_t scope, uint32_t spi, bool soon)
{
    if (soon)
        (void)sad_find_begin(sad, scope, spi);
    else
        chains_fetch_head(&sad->by_spi, hash_of(scope, spi));
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

/* The record of this kind, with one SA more. @return its number, POOL_NONE: no room */
static uint32_t kind_take(struct sad *sad, const struct esp_sa_params *p)
{
    struct esp_kind words = kind_of(p), *kind;
    uint32_t hash = words_hash(&words), i;
    struct handle h;

    for (i = chains_first(&sad->by_words, hash); i != CHAINS_END;
         i = chains_next(&sad->by_words, &sad->kinds, i)) {
        kind = pool_slot(&sad->kinds, i);
        if (same_words(kind, &words)) {
            kind->sas++;
            return i;
        }
    }
    kind = pool_take(&sad->kinds, &h);
    if (!kind)
        return POOL_NONE;
    *kind = words;
    kind->sas = 1;
    chains_add(&sad->by_words, &sad->kinds, hash, h.index);
    return h.index;
}

static void kind_give(struct sad *sad, uint32_t number)
{
    struct esp_kind *kind = pool_slot(&sad->kinds, number);

    ASSERT(kind);
    if (--kind->sas > 0)
        return;
    chains_remove(&sad->by_words, &sad->kinds, words_hash(kind), number);
    pool_give(&sad->kinds, pool_handle(&sad->kinds, number));
}

/* encr_in | integ_in | encr_out | integ_out */
static void keys_fill(struct esp_sa *sa, const struct esp_sa_params *p)
{
    uint8_t *at = (uint8_t *)(sa + 1);

    at = put(at, p->encr_in);
    at = put(at, p->integ_in);
    at = put(at, p->encr_out);
    put(at, p->integ_out);
}

enum err sad_install(struct sad *sad, uint32_t number, const struct esp_sa_params *p)
{
    struct esp_sa *sa = sad_at(sad, number);
    uint32_t kind;
    enum err e;

    if (!sa)
        return ERR_NOT_FOUND;
    if (sa->installed)
        return ERR_STATE;
    e = params_check(sad, p);
    if (e != OK)
        return e;
    kind = kind_take(sad, p);
    if (kind == POOL_NONE)
        return ERR_FULL;
    sa->kind = kind & ((UINT32_C(1) << SAD_KIND_BITS) - 1);
    sa->spi_out = p->spi_out;
    sa->policy = p->policy.index;
    sad_update_peer(sad, sa, &p->local, &p->remote);
    sa->transport = p->transport;
    sa->esn = p->esn;
    sa->udp_encapsulated = p->udp_encapsulated;
    keys_fill(sa, p);
    sa->installed = true;
    return OK;
}

void sad_remove(struct sad *sad, uint32_t number)
{
    struct esp_sa *sa = sad_at(sad, number);

    if (!sa)
        return;
    chains_remove(&sad->by_spi, sad, hash_of(sa->scope, sa->spi_in), number);
    if (sa->installed)
        kind_give(sad, sa->kind);
    if (sa->traffic) {
        expanded_drop(&sad->expanded, sad_key_owner(sa, SAD_IN));
        expanded_drop(&sad->expanded, sad_key_owner(sa, SAD_OUT));
        pool_give(&sad->traffic, pool_handle(&sad->traffic, sa->traffic - 1));
    }
    endpoint_pair_clear(&sad->asides, &sa->outer);
    wipe(sa, sad->slot_size);
    sad->taken--;
}

struct esp_sa *sad_at(const struct sad *sad, uint32_t number)
{
    return number < sad->fresh && slot(sad, number)->spi_in ? slot(sad, number) : NULL;
}

struct esp_sa *sad_find(const struct sad *sad, uint32_t scope, uint32_t spi_in, uint32_t *number)
{
    return sad_find_end(sad, scope, spi_in, sad_find_begin(sad, scope, spi_in), number);
}

uint32_t sad_find_begin(const struct sad *sad, uint32_t scope, uint32_t spi_in)
{
    uint32_t far = chains_first(&sad->by_spi, hash_of(scope, spi_in));

    if (far != CHAINS_END)
        __builtin_prefetch(slot(sad, far));
    return far;
}

uint32_t sad_find_further(const struct sad *sad, uint32_t scope, uint32_t spi_in, uint32_t far)
{
    const struct esp_sa *sa;

    if (far == CHAINS_END)
        return far;
    sa = slot(sad, far);
    if (names(sa, scope, spi_in)) {
        sad_sa_expect(sa);
        return far;
    }
    far = sa->link - 1;
    if (far != CHAINS_END)
        __builtin_prefetch(slot(sad, far));
    return far;
}

struct esp_sa *sad_find_end(const struct sad *sad, uint32_t scope, uint32_t spi_in, uint32_t far,
                            uint32_t *number)
{
    struct esp_sa *sa = find_from(sad, scope, spi_in, &far);

    *number = sa && sa->installed ? far : SAD_NONE;
    return *number == SAD_NONE ? NULL : sa;
}

void sad_number_expect(const struct sad *sad, uint32_t number)
{
    if (number < sad->fresh)
        sad_sa_expect(slot(sad, number));
}

uint32_t sad_next(const struct sad *sad, uint32_t after)
{
    for (uint32_t i = after + 1; i < sad->fresh; i++) /* SAD_NONE + 1 is 0 */
        if (sad_at(sad, i))
            return i;
    return SAD_NONE;
}

/* ---- what an SA has carried ---- */

const struct esp_traffic *sad_traffic(const struct sad *sad, const struct esp_sa *sa)
{
    static const struct esp_traffic nothing; /* with no bitmap: below `top` nothing can be asked */

    return sa->traffic ? pool_slot(&sad->traffic, sa->traffic - 1) : &nothing;
}

void sad_traffic_make(struct sad *sad, struct esp_sa *sa)
{
    struct handle h;
    void *made = pool_take(&sad->traffic, &h);

    ASSERT(made);
    sa->traffic = h.index + 1;
}

/* ---- outer addresses, keys ---- */

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

const uint8_t *sad_integ_key(const struct sad *sad, const struct esp_sa *sa, enum sad_direction d)
{
    const struct encr_suite *encr = sad_kind(sad, sa)->encr;

    return sad_encr_key(sad, sa, d) + encr->key_len + encr->salt_len;
}
