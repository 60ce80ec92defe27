/*
 * What an IKE SA does on its own: begin exchanges that are wished for, one at a time or as many as
 * the window allows (RFC 7296 §2.3), send requests again, let lifetimes and liveness run.
 */
#include "base/assert.h"
#include "proto/core/request.h"
#include "proto/core/retransmit.h"
#include "proto/core/select.h"
#include "proto/core/wish.h"
#include "proto/esp/esp.h"
#include "proto/ike/asked.h"
#include "proto/ike/held.h"
#include "proto/ike/ike.h"
#include "proto/ike/message.h"
#include "proto/ike/mobike.h"
#include "proto/ike/overlap.h"
#include "proto/ike/window.h"

/* ---- start ---- */

static uint8_t exchange_type_of(enum exchange_kind kind)
{
    switch (kind) {
    case KIND_SA_INIT:
        return EXCHANGE_IKE_SA_INIT;
    case KIND_AUTH:
        return EXCHANGE_IKE_AUTH;
    case KIND_CHILD_NEW:
    case KIND_CHILD_REKEY:
    case KIND_IKE_REKEY:
        return EXCHANGE_CREATE_CHILD_SA;
    default:
        return EXCHANGE_INFORMATIONAL;
    }
}

/* Run the row's handler and keep what it wrote. */
static enum err make_request(struct step *s, enum exchange_kind kind, struct message_ref *kept)
{
    uint8_t storage[MESSAGE_MAX];
    struct message_writer out;
    struct message_start start = {.exchange = exchange_type_of(kind),
                                  .message_id = s->sa->request_id,
                                  .clear = kind == KIND_SA_INIT};
    enum err e;

    ike_message_begin(&out, (struct buf){storage, 0, sizeof storage}, s->sa, &start);
    s->out = &out;
    e = s->row->handler(s);
    if (e == OK)
        window_announce(s, kind);
    return e ? e : ike_message_finish(s->ep, s->sa, &out, start.clear, kept);
}

enum err exchange_start(struct ike_endpoint *ep, nsec now, struct ike_sa *sa,
                        enum exchange_kind kind, struct child_sa *child)
{
    struct exchange_match m = {(enum ike_state)sa->state, kind, ROLE_START, 0};
    struct step s = {.ep = ep, .sa = sa, .now = now, .child = child};
    struct message_ref kept;
    struct window *w;
    bool expected;
    enum err e;

    s.row = exchange_find(&ike_rows, &m, &expected);
    if (!s.row || !s.row->handler)
        return ERR_STATE;
    sa->child = child ? child_sa_handle(ep, child) : HANDLE_NONE;
    e = make_request(&s, kind, &kept);
    if (e)
        return e;
    message_drop(&ep->store->messages, &sa->request);
    sa->request = kept;
    sa->in_flight = (uint8_t)kind;
    sa->tries = 0;
    w = window_of(ep, sa);
    if (w) {
        w->next_id = sa->request_id;
        ike_id_next(sa, &w->next_id);
    }
    exchange_move(sa, s.row, OK);
    ep->store->counters.requests_sent++;
    request_send(ep, now, sa);
    return OK;
}

void exchange_done(struct ike_endpoint *ep, struct ike_sa *sa)
{
    if (!sa->in_flight)
        return;
    if (sa->in_flight != KIND_SA_INIT) /* AUTH covers the first request: it stays until then */
        message_drop(&ep->store->messages, &sa->request);
    outbox_cancel(ep, sa, SEND_REQUEST);
    ike_timer_arm(ep, sa, TIMER_RETRANSMIT, NSEC_NEVER);
    sa->in_flight = KIND_NONE;
    sa->child = HANDLE_NONE;
    if (window_of(ep, sa))
        flight_resume(ep, sa);
    else
        ike_id_next(sa, &sa->request_id);
}

void exchange_enter(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum exchange_kind kind,
                    enum exchange_role role)
{
    struct exchange_match m = {(enum ike_state)sa->state, kind, role, 0};
    struct step s = {.ep = ep, .sa = sa, .now = now};
    bool expected;

    s.row = exchange_find(&ike_rows, &m, &expected);
    ASSERT(s.row && s.row->handler);
    exchange_move(sa, s.row, s.row->handler(&s));
}

/* ---- what is next ---- */

/* No slot for the request: what can wait is wished for again, what cannot is done without it. */
static void start_later(struct ike_endpoint *ep, nsec now, struct ike_sa *sa,
                        enum exchange_kind kind, struct child_sa *child)
{
    if (kind == KIND_CHILD_DELETE)
        child_remove(ep, now, child, REASON_LIMIT);
    else if (kind == KIND_CHILD_REKEY)
        child->wish_rekey = true;
    else if (kind == KIND_IKE_REKEY)
        sa->wishes |= WISH_REKEY;
    else if (kind == KIND_MOVE)
        sa->wishes |= WISH_MOVE;
    else if (kind == KIND_LIVENESS)
        sa->wishes |= WISH_LIVENESS;
    else if (kind == KIND_CHILD_NEW) {
        child_failed(ep, now, sa, HANDLE_NONE, REASON_LIMIT);
        ike_asked_done(ep, sa);
    }
    mobike_unsaid(ep, sa, sa->request_id);
    ike_retry_later(ep, now, sa);
}

/* What a failed attempt leaves. AUTH keeps its handshake. */
static void start_failed(struct ike_endpoint *ep, nsec now, struct ike_sa *sa,
                         enum exchange_kind kind, struct child_sa *child)
{
    struct handshake *hs = handshake_of(ep, sa);
    struct child_sa *made = hs ? child_sa_at(ep, hs->child) : NULL;

    if (made)
        child_remove(ep, now, made, REASON_LIMIT);
    if (kind == KIND_AUTH)
        return;
    handshake_give(ep, sa);
    start_later(ep, now, sa, kind, child);
}

/* Begin an exchange, beside those in flight if there are any. @return false: it could not be */
static bool start(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum exchange_kind kind,
                  struct child_sa *child)
{
    bool aside = sa->in_flight != KIND_NONE;

    if (aside)
        flight_park(ep, sa);
    if (exchange_start(ep, now, sa, kind, child) == OK) {
        if (kind == KIND_IKE_DELETE)
            flights_forget(ep, sa); /* they go with the SA, answered or not */
        return true;
    }
    start_failed(ep, now, sa, kind, child);
    if (aside)
        flight_resume(ep, sa);
    return false;
}

/* The first child that wishes to be deleted or rekeyed, and may be now. */
static struct child_sa *wishing(const struct ike_endpoint *ep, const struct ike_sa *sa,
                                enum exchange_kind what, bool now)
{
    struct child_sa *c = child_sa_by_index(ep, sa->first_child);

    for (; c; c = child_sa_by_index(ep, c->next)) {
        bool wished = what == KIND_CHILD_DELETE ? c->wish_delete : c->wish_rekey && child_live(c);

        if (wished && (!now || overlap_allows(ep, sa, what, c)))
            return c;
    }
    return NULL;
}

static bool next_child_delete(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct child_sa *c = wishing(ep, sa, KIND_CHILD_DELETE, true);

    if (!c)
        return false;
    c->wish_delete = c->wish_rekey = false;
    (void)start(ep, now, sa, KIND_CHILD_DELETE, c);
    return true;
}

static bool next_child_rekey(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct child_sa *c = wishing(ep, sa, KIND_CHILD_REKEY, true);

    if (!c)
        return false;
    c->wish_rekey = false;
    (void)start(ep, now, sa, KIND_CHILD_REKEY, c);
    return true;
}

static bool next_liveness(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    return overlap_allows(ep, sa, KIND_LIVENESS, NULL) && ike_wish_take(sa, WISH_LIVENESS) &&
           start(ep, now, sa, KIND_LIVENESS, NULL);
}

/* Before all else: until the peer knows where we are, it answers to nowhere. */
static bool next_move(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    return overlap_allows(ep, sa, KIND_MOVE, NULL) && ike_wish_take(sa, WISH_MOVE) &&
           start(ep, now, sa, KIND_MOVE, NULL);
}

/* One attempt at a CREATE_CHILD_SA. A rekey of the IKE SA or a re-authentication that must wait
 * lets no other pass, or it would wait for ever. While one SA takes over from another neither is
 * rekeyed.
 */
static bool next_create(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    if (sa->wishes & WISH_REAUTH)
        return false;
    if (!sa->renewing && sa->wishes & WISH_REKEY) {
        if (!overlap_allows(ep, sa, KIND_IKE_REKEY, NULL))
            return false;
        (void)ike_wish_take(sa, WISH_REKEY);
        (void)start(ep, now, sa, KIND_IKE_REKEY, NULL);
        return true;
    }
    if (!sa->renewing && next_child_rekey(ep, now, sa))
        return true;
    if (renewal_next(ep, sa))
        return false; /* new ones are for the SA that takes over */
    if (ike_asked_for(ep, sa) && sa->in_flight)
        return false; /* what a packet asked for is in one offer */
    if (!overlap_allows(ep, sa, KIND_CHILD_NEW, NULL) || !ike_wish_child_take(sa))
        return false;
    (void)start(ep, now, sa, KIND_CHILD_NEW, NULL);
    return true;
}

/* One attempt at what is most urgent. @return false when nothing is wished for that may be now */
static bool next_established(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    bool held_back = ike_timer_at(ep, sa, TIMER_RETRY) != NSEC_NEVER;

    return (!held_back && next_move(ep, now, sa)) || next_child_delete(ep, now, sa) ||
           (!held_back && next_create(ep, now, sa)) || next_liveness(ep, now, sa);
}

/* The delete of an IKE SA waits for the window and for a rekey of it, but for nothing else. */
static void next_ike_delete(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    if (!overlap_allows(ep, sa, KIND_IKE_DELETE, NULL))
        return;
    (void)ike_wish_take(sa, WISH_DELETE);
    if (!start(ep, now, sa, KIND_IKE_DELETE, NULL))
        ike_remove(ep, now, sa, (enum sa_reason)sa->reason);
}

static void start_auth(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    if (!start(ep, now, sa, KIND_AUTH, NULL))
        ike_remove(ep, now, sa, sa->reason ? (enum sa_reason)sa->reason : REASON_LIMIT);
}

void ike_next(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    if (!flight_room(ep, sa))
        return;
    if (ike_ids_used_up(sa)) { /* nothing can be said in it any more, not even that it is over */
        if (!sa->in_flight)
            ike_close(ep, now, sa, REASON_EXPIRED);
        return;
    }
    if (sa->state == STATE_ESTABLISHED && !sa->in_flight && !(sa->wishes & WISH_DELETE) &&
        ike_timer_at(ep, sa, TIMER_RETRY) == NSEC_NEVER && ike_wish_take(sa, WISH_REAUTH))
        reauth_begin(ep, now, sa);
    if (sa->wishes & WISH_DELETE) {
        next_ike_delete(ep, now, sa);
        return;
    }
    if (sa->state == STATE_SA_INIT_DONE && sa->initiator) {
        start_auth(ep, now, sa);
        return;
    }
    if (sa->state == STATE_REKEYED)
        (void)next_move(ep, now, sa);
    while (sa->state == STATE_ESTABLISHED && flight_room(ep, sa)) {
        if (next_established(ep, now, sa))
            continue;
        if (sa->renewing && !sa->in_flight)
            reauth_settle(ep, now, sa);
        return;
    }
}

enum err ike_wish_for(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum ike_wish wish)
{
    if (wish == WISH_DELETE && sa->state == STATE_DELETING && sa->renewing) {
        sa->reason = REASON_DELETED;
        reauth_stop(ep, now, sa); /* it goes already; but nobody calls again */
        return OK;
    }
    if (sa->state != STATE_ESTABLISHED)
        return ERR_STATE;
    if (sa->renewing && (wish & (WISH_REKEY | WISH_CHILD | WISH_REAUTH)))
        return ERR_STATE;
    if (wish == WISH_REAUTH && !sa->caller)
        return ERR_STATE;
    if (wish == WISH_DELETE) {
        sa->reason = REASON_DELETED;
        reauth_stop(ep, now, sa);
    }
    if (wish == WISH_CHILD && !ike_wish_child(sa))
        return ERR_STATE;
    sa->wishes |= wish;
    ike_next(ep, now, sa);
    return OK;
}

enum err child_wish_for(struct ike_endpoint *ep, nsec now, struct child_sa *c, bool rekey)
{
    struct ike_sa *sa = child_sa_ike(ep, c);

    if (!child_live(c) || sa->state != STATE_ESTABLISHED)
        return ERR_STATE;
    if (rekey)
        c->wish_rekey = true;
    else
        c->wish_delete = true;
    if (!rekey && c->reason == REASON_EXPIRED)
        c->reason = REASON_DELETED; /* now somebody wants to be without it */
    ike_next(ep, now, sa);
    return OK;
}

void ike_retry_later(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    nsec wait = NSEC_PER_S / 2 + ike_draw_below(ep, STREAM_RETRANSMIT, NSEC_PER_S);

    ike_timer_arm(ep, sa, TIMER_RETRY, nsec_add(now, wait));
}

void ike_next_later(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    if (sa->wishes || wishing(ep, sa, KIND_CHILD_DELETE, false) ||
        wishing(ep, sa, KIND_CHILD_REKEY, false))
        ike_retry_later(ep, now, sa);
}

/* ---- begin ---- */

static enum err begin(struct ike_endpoint *ep, nsec now, struct ike_sa *sa,
                      const struct ike_remote *peer)
{
    const struct ike_config *c = ep->store->config;
    struct handshake *hs = handshake_take(ep, sa, true);
    enum err e = OK;

    if (!hs)
        return ERR_FULL;
    hs->ke_suite = offer_first_ke(c->proposals, c->proposal_count);
    ike_draw(ep, STREAM_NONCE, hs->nonce, NONCE_LEN);
    hs->peer_id_type = peer->id_type;
    if (peer->id.len)
        e = message_keep(&ep->store->messages, peer->id, &hs->peer_id);
    if (e == OK)
        e = handshake_ke(ep, hs, hs->ke_suite);
    if (e)
        return e;
    ike_sa_register(ep, sa, 0);
    return exchange_start(ep, now, sa, KIND_SA_INIT, NULL);
}

enum err ike_initiate(struct ike_endpoint *ep, nsec now, const struct ike_remote *peer,
                      struct sa_ref *out)
{
    struct ike_sa *sa;
    enum err e;

    *out = SA_NONE;
    if (!ike_sa_room(ep))
        return ERR_FULL;
    sa = ike_sa_take(ep, out);
    if (!sa)
        return ERR_FULL;
    sa->version = 2;
    sa->initiator = true;
    ike_sa_place(ep, sa, &peer->local, &peer->remote);
    sa->natt = peer->local.port == IKE_NATT_PORT;
    sa->last_heard = now;
    sa->spi_i = ike_spi_new(ep);
    e = begin(ep, now, sa, peer);
    if (e) {
        ike_sa_give(ep, sa);
        *out = SA_NONE;
        return e;
    }
    ep->store->counters.initiated++;
    ike_half_open(ep, now, sa);
    return OK;
}

enum err ike_answered(struct ike_endpoint *ep, nsec now, uint32_t request, bool granted)
{
    struct ike_sa *sa = ike_sa_by_request(ep, request);

    if (!sa)
        return ERR_NOT_FOUND;
    held_decide(ep, now, sa, granted);
    return OK;
}

/* ---- timers ---- */

static void run_given_up(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct exchange_match m = {(enum ike_state)sa->state, (enum exchange_kind)sa->in_flight,
                               ROLE_GIVEN_UP, 0};
    struct step s = {.ep = ep, .sa = sa, .now = now, .child = child_sa_at(ep, sa->child)};
    bool expected;

    s.row = exchange_find(&ike_rows, &m, &expected);
    ASSERT(s.row && s.row->handler);
    exchange_move(sa, s.row, s.row->handler(&s));
}

/* A peer that does not answer one request answers none: all in flight are given up as one. */
static void give_up(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct flight all[WINDOW_MAX];
    unsigned count = flights_of(ep, sa, all);

    if (mobike_elsewhere(ep, now, sa))
        return;
    for (unsigned i = 0; i < count; i++)
        if (flight_select(ep, sa, all[i].id))
            run_given_up(ep, now, sa);
    ike_remove(ep, now, sa, sa->reason ? (enum sa_reason)sa->reason : REASON_TIMEOUT);
}

static void retransmit(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    if (retransmit_last(&ep->store->config->retransmit, sa->tries)) {
        give_up(ep, now, sa);
        return;
    }
    request_send_again(ep, now, sa);
}

void ike_resend(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct flight all[WINDOW_MAX];
    unsigned count = flights_of(ep, sa, all);

    for (unsigned i = 0; i < count; i++) {
        if (!flight_select(ep, sa, all[i].id))
            continue;
        sa->tries = 0;
        request_send_again(ep, now, sa);
    }
}

/* QUIRK_LIBRESWAN_514: a replacement is begun here, while the driver, told that the IKE SA went
 * down, begins one as well. */
static void replace_too(struct ike_endpoint *ep, nsec now, const struct ike_sa *sa)
{
    struct ike_remote peer = {.local = ike_sa_local(ep, sa), .remote = ike_sa_remote(ep, sa)};
    struct sa_ref unused;

    if (ike_initiate(ep, now, &peer, &unused))
        drop_count(ep, IKE_DROP_LIMIT);
}

/* Hard lifetime, the limit of a handshake, or the end of a hold. */
static void expire(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    bool polite = sa->state == STATE_ESTABLISHED || sa->state == STATE_REKEYED;

    if (sa->state == STATE_SA_INIT_DONE) {
        ike_remove(ep, now, sa, REASON_TIMEOUT);
        return;
    }
    if (sa->state == STATE_AUTH_HELD) {
        held_decide(ep, now, sa, false);
        return;
    }
    if (sa->reason == REASON_NONE)
        sa->reason = sa->state == STATE_ESTABLISHED ? REASON_EXPIRED : REASON_REKEYED;
    if (ep->store->config->quirks & QUIRK_LIBRESWAN_514 && flight_of_kind(ep, sa, KIND_IKE_REKEY))
        replace_too(ep, now, sa);
    if (!polite || !overlap_allows(ep, sa, KIND_IKE_DELETE, NULL)) {
        ike_remove(ep, now, sa, (enum sa_reason)sa->reason);
        return;
    }
    sa->wishes |= WISH_DELETE;
    ike_next(ep, now, sa);
}

static void fire(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum ike_timer timer)
{
    switch (timer) {
    case TIMER_RETRANSMIT:
        retransmit(ep, now, sa);
        break;
    case TIMER_REKEY:
        sa->wishes |= sa->caller && reauth_due(sa) <= now ? WISH_REAUTH : WISH_REKEY;
        ike_next(ep, now, sa);
        break;
    case TIMER_EXPIRE:
        expire(ep, now, sa);
        break;
    case TIMER_LIVENESS:
        if (ike_liveness_due(ep, now, sa)) {
            sa->wishes |= WISH_LIVENESS;
            ike_next(ep, now, sa);
        }
        break;
    case TIMER_KEEPALIVE:
        ike_keepalive_due(ep, now, sa);
        break;
    default:
        ike_next(ep, now, sa);
        break;
    }
}

void ike_timer_fired(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct handle self = ike_sa_ref(ep, sa).handle;
    uint32_t id;

    ike_timers_fire(ep, now, sa, fire);
    while (ike_sa_at(ep, self) && flight_due(ep, sa, &id) <= now) {
        (void)flight_select(ep, sa, id);
        ike_timer_fire(ep, sa, TIMER_RETRANSMIT);
        fire(ep, now, sa, TIMER_RETRANSMIT);
    }
}

void child_timer_fired(struct ike_endpoint *ep, nsec now, struct child_sa *c)
{
    struct ike_sa *sa = child_timer_wish(ep, now, c);

    if (sa)
        ike_next(ep, now, sa);
}
