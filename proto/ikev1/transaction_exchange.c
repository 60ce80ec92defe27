/*
 * Transaction exchanges of an endpoint: the user behind a peer is known by name and password
 * (XAUTH), and is given an address inside (Mode-Config). What the messages say is in config.c; here
 * is when they are sent, sent again and heeded, and what becomes of the IKE SA.
 *
 * An IKE SA with a user is not up before that is known: what is counted of half-open ones goes on,
 * and so does their limit in time. Nothing but this and Informational exchanges is heeded meanwhile
 * (draft-beaulieu-ike-xauth-02 section 6). Who asks first sends again; what answers is kept with
 * the other exchanges, and said again when its question comes again.
 */
#include "base/assert.h"
#include "base/digest.h"
#include "proto/ikev1/exchanges.h"
#include "proto/ikev1/user.h"

static exchange_handler ask_user, confirm_user, begin_address, heed, given_up;

#define P(type) ((payload_set)V1_BIT(type))
#define TALK (P(HASH) | P(CONFIG))
#define ANY (FROM(V1_XAUTH) | FROM(ESTABLISHED) | FROM(REKEYED))

/* Both drafts stand on this exchange of RFC 2408, which lets a DOI have its own. { version, from,
 * kind, role, needed, allowed, handler, refusal, to, failed, section } */
const struct exchange_row v1_transaction_rows[] = {
    {1, FROM(ESTABLISHED), KIND_TRANSACTION, ROLE_HELD, 0, 0, ask_user, 0, STATE_V1_XAUTH, STAY,
     "RFC 2408 §4.1"},
    {1, FROM(V1_XAUTH), KIND_TRANSACTION, ROLE_CONFIRMED, 0, 0, confirm_user, 0, STATE_ESTABLISHED,
     STAY, "RFC 2408 §4.1"},
    {1, FROM(ESTABLISHED), KIND_TRANSACTION, ROLE_START, 0, 0, begin_address, 0, STAY, STAY,
     "RFC 2408 §4.1"},
    {1, ANY, KIND_TRANSACTION, ROLE_ASKED, TALK, TALK | P(VENDOR), heed, 0, STAY, STAY,
     "RFC 2408 §4.1"},
    {1, ANY, KIND_TRANSACTION, ROLE_GIVEN_UP, 0, 0, given_up, 0, STAY, STAY, "RFC 2408 §5.1"},
};
const size_t v1_transaction_row_count = sizeof v1_transaction_rows / sizeof *v1_transaction_rows;

/* ---- handlers ---- */

static bool asks(const struct v1_user *u)
{
    return u->access.env.xauth->role == XAUTH_GATEWAY;
}

/* Phase 1 is over: who is the gateway asks, who is the user waits for that. */
static enum err ask_user(struct step *s)
{
    struct v1_user *u = v1_user_of(s->ep, s->sa);

    if (!asks(u))
        return OK;
    return v1_access_ask_user(&u->access, v1_exchange_draw_id(s->ep, s->sa), s->out, &s->answer);
}

static enum err confirm_user(struct step *s)
{
    return v1_access_known(&v1_user_of(s->ep, s->sa)->access) ? OK : ERR_STATE;
}

static enum err begin_address(struct step *s)
{
    struct v1_user *u = v1_user_of(s->ep, s->sa);

    if (u->access.env.internal)
        return v1_access_give(&u->access, v1_exchange_draw_id(s->ep, s->sa), s->out, &s->answer);
    return v1_access_ask_address(&u->access, v1_exchange_draw_id(s->ep, s->sa), s->out, &s->answer);
}

/* An address is set aside for every question, and goes back if it was not asked for. What answers
 * is kept (`heard_again`): without that record there is nothing to say again. */
static enum err heed_opened(struct step *s, const struct v1_access_opened *opened)
{
    struct v1_user *u = v1_user_of(s->ep, s->sa);
    uint32_t fresh = v1_exchange_draw_id(s->ep, s->sa);
    bool asked = !opened->answers && opened->in.type == V1_CONFIG_REQUEST;
    bool lent = asked && s->sa->state != STATE_V1_XAUTH && v1_lease_take(s->ep, u);
    enum err e;

    u->access.granted = u->access.lacked = false;
    e = v1_access_take(&u->access, opened, fresh, s->out, &s->answer);
    if (lent && !u->access.granted)
        v1_lease_give(s->ep, u);
    s->ep->store->counters.addresses_given += lent && u->access.granted;
    s->ep->store->counters.addresses_short += u->access.lacked;
    return e;
}

/* Nothing is drawn or lent before HASH says whose message it is. */
static enum err heed(struct step *s)
{
    struct v1_access_opened opened;
    enum err e = v1_access_open(&v1_user_of(s->ep, s->sa)->access, s->message, &opened);

    if (e == OK)
        e = heed_opened(s, &opened);
    wipe(&opened, sizeof opened);
    return e;
}

static enum err given_up(struct step *s)
{
    s->sa->reason = (uint8_t)v1_user_reason(s->ep, s->sa, REASON_TIMEOUT);
    return OK;
}

/* ---- the user ---- */

/* Who asks knows a user by name as well: phase 1 may have one identity for all of a group. */
static void add_name(struct v1_user *u)
{
    struct bytes name = u->access.user ? u->access.user->name : BYTES_NONE;

    if (asks(u) && name.len)
        u->met.identity = digest_of(name.data, name.len, u->met.identity) | 1;
}

void v1_user_await(struct step *s)
{
    struct ike_sa *sa = s->sa;
    nsec limit = s->ep->store->config->half_open_time;
    struct step first = {.ep = s->ep, .sa = sa, .now = s->now, .out = s->out};
    enum err e = v1_step_run(&first, KIND_TRANSACTION, ROLE_HELD);

    if (message_none(sa->request)) /* else message 3 of Aggressive Mode waits for the question */
        sa->in_flight = KIND_NONE;
    if (e == OK && first.answer.len)
        e = v1_ask(s->ep, s->now, sa, KIND_TRANSACTION, first.answer);
    if (e) {
        drop_count(s->ep, drop_for(e));
        v1_remove(s->ep, s->now, sa, REASON_LIMIT);
        return;
    }
    if (limit && sa->initiator)
        ike_timer_arm(s->ep, sa, TIMER_EXPIRE, nsec_add(s->now, limit));
}

static void confirm(struct step *s, struct v1_user *u)
{
    struct step last = {.ep = s->ep, .sa = s->sa, .now = s->now};
    enum err e = v1_step_run(&last, KIND_TRANSACTION, ROLE_CONFIRMED);

    ASSERT(e == OK);
    s->ep->store->counters.users_known += asks(u);
    add_name(u);
    v1_up(s->ep, s->now, s->sa, &u->met);
}

/* ---- the address ---- */

/* Whether there is one to be given unasked, or to be asked for. */
static bool provide(struct ike_endpoint *ep, struct v1_user *u)
{
    if (!ep->store->config->inside.push || u->lease != SA_INDEX_NONE)
        return true;
    if (!v1_lease_take(ep, u)) {
        ep->store->counters.addresses_short++;
        return false;
    }
    ep->store->counters.addresses_given++;
    return true;
}

bool v1_address_begin(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct v1_user *u = v1_user_of(ep, sa);
    uint8_t storage[MESSAGE_MAX];
    struct step s = {.ep = ep, .sa = sa, .now = now, .out = {storage, 0, sizeof storage}};
    enum err e;

    if (!u || !u->address_due)
        return false;
    u->address_due = false;
    if (!provide(ep, u)) {
        v1_close(ep, now, sa, REASON_NO_ADDRESS, true);
        return false;
    }
    e = v1_step_run(&s, KIND_TRANSACTION, ROLE_START);
    if (e == OK)
        e = v1_ask(ep, now, sa, KIND_TRANSACTION, s.answer);
    if (e == OK)
        return true;
    v1_close(ep, now, sa, REASON_LIMIT, true);
    return false;
}

/* ---- messages ---- */

/* It answers the peer's message, or begins an exchange of ours that is sent again. */
static enum err say(struct step *s)
{
    struct v1_exchange *x;
    struct ike_header h;

    if (header_read(s->answer, &h))
        ASSERT(!"what we wrote has a header");
    if (h.message_id != s->header.message_id)
        return v1_ask(s->ep, s->now, s->sa, KIND_TRANSACTION, s->answer);
    x = v1_exchange_take(s->ep, s->sa, h.message_id);
    if (x)
        v1_exchange_remember(s, x);
    return v1_say(s->ep, s->now, s->sa, s->dgram, s->answer);
}

/* Ours is answered, or the peer's shows that it has our last message of phase 1. */
static void settle_ours(struct step *s, const struct v1_user *u)
{
    struct v1_exchange *phase1 = s->sa->initiator ? v1_exchange_find(s->ep, s->sa, 0) : NULL;
    bool ours = s->sa->in_flight == KIND_TRANSACTION;

    if (phase1)
        v1_exchange_give(s->ep, s->sa, phase1);
    if (ours ? u->access.ours.state != V1_TRANSACTION_ASKED : s->sa->state == STATE_V1_XAUTH)
        v1_ask_done(s->ep, s->sa);
}

/* What the IKE SA is now. It may be over after it. */
static void go_on(struct step *s, struct v1_user *u)
{
    const struct v1_access *a = &u->access;
    bool answered = a->ours.type == V1_CONFIG_REQUEST && a->ours.state == V1_TRANSACTION_DONE;

    if (a->state == V1_ACCESS_REFUSED)
        v1_close(s->ep, s->now, s->sa, REASON_USER_REFUSED, true);
    else if (s->sa->state == STATE_V1_XAUTH && v1_access_known(a))
        confirm(s, u);
    else if (!asks(u) && answered && !a->configured)
        v1_close(s->ep, s->now, s->sa, REASON_NO_ADDRESS, true);
    else
        v1_next(s->ep, s->now, s->sa);
}

static enum err take(struct step *s, struct v1_user *u)
{
    bool refused = u->access.refusal != V1_REFUSAL_NONE;
    enum err e = v1_step_run(s, KIND_TRANSACTION, ROLE_ASKED);

    if (e)
        return e;
    ike_peer_seen(s->ep, s->now, s->sa, &s->dgram->local, &s->dgram->remote);
    s->ep->store->counters.users_refused += !refused && u->access.refusal != V1_REFUSAL_NONE;
    settle_ours(s, u);
    e = s->answer.len ? say(s) : OK;
    if (e) /* a question that could not be kept is never answered */
        v1_close(s->ep, s->now, s->sa, REASON_LIMIT, true);
    else
        go_on(s, u);
    return e;
}

static enum err heard_again(struct step *s, const struct v1_exchange *x)
{
    if (x->answered != s->digest || message_none(x->sent))
        return ERR_MESSAGE_ID;
    s->ep->store->counters.responses_repeated++;
    return v1_say(s->ep, s->now, s->sa, s->dgram, message_at(&s->ep->store->messages, x->sent));
}

enum err v1_transaction_heard(struct step *s)
{
    uint32_t id = s->header.message_id;
    const struct v1_sa *one = v1_sa_of(s->ep, s->sa);
    struct v1_user *u = one->hash ? v1_user_of(s->ep, s->sa) : NULL;
    const struct v1_exchange *x = id ? v1_exchange_find(s->ep, s->sa, id) : NULL;
    enum err e = !u ? ERR_STATE : x ? heard_again(s, x) : take(s, u);

    if (e)
        drop_count(s->ep, drop_for(e));
    return e;
}
