/* What an IKE SA of version 1 has beside its record, for searches over orderings
 * (proto/fingerprint.c): what decides what it does next, points in time as distances from now. */
#include "base/digest.h"
#include "proto/ikev1/ikev1.h"
#include "proto/ikev1/store.h"
#include "proto/ikev1/user.h"

struct view {
    const struct ike_endpoint *ep;
    nsec now;
    struct digest *d;
};

static void put(struct view *v, uint64_t value)
{
    digest_u64(v->d, value);
}

static void put_bytes(struct view *v, const void *data, size_t len)
{
    put(v, len);
    if (len)
        digest_add(v->d, data, len);
}

static void put_cipher(struct view *v, const struct v1_cipher *c)
{
    put(v, c->encr != NULL);
    if (!c->encr)
        return;
    put_bytes(v, c->key, c->encr->key_len);
    put_bytes(v, c->iv, c->encr->block_len);
}

static void put_pair(struct view *v, const struct ke_pair *p)
{
    put_bytes(v, p->public, p->suite ? p->suite->public_len : 0);
}

static void put_phase1(struct view *v, const struct v1_phase1 *p)
{
    put(v, (uint64_t)p->state << 8 | (uint64_t)p->answered << 4 | (uint64_t)p->natt << 3 |
               (uint64_t)p->nat_local << 2 | (uint64_t)p->nat_remote << 1 | p->initial_contact);
    put(v, (uint64_t)p->certs_asked << 16 | (p->suite.auth ? p->suite.auth->method : 0));
    put(v, p->consumed);
    put(v, p->random.counter);
    put(v, (uint64_t)p->peer_vendors << 32 | p->suite.life_s);
    put(v, p->suite.shorter_s);
    put(v, p->suite.ke ? p->suite.ke->iana : 0);
    put_pair(v, &p->pair);
    put_bytes(v, p->nonce, sizeof p->nonce);
    put_bytes(v, p->peer_nonce, p->peer_nonce_len);
    put_bytes(v, p->peer_ke, p->suite.ke ? p->suite.ke->public_len : 0);
    put_bytes(v, p->sai_b, p->sai_len);
    put_bytes(v, p->peer_id, p->peer_id_len);
    put_cipher(v, &p->cipher);
}

static void put_quick(struct view *v, const struct v1_quick *q)
{
    put(v, (uint64_t)q->state << 1 | q->initiator);
    put(v, (uint64_t)q->spi_in << 32 | q->spi_out);
    put(v, q->consumed);
    put(v, q->random.counter);
    put_pair(v, &q->pair);
    put_bytes(v, q->nonce, sizeof q->nonce);
    put_bytes(v, q->peer_nonce, q->peer_nonce_len);
    put_cipher(v, &q->cipher);
}

/* A stale handle is as good as none. */
static void put_child(struct view *v, struct handle h)
{
    put(v, child_sa_at(v->ep, h) ? h.index : SA_INDEX_NONE);
}

static void put_exchange(struct view *v, const struct v1_exchange *x)
{
    struct bytes sent = message_at(&v->ep->store->messages, x->sent);
    const struct v1_quick *q = v1_exchange_quick(v->ep, x);

    put(v, (uint64_t)x->message_id << 9 | (uint64_t)x->unwanted << 8 | x->tries);
    put(v, x->due == NSEC_NEVER ? x->due : x->due - v->now);
    put(v, x->answered);
    put_bytes(v, sent.data, sent.len);
    put_child(v, x->child);
    put_child(v, x->old);
    put(v, q != NULL);
    if (q)
        put_quick(v, q);
}

static void put_transaction(struct view *v, const struct v1_transaction *t)
{
    put(v, (uint64_t)t->message_id << 8 | t->state);
    put(v, (uint64_t)t->identifier << 8 | t->type);
    put(v, t->consumed);
    put_cipher(v, &t->cipher);
}

static void put_addr(struct view *v, const struct ip_addr *a)
{
    put(v, a->family);
    put_bytes(v, a->bytes, sizeof a->bytes);
}

static void put_internal(struct view *v, const struct v1_internal *i)
{
    put_addr(v, &i->address);
    put_addr(v, &i->netmask);
    put(v, i->dns_count);
    for (unsigned n = 0; n < i->dns_count; n++)
        put_addr(v, &i->dns[n]);
}

static void put_met(struct view *v, const struct v1_met *m)
{
    put(v, m->identity);
    put(v, (uint64_t)m->life_s << 1 | m->initial_contact);
}

/* Who it is: only that one may answer again. */
static uint64_t number_of(const struct v1_access *a)
{
    return a->user ? (uint64_t)(a->user - a->env.xauth->users) + 1 : 0;
}

static void put_user(struct view *v, const struct v1_user *u)
{
    const struct v1_access *a = &u->access;

    put(v, (uint64_t)a->state << 24 | (uint64_t)a->refusal << 16 | a->asked);
    put(v, (uint64_t)a->passed << 2 | (uint64_t)a->configured << 1 | u->address_due);
    put(v, u->lease);
    put(v, number_of(a));
    put_met(v, &u->met);
    put_internal(v, &u->internal);
    put_internal(v, &a->internal);
    put_transaction(v, &a->ours);
    put_transaction(v, &a->theirs);
    put_bytes(v, a->seen, a->seen_count * sizeof *a->seen);
}

void v1_fingerprint(const struct ike_endpoint *ep, const struct ike_sa *sa, nsec now,
                    struct digest *d)
{
    struct view v = {ep, now, d};
    const struct v1_sa *one = v1_sa_of(ep, sa);
    const struct v1_phase1 *p = v1_sa_phase1(ep, sa);
    const struct v1_user *u = v1_user_of(ep, sa);

    put(&v, one->hash != NULL);
    put_bytes(&v, one->keys.skeyid_d, sizeof one->keys.skeyid_d);
    put_bytes(&v, one->keys.skeyid_a, sizeof one->keys.skeyid_a);
    put_cipher(&v, &one->cipher);
    for (unsigned i = 0; i < V1_IDS_SEEN; i++) /* the oldest first */
        put(&v, one->seen[(one->seen_next + i) % V1_IDS_SEEN]);
    put_bytes(&v, v1_ids_used(ep, one), one->used_count * sizeof(uint32_t));
    put(&v, (uint64_t)one->asked_at << 32 | one->heard_at);
    put(&v, one->asked_first);
    put(&v, (uint64_t)one->heard << 3 | (uint64_t)one->crossed << 2 | (uint64_t)one->informed << 1 |
                one->dpd);
    put(&v, p != NULL);
    if (p)
        put_phase1(&v, p);
    if (u)
        put_user(&v, u);
    for (const struct v1_exchange *x = NULL; (x = v1_exchange_next(ep, sa, x)) != NULL;)
        put_exchange(&v, x);
    put(&v, SA_INDEX_NONE);
}
