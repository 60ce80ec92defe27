/*
 * What an IKE SA of version 1 does on its own: begin what is wished for, one exchange that is
 * answered at a time, send again, let lifetimes and liveness run; and its end.
 */
#include "base/assert.h"
#include "base/digest.h"
#include "proto/core/asked.h"
#include "proto/core/retransmit.h"
#include "proto/core/wish.h"
#include "proto/esp/esp.h"
#include "proto/ikev1/exchanges.h"
#include "proto/ikev1/joining.h"

enum { DELETES_MAX = 32 }; /* child SAs in one message */

/* ---- sending ---- */

enum err v1_ask(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum exchange_kind kind,
                struct bytes message)
{
    message_drop(&ep->store->messages, &sa->request);
    if (v1_fragments_keep(ep, sa, message, &sa->request))
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

    if (v1_fragments_keep(ep, sa, message, &kept))
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

/* Something is being sent that must not be overwritten: the driver pulls it, and then we go on. */
static void next_soon(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    ike_timer_arm(ep, sa, TIMER_RETRY,
                  nsec_min(ike_timer_at(ep, sa, TIMER_RETRY), nsec_add(now, NSEC_PER_MS)));
}

/* The SPIs by which we receive of all children that are to go; as many as one message takes. */
static unsigned doomed(const struct ike_endpoint *ep, const struct ike_sa *sa, uint32_t *spis,
                       unsigned most)
{
    const struct child_sa *c = child_sa_by_index(ep, sa->first_child);
    unsigned count = 0;

    for (; c && count < most; c = child_sa_by_index(ep, c->next))
        if (c->wish_delete)
            spis[count++] = child_esp(ep, c)->spi_in;
    return count;
}

static void delete_children(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    uint32_t spis[DELETES_MAX];
    unsigned count = doomed(ep, sa, spis, DELETES_MAX);
    struct child_sa *c, *next;

    if (!count)
        return;
    if (sa->sends & SEND_RESPONSE) {
        next_soon(ep, now, sa);
        return;
    }
    if (v1_delete_say(ep, now, sa, spis, count)) /* the peer finds out when they expire */
        drop_count(ep, IKE_DROP_LIMIT);
    for (c = child_sa_by_index(ep, sa->first_child); c && count; c = next) {
        next = child_sa_by_index(ep, c->next);
        if (!c->wish_delete)
            continue;
        count--;
        c->wish_delete = false;
        if (c->reason == REASON_DELETED)
            v1_child_unwanted(ep, sa, c);
        child_deleted(ep, now, c, c->reason ? (enum sa_reason)c->reason : REASON_DELETED);
    }
    if (doomed(ep, sa, spis, 1)) /* more than one message takes */
        next_soon(ep, now, sa);
}

static struct child_sa *wishing_rekey(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    struct child_sa *c = child_sa_by_index(ep, sa->first_child);

    while (c && !(c->wish_rekey && child_live(c)))
        c = child_sa_by_index(ep, c->next);
    return c;
}

static bool next_rekey(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct child_sa *c = wishing_rekey(ep, sa);

    if (!c)
        return false;
    c->wish_rekey = false;
    if (v1_quick_begin(ep, now, sa, c))
        child_timers_arm(ep, c, rekey_again_at(ep, now), c->hard);
    return true;
}

static bool next_child(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    if (!ike_wish_child_take(sa))
        return false;
    if (v1_quick_begin(ep, now, sa, NULL))
        child_failed(ep, now, sa, HANDLE_NONE, REASON_LIMIT);
    return true;
}

static bool next_liveness(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    return ike_wish_take(sa, WISH_LIVENESS) && v1_liveness_begin(ep, now, sa) == OK;
}

void v1_next(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    if (sa->state != STATE_ESTABLISHED)
        return;
    if (ike_wish_take(sa, WISH_DELETE)) {
        v1_close(ep, now, sa, (enum sa_reason)sa->reason, true);
        return;
    }
    delete_children(ep, now, sa);
    if (sa->wishes & (WISH_REKEY | WISH_REAUTH)) {
        sa->wishes &= (uint8_t) ~(WISH_REKEY | WISH_REAUTH);
        v1_renew(ep, now, sa);
    }
    while (!sa->in_flight && (v1_address_begin(ep, now, sa) || next_rekey(ep, now, sa) ||
                              next_child(ep, now, sa) || next_liveness(ep, now, sa)))
        ;
}

enum err v1_wish_for(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum ike_wish wish)
{
    if (sa->state != STATE_ESTABLISHED || wish == WISH_MOVE)
        return ERR_STATE;
    if ((wish == WISH_REKEY || wish == WISH_REAUTH) && renewal_next(ep, sa))
        return ERR_STATE;
    if (wish == WISH_LIVENESS && !v1_sa_of(ep, sa)->dpd)
        return ERR_STATE; /* RFC 3706 §5.1: the peer does not know the question */
    if (wish == WISH_CHILD && !ike_wish_child(sa))
        return ERR_STATE;
    if (wish == WISH_DELETE)
        sa->reason = REASON_DELETED;
    sa->wishes |= wish;
    v1_next(ep, now, sa);
    return OK;
}

enum err v1_child_wish_for(struct ike_endpoint *ep, nsec now, struct child_sa *c, bool rekey)
{
    struct ike_sa *sa = child_sa_ike(ep, c);

    if (!child_live(c) || sa->state != STATE_ESTABLISHED)
        return ERR_STATE;
    if (rekey)
        c->wish_rekey = true;
    else
        c->wish_delete = true;
    if (!rekey)
        c->reason = REASON_DELETED;
    v1_next(ep, now, sa);
    return OK;
}

/* ---- timers ---- */

static void give_up(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct step s = {.ep = ep, .sa = sa, .now = now};
    enum err e = v1_step_run(&s, (enum exchange_kind)sa->in_flight, ROLE_GIVEN_UP);

    ASSERT(e == OK);
    v1_remove(ep, now, sa, sa->reason ? (enum sa_reason)sa->reason : REASON_TIMEOUT);
}

static void wish_liveness(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    if (!v1_sa_of(ep, sa)->dpd)
        return;
    sa->wishes |= WISH_LIVENESS;
    v1_next(ep, now, sa);
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
    if (sa->in_flight == KIND_INFORMATIONAL && v1_liveness_again(ep, sa)) {
        v1_remove(ep, now, sa, REASON_LIMIT);
        return;
    }
    if (sa->in_flight != KIND_AGGRESSIVE) /* else it is the request itself */
        send_last_again(ep, now, sa);
    request_send_again(ep, now, sa);
}

/* Hard lifetime, the limit of a handshake, or the end of a hold. */
static void expire(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    if (sa->state == STATE_ESTABLISHED)
        v1_close(ep, now, sa, REASON_EXPIRED, true);
    else
        v1_remove(ep, now, sa, v1_user_reason(ep, sa, REASON_TIMEOUT));
}

static void fire(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum ike_timer timer)
{
    switch (timer) {
    case TIMER_RETRANSMIT:
        retransmit(ep, now, sa);
        break;
    case TIMER_REKEY:
        sa->wishes |= WISH_REKEY;
        v1_next(ep, now, sa);
        break;
    case TIMER_EXPIRE:
        expire(ep, now, sa);
        break;
    case TIMER_LIVENESS:
        if (ike_liveness_due(ep, now, sa))
            wish_liveness(ep, now, sa);
        break;
    case TIMER_KEEPALIVE:
        ike_keepalive_due(ep, now, sa);
        break;
    default:
        if (sa->state == STATE_CLOSED && !message_none(sa->request))
            outbox_add(ep, sa, SEND_REQUEST); /* a Delete that was put off */
        v1_exchanges_due(ep, now, sa);
        v1_next(ep, now, sa);
        break;
    }
}

void v1_timer_fired(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    ike_timers_fire(ep, now, sa, fire);
}

void v1_child_timer_fired(struct ike_endpoint *ep, nsec now, struct child_sa *c)
{
    struct ike_sa *sa = child_timer_wish(ep, now, c);

    if (sa)
        v1_next(ep, now, sa);
}

/* ---- over ---- */

void v1_remove(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum sa_reason why)
{
    v1_renewal_over(ep, now, sa, why);
    sa_life_end_children(ep, now, sa, why);
    sa_life_down(ep, now, sa, why);
    v1_sa_give(ep, sa);
    ike_sa_give(ep, sa);
}

/* RFC 2408 §2.3: child SAs may outlive the IKE SA that made them, as libreswan's do, so they are
 * deleted as well, in a message before: strongSwan heeds one Delete in each. */
static void delete_all(struct ike_endpoint *ep, nsec now, struct ike_sa *sa,
                       struct message_ref *last)
{
    uint32_t spis[DELETES_MAX];
    struct child_sa *c = child_sa_by_index(ep, sa->first_child);
    unsigned count = 0;

    for (; c && count < DELETES_MAX; c = child_sa_by_index(ep, c->next))
        if (child_live(c))
            spis[count++] = child_esp(ep, c)->spi_in;
    if (count && !(sa->sends & SEND_RESPONSE) && v1_delete_say(ep, now, sa, spis, count))
        drop_count(ep, IKE_DROP_LIMIT);
    if (v1_delete_make(ep, sa, last)) /* the peer finds out by asking */
        drop_count(ep, IKE_DROP_LIMIT);
}

void v1_close(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum sa_reason why, bool tell)
{
    struct message_ref last = {0};

    if (tell)
        delete_all(ep, now, sa, &last);
    v1_renewal_over(ep, now, sa, why);
    sa_life_end_children(ep, now, sa, why);
    sa_life_down(ep, now, sa, why);
    exchange_close(sa);
    v1_ask_done(ep, sa);
    handshake_give(ep, sa);
    v1_sa_forget(ep, sa);
    sa->wishes = sa->new_wishes = 0;
    ike_asked_done(ep, sa);
    ike_timers_cancel(ep, sa);
    ike_timer_arm(ep, sa, TIMER_EXPIRE, nsec_add(now, CLOSED_HOLD));
    sa->request = last;
    if (!message_none(last))
        outbox_add(ep, sa, SEND_REQUEST);
}

bool v1_acting(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    uint32_t spi;

    for (const struct v1_exchange *x = NULL; (x = v1_exchange_next(ep, sa, x)) != NULL;)
        if (x->quick != SA_INDEX_NONE)
            return true;
    return doomed(ep, sa, &spi, 1) > 0;
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
