/*
 * Informational exchanges of an endpoint (RFC 2409 §5.7): Delete, Notify, and whether the peer
 * lives (RFC 3706). What the messages say is in informational.c; here is what is heeded of them,
 * and when something is said. One message each, and nothing answers it but R_U_THERE_ACK.
 */
#include "base/assert.h"
#include "base/digest.h"
#include "proto/esp/esp.h"
#include "proto/ikev1/exchanges.h"
#include "proto/ikev1/informational.h"
#include "proto/wire/v1_any.h"

enum { DPD_WINDOW = 1 << 16 }; /* questions of the peer's that may be lost one after the other */

static exchange_handler ask, heed, given_up;

#define P(type) ((payload_set)V1_BIT(type))
#define NEWS (P(HASH) | P(NOTIFY) | P(DELETE) | P(VENDOR))
#define ANY (FROM(ESTABLISHED) | FROM(REKEYED))

/* { version, from, kind, role, needed, allowed, handler, refusal, to, failed, section } */
const struct exchange_row v1_info_rows[] = {
    {1, FROM(ESTABLISHED), KIND_INFORMATIONAL, ROLE_START, 0, 0, ask, 0, STAY, STAY,
     "RFC 3706 §5.3"},
    {1, ANY | FROM(V1_XAUTH), KIND_INFORMATIONAL, ROLE_ASKED, P(HASH), NEWS, heed, 0, STAY, STAY,
     "RFC 2409 §5.7"},
    {1, ANY, KIND_INFORMATIONAL, ROLE_GIVEN_UP, 0, 0, given_up, 0, STAY, STAY, "RFC 3706 §5.5"},
};
const size_t v1_info_row_count = sizeof v1_info_rows / sizeof *v1_info_rows;

/* ---- saying ---- */

/* A message of this SA that is being written. */
struct saying {
    struct v1_established sa;
    struct v1_info info;
    uint8_t storage[1024];
};

static void begin(struct ike_endpoint *ep, const struct ike_sa *sa, struct saying *say)
{
    say->sa = v1_sa_established(ep, sa);
    v1_info_begin(&say->info, &say->sa, v1_exchange_draw_id(ep, sa),
                  (struct buf){say->storage, 0, sizeof say->storage});
}

static enum err end(struct saying *say, struct bytes *message)
{
    return v1_info_end(&say->info, &say->sa, message);
}

static enum err say(struct ike_endpoint *ep, nsec now, struct ike_sa *sa,
                    const struct ike_dgram *dgram, struct saying *what)
{
    struct bytes message;
    enum err e = end(what, &message);

    return e ? e : v1_say(ep, now, sa, dgram, message);
}

enum err v1_notify_say(struct ike_endpoint *ep, nsec now, struct ike_sa *sa,
                       const struct ike_dgram *dgram, uint16_t type)
{
    struct saying s;

    begin(ep, sa, &s);
    v1_info_notify(&s.info, &s.sa, type);
    return say(ep, now, sa, dgram, &s);
}

enum err v1_lifetime_say(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, uint32_t life_s)
{
    struct saying s;

    begin(ep, sa, &s);
    v1_info_lifetime(&s.info, &s.sa, life_s);
    return say(ep, now, sa, NULL, &s);
}

enum err v1_delete_say(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, const uint32_t *spis,
                       unsigned count)
{
    struct saying s;

    begin(ep, sa, &s);
    v1_info_delete_children(&s.info, spis, count);
    return say(ep, now, sa, NULL, &s);
}

enum err v1_delete_make(struct ike_endpoint *ep, const struct ike_sa *sa, struct message_ref *out)
{
    struct bytes message;
    struct saying s;
    enum err e;

    *out = (struct message_ref){0};
    begin(ep, sa, &s);
    v1_info_delete_sa(&s.info, &s.sa);
    e = end(&s, &message);
    return e ? e : message_keep(&ep->store->messages, message, out);
}

/* ---- is the peer there? (RFC 3706) ---- */

/* RFC 3706 §5.5: each has the next number, and a message ID of its own: one that comes again is not
 * heeded.
 */
static enum err write_question(struct ike_endpoint *ep, const struct ike_sa *sa, struct saying *s,
                               struct bytes *message)
{
    struct v1_sa *one = v1_sa_of(ep, sa);

    if (one->asked_first == 0) /* RFC 3706 §6.2: nobody can know the first one */
        one->asked_first = one->asked_at =
            1 + (uint32_t)ike_draw_below(ep, STREAM_NONCE, UINT32_MAX / 2);
    one->asked_at++;
    begin(ep, sa, s);
    v1_info_dpd(&s->info, &s->sa, false, one->asked_at);
    return end(s, message);
}

static enum err ask(struct step *s)
{
    struct saying question;
    struct bytes message;
    enum err e = write_question(s->ep, s->sa, &question, &message);

    return e ? e : v1_ask(s->ep, s->now, s->sa, KIND_INFORMATIONAL, message);
}

enum err v1_liveness_begin(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct step s = {.ep = ep, .sa = sa, .now = now};

    return v1_step_run(&s, KIND_INFORMATIONAL, ROLE_START);
}

enum err v1_liveness_again(struct ike_endpoint *ep, struct ike_sa *sa)
{
    struct saying question;
    struct bytes message;
    enum err e = write_question(ep, sa, &question, &message);

    if (e)
        return e;
    message_drop(&ep->store->messages, &sa->request);
    return message_keep(&ep->store->messages, message, &sa->request);
}

static enum err given_up(struct step *s)
{
    s->ep->store->counters.dpd_failures++;
    s->sa->reason = REASON_DPD;
    return OK;
}

/* One of our own questions, thrown back: nothing in a message says who wrote it. */
static bool is_ours(const struct v1_sa *one, uint32_t sequence)
{
    return one->asked_first && sequence - one->asked_first <= one->asked_at - one->asked_first;
}

/* RFC 3706 §6.2: the number must be the last one or one of the next, which wrap. @return whether it
 * is a new one */
static bool answer(struct step *s, uint32_t sequence)
{
    struct v1_sa *one = v1_sa_of(s->ep, s->sa);
    uint32_t ahead = one->heard ? sequence - one->heard_at : 1;
    struct saying ack;

    if (ahead >= DPD_WINDOW || is_ours(one, sequence)) {
        drop_count(s->ep, IKE_DROP_MESSAGE_ID);
        return false;
    }
    one->heard = true;
    one->heard_at = sequence;
    begin(s->ep, s->sa, &ack);
    v1_info_dpd(&ack.info, &ack.sa, true, sequence);
    if (say(s->ep, s->now, s->sa, s->dgram, &ack))
        drop_count(s->ep, IKE_DROP_LIMIT);
    return ahead > 0;
}

/* ---- hearing ---- */

enum sa_reason v1_reason_for(uint16_t notify)
{
    switch (notify) {
    case V1_NOTIFY_NO_PROPOSAL_CHOSEN:
    case V1_NOTIFY_BAD_PROPOSAL_SYNTAX:
    case V1_NOTIFY_ATTRIBUTES_NOT_SUPPORTED:
        return REASON_NO_PROPOSAL;
    case V1_NOTIFY_INVALID_KEY_INFORMATION:
        return REASON_INVALID_KE;
    case V1_NOTIFY_INVALID_ID_INFORMATION:
        return REASON_TS_UNACCEPTABLE;
    case V1_NOTIFY_AUTHENTICATION_FAILED:
    case V1_NOTIFY_INVALID_HASH_INFORMATION:
    case V1_NOTIFY_INVALID_SIGNATURE:
        return REASON_AUTHENTICATION;
    case V1_NOTIFY_PAYLOAD_MALFORMED:
        return REASON_INVALID_SYNTAX;
    default:
        return REASON_PEER_ERROR;
    }
}

/* The SA may have been replaced: what is said of its children is said of its heir's. */
static struct child_sa *child_of_peer(const struct step *s, uint32_t spi)
{
    const struct ike_sa *heir = renewal_next(s->ep, s->sa);
    struct child_sa *c = child_by_peer_spi(s->ep, s->sa, spi);

    return c || !heir ? c : child_by_peer_spi(s->ep, heir, spi);
}

static bool child_is_deleted(struct step *s, uint32_t spi)
{
    struct child_sa *c = child_of_peer(s, spi);
    bool replaced;

    if (!c)
        return false;
    v1_child_is_deleted(s->ep, s->now, s->sa, c);
    replaced = child_sa_at(s->ep, c->successor) != NULL;
    child_deleted(s->ep, s->now, c, replaced ? REASON_REKEYED : REASON_DELETED_BY_PEER);
    return true;
}

/* RFC 2407 §4.6.3.1: of this SA, or of a child SA. Never longer than we have it. */
static void life_is_shorter(struct step *s, const struct v1_said *said)
{
    nsec ends = said->life.s ? nsec_add(s->now, said->life.s * NSEC_PER_S) : NSEC_NEVER;
    struct child_sa *c = said->spi ? child_of_peer(s, said->spi) : NULL;

    if (c)
        child_timers_arm(s->ep, c, c->soft, nsec_min(c->hard, ends));
    else if (!said->spi && ends != NSEC_NEVER)
        ike_timer_arm(s->ep, s->sa, TIMER_EXPIRE,
                      nsec_min(ike_timer_at(s->ep, s->sa, TIMER_EXPIRE), ends));
}

static bool i_am_here(struct step *s, uint32_t sequence)
{
    bool asked =
        s->sa->in_flight == KIND_INFORMATIONAL && sequence == v1_sa_of(s->ep, s->sa)->asked_at;

    if (asked)
        v1_ask_done(s->ep, s->sa);
    else
        drop_count(s->ep, IKE_DROP_MESSAGE_ID);
    return asked;
}

/* RFC 2407 §4.6.3.3: with the first thing that is said, or not at all. */
static bool initial_contact(struct step *s)
{
    struct v1_sa *one = v1_sa_of(s->ep, s->sa);

    if (!one->informed && s->sa->state == STATE_V1_XAUTH) /* whose, is known later */
        v1_user_of(s->ep, s->sa)->met.initial_contact = true;
    else if (!one->informed)
        v1_replace_older(s->ep, s->now, s->sa);
    return !one->informed;
}

/* What only phase 1 has. */
static bool is_of_phase1(uint16_t notify)
{
    switch (notify) {
    case V1_NOTIFY_INVALID_COOKIE:
    case V1_NOTIFY_INVALID_MAJOR_VERSION:
    case V1_NOTIFY_INVALID_MINOR_VERSION:
    case V1_NOTIFY_INVALID_CERT_ENCODING:
    case V1_NOTIFY_INVALID_CERTIFICATE:
    case V1_NOTIFY_CERT_TYPE_UNSUPPORTED:
    case V1_NOTIFY_INVALID_CERT_AUTHORITY:
    case V1_NOTIFY_AUTHENTICATION_FAILED:
    case V1_NOTIFY_INVALID_SIGNATURE:
    case V1_NOTIFY_CERTIFICATE_UNAVAILABLE:
        return true;
    default:
        return false;
    }
}

/* Whether this SPI is none, or that by which we would receive what is being made. */
static bool may_be_ours(const struct step *s, uint32_t spi)
{
    const struct v1_exchange *x = v1_exchange_find(s->ep, s->sa, s->sa->request_id);
    const struct child_sa *made = x ? child_sa_at(s->ep, x->child) : NULL;

    return !spi || (made && child_esp(s->ep, made)->spi_in == spi);
}

/* One without an SPI may be of any Quick Mode; of whatever it was, it ends no later one. */
static bool refused(struct step *s, const struct v1_said *said)
{
    const struct v1_sa *one = v1_sa_of(s->ep, s->sa);
    bool ends = s->sa->in_flight == KIND_QUICK;

    if (is_of_phase1(said->notify) || !may_be_ours(s, said->spi) ||
        v1_id_seen(s->ep, one, s->header.message_id))
        return false;
    if (!said->spi && v1_ids_full(one)) {
        drop_count(s->ep, IKE_DROP_LIMIT);
        return false;
    }
    if (!said->spi)
        v1_id_keep(s->ep, s->sa, s->header.message_id);
    if (ends)
        v1_quick_refused(s->ep, s->now, s->sa, v1_reason_for(said->notify));
    return ends || !said->spi;
}

/* @return whether it cannot have been said before, so that who says it is there now */
static bool heed_one(struct step *s, const struct v1_said *said)
{
    switch (said->kind) {
    case V1_SAID_CHILD_DELETED:
        return child_is_deleted(s, said->spi);
    case V1_SAID_SA_DELETED:
        s->over = true;
        return true;
    case V1_SAID_ARE_YOU_THERE:
        return answer(s, said->sequence);
    case V1_SAID_I_AM_HERE:
        return i_am_here(s, said->sequence);
    case V1_SAID_INITIAL_CONTACT:
        return initial_contact(s);
    case V1_SAID_LIFETIME:
        life_is_shorter(s, said);
        return false;
    case V1_SAID_ERROR:
        return refused(s, said);
    default:
        return false;
    }
}

/* What is said first may have ended what the next is about: a child SA is looked up anew for each,
 * and behind a Delete of this SA there is nothing more to heed (CVE-2023-38712). Message IDs are
 * remembered for a while only, so what shows nothing new may be an old message that somebody else
 * sends again: the peer is not where that comes from. */
static enum err heed(struct step *s)
{
    struct v1_established sa = v1_sa_established(s->ep, s->sa);
    struct v1_info_view view;
    struct v1_said said;
    bool fresh = false;
    enum err e = v1_info_open(&sa, s->message, &view);

    if (e)
        return e;
    while (!s->over && v1_info_next(&view, &said))
        fresh |= heed_one(s, &said);
    if (fresh)
        ike_peer_seen(s->ep, s->now, s->sa, &s->dgram->local, &s->dgram->remote);
    v1_id_use(v1_sa_of(s->ep, s->sa), s->header.message_id);
    v1_sa_of(s->ep, s->sa)->informed = true;
    return OK;
}

/* Without protection: anybody can have written it. What it says is the reason that is given if
 * nothing else comes. */
static enum err rumour(struct step *s)
{
    const struct payload_view *p;
    struct message_view in;
    struct v1_notify n;

    drop_count(s->ep, IKE_DROP_UNAUTHENTICATED);
    if (v1_encrypted(&s->header) || v1_message_read(s->message, &in) != OK)
        return ERR_STATE;
    p = message_find(&in, V1_PAYLOAD_NOTIFY);
    if (p && v1_notify_read(p->body, &n) == OK && v1_notify_is_error(n.type) && s->sa->initiator)
        s->sa->reason = (uint8_t)v1_reason_for(n.type);
    return ERR_STATE;
}

static void is_over(struct step *s)
{
    bool replaced = s->sa->renewing;

    replaced |= v1_heir_inherits(s->ep, s->now, s->sa);
    v1_close(s->ep, s->now, s->sa,
             replaced ? REASON_REAUTHENTICATED
                      : v1_user_reason(s->ep, s->sa, REASON_DELETED_BY_PEER),
             false);
}

enum err v1_info_heard(struct step *s)
{
    const struct v1_sa *one = v1_sa_of(s->ep, s->sa);
    enum err e;

    if (!one->hash)
        return rumour(s);
    if (v1_id_seen(s->ep, one, s->header.message_id)) {
        drop_count(s->ep, IKE_DROP_MESSAGE_ID);
        return ERR_MESSAGE_ID;
    }
    e = v1_step_run(s, KIND_INFORMATIONAL, ROLE_ASKED);
    if (e)
        drop_count(s->ep, drop_for(e));
    else if (s->over)
        is_over(s);
    else
        v1_next(s->ep, s->now, s->sa);
    return e;
}

/* RFC 2408 §5.4: whoever asked for what we cannot do is told, in fewer octets than were asked. */
void v1_refuse(struct step *s, uint16_t type)
{
    const struct ike_header h = {.spi_i = s->header.spi_i,
                                 .version = HEADER_VERSION_1,
                                 .exchange = V1_EXCHANGE_INFORMATIONAL,
                                 .message_id = (uint32_t)s->digest | 1};
    const struct v1_notify n = {.doi = V1_DOI_IPSEC, .protocol = V1_PROTOCOL_ISAKMP, .type = type};
    uint8_t storage[128];
    struct message_writer w;
    struct bytes message;

    message_begin(&w, (struct buf){storage, 0, sizeof storage}, &h);
    v1_notify_write(payload_begin(&w, V1_PAYLOAD_NOTIFY), &n);
    payload_end(&w);
    if (message_end(&w, &message) == OK && message.len <= s->message.len &&
        outbox_reply(s->ep, message, &s->dgram->local, &s->dgram->remote))
        s->ep->store->counters.responses_sent++;
}
