/*
 * Pools and look-up of IKE SAs, child SAs and handshakes. Pools hold more than the limits say:
 * while an SA is succeeded by another both exist, and one that is over still repeats its last
 * response for a while.
 */
#include "base/assert.h"
#include "proto/core/internal.h"

#include <stddef.h>
#include <stdlib.h>

enum { SPARE = 4 };

/* The longest public value among the key exchanges we may be asked for. */
static size_t longest_public(const struct ike_config *c)
{
    size_t longest = 0;

    for (uint8_t p = 0; p < c->proposal_count + c->child.proposal_count; p++) {
        const struct proposal_config *proposal =
            p < c->proposal_count ? &c->proposals[p] : &c->child.proposals[p - c->proposal_count];

        for (uint8_t i = 0; i < proposal->ke_count; i++)
            if (proposal->ke[i]->public_len > longest)
                longest = proposal->ke[i]->public_len;
    }
    return longest;
}

static size_t keys_of(const struct proposal_config *p)
{
    size_t encr = 0, integ = 0, prf = 0;

    for (uint8_t i = 0; i < p->encr_count; i++) {
        size_t len = (size_t)p->encr[i]->key_len + p->encr[i]->salt_len;

        encr = len > encr ? len : encr;
    }
    for (uint8_t i = 0; i < p->integ_count; i++)
        integ = p->integ[i]->key_len > integ ? p->integ[i]->key_len : integ;
    for (uint8_t i = 0; i < p->prf_count; i++)
        prf = p->prf[i]->key_len > prf ? p->prf[i]->key_len : prf;
    return 2 * encr + 2 * integ + 3 * prf;
}

/* A key slot holds the keys of the largest suite we may agree on, not of the largest there is. */
static size_t longest_keys(const struct ike_config *c)
{
    size_t longest = 0;

    for (uint8_t i = 0; i < c->proposal_count; i++) {
        size_t len = keys_of(&c->proposals[i]);

        longest = len > longest ? len : longest;
    }
    return longest;
}

/* A little more than our IKE_AUTH message: certificates, a signature, and the rest. */
static size_t longest_auth(const struct ike_config *c)
{
    const struct ike_credential *own = &c->auth.credential;
    size_t len = own->cert_count ? SIGN_MAX + 512 : 0;

    for (size_t i = 0; i < own->cert_count; i++)
        len += own->certs[i].len + 5;
    return len;
}

/* Each half-open IKE SA can have one message in the making; of the others few have at once. */
static uint32_t joinings_of(const struct ike_config *c, const struct ike_limits *limits)
{
    return c->fragmentation == FRAGMENTATION_NO ? 0
                                                : limits->half_open + limits->ike_sas / 16 + SPARE;
}

/* Fragments have headers, an IV, an ICV and padding of their own: less than this for each. */
static size_t fragmented(const struct ike_config *c, size_t len)
{
    enum { OVERHEAD = 128 };
    size_t size = c->fragment_size ? c->fragment_size : FRAGMENT_SIZE;

    if (c->fragmentation != FRAGMENTATION_YES || size <= 2 * OVERHEAD)
        return len;
    return len + (len / (size - 2 * OVERHEAD) + 1) * OVERHEAD;
}

static enum err mobike_init(struct ike_endpoint *ep, uint32_t ikes)
{
    if (!ep->store->config->mobike.on)
        return OK;
    ep->store->mobikes = calloc(ikes, sizeof *ep->store->mobikes);
    return ep->store->mobikes ? OK : ERR_MEMORY;
}

enum err sa_table_init(struct ike_endpoint *ep, const struct ike_limits *limits)
{
    uint32_t ikes = 2 * limits->ike_sas + SPARE;
    uint32_t children = limits->child_sas + limits->child_sas / 2 + SPARE;
    uint32_t window = window_size(ep->store->config);
    uint32_t handshakes = limits->half_open + limits->ike_sas * window + SPARE;
    uint32_t joinings = joinings_of(ep->store->config, limits);
    size_t auth_len = longest_auth(ep->store->config);
    struct message_needs needs = {.sas = ikes * window,
                                  .handshakes = handshakes,
                                  .auth_len =
                                      auth_len ? fragmented(ep->store->config, auth_len) : 0,
                                  .holds_auth = ep->store->config->auth.look_up};

    ep->store->ike_max = limits->ike_sas;
    ep->store->half_open_max = limits->half_open;
    ep->out_head = ep->out_tail = SA_INDEX_NONE;
    if (pool_init(&ep->store->ikes, sizeof(struct ike_sa), ikes) ||
        pool_init(&ep->store->keys, longest_keys(ep->store->config), ikes) ||
        (ep->store->config->quick_crash_detection &&
         pool_init(&ep->store->tokens, sizeof(struct peer_token), ikes)) ||
        pool_init(&ep->store->children, sizeof(struct child_sa), children) ||
        pool_init(&ep->store->handshakes, sizeof(struct handshake), handshakes) ||
        pool_init(&ep->store->ke_pairs,
                  offsetof(struct ke_pair, public) + longest_public(ep->store->config),
                  handshakes) ||
        window_init(ep, ikes) || table_init(&ep->store->by_spi, ikes) ||
        table_init(&ep->store->by_init, ikes) || table_init(&ep->store->by_identity, ikes) ||
        table_init(&ep->store->by_request, 1) ||
        (ep->store->config->flood.half_open_per_source &&
         table_init(&ep->store->by_source, limits->half_open)) ||
        table_init(&ep->store->renewals, 2) || mobike_init(ep, ikes) ||
        timerq_init(&ep->store->timers, ikes + children + 1) ||
        joining_init(ep, joinings, joinings * (2 + (uint32_t)(auth_len / 1024))) ||
        message_store_init(&ep->store->messages, &needs) ||
        event_queue_init(&ep->store->events, ikes + children + 16, ep->store->env.export_keys) ||
        (ep->store->env.export_timers &&
         timer_log_init(&ep->store->timer_log, ikes * IKE_TIMER_COUNT + children * 2 + 16)))
        return ERR_MEMORY;
    return OK;
}

void sa_table_reset(struct ike_endpoint *ep)
{
    timer_log_reset(&ep->store->timer_log);
    event_queue_reset(&ep->store->events);
    message_store_reset(&ep->store->messages);
    timerq_reset(&ep->store->timers);
    joining_reset(ep);
    table_reset(&ep->store->renewals);
    table_reset(&ep->store->by_source);
    table_reset(&ep->store->by_request);
    table_reset(&ep->store->by_identity);
    table_reset(&ep->store->by_init);
    table_reset(&ep->store->by_spi);
    window_reset(ep);
    free(ep->store->mobikes);
    pool_reset(&ep->store->ke_pairs);
    pool_reset(&ep->store->handshakes);
    pool_reset(&ep->store->children);
    pool_reset(&ep->store->tokens);
    pool_reset(&ep->store->keys);
    pool_reset(&ep->store->ikes);
}

/* ---- IKE SAs ---- */

uint32_t ike_sa_index(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    return (uint32_t)((size_t)((const uint8_t *)sa - ep->store->ikes.slots) /
                      ep->store->ikes.slot_size);
}

struct ike_sa *ike_sa_take(struct ike_endpoint *ep, struct sa_ref *out)
{
    struct ike_sa *sa = pool_take(&ep->store->ikes, &out->handle);
    struct handle keys, token;

    if (!sa)
        return NULL;
    /* The pools are taken from and given to together, so an SA and what is beside it have one
     * index.
     */
    (void)pool_take(&ep->store->keys, &keys);
    ASSERT(keys.index == out->handle.index);
    if (ep->store->tokens.capacity && pool_take(&ep->store->tokens, &token))
        ASSERT(token.index == out->handle.index);
    sa->handshake = sa->first_child = sa->out_next = sa->identity_next = SA_INDEX_NONE;
    sa->window = SA_INDEX_NONE;
    sa->child = HANDLE_NONE;
    if (ep->store->mobikes)
        ep->store->mobikes[out->handle.index] = (struct mobike){0};
    for (int i = 0; i < IKE_TIMER_COUNT; i++)
        sa->timers[i] = NSEC_NEVER;
    return sa;
}

static void forget_spi(struct ike_endpoint *ep, const struct ike_sa *sa)
{
    uint32_t index, self = ike_sa_index(ep, sa);

    if (table_get(&ep->store->by_spi, ike_sa_our_spi(sa), &index) && index == self)
        table_remove(&ep->store->by_spi, ike_sa_our_spi(sa));
    if (sa->init_digest && table_get(&ep->store->by_init, sa->init_digest, &index) && index == self)
        table_remove(&ep->store->by_init, sa->init_digest);
}

static void forget_identity(struct ike_endpoint *ep, struct ike_sa *sa)
{
    uint32_t self = ike_sa_index(ep, sa), at;
    struct ike_sa *before;

    if (!sa->peer_identity || !table_get(&ep->store->by_identity, sa->peer_identity, &at))
        return;
    if (at == self && sa->identity_next == SA_INDEX_NONE) {
        table_remove(&ep->store->by_identity, sa->peer_identity);
    } else if (at == self) {
        if (table_put(&ep->store->by_identity, sa->peer_identity, sa->identity_next))
            ASSERT(!"replacing a value takes no memory");
    } else {
        for (before = pool_slot(&ep->store->ikes, at); before->identity_next != self;)
            before = pool_slot(&ep->store->ikes, before->identity_next);
        before->identity_next = sa->identity_next;
    }
    sa->identity_next = SA_INDEX_NONE;
    sa->peer_identity = 0;
}

enum err ike_sa_identify(struct ike_endpoint *ep, struct ike_sa *sa, uint64_t identity)
{
    uint32_t older = SA_INDEX_NONE;

    forget_identity(ep, sa);
    (void)table_get(&ep->store->by_identity, identity, &older);
    if (table_put(&ep->store->by_identity, identity, ike_sa_index(ep, sa)))
        return ERR_MEMORY;
    sa->peer_identity = identity;
    sa->identity_next = older;
    return OK;
}

struct ike_sa *ike_sa_older(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    return sa->identity_next == SA_INDEX_NONE ? NULL
                                              : pool_slot(&ep->store->ikes, sa->identity_next);
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
    pool_give(&ep->store->keys, pool_handle(&ep->store->keys, ike_sa_index(ep, sa)));
    pool_give(&ep->store->ikes, pool_handle(&ep->store->ikes, ike_sa_index(ep, sa)));
}

struct ike_sa *ike_sa_at(const struct ike_endpoint *ep, struct handle h)
{
    return handle_none(h) ? NULL : pool_at(&ep->store->ikes, h);
}

struct sa_ref ike_sa_ref(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    return (struct sa_ref){pool_handle(&ep->store->ikes, ike_sa_index(ep, sa))};
}

struct ike_keys *ike_sa_keys(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    return pool_slot(&ep->store->keys, ike_sa_index(ep, sa));
}

uint64_t ike_spi_new(struct ike_endpoint *ep)
{
    uint32_t taken;
    uint64_t spi;

    do
        spi = rng_u64(&ep->spi);
    while (spi == 0 || table_get(&ep->store->by_spi, spi, &taken));
    return spi;
}

enum err ike_sa_register(struct ike_endpoint *ep, struct ike_sa *sa)
{
    uint32_t index = ike_sa_index(ep, sa);

    if (sa->init_digest && table_put(&ep->store->by_init, sa->init_digest, index))
        return ERR_MEMORY;
    return table_put(&ep->store->by_spi, ike_sa_our_spi(sa), index);
}

struct ike_sa *ike_sa_by_spi(const struct ike_endpoint *ep, uint64_t our_spi)
{
    uint32_t index;

    return table_get(&ep->store->by_spi, our_spi, &index) ? pool_slot(&ep->store->ikes, index)
                                                          : NULL;
}

/* ---- child SAs ---- */

static uint32_t child_index(const struct ike_endpoint *ep, const struct child_sa *c)
{
    return (uint32_t)((size_t)((const uint8_t *)c - ep->store->children.slots) /
                      ep->store->children.slot_size);
}

static void child_link(struct ike_endpoint *ep, struct ike_sa *ike, struct child_sa *c)
{
    c->ike = ike_sa_index(ep, ike);
    c->next = ike->first_child;
    ike->first_child = child_index(ep, c);
    ike->child_count++;
}

struct child_sa *child_sa_take(struct ike_endpoint *ep, struct ike_sa *ike, struct handle *out)
{
    struct child_sa *c =
        ike->child_count == UINT16_MAX ? NULL : pool_take(&ep->store->children, out);

    if (!c)
        return NULL;
    c->sad = c->successor = HANDLE_NONE;
    c->soft = c->hard = NSEC_NEVER;
    child_link(ep, ike, c);
    ep->store->counters.child_sas = ep->store->children.taken;
    if (ep->store->counters.child_sas > ep->store->counters.child_sas_peak)
        ep->store->counters.child_sas_peak = ep->store->counters.child_sas;
    return c;
}

static void child_unlink(struct ike_endpoint *ep, struct child_sa *c)
{
    struct ike_sa *ike = child_sa_ike(ep, c);
    uint32_t *at = &ike->first_child, self = child_index(ep, c);

    while (*at != self)
        at = &child_sa_by_index(ep, *at)->next;
    *at = c->next;
    ike->child_count--;
}

void child_sa_give(struct ike_endpoint *ep, struct child_sa *c)
{
    child_unlink(ep, c);
    child_timers_arm(ep, c, NSEC_NEVER, NSEC_NEVER);
    pool_give(&ep->store->children, child_sa_handle(ep, c));
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
    return pool_handle(&ep->store->children, child_index(ep, c));
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

struct handshake *handshake_take(struct ike_endpoint *ep, struct ike_sa *sa)
{
    struct handshake *hs = handshake_of(ep, sa);
    struct handle h;

    if (hs)
        return hs;
    hs = pool_take(&ep->store->handshakes, &h);
    if (!hs)
        return NULL;
    hs->ke = hs->child = hs->rival = HANDLE_NONE;
    sa->handshake = h.index;
    return hs;
}

struct handshake_nonces handshake_nonces(const struct ike_endpoint *ep, const struct handshake *hs)
{
    struct bytes first = message_at(&ep->store->messages, hs->first);

    return (struct handshake_nonces){bytes_of(hs->nonce, NONCE_LEN),
                                     bytes_of(first.data + hs->nonce_at, hs->nonce_len)};
}

void handshake_ke_give(struct ike_endpoint *ep, struct handshake *hs)
{
    if (!handle_none(hs->ke))
        pool_give(&ep->store->ke_pairs, hs->ke);
    hs->ke = HANDLE_NONE;
}

void handshake_free(struct ike_endpoint *ep, uint32_t slot)
{
    struct handshake *hs = handshake_at(ep, slot);

    if (!hs)
        return;
    handshake_ke_give(ep, hs);
    message_drop(&ep->store->messages, &hs->first);
    message_drop(&ep->store->messages, &hs->peer_id);
    message_drop(&ep->store->messages, &hs->cookie);
    message_drop(&ep->store->messages, &hs->rival_nonce);
    message_drop(&ep->store->messages, &hs->held.message);
    if (hs->held.request)
        table_remove(&ep->store->by_request, hs->held.request);
    pool_give(&ep->store->handshakes, pool_handle(&ep->store->handshakes, slot));
}

void handshake_give(struct ike_endpoint *ep, struct ike_sa *sa)
{
    handshake_free(ep, sa->handshake);
    sa->handshake = SA_INDEX_NONE;
}

struct rng ke_random(struct ike_endpoint *ep)
{
    return rng_fork(&ep->key_exchange, ep->key_exchanges++);
}

struct ke_pair *handshake_ke_pair(const struct ike_endpoint *ep, const struct handshake *hs)
{
    return handle_none(hs->ke) ? NULL : pool_at(&ep->store->ke_pairs, hs->ke);
}

enum err handshake_ke(struct ike_endpoint *ep, struct handshake *hs, const struct ke_suite *suite)
{
    struct ke_pair *slot, pair;
    enum err e;

    handshake_ke_give(ep, hs);
    slot = pool_take(&ep->store->ke_pairs, &hs->ke);
    if (!slot)
        return ERR_FULL;
    /* Slots end behind the longest public value in use; the provider writes a whole record. */
    memset(&pair, 0, sizeof pair);
    e = ep->store->env.crypto->class->ke_generate(ep->store->env.crypto, suite, ke_random(ep),
                                                  &pair);
    if (e == OK)
        memcpy(slot, &pair, offsetof(struct ke_pair, public) + suite->public_len);
    wipe(&pair, sizeof pair);
    return e;
}
