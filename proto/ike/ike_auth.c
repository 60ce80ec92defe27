/*
 * IKE_AUTH: RFC 7296 §1.2, §2.15.
 *
 *   HDR(A,B), SK {IDi, [CERT,] [N(INITIAL_CONTACT),] [CERTREQ,] AUTH, SAi2, TSi, TSr}  -->
 *                                        <--  HDR(A,B), SK {IDr, [CERT,] AUTH, SAr2, TSi, TSr}
 *
 * Where the first child cannot be made the IKE SA stands (§1.2, §2.21.2): the response then has an
 * error Notify in the place of SAr2, TSi, TSr.
 * With auth.look_up either side keeps what it received and waits until the driver has answered
 * (proto/ike/held); then the same handlers run.
 * Where both agree on it SAi2, TSi, TSr are left out, and so are SAr2, TSi, TSr (RFC 6023 §4).
 * Behind AUTH both may have N(QUICK_CRASH_DETECTION) (RFC 6290 §4.2).
 * Not here: EAP (§2.16), configuration payloads.
 */
#include "proto/core/wish.h"
#include "proto/esp/esp.h"
#include "proto/ike/asked.h"
#include "proto/ike/held.h"
#include "proto/ike/identity.h"
#include "proto/ike/ike.h"
#include "proto/ike/message.h"
#include "proto/ike/mobike.h"
#include "proto/ike/notify_map.h"
#include "proto/ike/offer.h"
#include "proto/ike/proof.h"
#include "proto/ike/qcd.h"
#include "proto/ike/resource.h"
#include "proto/wire/registry.h"

static uint64_t digest_in(const struct step *s, enum payload_type type, enum auth_way way)
{
    return identity_digest(s->ep, step_body(s, type), way);
}

static bool is_somebody(const struct step *s, enum payload_type type, enum auth_way way)
{
    return identity_is_somebody(step_body(s, type), way);
}

/* ---- create_request ---- */

static enum err create_request(struct step *s)
{
    struct ike_endpoint *ep = s->ep;
    struct handshake *hs = handshake_of(ep, s->sa);
    struct bytes own_first = message_at(&ep->store->messages, s->sa->request);
    bool childless = ep->store->config->childless >= CHILDLESS_PREFER && hs->peer_childless;
    enum err e = OK;

    if (ep->store->config->childless == CHILDLESS_FORCE && !childless) {
        s->sa->reason = REASON_CHILDLESS;
        return ERR_UNSUPPORTED;
    }
    if (!childless)
        e = child_reserve(ep, s->sa, &hs->child);
    if (e == OK)
        e = proof_write(s, PAYLOAD_IDI, own_first);
    if (e == ERR_SIGNATURE)
        s->sa->reason = REASON_AUTHENTICATION; /* nothing that we can sign would be understood */
    if (e == OK)
        qcd_write(s, s->sa);
    if (e == OK)
        mobike_offer_write(s);
    if (childless)
        return e; /* RFC 6023 §4 */
    if (e == OK)
        child_offer_write(s, child_sa_at(ep, hs->child), true);
    if (e == OK) {
        child_offer_ts_write(s, NULL);
        resource_ask(s, child_sa_at(ep, hs->child));
    }
    return e;
}

/* ---- consume_request, create_response ---- */

static struct child_seed seed_of(const struct step *s, const struct handshake *hs)
{
    struct handshake_nonces n = handshake_nonces(s->ep, hs);
    bool initiator = s->sa->initiator;

    return (struct child_seed){.prf = s->sa->suite->prf,
                               .sk_d = ike_sk_d(s->sa),
                               .ni = initiator ? n.ours : n.peers,
                               .nr = initiator ? n.peers : n.ours,
                               .initiator = initiator};
}

/* §2.4: the peer has no other IKE SA with us; ours to the same identity are leftovers. */
static void drop_older(struct step *s)
{
    struct ike_sa *older;

    while ((older = ike_sa_older(s->ep, s->sa)) != NULL)
        ike_remove(s->ep, s->now, older, REASON_REPLACED);
}

/* Install it; where this IKE SA takes over from another, in the place of a child of that. */
static enum err install(struct step *s, struct child_sa *made, const struct child_terms *terms)
{
    struct ike_endpoint *ep = s->ep;
    struct child_seed seed = seed_of(s, handshake_of(ep, s->sa));
    struct child_sa *renewed = reauth_child(ep, s->sa, terms);
    enum err e;

    seed.old = renewed;
    e = child_install(ep, s->now, made, terms, &seed);
    if (e || !renewed)
        return e;
    child_take_over(ep, s->now, renewed, made);
    if (s->sa->initiator)
        child_switch(ep, made);
    return OK;
}

static enum err make_child(struct step *s, struct child_terms *terms, struct handle *made,
                           struct resource_place *place)
{
    struct ike_endpoint *ep = s->ep;
    enum err e = child_offer_read(s, true, 0, terms);

    *made = HANDLE_NONE;
    if (e == OK && ep->store->config->childless == CHILDLESS_FORCE)
        e = ERR_UNSUPPORTED;
    if (e == OK)
        e = resource_grant(s, terms, place);
    if (e == OK)
        e = child_reserve(ep, s->sa, made);
    if (e)
        return e;
    terms->ke = NULL;
    e = install(s, child_sa_at(ep, *made), terms);
    if (e)
        child_remove(ep, s->now, child_sa_at(ep, *made), REASON_LIMIT);
    return e;
}

/* The child's part of the response; its failure is not the IKE SA's (§2.21.2). */
static void answer_child(struct step *s)
{
    struct resource_place place;
    struct child_terms terms;
    struct handle made;
    enum err e = make_child(s, &terms, &made, &place);

    if (e == OK) {
        child_answer_write(s, child_sa_at(s->ep, made), &terms);
        child_answer_ts_write(s, &terms);
        resource_answer(s, &place);
        return;
    }
    notify_add(s->out, (uint16_t)notify_for(e), BYTES_NONE);
    child_failed(s->ep, s->now, s->sa, HANDLE_NONE, reason_for_error(e));
}

static enum err consume_request(struct step *s)
{
    struct ike_endpoint *ep = s->ep;
    struct ike_sa *sa = s->sa;
    struct notify_payload n;
    enum auth_way way;
    enum err e;

    child_offer_expect(s);
    e = proof_verify(s, PAYLOAD_IDI, &way);
    if (e == OK)
        e = mobike_nats_read(s);
    if (e == OK)
        e = proof_certreq_read(s, handshake_of(ep, sa));
    if (e == OK)
        e = proof_write(s, PAYLOAD_IDR, message_at(&ep->store->messages, sa->response));
    if (e == OK && is_somebody(s, PAYLOAD_IDI, way))
        ike_sa_identify(ep, sa, digest_in(s, PAYLOAD_IDI, way));
    if (e && err_class(e) != CLASS_WIRE && !s->notify) /* §2.21.2 */
        s->notify = NOTIFY_AUTHENTICATION_FAILED;
    if (e) {
        ike_say_down(ep, s->now, sa, s->denied ? REASON_LOOK_UP : reason_for_error(e));
        return e;
    }
    if (is_somebody(s, PAYLOAD_IDI, way) && notify_find(s->in, NOTIFY_INITIAL_CONTACT, &n))
        drop_older(s);
    mobike_offer_read(s);
    ike_established(ep, s->now, sa);
    reauth_lifetime_write(s);
    qcd_write(s, sa);
    qcd_read(s, sa);
    if (sa->mobike)
        mobike_offer_write(s);
    if (step_body(s, PAYLOAD_SA).data)
        answer_child(s);
    handshake_give(ep, sa);
    return OK;
}

/* RFC 6023 §3: only from who heard us announce it. */
static enum err consume_childless(struct step *s)
{
    return s->ep->store->config->childless == CHILDLESS_NEVER ? ERR_SYNTAX : consume_request(s);
}

/* ---- consume_response ---- */

static void drop_reserved(struct step *s, struct handshake *hs, enum sa_reason why)
{
    struct child_sa *made = child_sa_at(s->ep, hs->child);

    hs->child = HANDLE_NONE;
    if (made)
        child_remove(s->ep, s->now, made, why);
}

static enum err complete_child(struct step *s, struct handshake *hs)
{
    struct child_sa *made = child_sa_at(s->ep, hs->child);
    struct resource_place place;
    struct child_terms terms;
    enum err e = child_answer_read(s, NULL, true, &terms);

    if (e == OK)
        e = resource_answered(s, made, &terms, &place);
    if (e == OK)
        e = install(s, made, &terms);
    if (e == OK)
        resource_taken(s, made, &place);
    return e;
}

/* The peer has installed what we cannot use: it must hear that there is no such child. */
static void refuse_child(struct step *s, const struct handshake *hs, enum sa_reason why)
{
    struct child_sa *made = child_sa_at(s->ep, hs->child);

    made->wish_delete = true;
    made->reason = (uint8_t)why;
    child_failed(s->ep, s->now, s->sa, HANDLE_NONE, why);
}

/* The first child: made, refused by the peer, or not to be had because the answer is wrong; or, as
 * this exchange was to make none, still to be asked for. */
static void consume_child(struct step *s, struct handshake *hs)
{
    struct notify_payload n;
    enum err e;

    if (handle_none(hs->child)) {
        (void)ike_wish_child(s->sa);
        return;
    }
    if (notify_find_error(s->in, &n)) {
        drop_reserved(s, hs, reason_for(n.type));
        if (!ike_ask_single_pair(s->sa, n.type))
            child_failed(s->ep, s->now, s->sa, HANDLE_NONE, reason_for(n.type));
        return;
    }
    e = complete_child(s, hs);
    if (e)
        refuse_child(s, hs, reason_for_error(e));
}

/* §2.21.2: an initiator that refuses the responder's proof deletes what the responder believes in.
 */
static enum err refuse(struct step *s, enum sa_reason why)
{
    struct handshake *hs = handshake_of(s->ep, s->sa);

    drop_reserved(s, hs, why);
    ike_say_down(s->ep, s->now, s->sa, why);
    s->sa->reason = (uint8_t)why;
    s->sa->wishes = WISH_DELETE;
    return ERR_SIGNATURE;
}

/* Who is authenticated anew must be who it was. */
static enum err same_again(const struct step *s, enum auth_way way)
{
    const struct handshake *hs = handshake_of(s->ep, s->sa);
    bool same =
        !hs->renews || !hs->peer_identity ||
        (is_somebody(s, PAYLOAD_IDR, way) && digest_in(s, PAYLOAD_IDR, way) == hs->peer_identity);

    return same ? OK : ERR_SIGNATURE;
}

static enum err consume_response(struct step *s)
{
    struct ike_endpoint *ep = s->ep;
    struct ike_sa *sa = s->sa;
    enum auth_way way;
    enum err e = proof_verify(s, PAYLOAD_IDR, &way);

    if (e == OK)
        e = same_again(s, way);
    if (e == OK && is_somebody(s, PAYLOAD_IDR, way))
        ike_sa_identify(ep, sa, digest_in(s, PAYLOAD_IDR, way));
    if (e && s->denied)
        return refuse(s, REASON_LOOK_UP);
    if (e)
        return refuse(s, e == ERR_MEMORY ? REASON_LIMIT : REASON_AUTHENTICATION);
    mobike_offer_read(s);
    ike_established(ep, s->now, sa);
    reauth_lifetime_read(s);
    qcd_read(s, sa);
    reauth_proven(ep, s->now, sa);
    consume_child(s, handshake_of(ep, sa));
    handshake_give(ep, sa);
    return OK;
}

/* The responder refused: no IKE SA. */
static enum err consume_refusal(struct step *s)
{
    struct notify_payload n = {0};

    (void)notify_find_error(s->in, &n);
    ike_say_down(s->ep, s->now, s->sa, reason_for(n.type));
    s->end = true;
    return OK;
}

static enum err give_up(struct step *s)
{
    ike_say_down(s->ep, s->now, s->sa, REASON_TIMEOUT);
    s->end = true;
    return OK;
}

#define REQUEST (P(IDI) | P(AUTH) | P(SA) | P(TSI) | P(TSR))
#define REQUEST_ALLOWED (REQUEST | P_ANY | P(IDR) | P(CERT) | P(CERTREQ) | P(CP))
#define PROOF (P(IDI) | P(AUTH))
#define PROOF_ALLOWED (PROOF | P_ANY | P(IDR) | P(CERT) | P(CERTREQ) | P(CP))
#define RESPONSE (P(IDR) | P(AUTH))
#define CHILD (P(SA) | P(TSI) | P(TSR))
#define NOT(states) ((uint16_t)(EVERY_STATE & ~(states)))

const struct exchange_row ike_auth_rows[] = {
    {2, FROM(SA_INIT_DONE), KIND_AUTH, ROLE_START, 0, 0, create_request, 0, STATE_AUTH_SENT,
     STATE_NONE, "RFC 7296 §1.2"},
    {2, FROM(SA_INIT_DONE), KIND_AUTH, ROLE_ASKED, REQUEST, REQUEST_ALLOWED, consume_request, 0,
     STATE_ESTABLISHED, STATE_CLOSED, "RFC 7296 §1.2"},
    {2, FROM(SA_INIT_DONE), KIND_AUTH, ROLE_ASKED, PROOF, PROOF_ALLOWED, consume_childless, 0,
     STATE_ESTABLISHED, STATE_CLOSED, "RFC 6023 §4"},
    {2, FROM(AUTH_SENT), KIND_AUTH, ROLE_ANSWERED, RESPONSE | CHILD,
     RESPONSE | CHILD | P_ANY | P(CERT) | P(CP), consume_response, 0, STATE_ESTABLISHED,
     STATE_SA_INIT_DONE, "RFC 7296 §1.2"},
    {2, FROM(AUTH_SENT), KIND_AUTH, ROLE_ANSWERED, RESPONSE | IS_CHILDLESS,
     RESPONSE | P_ANY | P(CERT) | P(CP) | IS_CHILDLESS, consume_response, 0, STATE_ESTABLISHED,
     STATE_SA_INIT_DONE, "RFC 6023 §4"},
    {2, FROM(AUTH_SENT), KIND_AUTH, ROLE_ANSWERED, RESPONSE | P(NOTIFY) | HAS_ERROR,
     RESPONSE | P_ANY | P(CERT) | HAS_ERROR, consume_response, 0, STATE_ESTABLISHED,
     STATE_SA_INIT_DONE, "RFC 7296 §1.2, §2.21.2"},
    {2, FROM(AUTH_SENT), KIND_AUTH, ROLE_ANSWERED, P(NOTIFY) | HAS_ERROR, P_ANY | HAS_ERROR,
     consume_refusal, 0, STATE_NONE, STATE_NONE, "RFC 7296 §2.21.2"},
    {2, FROM(AUTH_SENT), KIND_AUTH, ROLE_GIVEN_UP, 0, 0, give_up, 0, STATE_NONE, STATE_NONE,
     "RFC 7296 §2.4"},
    /* A look-up goes on: what was received is held; what is received meanwhile is a repetition. */
    {2, FROM(SA_INIT_DONE) | FROM(AUTH_SENT), KIND_AUTH, ROLE_HELD, 0, 0, held_ask, 0,
     STATE_AUTH_HELD, STAY, "RFC 7296 §2.15"},
    {2, FROM(AUTH_HELD), KIND_AUTH, ROLE_DECIDED, REQUEST, REQUEST_ALLOWED, consume_request, 0,
     STATE_ESTABLISHED, STATE_CLOSED, "RFC 7296 §1.2"},
    {2, FROM(AUTH_HELD), KIND_AUTH, ROLE_DECIDED, PROOF, PROOF_ALLOWED, consume_childless, 0,
     STATE_ESTABLISHED, STATE_CLOSED, "RFC 6023 §4"},
    {2, FROM(AUTH_HELD), KIND_AUTH, ROLE_DECIDED, RESPONSE | IS_CHILDLESS,
     RESPONSE | P_ANY | P(CERT) | P(CP) | IS_CHILDLESS, consume_response, 0, STATE_ESTABLISHED,
     STATE_SA_INIT_DONE, "RFC 6023 §4"},
    {2, FROM(AUTH_HELD), KIND_AUTH, ROLE_DECIDED, RESPONSE | CHILD,
     RESPONSE | CHILD | P_ANY | P(CERT) | P(CP), consume_response, 0, STATE_ESTABLISHED,
     STATE_SA_INIT_DONE, "RFC 7296 §1.2"},
    {2, FROM(AUTH_HELD), KIND_AUTH, ROLE_DECIDED, RESPONSE | P(NOTIFY) | HAS_ERROR,
     RESPONSE | P_ANY | P(CERT) | HAS_ERROR, consume_response, 0, STATE_ESTABLISHED,
     STATE_SA_INIT_DONE, "RFC 7296 §1.2, §2.21.2"},
    {2, FROM(AUTH_HELD), KIND_AUTH, ROLE_ASKED, 0, 0, NULL, 0, STAY, STAY, "RFC 7296 §2.1"},
    {2, NOT(FROM(SA_INIT_DONE)), KIND_AUTH, ROLE_START, 0, 0, NULL, 0, STAY, STAY, "RFC 7296 §1.2"},
    {2, NOT(FROM(SA_INIT_DONE) | FROM(AUTH_HELD)), KIND_AUTH, ROLE_ASKED, 0, 0, NULL,
     NOTIFY_INVALID_SYNTAX, STAY, STAY, "RFC 7296 §1.2"},
    {2, NOT(FROM(AUTH_SENT)), KIND_AUTH, ROLE_ANSWERED, 0, 0, NULL, 0, STAY, STAY, "RFC 7296 §1.2"},
    {2, NOT(FROM(AUTH_SENT)), KIND_AUTH, ROLE_GIVEN_UP, 0, 0, NULL, 0, STAY, STAY, "RFC 7296 §2.4"},
};
const size_t ike_auth_row_count = sizeof ike_auth_rows / sizeof *ike_auth_rows;
