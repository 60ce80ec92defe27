/*
 * Quick Mode of an endpoint (RFC 2409 §5.5): child SAs under an IKE SA of version 1. What the
 * messages say is in quick_mode.c; here are records, installing, and what is sent and sent again.
 *
 * Who answered installs with message 2 what receives, and sends when 3 has come, or a packet
 * through the new SA, which says the same. Message 2 is sent again until then, as nothing else
 * would bring back a lost 3 (RFC 2408 §5.1); the initiator sends 1 again, and 3 for every 2.
 */
#include "base/assert.h"
#include "base/digest.h"
#include "proto/core/retransmit.h"
#include "proto/esp/esp.h"
#include "proto/ikev1/exchanges.h"

static exchange_handler ask, answer, take_answer, take_last, given_up;

#define P(type) ((payload_set)V1_BIT(type))
#define OFFER (P(HASH) | P(SA) | P(NONCE))
#define OFFER_MAY (OFFER | P(KE) | P(ID) | P(NOTIFY) | P(VENDOR))
#define ANY (FROM(ESTABLISHED) | FROM(REKEYED))

/* { version, from, kind, role, needed, allowed, handler, refusal, to, failed, section } */
const struct exchange_row v1_quick_rows[] = {
    {1, FROM(ESTABLISHED), KIND_QUICK, ROLE_START, 0, 0, ask, 0, STAY, STAY, "RFC 2409 §5.5"},
    {1, ANY, KIND_QUICK, ROLE_ASKED, OFFER, OFFER_MAY, answer, 0, STAY, STAY, "RFC 2409 §5.5"},
    {1, ANY, KIND_QUICK, ROLE_ANSWERED, OFFER, OFFER_MAY, take_answer, 0, STAY, STAY,
     "RFC 2409 §5.5"},
    {1, ANY, KIND_QUICK, ROLE_CONFIRMED, P(HASH), P(HASH), take_last, 0, STAY, STAY,
     "RFC 2409 §5.5"},
    {1, ANY, KIND_QUICK, ROLE_GIVEN_UP, 0, 0, given_up, 0, STAY, STAY, "RFC 2408 §5.1"},
};
const size_t v1_quick_row_count = sizeof v1_quick_rows / sizeof *v1_quick_rows;

/* ---- records ---- */

/* The earliest of what the exchanges wait for. */
static void arm(struct ike_endpoint *ep, struct ike_sa *sa)
{
    nsec due = NSEC_NEVER;

    for (const struct v1_exchange *x = NULL; (x = v1_exchange_next(ep, sa, x)) != NULL;)
        due = nsec_min(due, x->due);
    ike_timer_arm(ep, sa, TIMER_RETRY, due);
}

nsec v1_patience(const struct ike_config *c)
{
    nsec sum = 0;

    for (uint32_t n = 0; n <= c->retransmit.tries; n++)
        sum = nsec_add(sum, retransmit_interval(&c->retransmit, n));
    return sum;
}

static enum err keep(struct step *s, struct v1_exchange *x)
{
    message_drop(&s->ep->store->messages, &x->sent);
    x->answered = s->digest;
    return message_keep(&s->ep->store->messages, s->answer, &x->sent);
}

void v1_exchange_remember(struct step *s, struct v1_exchange *x)
{
    v1_exchange_settle(s->ep, x);
    x->due = nsec_add(s->now, v1_patience(s->ep->store->config));
    if (s->answer.len && keep(s, x))
        x->answered = 0; /* no room: what comes again is dropped */
    arm(s->ep, s->sa);
}

uint32_t v1_exchange_draw_id(struct ike_endpoint *ep, const struct ike_sa *sa)
{
    uint32_t id;

    do
        ike_draw(ep, STREAM_NONCE, &id, sizeof id);
    while (id == 0 || v1_exchange_find(ep, sa, id));
    return id;
}

/* A record with a child SA reserved, and a Quick Mode that has not begun. */
static enum err begin(struct step *s, uint32_t message_id, bool initiator, struct v1_exchange **out)
{
    struct ike_endpoint *ep = s->ep;
    const struct v1_quick_env env = {v1_sa_established(ep, s->sa), &ep->store->config->child,
                                     s->sa->natt};
    struct v1_exchange *x = v1_exchange_take(ep, s->sa, message_id);
    struct v1_quick *q;
    enum err e;

    *out = x;
    if (!x)
        return ERR_FULL;
    e = child_reserve(ep, v1_heir(ep, s->sa), &x->child);
    if (e)
        return e;
    q = v1_exchange_begin(ep, x);
    ASSERT(q); /* as many as exchanges */
    return v1_quick_init(q, &env, initiator, message_id,
                         child_esp(ep, child_sa_at(ep, x->child))->spi_in,
                         ike_draw_stream(ep, STREAM_KEY_EXCHANGE));
}

/* Without a trace. */
static void undo(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, struct v1_exchange *x)
{
    struct child_sa *made = x ? child_sa_at(ep, x->child) : NULL;

    if (made)
        child_remove(ep, now, made, REASON_LIMIT);
    if (x)
        v1_exchange_give(ep, sa, x);
}

/* ---- the child SA ---- */

static struct child_terms terms_of(const struct v1_quick *q)
{
    return (struct child_terms){.encr = q->suite.encr,
                                .integ = q->suite.integ,
                                .ke = q->suite.ke,
                                .spi_out = q->spi_out,
                                .transport = q->env.config->transport,
                                .no_tfc = true, /* IKEv1 cannot ask whether it is taken */
                                .local = {.items = {q->local}, .count = 1},
                                .remote = {.items = {q->remote}, .count = 1}};
}

/* The smaller limit of both counts (RFC 2407 §4.5): it is what HASH covers of the offer. */
static void limit_life(struct step *s, struct child_sa *c, uint32_t life_s)
{
    if (life_s)
        child_timers_arm(s->ep, c, c->soft,
                         nsec_min(c->hard, nsec_add(s->now, life_s * NSEC_PER_S)));
}

static enum err install(struct step *s, struct v1_exchange *x, const struct v1_quick *q)
{
    struct child_terms terms = terms_of(q);
    struct child_keys keys = {q->key_in, q->key_out};
    struct child_sa *made = child_sa_at(s->ep, x->child), *old, *like;
    struct child_seed seed = {.keys = &keys, .initiator = q->initiator, .waits = !q->initiator};
    enum err e;

    if (!made)
        return ERR_NO_SA;
    like = child_like(s->ep, child_sa_ike(s->ep, made), &terms);
    if (handle_none(x->old) && like) /* there is no word for a rekey: the same traffic is one */
        x->old = child_sa_handle(s->ep, like);
    old = child_sa_at(s->ep, x->old);
    seed.old = old && child_live(old) ? old : NULL;
    seed.beside = like; /* what we asked to replace the peer has replaced, too */
    e = child_install(s->ep, s->now, made, &terms, &seed);
    if (e == OK)
        limit_life(s, made, q->suite.life_s);
    return e;
}

/* Another one of the same policy that is there to stay. */
static struct child_sa *live_beside(const struct ike_endpoint *ep, const struct child_sa *one)
{
    uint32_t policy = child_esp(ep, one)->policy;
    struct child_sa *c = child_sa_by_index(ep, child_sa_ike(ep, one)->first_child);

    while (c && (c == one || !child_live(c) || child_esp(ep, c)->policy != policy))
        c = child_sa_by_index(ep, c->next);
    return c;
}

/* Another one that sends under the same policy: both ends have rekeyed at once. */
static struct child_sa *rival_of(const struct ike_endpoint *ep, const struct child_sa *made)
{
    uint32_t policy = child_esp(ep, made)->policy;
    struct child_sa *c = child_sa_by_index(ep, child_sa_ike(ep, made)->first_child);

    while (c && (c == made || c->state != CHILD_CURRENT || child_esp(ep, c)->policy != policy))
        c = child_sa_by_index(ep, c->next);
    return c;
}

/* The same number at both ends. */
static uint64_t rank_of(const struct ike_endpoint *ep, const struct child_sa *c)
{
    uint32_t in = child_esp(ep, c)->spi_in, out = child_esp(ep, c)->spi_out;

    return in > out ? (uint64_t)in << 32 | out : (uint64_t)out << 32 | in;
}

/* There are no nonces in the record to compare as IKEv2 does: SPIs are as random. */
static bool outranks(const struct ike_endpoint *ep, const struct child_sa *a,
                     const struct child_sa *b)
{
    bool higher = rank_of(ep, a) > rank_of(ep, b);

    return ep->store->config->quirks & QUIRK_HIGHEST_NONCE ? !higher : higher;
}

/* Whoever made the one that loses deletes it. */
static void settle_rivals(struct ike_endpoint *ep, nsec now, struct child_sa *made)
{
    struct child_sa *rival = rival_of(ep, made);
    bool wins = rival && outranks(ep, made, rival);
    struct child_sa *loser = wins ? rival : made, *winner = wins ? made : rival;

    if (!rival)
        return;
    ep->store->counters.collisions++;
    child_replace(ep, now, loser, winner);
    child_switch(ep, winner);
    loser->wish_delete = loser->initiator;
    loser->reason = REASON_COLLISION;
}

/* Under this IKE SA. */
static bool is_remembered(const struct ike_endpoint *ep, const struct ike_sa *sa,
                          const struct child_sa *made)
{
    const struct v1_exchange *x = NULL;

    while (sa && (x = v1_exchange_next(ep, sa, x)) != NULL)
        if (child_sa_at(ep, x->child) == made)
            return true;
    return false;
}

/* We made `old` a short while ago, and the peer may have asked for `made` before it knew. Or it
 * knew and rekeys it: nothing tells. */
static bool may_have_crossed(const struct ike_endpoint *ep, const struct child_sa *made,
                             const struct child_sa *old)
{
    const struct ike_sa *sa = child_sa_ike(ep, old);

    return !made->initiator && old->initiator &&
           (is_remembered(ep, sa, old) || is_remembered(ep, v1_replaced(ep, sa), old));
}

/* One of two that may have crossed. If they have, the peer knows it, and ranks decide at both ends:
 * ours goes if it loses; if it wins the peer deletes its own. If they have not, the peer deletes
 * ours. So the one that is left after a Delete is the right one, and `made` waits for it; or for a
 * packet. */
static void settle_crossed(struct ike_endpoint *ep, nsec now, struct child_sa *made,
                           struct child_sa *ours)
{
    if (!outranks(ep, made, ours))
        return;
    ep->store->counters.collisions++;
    child_replace(ep, now, ours, made);
    child_switch(ep, made);
    ours->wish_delete = true;
    ours->reason = REASON_COLLISION;
}

/* Both ends have it: it sends, and what it takes the place of goes. */
static void complete(struct ike_endpoint *ep, nsec now, const struct v1_exchange *x)
{
    struct child_sa *made = child_sa_at(ep, x->child), *old = child_sa_at(ep, x->old);

    if (!made)
        return;
    if (x->unwanted) {
        made->wish_delete = true;
        made->reason = REASON_DELETED;
    }
    if (old && child_live(old) && may_have_crossed(ep, made, old)) {
        settle_crossed(ep, now, made, old);
        return;
    }
    if (old && child_live(old))
        child_replace(ep, now, old, made);
    if (made->state == CHILD_READY)
        child_switch(ep, made);
    if (made->state == CHILD_CURRENT)
        settle_rivals(ep, now, made);
}

/* ---- handlers ---- */

/* What is to take the place of a child SA is asked for with its selectors: who was called allows
 * more than that, and there is no narrowing. */
static void ask_for_the_same(const struct step *s, struct v1_quick *q)
{
    if (!s->child)
        return;
    q->local = child_selectors(s->ep, s->child, true).items[0];
    q->remote = child_selectors(s->ep, s->child, false).items[0];
}

/* Whom an address inside was given to speaks with that. */
static void ask_for_inside(const struct step *s, struct v1_quick *q)
{
    const struct ike_config *c = s->ep->store->config;
    struct ip_addr inside = v1_inside(s->ep, s->sa);

    if (s->child || !c->inside.select || !c->inside.ask || !inside.family)
        return;
    q->local = selector_host(inside);
    q->remote = c->child.remote[0];
}

/* And with nothing else. */
static enum err check_inside(const struct step *s, const struct v1_quick *q)
{
    const struct ike_config *c = s->ep->store->config;
    struct ip_addr inside = v1_inside(s->ep, v1_heir(s->ep, s->sa));
    struct selector host;

    if (!c->inside.select || !c->inside.pool.addr.family)
        return OK;
    if (!inside.family)
        return ERR_TS;
    host = selector_host(inside);
    return selector_subset(&q->remote, &host) ? OK : ERR_TS;
}

static enum err ask(struct step *s)
{
    const struct child_config *c = &s->ep->store->config->child;
    struct v1_exchange *x;
    uint32_t id = v1_exchange_draw_id(s->ep, s->sa);
    enum err e;

    if (!c->local_count || !c->remote_count)
        return ERR_UNSUPPORTED; /* there is nothing to ask for */
    e = begin(s, id, true, &x);

    if (e == OK)
        ask_for_the_same(s, v1_exchange_quick(s->ep, x));
    if (e == OK)
        ask_for_inside(s, v1_exchange_quick(s->ep, x));
    if (e == OK)
        e = v1_quick_start(v1_exchange_quick(s->ep, x), s->out, &s->answer);
    if (e) {
        undo(s->ep, s->now, s->sa, x);
        return e;
    }
    x->old = s->child ? child_sa_handle(s->ep, s->child) : HANDLE_NONE;
    s->sa->request_id = id;
    return OK;
}

static enum err receive(struct step *s, struct v1_exchange *x)
{
    struct v1_arrival at = v1_step_arrival(s);
    enum v1_next next;

    return v1_quick_receive(v1_exchange_quick(s->ep, x), &at, s->out, &next, &s->answer);
}

/* 1 is answered with 2. */
static enum err answer(struct step *s)
{
    struct v1_exchange *x;
    enum err e = begin(s, s->header.message_id, false, &x);

    if (e == OK)
        e = receive(s, x);
    if (e == OK)
        e = check_inside(s, v1_exchange_quick(s->ep, x));
    if (e == OK)
        e = install(s, x, v1_exchange_quick(s->ep, x));
    if (e == OK)
        e = keep(s, x);
    if (e) {
        undo(s->ep, s->now, s->sa, x);
        return e;
    }
    v1_id_use(v1_sa_of(s->ep, s->sa), x->message_id);
    x->due = nsec_add(s->now, request_delay(s->ep, 0));
    arm(s->ep, s->sa);
    return OK;
}

/* 2 is answered with 3. */
static enum err take_answer(struct step *s)
{
    struct v1_exchange *x = v1_exchange_find(s->ep, s->sa, s->header.message_id);
    struct v1_exchange *phase1 = s->sa->initiator ? v1_exchange_find(s->ep, s->sa, 0) : NULL;
    struct child_sa *old;
    enum err e = receive(s, x);

    if (e)
        return e;
    if (phase1) /* the peer could not have said this without our last message of it */
        v1_exchange_give(s->ep, s->sa, phase1);
    e = install(s, x, v1_exchange_quick(s->ep, x));
    v1_ask_done(s->ep, s->sa);
    if (e) { /* the peer has it: it is told by a Delete, as soon as we know that it has 3 */
        child_failed(s->ep, s->now, s->sa, HANDLE_NONE, REASON_LIMIT);
        undo(s->ep, s->now, s->sa, x);
        s->answer = BYTES_NONE;
        return e;
    }
    complete(s->ep, s->now, x);
    old = child_sa_at(s->ep, x->old);
    if (old && old->state != CHILD_LINGERING) { /* else the peer has deleted it */
        old->wish_delete = true;
        old->reason = REASON_REKEYED;
    }
    v1_exchange_remember(s, x);
    return OK;
}

static enum err take_last(struct step *s)
{
    struct v1_exchange *x = v1_exchange_find(s->ep, s->sa, s->header.message_id);
    enum err e = receive(s, x);

    if (e)
        return e;
    complete(s->ep, s->now, x);
    v1_exchange_give(s->ep, s->sa, x);
    arm(s->ep, s->sa);
    return OK;
}

/* Nobody answers: neither this nor anything else. */
static enum err given_up(struct step *s)
{
    child_failed(s->ep, s->now, s->sa, HANDLE_NONE, REASON_TIMEOUT);
    return OK;
}

/* ---- begin ---- */

enum err v1_quick_begin(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, struct child_sa *old)
{
    uint8_t storage[MESSAGE_MAX];
    struct step s = {
        .ep = ep, .sa = sa, .now = now, .child = old, .out = {storage, 0, sizeof storage}};
    enum err e = v1_step_run(&s, KIND_QUICK, ROLE_START);

    if (e)
        return e;
    e = v1_ask(ep, now, sa, KIND_QUICK, s.answer);
    if (e)
        undo(ep, now, sa, v1_exchange_find(ep, sa, sa->request_id));
    else
        sa->child = old ? child_sa_handle(ep, old) : HANDLE_NONE;
    return e;
}

static void unwanted_under(struct ike_endpoint *ep, const struct ike_sa *sa,
                           const struct child_sa *c)
{
    struct v1_exchange *x = NULL;

    while (sa && (x = v1_exchange_next(ep, sa, x)) != NULL)
        x->unwanted |= v1_exchange_quick(ep, x) && child_sa_at(ep, x->old) == c;
}

void v1_child_unwanted(struct ike_endpoint *ep, const struct child_sa *c)
{
    const struct ike_sa *sa = child_sa_ike(ep, c);

    unwanted_under(ep, sa, c);
    unwanted_under(ep, v1_replaced(ep, sa), c);
}

static void complete_under(struct ike_endpoint *ep, nsec now, const struct ike_sa *sa,
                           const struct child_sa *c)
{
    struct v1_exchange *x = NULL;

    while (sa && (x = v1_exchange_next(ep, sa, x)) != NULL) {
        const struct v1_quick *q = v1_exchange_quick(ep, x);

        if (q && q->state == V1_QUICK_ANSWERED &&
            (child_sa_at(ep, x->old) == c || child_sa_at(ep, x->child) == c))
            complete(ep, now, x);
    }
}

void v1_child_is_deleted(struct ike_endpoint *ep, nsec now, struct child_sa *c)
{
    const struct ike_sa *sa = child_sa_ike(ep, c);
    struct child_sa *stays;

    complete_under(ep, now, sa, c);
    complete_under(ep, now, v1_replaced(ep, sa), c);
    stays = child_sa_at(ep, c->successor) ? NULL : live_beside(ep, c);
    if (stays)
        child_replace(ep, now, c, stays);
}

/* ---- it comes to nothing ---- */

void v1_quick_refused(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum sa_reason why)
{
    struct v1_exchange *x = v1_exchange_find(ep, sa, sa->request_id);
    struct child_sa *old = x ? child_sa_at(ep, x->old) : NULL;

    child_failed(ep, now, sa, HANDLE_NONE, why);
    if (old && child_live(old))
        child_timers_arm(ep, old, rekey_again_at(ep, now), old->hard);
    undo(ep, now, sa, x);
    v1_ask_done(ep, sa);
}

static void abandon_own(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, struct v1_exchange *x)
{
    struct child_sa *old = child_sa_at(ep, x->old), *made = child_sa_at(ep, x->child);

    if (old && child_live(old))
        old->wish_rekey = true;
    else
        (made ? child_sa_ike(ep, made) : sa)->wishes |= WISH_CHILD;
    undo(ep, now, sa, x);
    v1_ask_done(ep, sa);
}

/* Whether the peer has it, nobody knows. If it has not, it makes another one in the place of this.
 */
static void abandon_peers(struct ike_endpoint *ep, nsec now, struct ike_sa *sa,
                          struct v1_exchange *x)
{
    complete(ep, now, x);
    v1_exchange_give(ep, sa, x);
}

static void abandon(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, struct v1_exchange *x)
{
    const struct v1_quick *q = v1_exchange_quick(ep, x);

    if (q && q->initiator)
        abandon_own(ep, now, sa, x);
    else if (q)
        abandon_peers(ep, now, sa, x);
}

void v1_exchanges_abandon(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct v1_exchange *x = v1_exchange_next(ep, sa, NULL), *next;

    for (; x; x = next) {
        next = v1_exchange_next(ep, sa, x);
        abandon(ep, now, sa, x);
    }
    arm(ep, sa);
}

void v1_exchanges_leave(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct v1_exchange *x = v1_exchange_next(ep, sa, NULL), *next;

    for (; x; x = next) {
        const struct child_sa *made = child_sa_at(ep, x->child);

        next = v1_exchange_next(ep, sa, x);
        if (made && child_sa_ike(ep, made) != sa)
            abandon(ep, now, sa, x);
    }
}

/* ---- messages ---- */

static enum exchange_role role_of(const struct step *s, const struct v1_exchange *x)
{
    if (!x)
        return ROLE_ASKED;
    return v1_exchange_quick(s->ep, x)->initiator ? ROLE_ANSWERED : ROLE_CONFIRMED;
}

/* Whether it is a message that we may take; if not it is counted. */
static enum err judge(struct step *s, const struct v1_exchange *x)
{
    const struct v1_sa *one = v1_sa_of(s->ep, s->sa);
    bool over = x ? x->quick == SA_INDEX_NONE : v1_id_seen(one, s->header.message_id);

    if (one->hash && s->header.message_id && !over)
        return OK;
    drop_count(s->ep, one->hash ? IKE_DROP_MESSAGE_ID : IKE_DROP_UNEXPECTED);
    return one->hash ? ERR_MESSAGE_ID : ERR_STATE;
}

/* What is wrong with an offer that is authentic: HASH is judged before. */
static void say_refusal(struct step *s, enum err e)
{
    uint16_t type = e == ERR_NO_PROPOSAL    ? V1_NOTIFY_NO_PROPOSAL_CHOSEN
                    : e == ERR_TS           ? V1_NOTIFY_INVALID_ID_INFORMATION
                    : e == ERR_KEY_EXCHANGE ? V1_NOTIFY_INVALID_KEY_INFORMATION
                                            : 0;

    if (type && v1_notify_say(s->ep, s->now, s->sa, s->dgram, type))
        drop_count(s->ep, IKE_DROP_LIMIT);
}

enum err v1_quick_heard(struct step *s)
{
    struct v1_exchange *x =
        s->header.message_id ? v1_exchange_find(s->ep, s->sa, s->header.message_id) : NULL;
    enum err e;

    if (x && x->answered == s->digest && !message_none(x->sent)) {
        s->ep->store->counters.responses_repeated++;
        return v1_say(s->ep, s->now, s->sa, s->dgram, message_at(&s->ep->store->messages, x->sent));
    }
    e = judge(s, x);
    if (e)
        return e;
    e = v1_step_run(s, KIND_QUICK, role_of(s, x));
    if (e) {
        drop_count(s->ep, drop_for(e));
        if (!x)
            say_refusal(s, e);
        return e;
    }
    ike_peer_seen(s->ep, s->now, s->sa, &s->dgram->local, &s->dgram->remote);
    v1_heard_under(s->ep, s->sa);
    if (s->answer.len)
        e = v1_say(s->ep, s->now, s->sa, s->dgram, s->answer); /* if not now, when asked again */
    v1_next(s->ep, s->now, s->sa);
    return e;
}

/* ---- timers ---- */

/* Message 3 is missing. @return false: no more of it */
static bool answer_again(struct ike_endpoint *ep, nsec now, struct ike_sa *sa,
                         struct v1_exchange *x)
{
    if (retransmit_last(&ep->store->config->retransmit, x->tries))
        return false;
    if (sa->sends & SEND_RESPONSE) { /* one after the other */
        x->due = nsec_add(now, NSEC_PER_MS);
        return true;
    }
    x->tries++;
    ep->store->counters.retransmissions++;
    event_ike(ep, now, sa, (struct event_record){.kind = EVENT_RETRANSMIT, .count = x->tries});
    if (v1_say(ep, now, sa, NULL, message_at(&ep->store->messages, x->sent)))
        drop_count(ep, IKE_DROP_LIMIT);
    x->due = nsec_add(now, request_delay(ep, x->tries));
    return true;
}

static void due(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, struct v1_exchange *x)
{
    struct child_sa *made = child_sa_at(ep, x->child);

    if (x->quick != SA_INDEX_NONE && made && made->state == CHILD_READY) {
        if (answer_again(ep, now, sa, x))
            return;
        child_remove(ep, now, made, REASON_TIMEOUT);
    } else if (x->quick != SA_INDEX_NONE) {
        complete(ep, now, x); /* a packet has said it */
    }
    v1_exchange_give(ep, sa, x);
}

void v1_exchanges_due(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct v1_exchange *x = v1_exchange_next(ep, sa, NULL), *next;

    for (; x; x = next) {
        next = v1_exchange_next(ep, sa, x);
        if (x->due <= now)
            due(ep, now, sa, x);
    }
    arm(ep, sa);
}
