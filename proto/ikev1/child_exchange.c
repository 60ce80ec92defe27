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
#include "proto/core/asked.h"
#include "proto/core/retransmit.h"
#include "proto/esp/esp.h"
#include "proto/ikev1/exchanges.h"

static exchange_handler ask, answer, take_answer, take_last, given_up;

#define P(type) ((payload_set)V1_BIT(type))
#define OFFER (P(HASH) | P(SA) | P(NONCE))
#define OFFER_MAY (OFFER | P(KE) | P(ID) | P(NAT_OA) | P(NOTIFY) | P(VENDOR))
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

static struct v1_quick_env env_of(const struct step *s)
{
    return (struct v1_quick_env){v1_sa_established(s->ep, s->sa), &s->ep->store->config->child,
                                 s->sa->natt, ike_sa_local(s->ep, s->sa).addr,
                                 ike_sa_remote(s->ep, s->sa).addr};
}

/* A record with a child SA reserved, and room for a Quick Mode. */
static enum err reserve(struct step *s, uint32_t message_id, struct v1_exchange **out)
{
    struct v1_exchange *x = v1_exchange_take(s->ep, s->sa, message_id);
    enum err e;

    *out = x;
    if (!x)
        return ERR_FULL;
    e = child_reserve(s->ep, s->sa, &x->child);
    if (e)
        return e;
    if (!v1_exchange_begin(s->ep, x))
        ASSERT(!"there are as many as exchanges");
    return OK;
}

static uint32_t spi_of(const struct ike_endpoint *ep, const struct v1_exchange *x)
{
    return child_esp(ep, child_sa_at(ep, x->child))->spi_in;
}

/* One that we begin. */
static enum err begin(struct step *s, uint32_t message_id, struct v1_exchange **x)
{
    const struct v1_quick_env env = env_of(s);
    enum err e = reserve(s, message_id, x);

    if (e)
        return e;
    return v1_quick_init(v1_exchange_quick(s->ep, *x), &env, true, message_id, spi_of(s->ep, *x),
                         ike_draw_stream(s->ep, STREAM_KEY_EXCHANGE));
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
                                .hard_bytes = q->suite.life.kb * UINT64_C(1024),
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
    struct child_seed seed = {.keys = &keys,
                              .initiator = q->initiator,
                              .waits = !q->initiator,
                              .installed = s->ep->store->installing};
    enum err e;

    if (!made)
        return ERR_NO_SA;
    like = child_like(s->ep, s->sa, &terms);
    if (handle_none(x->old) && like) /* there is no word for a rekey: the same traffic is one */
        x->old = child_sa_handle(s->ep, like);
    old = child_sa_at(s->ep, x->old);
    seed.old = old && child_live(old) ? old : NULL;
    seed.beside = like; /* what we asked to replace the peer has replaced, too */
    e = child_install(s->ep, s->now, made, &terms, &seed);
    if (e == OK)
        limit_life(s, made, q->suite.life.s);
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

/* There are no nonces in the record to compare as IKEv2 does: SPIs are as random. Whoever made the
 * one that loses deletes it. */
static void settle_rivals(struct ike_endpoint *ep, nsec now, struct child_sa *made)
{
    struct child_sa *rival = rival_of(ep, made);
    bool wins = rival && rank_of(ep, made) > rank_of(ep, rival);
    struct child_sa *loser = wins ? rival : made, *winner = wins ? made : rival;

    if (!rival)
        return;
    ep->store->counters.collisions++;
    child_replace(ep, now, loser, winner);
    child_switch(ep, winner);
    loser->wish_delete = loser->initiator;
    loser->reason = REASON_COLLISION;
}

/* We made `old` a short while ago, and the peer may have asked for `made` before it knew. Or it
 * knew and rekeys it: nothing tells. */
static bool may_have_crossed(const struct ike_endpoint *ep, const struct child_sa *made,
                             const struct child_sa *old)
{
    const struct v1_exchange *x = NULL;

    if (made->initiator || !old->initiator)
        return false;
    while ((x = v1_exchange_next(ep, child_sa_ike(ep, old), x)) != NULL)
        if (child_sa_at(ep, x->child) == old)
            return true;
    return false;
}

/* One of two that may have crossed. If they have, the peer knows it, and ranks decide at both ends:
 * ours goes if it loses; if it wins the peer deletes its own. If they have not, the peer deletes
 * ours. So the one that is left after a Delete is the right one, and `made` waits for it; or for a
 * packet. */
static void settle_crossed(struct ike_endpoint *ep, nsec now, struct child_sa *made,
                           struct child_sa *ours)
{
    ep->store->counters.collisions++;
    child_replace(ep, now, ours, made);
    child_switch(ep, made);
    ours->wish_delete = true;
    ours->reason = REASON_COLLISION;
}

/* The Quick Mode of the peer's that made this one, while its message 3 is missing. */
static struct v1_exchange *unconfirmed(const struct ike_endpoint *ep, const struct child_sa *made)
{
    struct v1_exchange *x = NULL;

    while (made && (x = v1_exchange_next(ep, child_sa_ike(ep, made), x)) != NULL) {
        const struct v1_quick *q = v1_exchange_quick(ep, x);

        if (q && q->state == V1_QUICK_ANSWERED && child_sa_at(ep, x->child) == made)
            break;
    }
    return made ? x : NULL;
}

/* @param rekeyed  the peer has already made another one in its place */
static void complete_as(struct ike_endpoint *ep, nsec now, struct v1_exchange *x, bool rekeyed)
{
    struct child_sa *made = child_sa_at(ep, x->child), *old = child_sa_at(ep, x->old);
    struct v1_exchange *before = unconfirmed(ep, old);

    if (!made || !child_live(made)) /* it was complete before */
        return;
    if (before) {
        complete_as(ep, now, before, true);
        x->unwanted |= before->unwanted;
    }
    if (x->unwanted) {
        made->wish_delete = true;
        made->reason = REASON_DELETED;
    }
    if (old && child_live(old) && may_have_crossed(ep, made, old)) {
        if (rekeyed || rank_of(ep, made) > rank_of(ep, old))
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

/* Both ends have it: it sends, and what it takes the place of goes. */
static void complete(struct ike_endpoint *ep, nsec now, struct v1_exchange *x)
{
    complete_as(ep, now, x, false);
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

static struct selector taker(const struct selector *list, uint8_t count, const struct selector *of)
{
    uint8_t i = 0;

    while (i < count && !selector_subset(of, &list[i]))
        i++;
    ASSERT(i < count); /* ike_asked_read has seen to it */
    return list[i];
}

/* A packet that no policy took. There is no narrowing, so its own selectors would be all that the
 * new child SA takes: those of ours that take the packet are asked for. */
static void ask_for_packet(const struct step *s, struct v1_quick *q)
{
    const struct child_config *c = &s->ep->store->config->child;

    if (s->child || !ike_asked_for(s->ep, s->sa))
        return;
    q->local = taker(c->local, c->local_count, &s->ep->rare->asked.local);
    q->remote = taker(c->remote, c->remote_count, &s->ep->rare->asked.remote);
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
    struct ip_addr inside = v1_inside(s->ep, s->sa);
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
    if (v1_ids_full(v1_sa_of(s->ep, s->sa)))
        return ERR_FULL;
    e = begin(s, id, &x);

    if (e == OK)
        ask_for_the_same(s, v1_exchange_quick(s->ep, x));
    if (e == OK)
        ask_for_packet(s, v1_exchange_quick(s->ep, x));
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
    v1_id_keep(s->ep, s->sa, id); /* also against our own words, thrown back */
    return OK;
}

/* @param judged  of it, with nothing of ours yet */
static enum err take_first(struct step *s, const struct v1_quick *judged,
                           const struct v1_quick_opened *first, struct v1_exchange **x)
{
    struct v1_arrival at = v1_step_arrival(s);
    enum err e = reserve(s, judged->message_id, x);
    struct v1_quick *q;

    if (e)
        return e;
    q = v1_exchange_quick(s->ep, *x);
    *q = *judged;
    q->spi_in = spi_of(s->ep, *x);
    q->random = ike_draw_stream(s->ep, STREAM_KEY_EXCHANGE);
    return v1_quick_take(q, first, &at, s->out, &s->answer);
}

/* Anybody can write a message 1. Nothing is taken for it, neither room nor chance, before HASH says
 * whose it is. */
static enum err judge_first(struct step *s, struct v1_exchange **x)
{
    const struct v1_quick_env env = env_of(s);
    struct v1_quick_opened first;
    struct v1_quick judged;
    enum err e =
        v1_quick_init(&judged, &env, false, s->header.message_id, 0, (struct rng){.counter = 0});

    if (e == OK)
        e = v1_quick_open(&judged, s->message, &first);
    s->judged = e == OK;
    if (e == OK)
        e = take_first(s, &judged, &first, x);
    v1_quick_reset(&judged);
    return e;
}

/* 1 is answered with 2. */
static enum err answer(struct step *s)
{
    struct v1_exchange *x = NULL;
    enum err e = judge_first(s, &x);

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
    v1_id_keep(s->ep, s->sa, x->message_id);
    x->due = nsec_add(s->now, request_delay(s->ep, 0));
    arm(s->ep, s->sa);
    return OK;
}

/* 2 is answered with 3. If it cannot be, its sender says it again until it gives up: no Delete, as
 * that would say that we have had it. */
static enum err take_answer(struct step *s)
{
    struct v1_exchange *x = v1_exchange_find(s->ep, s->sa, s->header.message_id);
    struct v1_exchange *phase1 = s->sa->initiator ? v1_exchange_find(s->ep, s->sa, 0) : NULL;
    bool for_packet = handle_none(s->sa->child);
    struct v1_quick *q = v1_exchange_quick(s->ep, x);
    struct v1_arrival at = v1_step_arrival(s);
    struct v1_quick_opened second;
    struct child_sa *old;
    enum err e = v1_quick_open(q, s->message, &second);

    if (e)
        return e;
    s->judged = true;
    if (phase1) /* the peer could not have said this without our last message of it */
        v1_exchange_give(s->ep, s->sa, phase1);
    e = v1_quick_take(q, &second, &at, s->out, &s->answer);
    if (e == OK)
        e = install(s, x, q);
    if (e)
        return e;
    if (for_packet)
        ike_asked_done(s->ep, s->sa);
    v1_ask_done(s->ep, s->sa);
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
    struct v1_arrival at = v1_step_arrival(s);
    enum v1_next next;
    enum err e = v1_quick_receive(v1_exchange_quick(s->ep, x), &at, s->out, &next, &s->answer);

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
    ike_asked_done(s->ep, s->sa);
    return OK;
}

/* ---- begin ---- */

enum err v1_quick_begin(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, struct child_sa *old)
{
    uint8_t storage[MESSAGE_MAX];
    struct step s = {
        .ep = ep, .sa = sa, .now = now, .child = old, .out = {storage, 0, sizeof storage}};
    enum err e = v1_step_run(&s, KIND_QUICK, ROLE_START);

    if (e && !old)
        ike_asked_done(ep, sa);
    if (e)
        return e;
    e = v1_ask(ep, now, sa, KIND_QUICK, s.answer);
    if (e)
        undo(ep, now, sa, v1_exchange_find(ep, sa, sa->request_id));
    else
        sa->child = old ? child_sa_handle(ep, old) : HANDLE_NONE;
    return e;
}

enum err v1_ask_for(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, struct bytes packet)
{
    struct asked_packet asked;
    enum err e = ike_asked_read(ep, packet, &asked);

    if (e == OK && sa->state != STATE_ESTABLISHED)
        e = ERR_STATE;
    if (e == OK)
        e = ike_asked_note(ep, sa, &asked);
    if (e)
        return e;
    e = v1_wish_for(ep, now, sa, WISH_CHILD);
    if (e)
        ike_asked_done(ep, sa);
    return e;
}

void v1_child_unwanted(struct ike_endpoint *ep, const struct ike_sa *sa, const struct child_sa *c)
{
    for (struct v1_exchange *x = NULL; (x = v1_exchange_next(ep, sa, x)) != NULL;)
        x->unwanted |= v1_exchange_quick(ep, x) && child_sa_at(ep, x->old) == c;
}

void v1_child_is_deleted(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, struct child_sa *c)
{
    struct child_sa *stays;

    for (struct v1_exchange *x = NULL; (x = v1_exchange_next(ep, sa, x)) != NULL;) {
        const struct v1_quick *q = v1_exchange_quick(ep, x);

        if (q && q->state == V1_QUICK_ANSWERED &&
            (child_sa_at(ep, x->old) == c || child_sa_at(ep, x->child) == c))
            complete(ep, now, x);
    }
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
    if (!old)
        ike_asked_done(ep, sa);
    if (old && child_live(old))
        child_timers_arm(ep, old, rekey_again_at(ep, now), old->hard);
    undo(ep, now, sa, x);
    v1_ask_done(ep, sa);
}

static void abandon_own(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, struct v1_exchange *x)
{
    struct child_sa *old = child_sa_at(ep, x->old);

    if (old && child_live(old))
        old->wish_rekey = true;
    else
        sa->wishes |= WISH_CHILD;
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

void v1_exchanges_abandon(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct v1_exchange *x = v1_exchange_next(ep, sa, NULL), *next;

    for (; x; x = next) {
        const struct v1_quick *q = v1_exchange_quick(ep, x);

        next = v1_exchange_next(ep, sa, x);
        if (q && q->initiator)
            abandon_own(ep, now, sa, x);
        else if (q)
            abandon_peers(ep, now, sa, x);
    }
    arm(ep, sa);
}

/* ---- messages ---- */

static enum exchange_role role_of(const struct step *s, const struct v1_exchange *x)
{
    if (!x)
        return ROLE_ASKED;
    return v1_exchange_quick(s->ep, x)->initiator ? ROLE_ANSWERED : ROLE_CONFIRMED;
}

static enum err dropped(struct step *s, enum ike_drop why, enum err e)
{
    drop_count(s->ep, why);
    return e;
}

/* Whether it is a message that we may take; if not it is counted. */
static enum err judge(struct step *s, const struct v1_exchange *x)
{
    const struct v1_sa *one = v1_sa_of(s->ep, s->sa);
    bool over = x ? x->quick == SA_INDEX_NONE : v1_id_seen(s->ep, one, s->header.message_id);

    if (!one->hash)
        return dropped(s, IKE_DROP_UNEXPECTED, ERR_STATE);
    if (!s->header.message_id || over)
        return dropped(s, IKE_DROP_MESSAGE_ID, ERR_MESSAGE_ID);
    return x || !v1_ids_full(one) ? OK : dropped(s, IKE_DROP_LIMIT, ERR_FULL);
}

/* 0: we have no room, which there is no word for. */
static uint16_t notify_for(enum err e)
{
    switch (e) {
    case ERR_NO_PROPOSAL:
        return V1_NOTIFY_NO_PROPOSAL_CHOSEN;
    case ERR_TS:
        return V1_NOTIFY_INVALID_ID_INFORMATION;
    case ERR_KEY_EXCHANGE:
        return V1_NOTIFY_INVALID_KEY_INFORMATION;
    case ERR_FULL:
    case ERR_MEMORY:
    case ERR_SPACE:
    case ERR_CRYPTO:
    case ERR_NO_SA:
        return 0;
    default:
        return V1_NOTIFY_PAYLOAD_MALFORMED;
    }
}

/* Something is wrong with a message that is authentic, for HASH was judged: whoever sent it will
 * not send a better one. @param ours  a Quick Mode that we have begun */
static void refuse(struct step *s, enum err e, bool ours)
{
    uint16_t type = notify_for(e);

    if (type && v1_notify_say(s->ep, s->now, s->sa, s->dgram, type))
        drop_count(s->ep, IKE_DROP_LIMIT);
    if (!ours)
        return;
    v1_quick_refused(s->ep, s->now, s->sa, type ? v1_reason_for(type) : REASON_LIMIT);
    v1_next(s->ep, s->now, s->sa);
}

enum err v1_quick_heard(struct step *s)
{
    struct v1_exchange *x =
        s->header.message_id ? v1_exchange_find(s->ep, s->sa, s->header.message_id) : NULL;
    enum exchange_role role;
    enum err e;

    if (x && x->answered == s->digest && !message_none(x->sent)) {
        s->ep->store->counters.responses_repeated++;
        return v1_say(s->ep, s->now, s->sa, s->dgram, message_at(&s->ep->store->messages, x->sent));
    }
    e = judge(s, x);
    if (e)
        return e;
    role = role_of(s, x);
    e = v1_step_run(s, KIND_QUICK, role);
    if (e)
        drop_count(s->ep, drop_for(e));
    if (e && s->judged)
        refuse(s, e, role == ROLE_ANSWERED);
    if (e)
        return e;
    ike_peer_seen(s->ep, s->now, s->sa, &s->dgram->local, &s->dgram->remote);
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
