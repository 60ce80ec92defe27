/* Records of IKE SAs, child SAs and handshakes: taken, found and given back. */
#include "base/assert.h"
#include "base/digest.h"
#include "proto/core/internal.h"

#include <stddef.h>
#include <stdlib.h>

/* ---- IKE SAs ---- */

uint32_t ike_sa_index(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    return pool_index(&ep->store->ikes, sa);
}

struct ike_sa *ike_sa_take(struct ike_endpoint *ep, struct sa_ref *out)
{
    struct ike_sa *sa =
        ep->sas < ep->store->shares.ikes ? pool_take(&ep->store->ikes, &out->handle) : NULL;
    struct handle token;

    if (!sa) {
        *out = SA_NONE;
        return NULL;
    }
    ep->sas++;
    sibling_ike(ep, out->handle.index);
    /* The pools are taken from and given to together, so an SA and what is beside it have one
     * index.
     */
    if (ep->store->tokens.capacity && pool_take(&ep->store->tokens, &token))
        ASSERT(token.index == out->handle.index);
    sa->handshake = sa->first_child = sa->out_next = SA_INDEX_NONE;
    if (ep->store->window_slots)
        ep->store->window_slots[out->handle.index] = SA_INDEX_NONE;
    sa->suite = &ike_suite_none;
    sa->child = HANDLE_NONE;
    if (ep->store->mobikes)
        ep->store->mobikes[out->handle.index] = (struct mobike){0};
    return sa;
}

/* ---- by what an IKE SA is found in a store of one endpoint ---- */

/* One that is in a chain is taken: no need to look at its generation, which is far away. */
static struct ike_sa *chained(const struct ike_store *s, uint32_t index)
{
    return (struct ike_sa *)(void *)(s->ikes.slots + (size_t)index * s->ikes.slot_size);
}

static uint32_t spi_hash(const void *store, uint32_t index)
{
    return ((const struct ike_store *)store)->spi_links[index].hash;
}

static uint32_t *spi_link(const void *store, uint32_t index)
{
    return &((const struct ike_store *)store)->spi_links[index].next;
}

static uint32_t init_hash(const void *store, uint32_t index)
{
    return chains_mix(((const struct ike_store *)store)->init_digests[index]);
}

static uint32_t *init_link(const void *store, uint32_t index)
{
    return &((const struct ike_store *)store)->init_links[index];
}

static uint32_t identity_hash(const void *store, uint32_t index)
{
    return chains_mix(chained(store, index)->peer_identity);
}

static uint32_t *identity_link(const void *store, uint32_t index)
{
    return &chained(store, index)->identity_next;
}

static const struct chains_class by_spi = {spi_hash, spi_link};
static const struct chains_class by_init = {init_hash, init_link};
static const struct chains_class by_identity = {identity_hash, identity_link};

/* Links are not zeroed: one is written before it is read. Where nothing is put in, as in by_init of
 * an endpoint that only asks, all of it is address space. */
enum err sa_finders_init(struct ike_store *s)
{
    uint32_t ikes = s->ikes.capacity;

    s->spi_links = malloc(ikes * sizeof *s->spi_links);
    s->init_links = malloc(ikes * sizeof *s->init_links);
    if (!s->spi_links || !s->init_links || chains_init(&s->by_spi, &by_spi, ikes) ||
        chains_init(&s->by_init, &by_init, ikes) ||
        chains_init(&s->by_identity, &by_identity, ikes))
        return ERR_MEMORY;
    chains_expect(&s->by_spi, store_expected(s));
    chains_expect(&s->by_init, store_expected(s));
    chains_expect(&s->by_identity, store_expected(s));
    return OK;
}

void sa_finders_reset(struct ike_store *s)
{
    chains_reset(&s->by_identity);
    chains_reset(&s->by_init);
    chains_reset(&s->by_spi);
    free(s->init_links);
    free(s->spi_links);
    s->init_links = NULL;
    s->spi_links = NULL;
}

/* Those that records needed: others have been zeroed only. */
static uint64_t heads_used(const struct chains *c)
{
    return c->count < c->used ? c->count : c->used;
}

uint64_t sa_finders_memory(const struct ike_store *s)
{
    enum {
        HEAD = sizeof *s->by_spi.heads,
        LINK = sizeof *s->spi_links,
        INIT_LINK = sizeof *s->init_links + sizeof *s->init_digests
    };
    uint64_t bytes = 0;

    if (s->by_spi.count)
        bytes += heads_used(&s->by_spi) * HEAD + (uint64_t)s->by_spi.count * LINK;
    if (s->by_init.count)
        bytes += heads_used(&s->by_init) * HEAD + (uint64_t)s->by_init.count * INIT_LINK;
    if (s->by_identity.count)
        bytes += heads_used(&s->by_identity) * HEAD;
    return bytes;
}

/* It may never have been registered. */
static void forget_spi(struct ike_endpoint *ep, const struct ike_sa *sa)
{
    struct ike_store *s = ep->store;
    uint32_t self = ike_sa_index(ep, sa);

    if (store_shared(s))
        return;
    (void)chains_drop(&s->by_spi, s, chains_mix(ike_sa_our_spi(sa)), self);
    if (sa->called)
        chains_remove(&s->by_init, s, chains_mix(s->init_digests[self]), self);
}

/* Of a shared store: the IKE SA whose next older one of its identity is this; NULL: it is the
 * newest.
 */
static struct ike_sa *newer_than(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    uint32_t link = ike_sa_index(ep, sa) + 1;

    for (uint32_t at = ep->first; at != SA_INDEX_NONE; at = ep->store->siblings.next[at]) {
        struct ike_sa *other = pool_slot(&ep->store->ikes, at);

        if (other->identity_next == link)
            return other;
    }
    return NULL;
}

static void forget_identity(struct ike_endpoint *ep, struct ike_sa *sa)
{
    struct ike_store *s = ep->store;
    struct ike_sa *newer;

    if (!sa->peer_identity)
        return;
    if (!store_shared(s))
        chains_remove(&s->by_identity, s, chains_mix(sa->peer_identity), ike_sa_index(ep, sa));
    else if ((newer = newer_than(ep, sa)) != NULL)
        newer->identity_next = sa->identity_next;
    sa->identity_next = 0;
    sa->peer_identity = 0;
}

/* Of a shared store: the link to the newest of this identity. */
static uint32_t newest_of(const struct ike_endpoint *ep, uint64_t identity)
{
    for (uint32_t at = ep->first; at != SA_INDEX_NONE; at = ep->store->siblings.next[at]) {
        const struct ike_sa *sa = pool_slot(&ep->store->ikes, at);

        if (sa->peer_identity == identity && !newer_than(ep, sa))
            return at + 1;
    }
    return 0;
}

void ike_sa_identify(struct ike_endpoint *ep, struct ike_sa *sa, uint64_t identity)
{
    struct ike_store *s = ep->store;

    ASSERT(identity);
    forget_identity(ep, sa);
    if (store_shared(s))
        sa->identity_next = newest_of(ep, identity);
    sa->peer_identity = identity;
    if (!store_shared(s))
        chains_insert(&s->by_identity, s, chains_mix(identity), CHAINS_END, ike_sa_index(ep, sa));
    if (sa->identity_next) /* INITIAL_CONTACT is to ask for it soon */
        __builtin_prefetch(&chained(s, sa->identity_next - 1)->peer_identity);
}

struct ike_sa *ike_sa_older(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    uint64_t identity = sa->peer_identity;

    while (sa->identity_next) {
        struct ike_sa *next = chained(ep->store, sa->identity_next - 1);

        if (next->peer_identity == identity)
            return next;
        sa = next;
    }
    return NULL;
}

void ike_sa_give(struct ike_endpoint *ep, struct ike_sa *sa)
{
    ASSERT(sa->first_child == SA_INDEX_NONE && sa->child_count == 0 && !sa->renewing);
    outbox_remove(ep, sa);
    window_give(ep, sa);
    joining_forget(ep, sa);
    ike_timers_cancel(ep, sa);
    handshake_give(ep, sa);
    message_drop(&ep->store->messages, &sa->request);
    message_drop(&ep->store->messages, &sa->response);
    forget_spi(ep, sa);
    forget_identity(ep, sa);
    if (ep->store->tokens.capacity)
        pool_give(&ep->store->tokens, pool_handle(&ep->store->tokens, ike_sa_index(ep, sa)));
    endpoint_pair_clear(&ep->store->asides, &sa->path);
    sibling_ike_gone(ep, ike_sa_index(ep, sa));
    pool_give(&ep->store->ikes, pool_handle(&ep->store->ikes, ike_sa_index(ep, sa)));
    ep->sas--;
}

struct ike_sa *ike_sa_at(const struct ike_endpoint *ep, struct handle h)
{
    return handle_none(h) ? NULL : pool_at(&ep->store->ikes, h);
}

struct sa_ref ike_sa_ref(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    return (struct sa_ref){pool_handle(&ep->store->ikes, ike_sa_index(ep, sa))};
}

uint64_t ike_spi_new(struct ike_endpoint *ep)
{
    struct rng r = ike_stream(ep, STREAM_SPI);
    uint64_t spi;

    do
        spi = rng_u64(&r);
    while (spi == 0 || ike_sa_by_spi(ep, spi));
    ike_drew(ep, STREAM_SPI, &r);
    return spi;
}

void ike_spi_expect(const struct ike_endpoint *ep, uint64_t spi, bool soon)
{
    const struct ike_store *s = ep->store;
    uint32_t hash = chains_mix(spi), i;

    if (!soon)
        chains_fetch_head(&s->by_spi, hash);
    else if ((i = chains_first(&s->by_spi, hash)) != CHAINS_END)
        __builtin_prefetch(&s->spi_links[i]);
}

static void put_spi(struct ike_store *s, const struct ike_sa *sa, uint32_t index)
{
    uint32_t hash = chains_mix(ike_sa_our_spi(sa));

    s->spi_links[index].hash = hash;
    chains_insert(&s->by_spi, s, hash, CHAINS_END, index);
}

static void put_init(struct ike_store *s, struct ike_sa *sa, uint32_t index, uint64_t digest)
{
    sa->called = true;
    s->init_digests[index] = digest;
    if (!store_shared(s))
        chains_insert(&s->by_init, s, chains_mix(digest), CHAINS_END, index);
}

void ike_sa_register(struct ike_endpoint *ep, struct ike_sa *sa, uint64_t init_digest)
{
    uint32_t index = ike_sa_index(ep, sa);

    if (init_digest)
        put_init(ep->store, sa, index, init_digest);
    if (!store_shared(ep->store))
        put_spi(ep->store, sa, index);
}

uint64_t ike_init_digest(const struct ike_endpoint *ep, const struct ike_dgram *dgram,
                         struct bytes message)
{
    uint64_t seed =
        digest_of(dgram->remote.addr.bytes, 16, ep->store->digest_key[1] + dgram->remote.port);

    return digest_of(message.data, message.len, seed) | 1;
}

uint64_t ike_sa_init_digest(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    return sa->called ? ep->store->init_digests[ike_sa_index(ep, sa)] : 0;
}

/* One of its own, which are few. */
static struct ike_sa *
own(const struct ike_endpoint *ep,
    bool (*is_it)(const struct ike_endpoint *, const struct ike_sa *, uint64_t), uint64_t key)
{
    for (uint32_t i = ep->first; i != SA_INDEX_NONE; i = ep->store->siblings.next[i]) {
        struct ike_sa *sa = pool_slot(&ep->store->ikes, i);

        if (is_it(ep, sa, key))
            return sa;
    }
    return NULL;
}

static bool has_spi(const struct ike_endpoint *ep, const struct ike_sa *sa, uint64_t spi)
{
    (void)ep;
    return ike_sa_our_spi(sa) == spi;
}

static struct ike_sa *find_spi(const struct ike_store *s, uint64_t spi)
{
    uint32_t hash = chains_mix(spi), i = chains_first(&s->by_spi, hash);

    for (; i != CHAINS_END; i = s->spi_links[i].next - 1)
        if (s->spi_links[i].hash == hash && ike_sa_our_spi(chained(s, i)) == spi)
            return chained(s, i);
    return NULL;
}

struct ike_sa *ike_sa_by_spi(const struct ike_endpoint *ep, uint64_t our_spi)
{
    return store_shared(ep->store) ? own(ep, has_spi, our_spi) : find_spi(ep->store, our_spi);
}

static bool began_by(const struct ike_endpoint *ep, const struct ike_sa *sa, uint64_t digest)
{
    return ike_sa_init_digest(ep, sa) == digest;
}

static struct ike_sa *find_init(const struct ike_store *s, uint64_t digest)
{
    uint32_t hash = chains_mix(digest), i = chains_first(&s->by_init, hash);

    for (; i != CHAINS_END; i = s->init_links[i] - 1)
        if (s->init_digests[i] == digest)
            return chained(s, i);
    return NULL;
}

struct ike_sa *ike_sa_by_init(const struct ike_endpoint *ep, uint64_t digest)
{
    return store_shared(ep->store) ? own(ep, began_by, digest) : find_init(ep->store, digest);
}

void ike_sa_init_moved(struct ike_endpoint *ep, struct ike_sa *from, struct ike_sa *to)
{
    struct ike_store *s = ep->store;
    uint32_t old = ike_sa_index(ep, from);
    uint64_t digest = s->init_digests[old];

    ASSERT(from->called && !to->called);
    if (!store_shared(s))
        chains_remove(&s->by_init, s, chains_mix(digest), old);
    from->called = false;
    put_init(s, to, ike_sa_index(ep, to), digest);
}

static bool asked_for(const struct ike_endpoint *ep, const struct ike_sa *sa, uint64_t request)
{
    const struct handshake *hs = handshake_of(ep, sa);

    const struct held_auth *held = hs ? handshake_held(ep, hs) : NULL;

    return held && held->request == request;
}

struct ike_sa *ike_sa_by_request(const struct ike_endpoint *ep, uint32_t request)
{
    uint32_t index;

    if (request == 0)
        return NULL;
    if (store_shared(ep->store))
        return own(ep, asked_for, request);
    return table_get(&ep->store->by_request, request, &index) ? pool_slot(&ep->store->ikes, index)
                                                              : NULL;
}

enum err ike_sa_asks(struct ike_endpoint *ep, const struct ike_sa *sa, uint32_t request)
{
    return store_shared(ep->store)
               ? OK
               : table_put(&ep->store->by_request, request, ike_sa_index(ep, sa));
}

void ike_sa_asked(struct ike_endpoint *ep, uint32_t request)
{
    if (!store_shared(ep->store))
        (void)table_remove(&ep->store->by_request, request);
}

/* ---- child SAs ---- */

uint32_t child_sa_index(const struct ike_endpoint *ep, const struct child_sa *c)
{
    return pool_index(&ep->store->children, c);
}

static void child_link(struct ike_endpoint *ep, struct ike_sa *ike, struct child_sa *c)
{
    c->ike = ike_sa_index(ep, ike);
    c->next = ike->first_child;
    ike->first_child = child_sa_index(ep, c);
    ike->child_count++;
}

struct child_sa *child_sa_take(struct ike_endpoint *ep, struct ike_sa *ike, struct handle *out)
{
    struct ike_counters *count = &ep->store->counters;
    struct child_sa *c = NULL;

    *out = HANDLE_NONE;
    if (ike->child_count < UINT16_MAX && ep->children < ep->store->shares.children)
        c = pool_take(&ep->store->children, out);
    if (!c)
        return NULL;
    c->successor = HANDLE_NONE;
    c->soft = c->hard = NSEC_NEVER;
    sibling_child(ep, out->index);
    child_link(ep, ike, c);
    ep->children++;
    count->child_sas = ep->store->children.taken;
    if (count->child_sas > count->child_sas_peak)
        count->child_sas_peak = count->child_sas;
    return c;
}

static void child_unlink(struct ike_endpoint *ep, struct child_sa *c)
{
    struct ike_sa *ike = child_sa_ike(ep, c);
    uint32_t *at = &ike->first_child, self = child_sa_index(ep, c);

    while (*at != self)
        at = &child_sa_by_index(ep, *at)->next;
    *at = c->next;
    ike->child_count--;
}

void child_sa_give(struct ike_endpoint *ep, struct child_sa *c)
{
    child_unlink(ep, c);
    child_timers_arm(ep, c, NSEC_NEVER, NSEC_NEVER);
    sibling_child_gone(ep, child_sa_index(ep, c));
    pool_give(&ep->store->children, child_sa_handle(ep, c));
    ep->children--;
    ep->store->counters.child_sas = ep->store->children.taken;
}

struct child_sa *child_sa_at(const struct ike_endpoint *ep, struct handle h)
{
    return handle_none(h) ? NULL : pool_at(&ep->store->children, h);
}

struct child_sa *child_sa_by_index(const struct ike_endpoint *ep, uint32_t index)
{
    return index == SA_INDEX_NONE ? NULL : pool_slot(&ep->store->children, index);
}

struct handle child_sa_handle(const struct ike_endpoint *ep, const struct child_sa *c)
{
    return pool_handle(&ep->store->children, child_sa_index(ep, c));
}

struct ike_sa *child_sa_ike(const struct ike_endpoint *ep, const struct child_sa *c)
{
    return pool_slot(&ep->store->ikes, c->ike);
}

void child_sas_move(struct ike_endpoint *ep, struct ike_sa *from, struct ike_sa *to)
{
    struct child_sa *c, *last = NULL;

    for (c = child_sa_by_index(ep, from->first_child); c; c = child_sa_by_index(ep, c->next)) {
        c->ike = ike_sa_index(ep, to);
        last = c;
    }
    if (!last)
        return;
    last->next = to->first_child;
    to->first_child = from->first_child;
    to->child_count += from->child_count;
    from->first_child = SA_INDEX_NONE;
    from->child_count = 0;
}

void child_sa_move(struct ike_endpoint *ep, struct child_sa *c, struct ike_sa *to)
{
    child_unlink(ep, c);
    child_link(ep, to, c);
}

/* ---- handshakes ---- */

struct handshake *handshake_of(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    return handshake_at(ep, sa->handshake);
}

struct handshake *handshake_at(const struct ike_endpoint *ep, uint32_t slot)
{
    return slot == SA_INDEX_NONE ? NULL : pool_slot(&ep->store->handshakes, slot);
}

struct handshake *handshake_take(struct ike_endpoint *ep, struct ike_sa *sa, bool initial)
{
    struct handshake *hs = handshake_of(ep, sa);
    struct handle h;

    ASSERT(!hs || hs->initial == initial);
    if (hs)
        return hs;
    hs = pool_take(&ep->store->handshakes, &h);
    if (!hs)
        return NULL;
    hs->initial = initial;
    hs->ke = hs->held = SA_INDEX_NONE;
    hs->child = HANDLE_NONE;
    if (!initial)
        hs->rival = HANDLE_NONE;
    sa->handshake = h.index;
    return hs;
}

struct held_auth *handshake_held(const struct ike_endpoint *ep, const struct handshake *hs)
{
    return hs->held == SA_INDEX_NONE ? NULL : pool_slot(&ep->store->held, hs->held);
}

struct held_auth *handshake_hold(struct ike_endpoint *ep, struct handshake *hs)
{
    struct handle h;
    struct held_auth *held = pool_take(&ep->store->held, &h);

    ASSERT(held && hs->held == SA_INDEX_NONE); /* as many as handshakes */
    hs->held = h.index;
    return held;
}

void handshake_unhold(struct ike_endpoint *ep, struct handshake *hs)
{
    struct held_auth *held = handshake_held(ep, hs);

    if (!held)
        return;
    message_drop(&ep->store->messages, &held->message);
    ike_sa_asked(ep, held->request);
    pool_give(&ep->store->held, pool_handle(&ep->store->held, hs->held));
    hs->held = SA_INDEX_NONE;
}

struct handshake_nonces handshake_nonces(const struct ike_endpoint *ep, const struct handshake *hs)
{
    struct bytes first = message_at(&ep->store->messages, hs->first);

    return (struct handshake_nonces){bytes_of(hs->nonce, NONCE_LEN),
                                     bytes_of(first.data + hs->nonce_at, hs->nonce_len)};
}

void handshake_ke_give(struct ike_endpoint *ep, struct handshake *hs)
{
    if (hs->ke != SA_INDEX_NONE)
        pool_give(&ep->store->ke_pairs, pool_handle(&ep->store->ke_pairs, hs->ke));
    hs->ke = SA_INDEX_NONE;
}

void handshake_free(struct ike_endpoint *ep, uint32_t slot)
{
    struct handshake *hs = handshake_at(ep, slot);

    if (!hs)
        return;
    handshake_ke_give(ep, hs);
    message_drop(&ep->store->messages, &hs->first);
    if (hs->initial) {
        message_drop(&ep->store->messages, &hs->peer_id);
        message_drop(&ep->store->messages, &hs->cookie);
        handshake_unhold(ep, hs);
    } else {
        message_drop(&ep->store->messages, &hs->rival_nonce);
    }
    pool_give(&ep->store->handshakes, pool_handle(&ep->store->handshakes, slot));
}

void handshake_give(struct ike_endpoint *ep, struct ike_sa *sa)
{
    handshake_free(ep, sa->handshake);
    sa->handshake = SA_INDEX_NONE;
}

struct ke_pair *handshake_ke_pair(const struct ike_endpoint *ep, const struct handshake *hs)
{
    return hs->ke == SA_INDEX_NONE ? NULL : pool_slot(&ep->store->ke_pairs, hs->ke);
}

enum err handshake_ke(struct ike_endpoint *ep, struct handshake *hs, const struct ke_suite *suite)
{
    struct ke_pair *slot, pair;
    struct handle h;
    enum err e;

    handshake_ke_give(ep, hs);
    slot = pool_take(&ep->store->ke_pairs, &h);
    if (!slot)
        return ERR_FULL;
    hs->ke = h.index;
    /* Slots end behind the longest public value in use; the provider writes a whole record. */
    memset(&pair, 0, sizeof pair);
    e = ep->store->env.crypto->class->ke_generate(ep->store->env.crypto, suite,
                                                  ike_draw_stream(ep, STREAM_KEY_EXCHANGE), &pair);
    if (e == OK)
        memcpy(slot, &pair, offsetof(struct ke_pair, public) + suite->public_len);
    wipe(&pair, sizeof pair);
    return e;
}
