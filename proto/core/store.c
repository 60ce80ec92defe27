/*
 * How large a store is. Pools hold more than the limits say: while an SA is succeeded by another
 * both exist, and one that is over still repeats its last response for a while. What was never used
 * is address space, not memory.
 */
#include "proto/core/store.h"

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

/* Bytes of the keys that an IKE SA has for its life, and of those that AUTH needs. */
struct key_room {
    size_t kept, proof;
};

static struct key_room keys_of(const struct proposal_config *p)
{
    size_t prf = 0;

    for (uint8_t i = 0; i < p->prf_count; i++)
        prf = p->prf[i]->key_len > prf ? p->prf[i]->key_len : prf;
    return (struct key_room){2 * (size_t)proposal_key_bytes(p) + prf, 2 * prf};
}

/* A slot has room for the keys of the largest suite we may agree on, not of the largest there is.
 */
static struct key_room key_room_of(const struct ike_config *c)
{
    struct key_room longest = {0, 0};

    for (uint8_t i = 0; i < c->proposal_count; i++) {
        struct key_room room = keys_of(&c->proposals[i]);

        longest.kept = room.kept > longest.kept ? room.kept : longest.kept;
        longest.proof = room.proof > longest.proof ? room.proof : longest.proof;
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

enum { TABLE_START = 16 }; /* tables grow with what is in them */

static struct store_shares shares_of(const struct ike_limits *limits)
{
    return (struct store_shares){.ikes = 2 * limits->ike_sas + SPARE,
                                 .children = limits->child_sas + limits->child_sas / 2 + SPARE,
                                 .ike_sas = limits->ike_sas,
                                 .half_open = limits->half_open};
}

static enum err records_init(struct ike_store *s, uint32_t handshakes)
{
    const struct ike_config *c = s->config;
    uint32_t ikes = s->shares.ikes * s->endpoint_max;
    struct key_room keys = key_room_of(c);

    if (pool_init(&s->ikes, sizeof(struct ike_sa) + keys.kept, ikes) || suites_init(s) ||
        endpoint_asides_init(&s->asides, ikes) ||
        pool_init(&s->clocks, sizeof(struct ike_timers), ikes) ||
        (c->auth.look_up && pool_init(&s->held, sizeof(struct held_auth), handshakes)) ||
        (c->quick_crash_detection && pool_init(&s->tokens, sizeof(struct peer_token), ikes)) ||
        pool_init(&s->children, sizeof(struct child_sa), s->shares.children * s->endpoint_max) ||
        pool_init(&s->handshakes, offsetof(struct handshake, sk_p) + keys.proof, handshakes) ||
        pool_init(&s->ke_pairs, offsetof(struct ke_pair, public) + longest_public(c), handshakes) ||
        window_init(s, ikes))
        return ERR_MEMORY;
    s->init_digests = malloc(ikes * sizeof *s->init_digests);
    if (!s->init_digests)
        return ERR_MEMORY;
    if (c->mobike.on)
        s->mobikes = calloc(ikes, sizeof *s->mobikes);
    return c->mobike.on && !s->mobikes ? ERR_MEMORY : OK;
}

/* By table and heap, or by walking what is one's own. */
static enum err finders_init(struct ike_store *s)
{
    const struct ike_config *c = s->config;

    if (table_init(&s->renewals, 2) ||
        (c->flood.half_open_per_source && table_init(&s->by_source, TABLE_START)))
        return ERR_MEMORY;
    if (store_shared(s))
        return siblings_init(&s->siblings, s->ikes.capacity, s->children.capacity);
    if (sa_finders_init(s) || table_init(&s->by_request, 1) ||
        timerq_init(&s->timers, s->ikes.capacity + s->children.capacity + 1))
        return ERR_MEMORY;
    return OK;
}

/* What one call can leave behind. */
static enum err calls_init(struct ike_store *s)
{
    uint32_t ikes = s->shares.ikes, children = s->shares.children;

    if (event_queue_init(&s->events, ikes + children + 16, s->env.export_keys))
        return ERR_MEMORY;
    return s->env.export_timers
               ? timer_log_init(&s->timer_log, ikes * IKE_TIMER_COUNT + children * 2 + 16)
               : OK;
}

enum err store_init(struct ike_store *s, const struct ike_limits *limits)
{
    const struct ike_config *c = s->config;
    uint32_t window = window_size(c);
    uint32_t handshakes = limits->half_open + limits->ike_sas * window + SPARE;
    uint32_t joinings = joinings_of(c, limits) * s->endpoint_max;
    size_t auth_len = longest_auth(c);
    struct message_needs needs = {.handshakes = handshakes * s->endpoint_max,
                                  .auth_len = auth_len ? fragmented(c, auth_len) : 0,
                                  .holds_auth = c->auth.look_up};

    s->shares = shares_of(limits);
    ASSERT(!store_shared(s) ||
           (s->shares.ikes <= SIBLINGS_MAX && s->shares.children <= SIBLINGS_MAX));
    needs.sas = s->shares.ikes * s->endpoint_max * window;
    if (records_init(s, needs.handshakes) || finders_init(s) ||
        joining_init(s, joinings, joinings * (2 + (uint32_t)(auth_len / 1024))) ||
        message_store_init(&s->messages, &needs))
        return ERR_MEMORY;
    return calls_init(s);
}

void store_reset(struct ike_store *s)
{
    timer_log_reset(&s->timer_log);
    event_queue_reset(&s->events);
    message_store_reset(&s->messages);
    timerq_reset(&s->timers);
    joining_reset(s);
    table_reset(&s->renewals);
    table_reset(&s->by_source);
    table_reset(&s->by_request);
    sa_finders_reset(s);
    siblings_reset(&s->siblings);
    window_reset(s);
    free(s->mobikes);
    free(s->init_digests);
    pool_reset(&s->ke_pairs);
    pool_reset(&s->held);
    pool_reset(&s->handshakes);
    pool_reset(&s->children);
    pool_reset(&s->tokens);
    pool_reset(&s->suites);
    pool_reset(&s->clocks);
    pool_reset(&s->asides);
    pool_reset(&s->ikes);
}

/* ---- how much of it is in use ---- */

static uint64_t in_use(const struct pool *p)
{
    return (uint64_t)p->taken * (p->slot_size + sizeof *p->generations);
}

/* An empty table is the endpoint's, whatever it has grown to. */
static uint64_t table_bytes(const struct table *t)
{
    return t->count ? (uint64_t)(t->mask + 1) * sizeof *t->entries : 0;
}

/* Suites stay where they are once agreed on; without an IKE SA they are the store's, as empty
 * tables are. */
static uint64_t suites_bytes(const struct ike_store *s)
{
    return s->ikes.taken ? in_use(&s->suites) : 0;
}

/* Beside the records of an IKE SA and of a child SA. */
static uint64_t beside(const struct ike_store *s)
{
    uint64_t ikes = s->ikes.taken, children = s->children.taken, bytes = 0;

    if (s->mobikes)
        bytes += ikes * sizeof *s->mobikes;
    if (s->window_slots)
        bytes += ikes * sizeof *s->window_slots;
    if (store_shared(s))
        return bytes + ikes * (sizeof *s->siblings.next + sizeof *s->siblings.ike) +
               children * sizeof *s->siblings.child;
    return bytes + s->timers.count * sizeof *s->timers.heap +
           (ikes + children) * sizeof *s->timers.position;
}

uint64_t store_memory(const struct ike_store *s)
{
    uint64_t bytes = in_use(&s->ikes) + in_use(&s->clocks) + in_use(&s->children) +
                     in_use(&s->held) + in_use(&s->tokens) + in_use(&s->handshakes) +
                     in_use(&s->ke_pairs) + in_use(&s->windows) + in_use(&s->parked) +
                     in_use(&s->answered) + in_use(&s->joinings) + suites_bytes(s) +
                     in_use(&s->asides) + beside(s);

    bytes += sa_finders_memory(s) + table_bytes(&s->by_request) + table_bytes(&s->by_source) +
             table_bytes(&s->renewals);
    for (unsigned i = 0; i < MESSAGE_CLASSES; i++) /* those that are not there have none */
        bytes += in_use(&s->messages.classes[i]) + in_use(&s->pieces.classes[i]);
    return bytes;
}
