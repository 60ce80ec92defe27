/*
 * A received IKEv2 message, from datagram to row: which SA, is it new, is it authentic, what is it
 * about, which row serves it. RFC 7296 §2.1-§2.5, §2.21, §3.1. Nothing here changes an SA before
 * the message is known to be authentic, and nothing runs twice for one message ID.
 */
#include "base/digest.h"
#include "proto/core/flood.h"
#include "proto/core/spi.h"
#include "proto/ike/admit.h"
#include "proto/ike/collision.h"
#include "proto/ike/complaint.h"
#include "proto/ike/fragment.h"
#include "proto/ike/held.h"
#include "proto/ike/ike.h"
#include "proto/ike/message.h"
#include "proto/ike/mobike.h"
#include "proto/ike/notify_map.h"
#include "proto/ike/qcd.h"
#include "proto/ike/window.h"
#include "proto/wire/delete.h"
#include "proto/wire/v1_registry.h"

/* ---- what a message has ---- */

/* Payloads that may stand only once; the others may repeat (§3.10 N, §3.11 D, §3.12 V, ...). */
#define SINGLE                                                                                     \
    (P(SA) | P(KE) | P(IDI) | P(IDR) | P(AUTH) | P(NONCE) | P(TSI) | P(TSR) | P(EAP) | P(CP))

static enum err payloads_of(const struct message_view *in, payload_set *out)
{
    struct notify_payload n;

    *out = 0;
    for (unsigned i = 0; i < in->count; i++) {
        payload_set bit;

        if (!payload_supported(in->payloads[i].type))
            continue; /* §2.5: skipped; critical ones never come this far */
        bit = PAYLOAD_BIT(in->payloads[i].type);
        if (*out & bit & SINGLE)
            return ERR_DUPLICATE;
        *out |= bit;
        if (bit != P(NOTIFY))
            continue;
        if (notify_read(in->payloads[i].body, &n))
            return ERR_SYNTAX;
        if (notify_is_error(n.type))
            *out |= HAS_ERROR;
        if (n.type == NOTIFY_REKEY_SA)
            *out |= HAS_REKEY_SA;
    }
    return OK;
}

/* §2.21.2: an initiator that refuses our proof may say so instead of deleting: in its first request
 * after IKE_AUTH, and only there. */
static bool refuses_us(const struct message_view *in)
{
    enum { FIRST_AFTER_AUTH = 2 };
    struct notify_payload n;

    return in->header.message_id == FIRST_AFTER_AUTH && header_from_initiator(&in->header) &&
           notify_find(in, NOTIFY_AUTHENTICATION_FAILED, &n);
}

static enum exchange_kind informational_kind(const struct message_view *in)
{
    const struct payload_view *p = message_find(in, PAYLOAD_DELETE);
    struct delete_payload d;

    if (!p)
        return refuses_us(in) ? KIND_IKE_DELETE : KIND_LIVENESS;
    if (delete_read(p->body, &d) == OK && d.protocol == SA_PROTOCOL_IKE)
        return KIND_IKE_DELETE;
    return KIND_CHILD_DELETE;
}

/* What a request is about; KIND_NONE for exchanges that we do not know. */
static enum exchange_kind kind_of(const struct message_view *outer, const struct message_view *in,
                                  payload_set payloads)
{
    switch (outer->header.exchange) {
    case EXCHANGE_IKE_SA_INIT:
        return KIND_SA_INIT;
    case EXCHANGE_IKE_AUTH:
        return KIND_AUTH;
    case EXCHANGE_CREATE_CHILD_SA:
        if (payloads & HAS_REKEY_SA)
            return KIND_CHILD_REKEY;
        return payloads & (P(TSI) | P(TSR)) ? KIND_CHILD_NEW : KIND_IKE_REKEY;
    case EXCHANGE_INFORMATIONAL:
        return informational_kind(in);
    default:
        return KIND_NONE;
    }
}

static bool answers(enum exchange_kind in_flight, uint8_t exchange)
{
    switch (in_flight) {
    case KIND_SA_INIT:
        return exchange == EXCHANGE_IKE_SA_INIT;
    case KIND_AUTH:
        return exchange == EXCHANGE_IKE_AUTH;
    case KIND_CHILD_NEW:
    case KIND_CHILD_REKEY:
    case KIND_IKE_REKEY:
        return exchange == EXCHANGE_CREATE_CHILD_SA;
    default:
        return exchange == EXCHANGE_INFORMATIONAL;
    }
}

/* ---- responses that we make ---- */

static void error_notify(const struct step *s, struct message_writer *out, enum err e)
{
    struct bytes data = bytes_of(s->notify_data, s->notify_len);
    uint16_t type = s->notify ? s->notify : (uint16_t)notify_for(e);
    uint8_t spi[4];

    if (!s->notify_spi) {
        notify_add(out, type, data);
        return;
    }
    store_be32(spi, s->notify_spi);
    notify_write(
        payload_begin(out, PAYLOAD_NOTIFY),
        &(struct notify_payload){
            .protocol = SA_PROTOCOL_ESP, .type = type, .spi = bytes_of(spi, 4), .data = data});
    payload_end(out);
}

/* An answer that leaves nothing behind: refusals of IKE_SA_INIT, wrong versions. */
static void reply_stateless(const struct step *s, const struct ike_header *h, enum err e)
{
    struct ike_endpoint *ep = s->ep;
    uint8_t storage[256];
    struct message_writer out;
    struct bytes message;
    struct ike_header header = {.spi_i = h->spi_i,
                                .spi_r = h->spi_r,
                                .version = HEADER_VERSION_2,
                                .exchange = h->exchange,
                                .flags = HEADER_FLAG_RESPONSE,
                                .message_id = h->message_id};

    message_begin(&out, (struct buf){storage, 0, sizeof storage}, &header);
    error_notify(s, &out, e);
    if (message_end(&out, &message) == OK &&
        outbox_reply(ep, message, &s->dgram->local, &s->dgram->remote))
        ep->store->counters.responses_sent++;
}

static void send_response(struct step *s, struct message_ref kept, uint32_t digest)
{
    struct ike_sa *sa = s->sa;

    request_answered(s->ep, sa, s->outer->header.message_id, kept, digest);
    sa->last_sent = s->now;
    s->ep->store->counters.responses_sent++;
    s->ep->store->counters.requests_executed++;
    outbox_respond_to(s->ep, sa, s->dgram);
    outbox_add(s->ep, sa, SEND_RESPONSE);
}

/* ---- requests ---- */

/* To tell a repeated request from a forged one; a match by chance repeats an old response. */
static uint32_t digest_of_request(const struct ike_endpoint *ep, struct bytes message)
{
    return (uint32_t)digest_of(message.data, message.len, ep->store->digest_key[0]);
}

/* A rival of the exchange in flight comes to be; its handler finds that exchange in the record. */
static bool contend(struct step *s, const struct flight *f, payload_set *payloads)
{
    if (!handle_none(handshake_at(s->ep, f->handshake)->rival))
        return false; /* one at a time */
    (void)flight_select(s->ep, s->sa, f->id);
    *payloads |= HAS_RIVAL;
    return true;
}

/* §2.25: collisions that need no look into the message, with each exchange that is in flight.
 * @return false: refused */
static bool collide(struct step *s, enum exchange_kind kind, payload_set *payloads)
{
    struct flight all[WINDOW_MAX];
    unsigned count = flights_of(s->ep, s->sa, all);
    struct notify_payload n;

    /* Beside the SA that takes over there is no time for it: RFC 7296 §2.25. */
    if (s->sa->renewing && (kind == KIND_IKE_REKEY || kind == KIND_CHILD_NEW))
        return false;
    if (kind == KIND_CHILD_REKEY && notify_find(s->in, NOTIFY_REKEY_SA, &n) && n.spi.len == 4)
        s->child = child_by_peer_spi(s->ep, s->sa, load_be32(n.spi.data));
    for (unsigned i = 0; i < count; i++) {
        bool same = s->child && child_sa_at(s->ep, all[i].child) == s->child;
        enum collision_answer answer = collision_find(all[i].kind, kind, same);

        if (answer == COLLISION_TEMPORARY ||
            (answer == COLLISION_RIVAL && !contend(s, &all[i], payloads)))
            return false;
    }
    return true;
}

/* Find the row and run it. @return what the response must say when it is not OK */
static enum err execute(struct step *s, enum exchange_kind kind, payload_set payloads)
{
    struct exchange_match m = {(enum ike_state)s->sa->state, kind,
                               s->decided ? ROLE_DECIDED : ROLE_ASKED, payloads};
    bool expected;
    enum err e;

    if (!collide(s, kind, &m.payloads))
        return step_refuse(s, NOTIFY_TEMPORARY_FAILURE);
    s->row = exchange_find(&ike_rows, &m, &expected);
    if (!s->row)
        return ERR_SYNTAX; /* payloads that the exchange must not or must have */
    if (!s->row->handler)
        return step_refuse(s, (enum notify_type)s->row->refusal);
    e = s->row->handler(s);
    exchange_move(s->sa, s->row, e);
    return e;
}

/* The response to a request whose row has run: what it wrote, or an error Notify instead. */
static enum err finish_response(struct step *s, enum err e, bool clear, struct message_ref *kept)
{
    struct message_start start = {.exchange = s->outer->header.exchange,
                                  .message_id = s->outer->header.message_id,
                                  .response = true,
                                  .clear = clear};
    uint8_t storage[512];
    struct message_writer error;

    if (e == OK)
        return ike_message_finish(s->ep, s->sa, s->out, clear, kept);
    drop_count(s->ep, drop_for(e));
    ike_message_begin(&error, (struct buf){storage, 0, sizeof storage}, s->sa, &start);
    error_notify(s, &error, e);
    return ike_message_finish(s->ep, s->sa, &error, clear, kept);
}

/* §2.21.3: a peer that breaks the syntax inside the IKE SA ends it; §2.21.2: before there is one,
 * so does a payload that we must not skip. */
static bool fatal(const struct step *s, enum err e)
{
    if (e == ERR_CRITICAL)
        return s->sa->state == STATE_SA_INIT_DONE;
    return e != OK && !s->notify && notify_for(e) == NOTIFY_INVALID_SYNTAX;
}

/* §2.3: windows open once the initial exchanges are complete; not where the SA is over. */
static void set_window(struct step *s, enum exchange_kind kind)
{
    if (s->sa->state == STATE_ESTABLISHED || s->sa->state == STATE_RIVAL)
        window_heed(s);
    if (s->sa->state == STATE_ESTABLISHED)
        window_announce(s, kind);
}

static enum err serve(struct step *s, enum exchange_kind kind, enum err e, payload_set payloads,
                      uint32_t digest)
{
    struct message_start start = {.exchange = s->outer->header.exchange,
                                  .message_id = s->outer->header.message_id,
                                  .response = true,
                                  .clear = kind == KIND_SA_INIT};
    uint8_t storage[MESSAGE_MAX];
    struct message_writer out;
    struct message_ref kept;
    enum err sealed;

    ike_message_begin(&out, (struct buf){storage, 0, sizeof storage}, s->sa, &start);
    s->out = &out;
    if (e == OK)
        e = execute(s, kind, payloads);
    if (e == OK)
        set_window(s, kind);
    if (e == OK && s->outer->header.exchange == EXCHANGE_INFORMATIONAL)
        e = mobike_answer(s);
    sealed = finish_response(s, e, start.clear, &kept);
    if (sealed) {
        ike_remove(s->ep, s->now, s->sa, REASON_LIMIT);
        return sealed;
    }
    send_response(s, kept, digest);
    if (fatal(s, e) && s->sa->reason == REASON_NONE)
        s->sa->reason = (uint8_t)reason_for_error(e);
    if (fatal(s, e) || s->sa->state == STATE_CLOSED)
        ike_close(s->ep, s->now, s->sa, (enum sa_reason)s->sa->reason);
    else
        ike_next(s->ep, s->now, s->sa);
    return e;
}

/* ---- IKE_SA_INIT requests ---- */

static void repeat_response(struct ike_endpoint *ep, struct ike_sa *sa,
                            const struct ike_dgram *dgram)
{
    ep->store->counters.responses_repeated++;
    outbox_respond_to(ep, sa, dgram);
    outbox_add(ep, sa, SEND_RESPONSE);
}

/* §2.1: the same request from the same place gets the same response, never a second SA. */
static bool known_init(struct ike_endpoint *ep, const struct ike_dgram *dgram, struct bytes message,
                       uint64_t digest)
{
    struct ike_sa *sa = ike_sa_by_init(ep, digest);
    struct handshake *hs;

    if (!sa)
        return false;
    hs = handshake_of(ep, sa);
    if (sa->state == STATE_SA_INIT_DONE && hs &&
        bytes_equal(message_at(&ep->store->messages, hs->first), message))
        repeat_response(ep, sa, dgram);
    else
        drop_count(ep, IKE_DROP_MESSAGE_ID); /* a late double: the SA is past that */
    return true;
}

static struct ike_sa *new_responder(struct ike_endpoint *ep, nsec now,
                                    const struct ike_dgram *dgram, const struct message_view *view)
{
    struct sa_ref ref;
    struct ike_sa *sa;

    if (!ike_sa_room(ep))
        return NULL;
    sa = ike_sa_take(ep, &ref);
    if (!sa)
        return NULL;
    sa->version = 2;
    ike_sa_place(ep, sa, &dgram->local, &dgram->remote);
    sa->natt = dgram->local.port == IKE_NATT_PORT;
    sa->last_heard = now;
    sa->spi_i = view->header.spi_i;
    sa->spi_r = ike_spi_new(ep);
    spi_expect(ep);
    return sa;
}

/* Errors that are worth an answer outside an SA; all else is silence (§2.21.1). */
static bool worth_answering(const struct step *s, enum err e)
{
    return s->notify == NOTIFY_INVALID_KE_PAYLOAD || e == ERR_NO_PROPOSAL || e == ERR_CRITICAL;
}

static enum err begin_responder(struct step *s, struct message_view *view, uint64_t digest)
{
    struct ike_endpoint *ep = s->ep;
    uint8_t storage[MESSAGE_MAX];
    struct message_writer out;
    struct message_ref kept;
    struct message_start start = {EXCHANGE_IKE_SA_INIT, 0, true, true};
    payload_set payloads;
    enum err e = payloads_of(view, &payloads);

    ike_message_begin(&out, (struct buf){storage, 0, sizeof storage}, s->sa, &start);
    s->out = &out;
    s->in = view;
    if (e == OK)
        e = execute(s, KIND_SA_INIT, payloads);
    if (e)
        return e;
    e = ike_message_finish(ep, s->sa, &out, true, &kept);
    if (e)
        return e;
    ike_sa_register(ep, s->sa, digest);
    send_response(s, kept, digest_of_request(ep, view->datagram));
    ike_timer_arm(ep, s->sa, TIMER_EXPIRE,
                  ep->store->config->half_open_time
                      ? nsec_add(s->now, ep->store->config->half_open_time)
                      : NSEC_NEVER);
    ike_half_open(ep, s->now, s->sa);
    return OK;
}

static enum err receive_init(struct step *s, struct message_view *view, enum err read)
{
    struct ike_endpoint *ep = s->ep;
    const struct ike_header *h = &view->header;
    uint64_t digest = ike_init_digest(ep, s->dgram, view->datagram);
    enum err e;

    if (!ep->store->config->respond || !header_from_initiator(h) || !h->spi_i || h->spi_r ||
        h->message_id) {
        drop_count(ep, IKE_DROP_UNEXPECTED);
        return ERR_STATE;
    }
    if (read == OK && known_init(ep, s->dgram, view->datagram, digest))
        return OK;
    e = flood_admit(s, view);
    if (e)
        return e;
    s->sa = new_responder(ep, s->now, s->dgram, view);
    if (!s->sa) {
        drop_count(ep, IKE_DROP_LIMIT);
        return ERR_FULL;
    }
    e = read;
    if (e == OK)
        e = begin_responder(s, view, digest);
    if (e == OK)
        return OK;
    ike_sa_give(ep, s->sa);
    drop_count(ep, s->notify == NOTIFY_INVALID_KE_PAYLOAD ? IKE_DROP_KEY_EXCHANGE : drop_for(e));
    if (worth_answering(s, e))
        reply_stateless(s, h, e);
    return e;
}

/* ---- responses to our requests ---- */

static void resend_changed(struct step *s)
{
    if (exchange_start(s->ep, s->now, s->sa, KIND_SA_INIT, NULL) != OK)
        ike_remove(s->ep, s->now, s->sa, REASON_LIMIT);
}

static enum err after_response(struct step *s, enum err e)
{
    struct ike_sa *sa = s->sa;

    if (s->keep) {
        if (s->again)
            resend_changed(s);
        else if (e)
            drop_count(s->ep, drop_for(e));
        return e;
    }
    if (e)
        drop_count(s->ep, drop_for(e));
    exchange_done(s->ep, sa);
    if (s->end)
        ike_remove(s->ep, s->now, sa, sa->reason ? (enum sa_reason)sa->reason : REASON_DELETED);
    else
        ike_next(s->ep, s->now, sa);
    return e;
}

/* §2.21.3: a peer that answers INVALID_SYNTAX inside the IKE SA has closed it. */
static void heed_fatal(struct step *s)
{
    struct notify_payload n;

    if (s->keep || !notify_find(s->in, NOTIFY_INVALID_SYNTAX, &n))
        return;
    s->sa->reason = REASON_INVALID_SYNTAX;
    s->end = true;
}

static bool childless(const struct step *s, payload_set payloads)
{
    return s->sa->in_flight == KIND_AUTH && (payloads & P(AUTH)) &&
           handle_none(handshake_of(s->ep, s->sa)->child);
}

static enum err consume(struct step *s, uint32_t digest)
{
    struct exchange_match m = {.state = (enum ike_state)s->sa->state,
                               .role = s->decided ? ROLE_DECIDED : ROLE_ANSWERED};
    bool expected;
    enum err e = payloads_of(s->in, &m.payloads);

    (void)flight_select(s->ep, s->sa, s->outer->header.message_id);
    m.kind = (enum exchange_kind)s->sa->in_flight;
    if (e == OK && childless(s, m.payloads))
        m.payloads |= IS_CHILDLESS;
    if (e == OK) {
        s->row = exchange_find(&ike_rows, &m, &expected);
        e = s->row && s->row->handler ? OK : ERR_STATE;
    }
    if (e == OK && held_wanted(s, m.payloads)) {
        e = held_keep(s, digest);
        if (e == OK)
            return OK;
    }
    if (e) {
        drop_count(s->ep, drop_for(e)); /* the request stays in flight */
        return e;
    }
    s->child = child_sa_at(s->ep, s->sa->child);
    e = s->row->handler(s);
    exchange_move(s->sa, s->row, e);
    if (e == OK && s->sa->state == STATE_ESTABLISHED)
        window_heed(s);
    mobike_heard(s);
    heed_fatal(s);
    return after_response(s, e);
}

/* ---- which SA, is it new, is it authentic ---- */

static struct ike_sa *addressee(const struct ike_endpoint *ep, const struct ike_header *h)
{
    bool ours_is_r = header_from_initiator(h);
    struct ike_sa *sa = ike_sa_by_spi(ep, ours_is_r ? h->spi_r : h->spi_i);

    if (!sa || sa->version != IKE_V2 || sa->initiator == ours_is_r)
        return NULL;
    if (sa->state == STATE_SA_INIT_SENT)
        return sa; /* its spi_r is not known yet */
    return sa->spi_i == h->spi_i && sa->spi_r == h->spi_r ? sa : NULL;
}

/* Whether a request of ours waits for this response. */
static bool awaited(const struct step *s, const struct ike_header *h)
{
    struct flight all[WINDOW_MAX];
    unsigned count = flights_of(s->ep, s->sa, all);

    for (unsigned i = 0; i < count; i++)
        if (all[i].id == h->message_id)
            return answers(all[i].kind, h->exchange);
    return false;
}

/* §2.3: a request beyond the window may be told of, if it is authentic. One behind it is what a
 * late double looks like, and nobody needs to know. */
static void out_of_window(struct step *s, const struct message_view *view)
{
    struct message_view inner;
    bool authentic;

    drop_count(s->ep, IKE_DROP_MESSAGE_ID);
    if (header_is_response(&view->header) || view->header.message_id < s->sa->expected_id ||
        !complaint_possible(s->ep, s->now, s->sa))
        return;
    if (ike_message_open(s->ep, s->sa, view, &inner, &authentic) == OK)
        complain_of_id(s->ep, s->now, s->sa, view->header.message_id);
}

/* §2.2, §2.3: @return true when the message is new and inside the window */
static bool due(struct step *s, const struct message_view *view)
{
    struct ike_sa *sa = s->sa;
    const struct ike_header *h = &view->header;
    bool response = header_is_response(h);

    if (response ? awaited(s, h) : request_due(s->ep, sa, h->message_id) && !ike_ids_used_up(sa))
        return true;
    if (!response &&
        (request_recall(s->ep, sa, h->message_id, digest_of_request(s->ep, view->datagram)) ||
         fragment_asks_again(s, view)))
        repeat_response(s->ep, sa, s->dgram);
    else
        out_of_window(s, view);
    return false;
}

static const struct exchange_row *row_asked(const struct ike_sa *sa, enum exchange_kind kind,
                                            payload_set payloads)
{
    struct exchange_match m = {(enum ike_state)sa->state, kind, ROLE_ASKED, payloads};
    bool expected;

    return exchange_find(&ike_rows, &m, &expected);
}

/* A row that neither serves nor refuses: no answer, no message ID used; the peer asks again. */
static bool deaf(const struct ike_sa *sa, enum exchange_kind kind)
{
    const struct exchange_row *row = row_asked(sa, kind, 0);

    return row && !row->handler && !row->refusal;
}

static enum err receive_request(struct step *s, struct message_view *inner, enum err e,
                                uint32_t digest)
{
    payload_set payloads = 0;
    enum exchange_kind kind = KIND_NONE;

    s->in = inner;
    if (s->sa->state == STATE_AUTH_HELD) { /* whatever it is, its turn has not come */
        held_repeated(s, digest);
        drop_count(s->ep, IKE_DROP_UNEXPECTED);
        return ERR_STATE;
    }
    if (e == ERR_CRITICAL) { /* §2.5: named by its type; nothing of the request is executed */
        s->notify = NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD;
        s->notify_data[0] = inner->unsupported;
        s->notify_len = 1;
    }
    if (e == OK)
        e = payloads_of(inner, &payloads);
    if (e == OK) {
        kind = kind_of(s->outer, inner, payloads);
        if (kind == KIND_LIVENESS && mobike_is_update(s->sa, inner))
            kind = KIND_MOVE;
        if (kind == KIND_NONE || kind == KIND_SA_INIT)
            e = ERR_SYNTAX;
    }
    if (e == OK && deaf(s->sa, kind)) {
        drop_count(s->ep, IKE_DROP_UNEXPECTED);
        return ERR_STATE;
    }
    if (e == OK && row_asked(s->sa, kind, payloads) && held_wanted(s, payloads)) {
        e = held_keep(s, digest);
        if (e)
            drop_count(s->ep, drop_for(e)); /* no room: the peer asks again */
        return e;
    }
    return serve(s, kind, e, payloads, digest);
}

enum err ike_consume_held(struct step *s, uint32_t digest)
{
    payload_set payloads = 0;

    if (s->sa->initiator)
        return consume(s, digest);
    (void)payloads_of(s->in, &payloads); /* it was well-formed when it came */
    return serve(s, KIND_AUTH, OK, payloads, digest);
}

/* An authentic message: `e` says what is wrong with its payloads. */
static enum err receive_opened(struct step *s, struct message_view *inner, enum err e,
                               uint32_t digest)
{
    ike_peer_seen(s->ep, s->now, s->sa, &s->dgram->local, &s->dgram->remote);
    if (!header_is_response(&inner->header))
        return receive_request(s, inner, e, digest);
    if (e) { /* a peer that cannot write: keep asking until it can or we give up */
        drop_count(s->ep, IKE_DROP_SYNTAX);
        return e;
    }
    s->in = inner;
    return consume(s, digest);
}

static enum err receive_fragment(struct step *s, const struct message_view *view)
{
    struct joined whole;
    bool complete;
    enum err e =
        fragment_take(s, view, digest_of_request(s->ep, view->datagram), &whole, &complete);

    return complete ? receive_opened(s, &whole.inner, e, whole.digest) : e;
}

static enum err receive_protected(struct step *s, const struct message_view *view, enum err read)
{
    struct ike_endpoint *ep = s->ep;
    uint32_t digest = header_is_response(&view->header) ? 0 : digest_of_request(ep, view->datagram);
    struct message_view inner = {0};
    bool authentic;
    enum err e = ike_message_open(ep, s->sa, view, &inner, &authentic);

    if (!authentic) {
        drop_count(ep, e == ERR_ICV ? IKE_DROP_ICV : IKE_DROP_MALFORMED);
        return e;
    }
    fragments_moot(s);
    inner.header = view->header;
    if (read == ERR_CRITICAL &&
        e == OK) { /* RFC 7296 §2.5: beside SK it is under the ICV as well */
        e = read;
        inner.unsupported = view->unsupported;
    }
    return receive_opened(s, &inner, e, digest);
}

static enum err receive_for_sa(struct step *s, const struct message_view *view, enum err read)
{
    bool init = view->header.exchange == EXCHANGE_IKE_SA_INIT;

    s->sa = addressee(s->ep, &view->header);
    if (!s->sa) {
        bool rumour = complaint_rumoured(s->ep, s->now, s->dgram, view);

        qcd_show(s, view);
        drop_count(s->ep, rumour ? IKE_DROP_UNAUTHENTICATED : IKE_DROP_NO_SA);
        return ERR_NO_SA;
    }
    if (!due(s, view))
        return ERR_MESSAGE_ID;
    if (s->sa->state == STATE_CLOSED || init != (s->sa->state == STATE_SA_INIT_SENT)) {
        drop_count(s->ep, IKE_DROP_UNEXPECTED);
        return ERR_STATE;
    }
    if (!init && qcd_shown(s, view))
        return qcd_heed(s, view);
    if (!init)
        return fragment_is(view) ? receive_fragment(s, view) : receive_protected(s, view, read);
    if (read) {
        drop_count(s->ep, IKE_DROP_SYNTAX);
        return read;
    }
    s->in = view;
    return consume(s, 0);
}

/* A request of a later version (§2.5); or somebody begins with IKEv1, who is told which version
 * there is (RFC 2408 §5.2). Nothing else of that, as it has no bit that tells an answer. */
static bool asks_for_version(const struct ike_header *h)
{
    if (header_major(h) >= 2)
        return !header_is_response(h);
    return header_major(h) == 1 && h->spi_r == 0 &&
           (h->exchange == V1_EXCHANGE_MAIN || h->exchange == V1_EXCHANGE_AGGRESSIVE);
}

/* §2.5: never in more octets than were asked. */
static void refuse_version(struct step *s, const struct ike_header *h, size_t asked)
{
    enum { ANSWER = HEADER_LEN + PAYLOAD_HEADER_LEN + 4 };
    struct ike_header named = *h;

    drop_count(s->ep, IKE_DROP_VERSION);
    if (!asks_for_version(h) || asked < ANSWER || !flood_version_said(s->ep, s->now))
        return;
    if (header_major(h) < 2)
        named.exchange = EXCHANGE_INFORMATIONAL; /* its own number is none of ours */
    s->notify = NOTIFY_INVALID_MAJOR_VERSION;
    reply_stateless(s, &named, ERR_VERSION);
}

enum err ike_receive(struct ike_endpoint *ep, nsec now, const struct ike_dgram *dgram,
                     struct bytes message)
{
    struct message_view view;
    struct step s = {.ep = ep, .now = now, .dgram = dgram, .outer = &view};
    enum err e = message_read(message, &view);

    meter_work(ep, METER_MESSAGE_RECEIVED, message.len);
    if (e == ERR_VERSION) {
        refuse_version(&s, &view.header, message.len);
        return e;
    }
    if (e && e != ERR_CRITICAL) {
        drop_count(ep, IKE_DROP_MALFORMED);
        return e;
    }
    if (view.header.exchange == EXCHANGE_IKE_SA_INIT && !header_is_response(&view.header)) {
        if (e == ERR_CRITICAL) {
            s.notify = NOTIFY_UNSUPPORTED_CRITICAL_PAYLOAD;
            s.notify_data[0] = view.unsupported;
            s.notify_len = 1;
        }
        meter_work(ep, METER_PAYLOAD_PARSED, message.len);
        return receive_init(&s, &view, e);
    }
    return receive_for_sa(&s, &view, e);
}
