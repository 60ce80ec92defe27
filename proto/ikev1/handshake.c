/*
 * Phase 1 of an endpoint (RFC 2409 §5): Main Mode and Aggressive Mode around the records of
 * proto/core. What the messages say is in main_mode.c and aggressive_mode.c; here are SAs that
 * begin, what is sent and sent again, and what is done when phase 1 is over.
 *
 * The initiator sends again for want of an answer (1, 3, 5); the responder only answers, one for
 * each that comes, so nobody is sent more than he has sent (CVE-2016-5361).
 */
#include "base/assert.h"
#include "base/digest.h"
#include "proto/core/flood.h"
#include "proto/ikev1/aggressive_mode.h"
#include "proto/ikev1/exchanges.h"
#include "proto/ikev1/main_mode.h"

static exchange_handler start, take, given_up;

#define WAITING (FROM(V1_ASKED) | FROM(V1_KEYS_SENT) | FROM(V1_PROOF_SENT))

#define P(type) ((payload_set)V1_BIT(type))
#define OFFER P(SA)
#define KEYS (P(KE) | P(NONCE))
#define PROOF (P(ID) | P(HASH))
#define VID P(VENDOR)
#define NATD (P(NAT_D) | VID | P(CERTREQ))
#define NOTES (P(NOTIFY) | VID)
#define FIRST (OFFER | KEYS | P(ID))

/* Who receives the messages 1 to 6: responder and initiator in turn. { version, from, kind, role,
 * needed, allowed, handler, refusal, to, failed, section } */
const struct exchange_row v1_main_rows[] = {
    {1, FROM(NONE), KIND_MAIN, ROLE_START, 0, 0, start, 0, STATE_V1_ASKED, STATE_NONE,
     "RFC 2409 §5.4"},
    {1, FROM(NONE), KIND_MAIN, ROLE_ASKED, OFFER, OFFER | VID, take, 0, STATE_V1_ANSWERED,
     STATE_NONE, "RFC 2409 §5.4"},
    {1, FROM(V1_ASKED), KIND_MAIN, ROLE_ANSWERED, OFFER, OFFER | VID, take, 0, STATE_V1_KEYS_SENT,
     STAY, "RFC 2409 §5.4"},
    {1, FROM(V1_ANSWERED), KIND_MAIN, ROLE_ASKED, KEYS, KEYS | NATD, take, 0,
     STATE_V1_KEYS_ANSWERED, STAY, "RFC 2409 §5.4"},
    {1, FROM(V1_KEYS_SENT), KIND_MAIN, ROLE_ANSWERED, KEYS, KEYS | NATD, take, 0,
     STATE_V1_PROOF_SENT, STAY, "RFC 2409 §5.4"},
    {1, FROM(V1_KEYS_ANSWERED), KIND_MAIN, ROLE_ASKED, PROOF, PROOF | NOTES | P(CERTREQ), take, 0,
     STATE_ESTABLISHED, STAY, "RFC 2409 §5.4"},
    {1, FROM(V1_PROOF_SENT), KIND_MAIN, ROLE_ANSWERED, PROOF, PROOF | NOTES, take, 0,
     STATE_ESTABLISHED, STAY, "RFC 2409 §5.4"},
    {1, WAITING, KIND_MAIN, ROLE_GIVEN_UP, 0, 0, given_up, 0, STATE_NONE, STATE_NONE,
     "RFC 2408 §5.1"},
};
const size_t v1_main_row_count = sizeof v1_main_rows / sizeof *v1_main_rows;

const struct exchange_row v1_aggressive_rows[] = {
    {1, FROM(NONE), KIND_AGGRESSIVE, ROLE_START, 0, 0, start, 0, STATE_V1_ASKED, STATE_NONE,
     "RFC 2409 §5.4"},
    {1, FROM(NONE), KIND_AGGRESSIVE, ROLE_ASKED, FIRST, FIRST | VID | P(CERTREQ), take, 0,
     STATE_V1_ANSWERED, STATE_NONE, "RFC 2409 §5.4"},
    {1, FROM(V1_ASKED), KIND_AGGRESSIVE, ROLE_ANSWERED, FIRST | P(HASH), FIRST | P(HASH) | NATD,
     take, 0, STATE_ESTABLISHED, STAY, "RFC 2409 §5.4"},
    {1, FROM(V1_ANSWERED), KIND_AGGRESSIVE, ROLE_ASKED, P(HASH), P(HASH) | P(NAT_D) | NOTES, take,
     0, STATE_ESTABLISHED, STAY, "RFC 2409 §5.4"},
    {1, FROM(V1_ASKED) | FROM(V1_XAUTH), KIND_AGGRESSIVE, ROLE_GIVEN_UP, 0, 0, given_up, 0,
     STATE_NONE, STATE_NONE, "RFC 2408 §5.1"},
};
const size_t v1_aggressive_row_count = sizeof v1_aggressive_rows / sizeof *v1_aggressive_rows;

/* ---- handlers ---- */

static enum err start(struct step *s)
{
    struct v1_phase1 *p = v1_sa_phase1(s->ep, s->sa);

    return s->row->kind == KIND_MAIN ? main_mode_start(p, s->out, &s->answer)
                                     : aggressive_mode_start(p, s->out, &s->answer);
}

static enum err take(struct step *s)
{
    struct v1_phase1 *p = v1_sa_phase1(s->ep, s->sa);
    struct v1_arrival at = v1_step_arrival(s);
    enum v1_next next;
    enum err e = s->row->kind == KIND_MAIN
                     ? main_mode_receive(p, &at, s->out, &next, &s->answer)
                     : aggressive_mode_receive(p, &at, s->out, &next, &s->answer);

    handshake_of(s->ep, s->sa)->certificate = p->certificate;
    s->sa->fragments = v1_phase1_fragments(p);
    return e;
}

static enum err given_up(struct step *s)
{
    enum sa_reason why = s->sa->reason ? (enum sa_reason)s->sa->reason : REASON_TIMEOUT;

    sa_life_down(s->ep, s->now, s->sa, why);
    return OK;
}

/* ---- an SA begins ---- */

/* A configuration may have credentials that phase 1 has no method for. */
static bool can_prove(const struct ike_config *c, bool initiator)
{
    uint16_t methods[V1_METHODS_MAX];

    return c->id.len > 0 && v1_auth_methods(c, initiator, methods) > 0;
}

static struct v1_phase1 *new_phase1(const struct step *s)
{
    struct ike_endpoint *ep = s->ep;
    struct ike_sa *sa = s->sa;
    struct handshake *hs = handshake_take(ep, sa, true);
    struct v1_phase1 *p = hs ? v1_sa_begin(ep, sa) : NULL;
    const struct v1_phase1_env env = {
        .crypto = ep->store->env.crypto,
        .config = ep->store->config,
        .natt = true,
        .now_s = ep->store->env.epoch_s + (int64_t)(s->now / NSEC_PER_S),
        .initial_contact = sa->initiator && ep->store->config->initial_contact};

    if (p)
        v1_phase1_init(p, &env, sa->initiator, ike_sa_our_spi(sa),
                       ike_draw_stream(ep, STREAM_KEY_EXCHANGE));
    return p;
}

static struct ike_sa *new_sa(struct ike_endpoint *ep, nsec now, const struct ip_endpoint *local,
                             const struct ip_endpoint *remote, struct sa_ref *out)
{
    struct ike_sa *sa = ike_sa_room(ep) ? ike_sa_take(ep, out) : NULL;

    if (!sa)
        return NULL;
    sa->version = IKE_V1;
    if (!v1_sa_take(ep, sa)) {
        ike_sa_give(ep, sa);
        return NULL;
    }
    ike_sa_place(ep, sa, local, remote);
    sa->natt = local->port == IKE_NATT_PORT;
    sa->last_heard = now;
    return sa;
}

static void give(struct ike_endpoint *ep, struct ike_sa *sa)
{
    v1_sa_give(ep, sa);
    ike_sa_give(ep, sa);
}

/* Nobody else will do. */
static enum err expect(struct step *s, uint8_t type, struct bytes id)
{
    struct handshake *hs = handshake_of(s->ep, s->sa);

    hs->peer_id_type = type;
    return id.len ? message_keep(&s->ep->store->messages, id, &hs->peer_id) : OK;
}

static enum err call(struct step *s, const struct ike_remote *peer)
{
    const struct ike_config *c = s->ep->store->config;
    enum exchange_kind kind = c->phase1 == PHASE1_MAIN ? KIND_MAIN : KIND_AGGRESSIVE;
    enum err e;

    if (!new_phase1(s))
        return ERR_FULL;
    e = expect(s, peer->id_type, peer->id);
    ike_sa_register(s->ep, s->sa, 0);
    if (e == OK)
        e = v1_step_run(s, kind, ROLE_START);
    return e == OK ? v1_ask(s->ep, s->now, s->sa, kind, s->answer) : e;
}

enum err v1_initiate(struct ike_endpoint *ep, nsec now, const struct ike_remote *peer,
                     struct sa_ref *out)
{
    uint8_t storage[MESSAGE_MAX];
    struct step s = {.ep = ep, .now = now, .out = {storage, 0, sizeof storage}};
    enum err e;

    *out = SA_NONE;
    if (!can_prove(ep->store->config, true))
        return ERR_UNSUPPORTED;
    s.sa = new_sa(ep, now, &peer->local, &peer->remote, out);
    if (!s.sa)
        return ERR_FULL;
    s.sa->initiator = true;
    s.sa->spi_i = ike_spi_new(ep);
    e = call(&s, peer);
    if (e) {
        give(ep, s.sa);
        *out = SA_NONE;
        return e;
    }
    ep->store->counters.initiated += !ep->store->installing;
    ike_half_open(ep, now, s.sa);
    return OK;
}

static enum exchange_kind kind_of(const struct step *s)
{
    return s->header.exchange == V1_EXCHANGE_MAIN ? KIND_MAIN : KIND_AGGRESSIVE;
}

/* ---- what is known of phase 1 is taken into the record ---- */

static void say_keys(const struct step *s, const struct v1_phase1 *p)
{
    struct key_record *k = event_keys_take(&s->ep->store->events);
    const struct ikev1_keys *keys = &p->keys;
    const uint8_t *parts[] = {keys->skeyid_d, keys->skeyid_a, keys->skeyid_e};
    size_t hash = p->suite.hash->len, len = 3 * hash + p->suite.encr->key_len;

    if (!k)
        return;
    memcpy(k->bytes, keys->skeyid, hash);
    for (int i = 0; i < 3; i++)
        memcpy(k->bytes + PRF_OUT_MAX + (size_t)i * hash, parts[i], hash);
    memcpy(k->bytes + PRF_OUT_MAX + 3 * hash, p->cipher.key, p->suite.encr->key_len);
    k->event = (struct ike_key_event){.spi_i = s->sa->spi_i,
                                      .spi_r = s->sa->spi_r,
                                      .suite = *s->sa->suite,
                                      .skeyseed = bytes_of(k->bytes, hash),
                                      .sk = bytes_of(k->bytes + PRF_OUT_MAX, len),
                                      .local = ike_sa_local(s->ep, s->sa),
                                      .remote = ike_sa_remote(s->ep, s->sa),
                                      .udp_encapsulated = s->sa->natt};
    event_ike(s->ep, s->now, s->sa, (struct event_record){.kind = EVENT_KEYS});
}

/* RFC 3947 §4: the initiator goes on at port 4500 if there is a NAT, with what it says next; the
 * responder follows what has proven to be the initiator's. */
static void float_ports(struct step *s, const struct v1_phase1 *p)
{
    struct ike_sa *sa = s->sa;
    struct ip_endpoint local = ike_sa_local(s->ep, sa), remote = ike_sa_remote(s->ep, sa);
    bool nat = p->nat_local || p->nat_remote || (p->natt && s->ep->store->config->force_encap);

    sa->nat_local = p->nat_local;
    sa->nat_remote = p->nat_remote;
    if (sa->initiator && nat && local.port != IKE_NATT_PORT) {
        local.port = remote.port = IKE_NATT_PORT;
        ike_sa_place(s->ep, sa, &local, &remote);
    } else if (!sa->initiator && sa->state == STATE_ESTABLISHED) {
        local = s->dgram->local;
        ike_sa_place(s->ep, sa, &local, &s->dgram->remote);
    }
    sa->natt = nat && local.port == IKE_NATT_PORT;
}

/* IKEv2's words for the suite: the HMAC of the hash is the prf, and nothing but CBC is there. */
static enum err take_over(struct step *s, const struct v1_phase1 *p)
{
    const struct ike_suite suite = {
        .encr = p->suite.encr, .prf = p->suite.hash->prf, .ke = p->suite.ke};
    enum err e;

    s->sa->spi_i = p->cky_i;
    s->sa->spi_r = p->cky_r;
    s->sa->last_heard = s->now;
    float_ports(s, p);
    if (!p->cipher.encr || s->sa->suite != &ike_suite_none)
        return OK;
    e = ike_sa_agree(s->ep, s->sa, &suite);
    if (e == OK)
        say_keys(s, p);
    return e;
}

/* ---- phase 1 is over ---- */

/* What the peer is known as: the ID payload without protocol and port, under this version. */
static uint64_t identity_of(const struct ike_endpoint *ep, const struct v1_phase1 *p)
{
    struct rng seed = rng_stream(ep->store->env.seed, ep->entity, RNG_CREDENTIAL);
    uint64_t key = rng_u64(&seed) - IKE_V1 - p->peer_id[0];

    return digest_of(p->peer_id + 4, p->peer_id_len - 4u, key) | 1;
}

static bool is_whom_we_want(const struct step *s, const struct v1_phase1 *p)
{
    const struct handshake *hs = handshake_of(s->ep, s->sa);

    if (hs->renews && hs->peer_identity != identity_of(s->ep, p))
        return false; /* another one than before */
    if (message_none(hs->peer_id))
        return true;
    return (!hs->peer_id_type || hs->peer_id_type == p->peer_id[0]) &&
           bytes_equal(bytes_of(p->peer_id + 4, p->peer_id_len - 4u),
                       message_at(&s->ep->store->messages, hs->peer_id));
}

/* RFC 2407 §4.6.3.3: the peer has no other SAs with us. */
void v1_replace_older(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct ike_sa *older;

    while ((older = ike_sa_older(ep, sa)) != NULL)
        v1_remove(ep, now, older, REASON_REPLACED);
}

/* The limit is the smaller one of both (RFC 2409 appendix A). */
static void limit_life(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, uint32_t life_s)
{
    nsec ends = ike_timer_at(ep, sa, TIMER_EXPIRE);

    if (life_s)
        ike_timer_arm(ep, sa, TIMER_EXPIRE, nsec_min(ends, nsec_add(now, life_s * NSEC_PER_S)));
}

void v1_up(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, const struct v1_met *met)
{
    sa_life_opened(ep, sa);
    handshake_give(ep, sa);
    sa->reason = REASON_NONE;
    sa->caller = sa->initiator;
    ep->store->counters.completed += sa->initiator && !ep->store->installing;
    sa_life_begin(ep, now, sa, ep->store->installing);
    limit_life(ep, now, sa, met->life_s);
    ike_sa_identify(ep, sa, met->identity);
    if (met->initial_contact)
        v1_replace_older(ep, now, sa);
    if (!v1_take_over(ep, now, sa) && sa->initiator)
        sa->wishes |= WISH_CHILD;
    v1_next(ep, now, sa);
}

static void established(struct step *s)
{
    struct ike_endpoint *ep = s->ep;
    struct ike_sa *sa = s->sa;
    const struct v1_phase1 *p = v1_sa_phase1(ep, sa);
    struct v1_exchange *x = s->answer.len ? v1_exchange_take(ep, sa, 0) : NULL;
    struct v1_met met = {identity_of(ep, p), p->suite.life_s, p->initial_contact};
    /* Main Mode has said it in message 6. */
    uint32_t shorter_s = sa->initiator || s->answer.len ? 0 : p->suite.shorter_s;
    bool has_user = p->suite.auth->user != V1_USER_NONE;

    v1_sa_settle(ep, sa);
    if (x)
        v1_exchange_remember(s, x);
    if (!v1_user_take(ep, sa, &met) && v1_users_configured(ep->store->config)) {
        v1_remove(ep, s->now, sa, REASON_LIMIT);
    } else if (has_user) {
        v1_user_await(s);
    } else {
        sa->in_flight = KIND_NONE;
        if (shorter_s && v1_lifetime_say(ep, s->now, sa, shorter_s))
            drop_count(ep, IKE_DROP_LIMIT);
        v1_up(ep, s->now, sa, &met);
    }
}

/* Where an answer goes: the responder's to where the message came from, the initiator's to where it
 * has floated. */
static const struct ike_dgram *from(const struct step *s)
{
    return s->sa->initiator ? NULL : s->dgram;
}

/* Nothing answers message 3 of Aggressive Mode but the question who we are: if that is to come, it
 * is sent again until then. */
static bool awaits_question(const struct step *s)
{
    return s->sa->initiator && s->ep->store->config->xauth.role == XAUTH_USER;
}

/* A message has been taken: send what it led to. @retval ERR_FULL  no room to keep it */
static enum err go_on(struct step *s)
{
    struct ike_sa *sa = s->sa;
    enum err e = OK;

    if (sa->initiator)
        v1_ask_done(s->ep, sa);
    sa->in_flight = (uint8_t)s->row->kind; /* tells Main from Aggressive, of a responder too */
    if (s->answer.len && sa->initiator && (sa->state != STATE_ESTABLISHED || awaits_question(s)))
        e = v1_ask(s->ep, s->now, sa, (enum exchange_kind)s->row->kind, s->answer);
    else if (s->answer.len)
        e = v1_say(s->ep, s->now, sa, from(s), s->answer);
    return e;
}

static enum err after(struct step *s)
{
    const struct v1_phase1 *p = v1_sa_phase1(s->ep, s->sa);
    bool over = s->sa->state == STATE_ESTABLISHED, stranger = over && !is_whom_we_want(s, p);
    enum err e = stranger ? ERR_SIGNATURE : take_over(s, p);

    if (e == OK)
        e = go_on(s);
    if (e) {
        drop_count(s->ep, drop_for(e));
        v1_remove(s->ep, s->now, s->sa, stranger ? REASON_AUTHENTICATION : REASON_LIMIT);
        return e;
    }
    if (over)
        established(s);
    return OK;
}

/* ---- messages ---- */

static enum err refuse(struct step *s, enum ike_drop why, enum err e)
{
    drop_count(s->ep, why);
    return e;
}

/* The same message again gets the same answer; of a responder only: who initiates has a timer. */
static enum err again(struct step *s, struct bytes answer)
{
    if (!answer.len || s->sa->initiator)
        return OK;
    s->ep->store->counters.responses_repeated++;
    return v1_say(s->ep, s->now, s->sa, s->dgram, answer);
}

static bool known(struct step *s, uint64_t init_digest, enum err *e)
{
    s->sa = ike_sa_by_init(s->ep, init_digest);
    if (!s->sa)
        return false;
    *e = s->sa->version == IKE_V1 && s->sa->state == STATE_V1_ANSWERED
             ? again(s, message_at(&s->ep->store->messages, s->sa->response))
             : refuse(s, IKE_DROP_MESSAGE_ID, ERR_MESSAGE_ID);
    return true;
}

static enum err begin_responder(struct step *s, uint64_t init_digest)
{
    const struct ike_config *c = s->ep->store->config;
    const struct identity *id = &c->caller_id;
    enum err e = new_phase1(s) ? expect(s, id->type, bytes_of(id->data, id->len)) : ERR_FULL;

    if (e == OK)
        e = v1_step_run(s, kind_of(s), ROLE_ASKED);
    if (e)
        return e;
    e = take_over(s, v1_sa_phase1(s->ep, s->sa));
    if (e == OK)
        e = go_on(s);
    if (e)
        return e;
    ike_sa_register(s->ep, s->sa, init_digest);
    ike_timer_arm(s->ep, s->sa, TIMER_EXPIRE,
                  c->half_open_time ? nsec_add(s->now, c->half_open_time) : NSEC_NEVER);
    ike_half_open(s->ep, s->now, s->sa);
    return OK;
}

/* Aggressive Mode where it is asked for: message 2 tells anybody a hash of the shared secret. */
static bool answers(const struct ike_config *c, uint8_t exchange, const struct ip_addr *caller)
{
    return c->respond && (c->answers >> IKE_V1 & 1) && can_prove(c, false) &&
           (exchange != V1_EXCHANGE_AGGRESSIVE || c->phase1 == PHASE1_AGGRESSIVE) &&
           (!c->caller.family || ip_addr_equal(&c->caller, caller));
}

enum err v1_phase1_asked(struct step *s)
{
    const struct ike_config *c = s->ep->store->config;
    uint64_t digest = ike_init_digest(s->ep, s->dgram, s->message);
    struct sa_ref ref;
    enum err e;

    if (!answers(c, s->header.exchange, &s->dgram->remote.addr) || !s->header.spi_i ||
        s->header.message_id || v1_encrypted(&s->header))
        return refuse(s, IKE_DROP_UNEXPECTED, ERR_STATE);
    if (known(s, digest, &e))
        return e;
    if (flood_source_full(s->ep, &s->dgram->remote.addr))
        return refuse(s, IKE_DROP_SOURCE, ERR_FULL);
    s->sa = new_sa(s->ep, s->now, &s->dgram->local, &s->dgram->remote, &ref);
    if (!s->sa)
        return refuse(s, IKE_DROP_LIMIT, ERR_FULL);
    s->sa->spi_r = ike_spi_new(s->ep);
    e = begin_responder(s, digest);
    if (e == ERR_NO_PROPOSAL)
        v1_refuse(s, V1_NOTIFY_NO_PROPOSAL_CHOSEN);
    if (e) {
        give(s->ep, s->sa);
        return refuse(s, drop_for(e), e);
    }
    return OK;
}

/* A message of phase 1 when that is over: the last one again, or nobody's. */
static enum err late(struct step *s)
{
    const struct v1_exchange *x = v1_exchange_find(s->ep, s->sa, 0);

    if (!x || x->answered != s->digest)
        return refuse(s, IKE_DROP_MESSAGE_ID, ERR_MESSAGE_ID);
    s->ep->store->counters.responses_repeated++;
    return v1_say(s->ep, s->now, s->sa, from(s), message_at(&s->ep->store->messages, x->sent));
}

enum err v1_phase1_heard(struct step *s)
{
    const struct v1_phase1 *p = v1_sa_phase1(s->ep, s->sa);
    enum err e;

    if (!p)
        return late(s);
    if (p->consumed == s->digest)
        return again(s, message_at(&s->ep->store->messages, s->sa->response));
    if (s->sa->in_flight != kind_of(s))
        return refuse(s, IKE_DROP_UNEXPECTED, ERR_STATE);
    e = v1_step_run(s, kind_of(s), s->sa->initiator ? ROLE_ANSWERED : ROLE_ASKED);
    if (e)
        return refuse(s, drop_for(e), e);
    return after(s);
}
