#include "proto/ikev1/store.h"

#include "base/assert.h"
#include "base/sparse.h"
#include "proto/ikev1/user.h"

#include <stdlib.h>

/* ---- the pools ---- */

/* Of a responder of Main Mode to one proposal the first takes what is there behind message 2, and
 * behind 4 the fourth, of MODP-2048, or the second, of curves. */
static const size_t phase1_sizes[V1_PHASE1_CLASSES] = {
    320, 640, 768, 1152, 2048, SPARSE_MAX(sizeof(struct v1_phase1))};

_Static_assert(sizeof(struct v1_phase1) % SPARSE_WORD == 0, "it is packed by words");

static enum err phase1s_init(struct v1_store *v, uint32_t ikes)
{
    v->worker = SA_INDEX_NONE;
    v->work = calloc(1, sizeof *v->work);
    if (!v->work)
        return ERR_MEMORY;
    for (int i = 0; i < V1_PHASE1_CLASSES; i++)
        if (pool_init(&v->phase1s[i], phase1_sizes[i], ikes))
            return ERR_MEMORY;
    return OK;
}

static enum err pools_init(struct v1_store *v, const struct ike_store *s)
{
    uint32_t ikes = s->ikes.capacity;

    v->slots = malloc(ikes * sizeof *v->slots);
    if (!v->slots || pool_init(&v->sas, sizeof(struct v1_sa), ikes) || phase1s_init(v, ikes) ||
        pool_init(&v->ids, sizeof(struct v1_ids), ikes) ||
        pool_init(&v->exchanges, sizeof(struct v1_exchange), ikes * V1_EXCHANGES_MAX) ||
        pool_init(&v->quicks, sizeof(struct v1_quick), ikes * V1_EXCHANGES_MAX))
        return ERR_MEMORY;
    return OK;
}

/* Addresses that a pool has, without its name and the last one, which is everybody's. */
static uint32_t leases_of(const struct ip_prefix *pool, uint32_t most)
{
    size_t bits = 8 * ip_addr_len(&pool->addr) - pool->length;

    if (pool->addr.family == 0 || bits < 2)
        return 0;
    return bits < 31 && (1u << bits) - 2 < most ? (1u << bits) - 2 : most;
}

static enum err users_init(struct v1_store *v, const struct ike_store *s)
{
    uint32_t ikes = s->ikes.capacity, leases = leases_of(&s->config->inside.pool, ikes);

    if (!v1_users_configured(s->config))
        return OK;
    v->user_slots = malloc(ikes * sizeof *v->user_slots);
    if (!v->user_slots || pool_init(&v->users, sizeof(struct v1_user), ikes) ||
        (leases && pool_init(&v->leases, sizeof(struct v1_lease), leases)))
        return ERR_MEMORY;
    for (uint32_t i = 0; i < ikes; i++)
        v->user_slots[i] = SA_INDEX_NONE;
    return OK;
}

enum err v1_store_make(struct ike_store *s)
{
    if (!v1_configured(s->config))
        return OK;
    s->v1 = calloc(1, sizeof *s->v1);
    if (!s->v1 || pools_init(s->v1, s))
        return ERR_MEMORY;
    return users_init(s->v1, s);
}

void v1_store_free(struct ike_store *s)
{
    struct v1_store *v = s->v1;

    if (!v)
        return;
    pool_reset(&v->leases);
    pool_reset(&v->users);
    free(v->user_slots);
    pool_reset(&v->quicks);
    pool_reset(&v->exchanges);
    for (int i = 0; i < V1_PHASE1_CLASSES; i++)
        pool_reset(&v->phase1s[i]);
    if (v->work)
        wipe(v->work, sizeof *v->work);
    free(v->work);
    pool_reset(&v->ids);
    pool_reset(&v->sas);
    free(v->slots);
    free(v);
    s->v1 = NULL;
}

static uint64_t in_use(const struct pool *p)
{
    return (uint64_t)p->taken * (p->slot_size + sizeof *p->generations);
}

uint64_t v1_store_memory(const struct ike_store *s)
{
    const struct v1_store *v = s->v1;
    uint64_t phase1s = 0;

    if (!v)
        return 0;
    for (int i = 0; i < V1_PHASE1_CLASSES; i++)
        phase1s += in_use(&v->phase1s[i]);
    if (v->worker != SA_INDEX_NONE)
        phase1s += sizeof *v->work;
    return in_use(&v->sas) + in_use(&v->ids) + phase1s + in_use(&v->exchanges) +
           in_use(&v->quicks) + in_use(&v->users) + in_use(&v->leases) +
           (uint64_t)s->ikes.taken * sizeof *v->slots;
}

/* ---- IKE SAs ---- */

struct v1_sa *v1_sa_take(struct ike_endpoint *ep, const struct ike_sa *sa)
{
    struct v1_store *v = ep->store->v1;
    struct handle h;
    struct v1_sa *one = pool_take(&v->sas, &h);

    if (!one)
        return NULL;
    one->phase1 = one->exchanges = one->used = SA_INDEX_NONE;
    one->phase1_class = V1_PHASE1_OVER;
    v->slots[ike_sa_index(ep, sa)] = h.index;
    return one;
}

struct v1_sa *v1_sa_of(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    const struct v1_store *v = ep->store->v1;
    struct v1_sa *one = pool_slot(&v->sas, v->slots[ike_sa_index(ep, sa)]);

    ASSERT(sa->version == IKE_V1 && one);
    return one;
}

/* ---- phase 1 ---- */

static void leave_place(struct v1_store *v, struct v1_sa *one)
{
    struct pool *p;

    if (one->phase1 == SA_INDEX_NONE)
        return;
    p = &v->phase1s[one->phase1_class];
    pool_give(p, pool_handle(p, one->phase1));
    one->phase1 = SA_INDEX_NONE;
}

/* What is at work lies down, in the smallest place that it fits in. */
static void lay_down(struct v1_store *v)
{
    size_t len = sparse_len(v->work, sizeof *v->work);
    struct v1_sa *one;
    uint8_t class = 0;
    struct handle h;
    uint8_t *place;

    if (v->worker == SA_INDEX_NONE)
        return;
    one = pool_slot(&v->sas, v->worker);
    while (phase1_sizes[class] < len)
        class ++;
    leave_place(v, one);
    place = pool_take(&v->phase1s[class], &h);
    ASSERT(place); /* of each size there are as many as IKE SAs */
    sparse_pack(v->work, sizeof *v->work, place);
    one->phase1 = h.index;
    one->phase1_class = class;
    v->worker = SA_INDEX_NONE;
}

static void phase1_end(struct v1_store *v, struct v1_sa *one)
{
    if (v->worker != SA_INDEX_NONE && pool_slot(&v->sas, v->worker) == one) {
        wipe(v->work, sizeof *v->work);
        v->worker = SA_INDEX_NONE;
    }
    leave_place(v, one);
    one->phase1_class = V1_PHASE1_OVER;
}

struct v1_phase1 *v1_sa_begin(struct ike_endpoint *ep, const struct ike_sa *sa)
{
    struct v1_store *v = ep->store->v1;
    struct v1_sa *one = v1_sa_of(ep, sa);

    ASSERT(one->phase1_class == V1_PHASE1_OVER);
    lay_down(v);
    wipe(v->work, sizeof *v->work);
    v->worker = v->slots[ike_sa_index(ep, sa)];
    one->phase1_class = V1_PHASE1_NEW;
    return v->work;
}

struct v1_phase1 *v1_sa_phase1(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    struct v1_store *v = ep->store->v1;
    const struct v1_sa *one = v1_sa_of(ep, sa);
    uint32_t self = v->slots[ike_sa_index(ep, sa)];

    if (one->phase1_class == V1_PHASE1_OVER)
        return NULL;
    if (v->worker == self)
        return v->work;
    lay_down(v);
    sparse_unpack(pool_slot(&v->phase1s[one->phase1_class], one->phase1), v->work, sizeof *v->work);
    v->worker = self;
    return v->work;
}

/* ---- for life ---- */

void v1_sa_give(struct ike_endpoint *ep, const struct ike_sa *sa)
{
    struct v1_store *v = ep->store->v1;

    v1_sa_forget(ep, sa);
    pool_give(&v->sas, pool_handle(&v->sas, v->slots[ike_sa_index(ep, sa)]));
}

void v1_sa_forget(struct ike_endpoint *ep, const struct ike_sa *sa)
{
    struct v1_store *v = ep->store->v1;
    struct v1_sa *one = v1_sa_of(ep, sa);
    struct v1_exchange *x;

    v1_user_give(ep, sa);
    while ((x = v1_exchange_next(ep, sa, NULL)) != NULL)
        v1_exchange_give(ep, sa, x);
    phase1_end(v, one);
    if (one->used != SA_INDEX_NONE)
        pool_give(&v->ids, pool_handle(&v->ids, one->used));
    wipe(one, sizeof *one);
    one->phase1 = one->exchanges = one->used = SA_INDEX_NONE;
    one->phase1_class = V1_PHASE1_OVER;
}

struct v1_established v1_sa_established(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    const struct v1_sa *one = v1_sa_of(ep, sa);

    ASSERT(one->hash);
    return (struct v1_established){ep->store->env.crypto, one->hash, &one->keys,
                                   &one->cipher,          sa->spi_i, sa->spi_r};
}

void v1_sa_settle(struct ike_endpoint *ep, const struct ike_sa *sa)
{
    struct v1_store *v = ep->store->v1;
    struct v1_sa *one = v1_sa_of(ep, sa);
    const struct v1_phase1 *p = v1_sa_phase1(ep, sa);
    struct handle ids;

    if (!pool_take(&v->ids, &ids))
        ASSERT(!"there are as many as IKE SAs");
    one->used = ids.index;
    one->hash = p->suite.hash;
    one->cipher = p->cipher;
    memcpy(one->keys.skeyid_d, p->keys.skeyid_d, sizeof one->keys.skeyid_d);
    memcpy(one->keys.skeyid_a, p->keys.skeyid_a, sizeof one->keys.skeyid_a);
    one->dpd = p->peer_vendors >> V1_VENDOR_DPD & 1;
    phase1_end(v, one);
}

/* ---- exchanges ---- */

static struct v1_exchange *exchange_at(const struct ike_endpoint *ep, uint32_t index)
{
    return index == SA_INDEX_NONE ? NULL : pool_slot(&ep->store->v1->exchanges, index);
}

struct v1_exchange *v1_exchange_next(const struct ike_endpoint *ep, const struct ike_sa *sa,
                                     const struct v1_exchange *x)
{
    return exchange_at(ep, x ? x->next : v1_sa_of(ep, sa)->exchanges);
}

struct v1_exchange *v1_exchange_find(const struct ike_endpoint *ep, const struct ike_sa *sa,
                                     uint32_t message_id)
{
    struct v1_exchange *x = v1_exchange_next(ep, sa, NULL);

    while (x && x->message_id != message_id)
        x = v1_exchange_next(ep, sa, x);
    return x;
}

/* The oldest that is over goes. @return whether there is room now */
static bool make_room(struct ike_endpoint *ep, const struct ike_sa *sa)
{
    struct v1_exchange *x = NULL, *oldest = NULL;
    unsigned count = 0;

    while ((x = v1_exchange_next(ep, sa, x)) != NULL) {
        count++;
        if (x->quick == SA_INDEX_NONE)
            oldest = x;
    }
    if (count < V1_EXCHANGES_MAX)
        return true;
    if (oldest)
        v1_exchange_give(ep, sa, oldest);
    return oldest != NULL;
}

struct v1_exchange *v1_exchange_take(struct ike_endpoint *ep, const struct ike_sa *sa,
                                     uint32_t message_id)
{
    struct v1_sa *one = v1_sa_of(ep, sa);
    struct v1_exchange *x;
    struct handle h;

    if (!make_room(ep, sa))
        return NULL;
    x = pool_take(&ep->store->v1->exchanges, &h);
    ASSERT(x); /* as many as all may have */
    x->message_id = message_id;
    x->due = NSEC_NEVER;
    x->child = x->old = HANDLE_NONE;
    x->quick = SA_INDEX_NONE;
    x->next = one->exchanges;
    one->exchanges = h.index;
    return x;
}

void v1_exchange_give(struct ike_endpoint *ep, const struct ike_sa *sa, struct v1_exchange *x)
{
    struct pool *all = &ep->store->v1->exchanges;
    uint32_t self = pool_index(all, x), *at = &v1_sa_of(ep, sa)->exchanges;

    v1_exchange_settle(ep, x);
    message_drop(&ep->store->messages, &x->sent);
    while (*at != self)
        at = &exchange_at(ep, *at)->next;
    *at = x->next;
    pool_give(all, pool_handle(all, self));
}

struct v1_quick *v1_exchange_quick(const struct ike_endpoint *ep, const struct v1_exchange *x)
{
    return x->quick == SA_INDEX_NONE ? NULL : pool_slot(&ep->store->v1->quicks, x->quick);
}

struct v1_quick *v1_exchange_begin(struct ike_endpoint *ep, struct v1_exchange *x)
{
    struct handle h;
    struct v1_quick *q = pool_take(&ep->store->v1->quicks, &h);

    if (q)
        x->quick = h.index;
    return q;
}

void v1_exchange_settle(struct ike_endpoint *ep, struct v1_exchange *x)
{
    struct pool *all = &ep->store->v1->quicks;

    if (x->quick != SA_INDEX_NONE)
        pool_give(all, pool_handle(all, x->quick));
    x->quick = SA_INDEX_NONE;
}

const uint32_t *v1_ids_used(const struct ike_endpoint *ep, const struct v1_sa *one)
{
    return one->used == SA_INDEX_NONE
               ? NULL
               : ((const struct v1_ids *)pool_slot(&ep->store->v1->ids, one->used))->id;
}

bool v1_id_seen(const struct ike_endpoint *ep, const struct v1_sa *one, uint32_t message_id)
{
    const uint32_t *used = v1_ids_used(ep, one);

    for (unsigned i = 0; i < V1_IDS_SEEN; i++)
        if (one->seen[i] == message_id)
            return true;
    for (unsigned i = 0; i < one->used_count; i++)
        if (used[i] == message_id)
            return true;
    return false;
}

void v1_id_use(struct v1_sa *one, uint32_t message_id)
{
    one->seen[one->seen_next] = message_id;
    one->seen_next = (uint8_t)((one->seen_next + 1) % V1_IDS_SEEN);
}

void v1_id_keep(struct ike_endpoint *ep, struct ike_sa *sa, uint32_t message_id)
{
    struct v1_sa *one = v1_sa_of(ep, sa);
    struct v1_ids *used;

    ASSERT(one->used != SA_INDEX_NONE && !v1_ids_full(one));
    used = pool_slot(&ep->store->v1->ids, one->used);
    used->id[one->used_count++] = message_id;
    if (one->used_count == V1_IDS_MANY)
        sa->wishes |= WISH_REKEY;
}

bool v1_ids_full(const struct v1_sa *one)
{
    return one->used_count == V1_IDS_USED;
}
