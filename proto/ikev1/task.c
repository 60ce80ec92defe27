/*
 * What an IKE SA of version 1 does on its own: begin what is wished for, one exchange at a time,
 * send again, let lifetimes run; and its end.
 */
#include "base/assert.h"
#include "base/digest.h"
#include "proto/core/request.h"
#include "proto/core/retransmit.h"
#include "proto/ikev1/exchanges.h"

/* ---- sending ---- */

enum err v1_ask(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum exchange_kind kind,
                struct bytes message)
{
    message_drop(&ep->store->messages, &sa->request);
    if (message_keep(&ep->store->messages, message, &sa->request))
        return ERR_FULL;
    sa->in_flight = (uint8_t)kind;
    sa->tries = 0;
    ep->store->counters.requests_sent++;
    request_send(ep, now, sa);
    return OK;
}

void v1_ask_done(struct ike_endpoint *ep, struct ike_sa *sa)
{
    message_drop(&ep->store->messages, &sa->request);
    outbox_cancel(ep, sa, SEND_REQUEST);
    ike_timer_arm(ep, sa, TIMER_RETRANSMIT, NSEC_NEVER);
    sa->in_flight = KIND_NONE;
    sa->child = HANDLE_NONE;
    sa->tries = 0;
}

enum err v1_say(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, const struct ike_dgram *dgram,
                struct bytes message)
{
    struct message_ref kept;

    if (message_keep(&ep->store->messages, message, &kept))
        return ERR_FULL;
    message_drop(&ep->store->messages, &sa->response);
    sa->response = kept;
    sa->last_sent = now;
    ep->store->counters.responses_sent++;
    if (dgram)
        outbox_respond_to(ep, sa, dgram);
    else
        ep->store->response_of = SA_NONE;
    outbox_add(ep, sa, SEND_RESPONSE);
    return OK;
}

/* ---- what is next ---- */

static bool take_wish(struct ike_sa *sa, enum ike_wish wish)
{
    bool wished = sa->wishes & wish;

    sa->wishes &= (uint8_t)~wish;
    return wished;
}

static void start_quick(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, struct child_sa *old)
{
    if (v1_quick_begin(ep, now, sa, old))
        child_failed(ep, now, sa, HANDLE_NONE, REASON_LIMIT);
}

void v1_next(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    while (sa->state == STATE_ESTABLISHED && !sa->in_flight && take_wish(sa, WISH_CHILD)) {
        if (sa->new_wishes) {
            sa->new_wishes--;
            sa->wishes |= WISH_CHILD;
        }
        start_quick(ep, now, sa, NULL);
    }
}

enum err v1_wish_for(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum ike_wish wish)
{
    if (sa->state != STATE_ESTABLISHED || wish != WISH_CHILD)
        return ERR_STATE;
    if (sa->new_wishes == UINT8_MAX)
        return ERR_STATE;
    sa->new_wishes += (sa->wishes & WISH_CHILD) != 0;
    sa->wishes |= wish;
    v1_next(ep, now, sa);
    return OK;
}

enum err v1_child_wish_for(struct ike_endpoint *ep, nsec now, struct child_sa *c, bool rekey)
{
    (void)ep;
    (void)now;
    (void)c;
    (void)rekey;
    return ERR_STATE;
}

/* ---- timers ---- */

static void give_up(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct step s = {.ep = ep, .sa = sa, .now = now};
    enum err e = v1_step_run(&s, (enum exchange_kind)sa->in_flight, ROLE_GIVEN_UP);

    ASSERT(e == OK);
    v1_remove(ep, now, sa, REASON_TIMEOUT);
}

/* Nothing answers message 3 of Aggressive Mode: it goes along with the first Quick Mode until that
 * is answered, as without it the peer hears nothing else. */
static void send_last_again(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    const struct v1_exchange *x = sa->initiator ? v1_exchange_find(ep, sa, 0) : NULL;

    if (x && !message_none(x->sent) &&
        v1_say(ep, now, sa, NULL, message_at(&ep->store->messages, x->sent)))
        drop_count(ep, IKE_DROP_LIMIT);
}

static void retransmit(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    if (retransmit_last(&ep->store->config->retransmit, sa->tries)) {
        give_up(ep, now, sa);
        return;
    }
    send_last_again(ep, now, sa);
    request_send_again(ep, now, sa);
}

static void fire(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum ike_timer timer)
{
    meter_work(ep, METER_TIMER_FIRED, 0);
    switch (timer) {
    case TIMER_RETRANSMIT:
        retransmit(ep, now, sa);
        break;
    case TIMER_EXPIRE:
        v1_remove(ep, now, sa, sa->state == STATE_ESTABLISHED ? REASON_EXPIRED : REASON_TIMEOUT);
        break;
    case TIMER_KEEPALIVE:
        ike_keepalive_due(ep, now, sa);
        break;
    case TIMER_RETRY:
        v1_exchanges_due(ep, now, sa);
        break;
    default:
        break;
    }
}

void v1_timer_fired(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct handle self = ike_sa_ref(ep, sa).handle;

    for (int i = 0; i < IKE_TIMER_COUNT; i++) {
        if (ike_timer_at(ep, sa, (enum ike_timer)i) > now)
            continue;
        ike_timer_fire(ep, sa, (enum ike_timer)i);
        fire(ep, now, sa, (enum ike_timer)i);
        if (!ike_sa_at(ep, self))
            return; /* that was its end */
    }
}

void v1_child_timer_fired(struct ike_endpoint *ep, nsec now, struct child_sa *c)
{
    meter_work(ep, METER_TIMER_FIRED, 0);
    if (child_timers_fire(ep, now, c))
        child_remove(ep, now, c, c->state == CHILD_LINGERING ? REASON_REKEYED : REASON_EXPIRED);
}

/* ---- over ---- */

void v1_remove(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum sa_reason why)
{
    sa_life_end_children(ep, now, sa, why);
    sa_life_down(ep, now, sa, why);
    v1_sa_give(ep, sa);
    ike_sa_give(ep, sa);
}

uint64_t v1_key_digest(const struct ike_endpoint *ep, const struct ike_sa *sa, uint64_t key)
{
    const struct v1_sa *one = v1_sa_of(ep, sa);
    struct digest d = {key, 0};

    if (!one->hash)
        return 0;
    digest_add(&d, one->keys.skeyid_d, one->hash->len);
    digest_add(&d, one->keys.skeyid_a, one->hash->len);
    digest_add(&d, one->cipher.key, one->cipher.encr->key_len);
    digest_add(&d, one->cipher.iv, one->cipher.encr->block_len);
    return d.value;
}
