/*
 * A digest of an endpoint's state for searches over orderings: everything that decides what it does
 * next, by value where a reference could be reached in two ways (kept messages, nonces), by slot
 * where records name each other. Points in time are taken as distances from now, so that two
 * runs that differ in when things happened, not in what comes, meet in one state.
 */
#include "base/assert.h"
#include "base/digest.h"
#include "proto/core/asked.h"
#include "proto/core/child.h"
#include "proto/core/internal.h"
#include "proto/endpoint.h"
#include "proto/esp/esp.h"
#include "proto/ike/cookie.h"
#include "proto/ikev1/ikev1.h"

struct view {
    const struct ike_endpoint *ep;
    nsec now;
    struct digest d;
};

static void put(struct view *v, uint64_t value)
{
    digest_u64(&v->d, value);
}

static void put_time(struct view *v, nsec at)
{
    put(v, at == NSEC_NEVER ? at : at - v->now);
}

static void put_bytes(struct view *v, const void *data, size_t len)
{
    put(v, len);
    if (len)
        digest_add(&v->d, data, len);
}

static void put_message(struct view *v, struct message_ref ref)
{
    struct bytes b = message_at(&v->ep->store->messages, ref);

    put_bytes(v, b.data, b.len);
}

/* A stale handle is as good as none. */
static void put_handle(struct view *v, const struct pool *p, struct handle h)
{
    put(v, !handle_none(h) && pool_at(p, h) ? h.index : POOL_NONE);
}

static void put_address(struct view *v, const struct ip_endpoint *a)
{
    put_bytes(v, a->addr.bytes, sizeof a->addr.bytes);
    put(v, (uint64_t)a->addr.family << 16 | a->port);
}

static void put_handshake(struct view *v, const struct handshake *hs)
{
    const struct ike_endpoint *ep = v->ep;
    const struct ke_pair *pair = handshake_ke_pair(ep, hs);
    const struct held_auth *held = handshake_held(ep, hs);

    put_bytes(v, hs->nonce, sizeof hs->nonce);
    put(v, pair != NULL);
    if (pair)
        put_bytes(v, pair->public, hs->ke_suite->public_len);
    put_message(v, hs->first);
    put(v, (uint64_t)hs->nonce_at << 16 | hs->nonce_len);
    put(v, hs->spi);
    put_handle(v, &ep->store->children, hs->child);
    if (hs->initial) {
        put_message(v, hs->peer_id);
        put_message(v, hs->cookie);
        put(v, hs->source);
    } else {
        /* A child SA or an IKE SA, by what is in flight; both pools have the slot named. */
        put_handle(v, &ep->store->children, hs->rival);
        put_handle(v, &ep->store->ikes, hs->rival);
        put_message(v, hs->rival_nonce);
        put(v, hs->doomed_spi);
    }
    put(v, (uint64_t)hs->ke_retries << 40 | (uint64_t)hs->cookie_retries << 32 |
               (uint64_t)hs->peer_id_type << 24 | (uint64_t)hs->peer_hashes << 16 |
               (uint64_t)hs->certs_asked << 8 | hs->certificate);
    put(v, hs->ke_suite ? hs->ke_suite->iana : 0);
    put(v, (uint64_t)hs->outlived << 3 | (uint64_t)hs->moved << 2 |
               (uint64_t)hs->peer_childless << 1 | hs->renews);
    put(v, held != NULL);
    if (held) {
        put_message(v, held->message);
        put(v, held->digest);
    }
}

/* What a packet asked for is in the next offer. */
static void put_asked(struct view *v, const struct ike_sa *sa)
{
    const struct asked_packet *a = v->ep->rare ? &v->ep->rare->asked : NULL;

    put(v, ike_asked_for(v->ep, sa));
    if (!ike_asked_for(v->ep, sa))
        return;
    put_bytes(v, a->local.first.bytes, sizeof a->local.first.bytes);
    put_bytes(v, a->remote.first.bytes, sizeof a->remote.first.bytes);
    put(v, (uint64_t)a->local.protocol << 32 | (uint32_t)a->local.port_first << 16 |
               a->remote.port_first);
}

static void put_partner(struct view *v, const struct ike_sa *sa)
{
    put(v, sa ? ike_sa_index(v->ep, sa) : SA_INDEX_NONE);
}

/* Parked requests, and the responses kept in the order of message IDs, not of their slots. */
static void put_window(struct view *v, const struct ike_sa *sa, const struct window *w)
{
    const struct ike_endpoint *ep = v->ep;
    uint32_t first = sa->expected_id > w->own ? sa->expected_id - w->own : 0;
    const struct parked_exchange *p;

    put(v, (uint64_t)w->next_id << 32 | (uint64_t)w->forgotten << 16 | (uint64_t)w->own << 8 |
               w->peer);
    for (uint32_t i = w->parked; i != SA_INDEX_NONE; i = p->next) {
        p = pool_slot(&ep->store->parked, i);
        put_time(v, p->due);
        put_message(v, p->request);
        put_handle(v, &ep->store->children, p->child);
        put(v, (uint64_t)p->id << 32 | (uint64_t)p->tries << 16 | (uint64_t)p->kind << 8 | p->send);
        put(v, p->handshake != SA_INDEX_NONE);
        if (p->handshake != SA_INDEX_NONE)
            put_handshake(v, handshake_at(ep, p->handshake));
    }
    for (uint32_t id = first; id - first < 2u * w->own; id++) {
        const struct answered_request *a = answered_at(ep, sa, id);

        put(v, a != NULL);
        if (!a)
            continue;
        put(v, a->digest);
        put_message(v, a->response);
    }
}

static void put_token(struct view *v, const struct peer_token *t)
{
    put(v, (uint64_t)t->len << 8 | t->owed);
    put_bytes(v, t->bytes, t->len);
}

static void put_mobike(struct view *v, const struct mobike *m)
{
    put(v, m->mapping);
    put(v, (uint64_t)m->cookie_id << 32 | m->update_id);
    put(v, m->heard_id);
    put_bytes(v, m->cookie, sizeof m->cookie);
    put(v, (uint64_t)m->asked << 32 | (uint64_t)m->attempts << 24 | (uint64_t)m->tried << 16 |
               (uint64_t)m->elsewhere << 1 | m->tell);
    put(v, m->address_count);
    for (unsigned i = 0; i < m->address_count; i++)
        put_bytes(v, m->addresses[i].bytes, sizeof m->addresses[i].bytes);
}

static void put_ike(struct view *v, const struct ike_sa *sa)
{
    const struct ike_endpoint *ep = v->ep;
    const struct ike_sa *older = ike_sa_older(ep, sa);
    struct ip_endpoint local = ike_sa_local(ep, sa), remote = ike_sa_remote(ep, sa);

    put(v, sa->spi_i);
    put(v, sa->spi_r);
    put(v, sa->suite->encr != NULL);
    if (sa->suite->encr && sa->version != IKE_V1)
        put_bytes(v, ike_sa_keys(sa), ike_key_map(sa->suite).sk_pi);
    for (int i = 0; i < IKE_TIMER_COUNT; i++)
        put_time(v, ike_timer_at(ep, sa, (enum ike_timer)i));
    if (ep->store->config->dpd_delay)
        put_time(v, sa->last_heard);
    if (ep->store->config->nat_keepalive)
        put_time(v, sa->last_sent);
    put(v, sa->iv);
    put_handle(v, sa->state == STATE_RIVAL ? &ep->store->ikes : &ep->store->children, sa->child);
    put_message(v, sa->request);
    put_message(v, sa->response);
    put(v, ike_sa_init_digest(ep, sa));
    put(v, (uint64_t)sa->request_id << 32 | sa->expected_id);
    put(v, (uint64_t)sa->first_child << 32 | (older ? ike_sa_index(ep, older) : SA_INDEX_NONE));
    put(v, sa->request_digest);
    put(v, sa->peer_identity);
    put_address(v, &local);
    put_address(v, &remote);
    put(v, (uint64_t)sa->state << 56 | (uint64_t)sa->in_flight << 48 | (uint64_t)sa->sends << 40 |
               (uint64_t)sa->wishes << 32 | (uint64_t)sa->reason << 24 |
               (uint64_t)sa->version << 16 | sa->ke_group);
    put(v, (uint64_t)sa->tries << 8 | (uint64_t)sa->more_ts << 7 | (uint64_t)sa->one_pair << 6 |
               (uint64_t)sa->initiator << 5 | (uint64_t)sa->half_open << 4 | (uint64_t)sa->up << 3 |
               (uint64_t)sa->natt << 2 | (uint64_t)sa->nat_local << 1 | sa->nat_remote);
    put(v, (uint64_t)sa->resources << 11 | (uint64_t)sa->fragments << 10 |
               (uint64_t)sa->caller << 9 | (uint64_t)sa->renewing << 8 | sa->new_wishes);
    put(v, sa->mobike);
    if (sa->mobike)
        put_mobike(v, mobike_of(ep, sa));
    put_time(v, sa->reauth_s ? sa->reauth_s * NSEC_PER_S : NSEC_NEVER);
    put_partner(v, renewal_old(ep, sa));
    put_partner(v, renewal_next(ep, sa));
    put_asked(v, sa);
    if (ep->store->tokens.capacity)
        put_token(v, pool_slot(&ep->store->tokens, ike_sa_index(ep, sa)));
    put(v, window_of(ep, sa) != NULL);
    if (window_of(ep, sa))
        put_window(v, sa, window_of(ep, sa));
    put(v, sa->handshake != SA_INDEX_NONE);
    if (sa->handshake != SA_INDEX_NONE)
        put_handshake(v, handshake_of(ep, sa));
    if (sa->version == IKE_V1)
        v1_fingerprint(ep, sa, v->now, &v->d);
}

static void put_child(struct view *v, const struct child_sa *c)
{
    const struct ike_endpoint *ep = v->ep;
    const struct sad *sad = &ep->store->esp->sad;
    const struct spd *spd = &ep->store->esp->spd;
    const struct esp_sa *esp = child_esp(ep, c);
    const struct esp_kind *kind;

    put_handle(v, &ep->store->children, c->successor);
    put(v, (uint64_t)c->ike << 32 | c->next);
    put_time(v, c->soft);
    put_time(v, c->hard);
    put(v, (uint64_t)c->resource << 24 | (uint64_t)c->state << 16 | (uint64_t)c->reason << 8 |
               (uint64_t)c->wish_rekey << 4 | (uint64_t)c->wish_delete << 3 |
               (uint64_t)c->initiator << 2 | (uint64_t)c->up << 1 | c->volume_seen);
    put(v, (uint64_t)esp->spi_in << 32 | esp->spi_out);
    put(v, esp->installed);
    if (!esp->installed)
        return;
    kind = sad_kind(sad, esp);
    put(v, esp->policy);
    put(v, spd_child(spd, spd_handle(spd, esp->policy)));
    for (int way = SAD_IN; way <= SAD_OUT; way++) {
        put_bytes(v, sad_encr_key(sad, esp, (enum sad_direction)way),
                  (size_t)kind->encr->key_len + kind->encr->salt_len);
        if (kind->integ)
            put_bytes(v, sad_integ_key(sad, esp, (enum sad_direction)way), kind->integ->key_len);
    }
}

/* Messages of which fragments are missing, the oldest first. */
static void put_joinings(struct view *v)
{
    const struct ike_endpoint *ep = v->ep;
    const struct joining *j;

    for (uint32_t i = ep->store->joining_oldest; i != SA_INDEX_NONE; i = j->newer) {
        j = pool_slot(&ep->store->joinings, i);
        put_time(v, j->begun);
        put(v, (uint64_t)j->ike << 32 | j->id);
        put(v, (uint64_t)j->digest << 32 | (uint64_t)j->exchange << 24 |
                   (uint64_t)j->first_type << 16 | (uint64_t)j->unsupported << 8 | j->response);
        put(v, (uint64_t)j->total << 32 | j->here);
        put(v, j->numbers);
        for (unsigned n = 0; n < j->total; n++)
            put_message(v, j->pieces[n]);
    }
}

static const struct ike_rare *rare_of(const struct ike_endpoint *ep)
{
    static const struct ike_rare none;

    return ep->rare ? ep->rare : &none;
}

/* What waits to be complained of, and how soon that may be done again. */
static void put_complaint(struct view *v)
{
    const struct ike_endpoint *ep = v->ep;
    const struct ike_rare *rare = rare_of(ep);
    nsec said = rare->complained ? v->now - rare->complained : NSEC_PER_S;
    nsec heard = rare->rumoured ? v->now - rare->rumoured : NSEC_PER_S;

    put(v, nsec_min(said, NSEC_PER_S));
    put(v, nsec_min(heard, NSEC_PER_S));
    put_handle(v, &ep->store->ikes,
               rare->complaint.notify ? rare->complaint.ike.handle : HANDLE_NONE);
    put(v, (uint64_t)rare->complaint.notify << 32 | rare->complaint.value);
}

/* Which cookies are asked for and taken, and for how much longer. */
static void put_cookies(struct view *v)
{
    const struct cookie_jar *jar = &rare_of(v->ep)->cookies;

    put(v, (uint64_t)v->ep->half_open_asked << 32 | (uint64_t)jar->alive << 16 |
               (uint64_t)jar->version << 8 | jar->wanted);
    if (!jar->alive)
        return;
    put(v, nsec_min(v->now - jar->since, 2 * COOKIE_SECRET_TIME));
    put_bytes(v, jar->secrets[0], sizeof jar->secrets);
}

/* Which token we show, and whether we do. */
static void put_maker(struct view *v)
{
    const struct token_maker *m = &rare_of(v->ep)->qcd;

    put(v, m->random.counter);
    put(v, m->shown);
    if (m->shown)
        put(v, nsec_min(v->now - m->second, NSEC_PER_S));
}

/* What the next draw of each stream will be, and what limits see. */
static void put_streams(struct view *v)
{
    const struct ike_endpoint *ep = v->ep;

    for (int i = 0; i < IKE_STREAM_COUNT; i++)
        put(v, ep->drawn[i]);
    put(v, (uint64_t)ep->ike_sas << 32 | ep->half_open);
}

uint64_t ike_endpoint_fingerprint(const struct ike_endpoint *ep, nsec now)
{
    struct view v = {ep, now, {0, 0}};

    ASSERT(!store_shared(ep->store)); /* all slots are its own */
    for (uint32_t i = 0; i < ep->store->ikes.fresh; i++) {
        const struct ike_sa *sa = pool_slot(&ep->store->ikes, i);

        put(&v, sa != NULL);
        if (sa)
            put_ike(&v, sa);
    }
    for (uint32_t i = 0; i < ep->store->children.fresh; i++) {
        const struct child_sa *c = pool_slot(&ep->store->children, i);

        put(&v, c != NULL);
        if (c)
            put_child(&v, c);
    }
    put_joinings(&v);
    put_complaint(&v);
    put_cookies(&v);
    put_maker(&v);
    put_streams(&v);
    return v.d.value;
}
