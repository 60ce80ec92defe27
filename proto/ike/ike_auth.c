/*
 * IKE_AUTH with a shared key: RFC 7296 §1.2, §2.15.
 *
 *   HDR(A,B), SK {IDi, [N(INITIAL_CONTACT),] AUTH, SAi2, TSi, TSr}  -->
 *                                                <--  HDR(A,B), SK {IDr, AUTH, SAr2, TSi, TSr}
 *
 * Where the first child cannot be made the IKE SA stands (§1.2, §2.21.2): the response then has an
 * error Notify in the place of SAr2, TSi, TSr.
 * Not here: certificates, EAP (§2.16), configuration payloads, childless (RFC 6023).
 */
#include "base/digest.h"
#include "proto/esp/esp.h"
#include "proto/ike/auth_data.h"
#include "proto/ike/ike.h"
#include "proto/ike/message.h"
#include "proto/ike/notify_map.h"
#include "proto/ike/offer.h"
#include "proto/wire/auth.h"
#include "proto/wire/id.h"

/* ---- AUTH of either side ---- */

struct nonces {
    struct bytes ours, peers;
};

static struct nonces nonces_of(const struct ike_endpoint *ep, const struct handshake *hs)
{
    struct bytes first = message_at(&ep->messages, hs->first);

    return (struct nonces){bytes_of(hs->nonce, NONCE_LEN),
                           bytes_of(first.data + hs->nonce_at, hs->nonce_len)};
}

static struct bytes psk_of(const struct ike_endpoint *ep)
{
    return bytes_of(ep->config->psk, ep->config->psk_len);
}

/* Our proof: our first message, the peer's nonce (§2.15). */
static enum err prove(const struct step *s, struct bytes own_first, struct bytes id_body,
                      uint8_t *out)
{
    const struct handshake *hs = handshake_of(s->ep, s->sa);
    struct auth_input in = {.psk = psk_of(s->ep),
                            .message = own_first,
                            .nonce = nonces_of(s->ep, hs).peers,
                            .id_body = id_body,
                            .sk_p = ike_sk_p(s->ep, s->sa, s->sa->initiator)};

    return auth_shared_key(s->ep->env.crypto, s->sa->suite.prf, &in, out);
}

/* The peer's proof: its first message as received, our nonce. */
static enum err verify(const struct step *s, enum payload_type id_type)
{
    const struct handshake *hs = handshake_of(s->ep, s->sa);
    struct auth_input in = {.psk = psk_of(s->ep),
                            .message = message_at(&s->ep->messages, hs->first),
                            .nonce = nonces_of(s->ep, hs).ours,
                            .id_body = step_body(s, id_type),
                            .sk_p = ike_sk_p(s->ep, s->sa, !s->sa->initiator)};
    uint8_t expected[PRF_OUT_MAX];
    struct auth_payload auth;
    struct id_payload id;
    enum err e = auth_read(step_body(s, PAYLOAD_AUTH), &auth);

    if (e == OK)
        e = id_read(in.id_body, &id);
    if (e)
        return e;
    if (!message_none(hs->peer_id) &&
        !bytes_equal(id.data, message_at(&s->ep->messages, hs->peer_id)))
        return ERR_SIGNATURE; /* proven or not, this is not whom we called */
    if (auth.method != AUTH_METHOD_SHARED_KEY)
        return ERR_SIGNATURE;
    e = auth_shared_key(s->ep->env.crypto, s->sa->suite.prf, &in, expected);
    if (e == OK && !bytes_equal_secret(auth.data, bytes_of(expected, s->sa->suite.prf->out_len)))
        e = ERR_SIGNATURE;
    wipe(expected, sizeof expected);
    return e;
}

static uint64_t identity_digest(const struct step *s, enum payload_type type)
{
    struct bytes body = step_body(s, type);
    struct rng seed = rng_stream(s->ep->env.seed, s->ep->env.entity, RNG_CREDENTIAL);

    return digest_of(body.data, body.len, rng_u64(&seed)) | 1; /* 0 means none */
}

/* Write our ID and AUTH payloads; `notify` goes in between (§1.2 shows the order). */
static enum err write_proof(struct step *s, enum payload_type id_type, struct bytes own_first)
{
    const struct identity *id = &s->ep->config->id;
    uint8_t auth[PRF_OUT_MAX];
    struct writer *w = payload_begin(s->out, (uint8_t)id_type);
    size_t at = writer_len(w);
    struct bytes body;
    enum err e;

    id_write(w, &(struct id_payload){id->type, bytes_of(id->data, id->len)});
    body = bytes_of(w->start + at, writer_len(w) - at);
    payload_end(s->out);
    if (id_type == PAYLOAD_IDI && s->ep->config->initial_contact)
        notify_add(s->out, NOTIFY_INITIAL_CONTACT, BYTES_NONE);
    if (w->error)
        return w->error;
    e = prove(s, own_first, body, auth);
    if (e)
        return e;
    auth_write(
        payload_begin(s->out, PAYLOAD_AUTH),
        &(struct auth_payload){AUTH_METHOD_SHARED_KEY, bytes_of(auth, s->sa->suite.prf->out_len)});
    payload_end(s->out);
    wipe(auth, sizeof auth);
    return OK;
}

/* ---- create_request ---- */

static enum err create_request(struct step *s)
{
    struct ike_endpoint *ep = s->ep;
    struct handshake *hs = handshake_of(ep, s->sa);
    struct bytes own_first = message_at(&ep->messages, s->sa->request);
    enum err e = child_reserve(ep, s->sa, &hs->child);

    if (e == OK)
        e = write_proof(s, PAYLOAD_IDI, own_first);
    if (e == OK)
        child_offer_write(s, child_sa_at(ep, hs->child), true);
    if (e == OK)
        child_offer_ts_write(s, NULL);
    return e;
}

/* ---- consume_request, create_response ---- */

static struct child_seed seed_of(const struct step *s, const struct handshake *hs)
{
    struct nonces n = nonces_of(s->ep, hs);
    bool initiator = s->sa->initiator;

    return (struct child_seed){.prf = s->sa->suite.prf,
                               .sk_d = ike_sk_d(s->ep, s->sa),
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

static enum err make_child(struct step *s, struct child_terms *terms, struct handle *made)
{
    struct ike_endpoint *ep = s->ep;
    struct child_seed seed = seed_of(s, handshake_of(ep, s->sa));
    enum err e = child_offer_read(s, true, 0, terms);

    *made = HANDLE_NONE;
    if (e == OK)
        e = child_reserve(ep, s->sa, made);
    if (e)
        return e;
    terms->ke = NULL;
    e = child_install(ep, s->now, child_sa_at(ep, *made), terms, &seed);
    if (e)
        child_remove(ep, s->now, child_sa_at(ep, *made), REASON_LIMIT);
    return e;
}

/* The child's part of the response; its failure is not the IKE SA's (§2.21.2). */
static void answer_child(struct step *s)
{
    struct child_terms terms;
    struct handle made;
    enum err e = make_child(s, &terms, &made);

    if (e == OK) {
        child_answer_write(s, child_sa_at(s->ep, made), &terms);
        child_answer_ts_write(s, &terms);
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
    enum err e = verify(s, PAYLOAD_IDI);

    if (e == OK)
        e = write_proof(s, PAYLOAD_IDR, message_at(&ep->messages, sa->response));
    if (e == OK)
        e = ike_sa_identify(ep, sa, identity_digest(s, PAYLOAD_IDI));
    if (e) {
        ike_say_down(ep, s->now, sa, reason_for_error(e));
        return e;
    }
    if (notify_find(s->in, NOTIFY_INITIAL_CONTACT, &n))
        drop_older(s);
    ike_established(ep, s->now, sa);
    answer_child(s);
    handshake_give(ep, sa);
    return OK;
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
    struct child_seed seed = seed_of(s, hs);
    struct child_sa *made = child_sa_at(s->ep, hs->child);
    struct child_terms terms;
    enum err e = child_answer_read(s, NULL, true, &terms);

    if (e == OK)
        e = child_install(s->ep, s->now, made, &terms, &seed);
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

/* The first child: made, refused by the peer, or not to be had because the answer is wrong. */
static void consume_child(struct step *s, struct handshake *hs)
{
    struct notify_payload n;
    enum err e;

    if (notify_find_error(s->in, &n)) {
        drop_reserved(s, hs, reason_for(n.type));
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

static enum err consume_response(struct step *s)
{
    struct ike_endpoint *ep = s->ep;
    struct ike_sa *sa = s->sa;
    enum err e = verify(s, PAYLOAD_IDR);

    if (e == OK)
        e = ike_sa_identify(ep, sa, identity_digest(s, PAYLOAD_IDR));
    if (e)
        return refuse(s, e == ERR_MEMORY ? REASON_LIMIT : REASON_AUTHENTICATION);
    ike_established(ep, s->now, sa);
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
#define RESPONSE (P(IDR) | P(AUTH))
#define CHILD (P(SA) | P(TSI) | P(TSR))
#define NOT(states) ((uint16_t)(EVERY_STATE & ~(states)))

const struct exchange_row ike_auth_rows[] = {
    {2, FROM(SA_INIT_DONE), KIND_AUTH, ROLE_START, 0, 0, create_request, 0, STATE_AUTH_SENT,
     STATE_NONE, "RFC 7296 §1.2"},
    {2, FROM(SA_INIT_DONE), KIND_AUTH, ROLE_ASKED, REQUEST,
     REQUEST | P_ANY | P(IDR) | P(CERT) | P(CERTREQ) | P(CP), consume_request, 0, STATE_ESTABLISHED,
     STATE_CLOSED, "RFC 7296 §1.2"},
    {2, FROM(AUTH_SENT), KIND_AUTH, ROLE_ANSWERED, RESPONSE | CHILD,
     RESPONSE | CHILD | P_ANY | P(CERT) | P(CP), consume_response, 0, STATE_ESTABLISHED,
     STATE_SA_INIT_DONE, "RFC 7296 §1.2"},
    {2, FROM(AUTH_SENT), KIND_AUTH, ROLE_ANSWERED, RESPONSE | P(NOTIFY) | HAS_ERROR,
     RESPONSE | P_ANY | P(CERT) | HAS_ERROR, consume_response, 0, STATE_ESTABLISHED,
     STATE_SA_INIT_DONE, "RFC 7296 §1.2, §2.21.2"},
    {2, FROM(AUTH_SENT), KIND_AUTH, ROLE_ANSWERED, P(NOTIFY) | HAS_ERROR, P_ANY | HAS_ERROR,
     consume_refusal, 0, STATE_NONE, STATE_NONE, "RFC 7296 §2.21.2"},
    {2, FROM(AUTH_SENT), KIND_AUTH, ROLE_GIVEN_UP, 0, 0, give_up, 0, STATE_NONE, STATE_NONE,
     "RFC 7296 §2.4"},
    {2, NOT(FROM(SA_INIT_DONE)), KIND_AUTH, ROLE_START, 0, 0, NULL, 0, STAY, STAY, "RFC 7296 §1.2"},
    {2, NOT(FROM(SA_INIT_DONE)), KIND_AUTH, ROLE_ASKED, 0, 0, NULL, NOTIFY_INVALID_SYNTAX, STAY,
     STAY, "RFC 7296 §1.2"},
    {2, NOT(FROM(AUTH_SENT)), KIND_AUTH, ROLE_ANSWERED, 0, 0, NULL, 0, STAY, STAY, "RFC 7296 §1.2"},
    {2, NOT(FROM(AUTH_SENT)), KIND_AUTH, ROLE_GIVEN_UP, 0, 0, NULL, 0, STAY, STAY, "RFC 7296 §2.4"},
};
const size_t ike_auth_row_count = sizeof ike_auth_rows / sizeof *ike_auth_rows;
