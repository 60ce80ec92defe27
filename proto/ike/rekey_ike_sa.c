/*
 * CREATE_CHILD_SA that rekeys the IKE SA: RFC 7296 §1.3.2, §2.8, §2.18, §2.25.2.
 *
 *   HDR, SK {SA, Ni, KEi}  -->             <--  HDR, SK {SA, Nr, KEr}
 *
 * The new IKE SA inherits the children; its message IDs begin at 0; the side that asked deletes the
 * old one. When both ask at once, two new IKE SAs are made. The one from the exchange with the
 * lowest of the four nonces is closed by the side that asked for it; until that is decided the
 * peer's is in STATE_RIVAL and the children stay where they are.
 * The response may have N(QUICK_CRASH_DETECTION); the token of the side that asked follows in an
 * INFORMATIONAL request (RFC 6290 §4.3).
 */
#include "proto/core/select.h"
#include "proto/ike/collision.h"
#include "proto/ike/ike.h"
#include "proto/ike/message.h"
#include "proto/ike/notify_map.h"
#include "proto/ike/offer.h"
#include "proto/ike/qcd.h"
#include "proto/ike/rekey.h"
#include "proto/wire/ke.h"
#include "proto/wire/nonce.h"

static const struct select_terms rekey_terms = {.protocol = SA_PROTOCOL_IKE, .spi_size = 8};

/* ---- create_request ---- */

static const struct ke_suite *group_of(const struct step *s)
{
    const struct ike_config *c = s->ep->store->config;
    const struct ke_suite *told =
        s->sa->ke_group ? offer_find_ke(c->proposals, c->proposal_count, s->sa->ke_group) : NULL;

    return told ? told : s->sa->suite->ke;
}

/* For the new IKE SA, and for the peer's if it asks at once: without, the answer could not be used,
 * and the peer would be left alone with what it has made (§2.8.2). */
static bool room_for_two(const struct ike_endpoint *ep)
{
    return ep->store->shares.ikes - ep->sas >= 2;
}

static enum err create_request(struct step *s)
{
    const struct ike_config *c = s->ep->store->config;
    struct handshake *hs = room_for_two(s->ep) ? handshake_take(s->ep, s->sa, false) : NULL;
    uint8_t spi[8];
    enum err e;

    if (!hs)
        return ERR_FULL;
    ike_draw(s->ep, STREAM_NONCE, hs->nonce, NONCE_LEN);
    hs->spi = ike_spi_new(s->ep);
    hs->ke_suite = group_of(s);
    e = handshake_ke(s->ep, hs, hs->ke_suite);
    if (e)
        return e;
    store_be64(spi, hs->spi);
    offer_write(payload_begin(s->out, PAYLOAD_SA), c->proposals, c->proposal_count, &rekey_terms,
                bytes_of(spi, sizeof spi));
    payload_end(s->out);
    nonce_offer_write(s->out, hs->nonce);
    ke_offer_write(s->out, handshake_ke_pair(s->ep, hs));
    return OK;
}

/* ---- what both sides do ---- */

struct peer_part {
    struct selection chosen;
    struct ke_payload ke;
    struct bytes nonce;
};

static enum err read_peer(struct step *s, bool answer, struct peer_part *p)
{
    const struct ike_config *c = s->ep->store->config;
    struct select_terms terms = rekey_terms;
    enum err e = ke_read(step_body(s, PAYLOAD_KE), &p->ke);

    if (e == OK)
        e = nonce_read(step_body(s, PAYLOAD_NONCE), &p->nonce);
    if (e)
        return e;
    terms.ke_group = p->ke.group;
    e = (answer ? select_answer : select_offer)(c->proposals, c->proposal_count,
                                                step_body(s, PAYLOAD_SA), &terms, &p->chosen);
    if (e)
        return e;
    if (load_be64(p->chosen.spi.data) == 0)
        return ERR_SYNTAX; /* §3.1: an SPI is never zero */
    if (p->nonce.len * 2 < p->chosen.prf->key_len)
        return ERR_SYNTAX; /* §2.10 */
    if (p->ke.group == p->chosen.ke->iana)
        return OK;
    store_be16(s->notify_data, p->chosen.ke->iana);
    s->notify_len = 2;
    return step_refuse(s, NOTIFY_INVALID_KE_PAYLOAD);
}

struct own_part {
    const uint8_t *nonce;
    const struct ke_pair *pair;
    uint64_t spi;
    bool initiator; /* we asked */
};

/* §2.18: SKEYSEED = prf(SK_d (old), g^ir (new) | Ni | Nr) */
static enum err derive(struct step *s, struct ike_sa *next, const struct peer_part *p,
                       const struct own_part *own)
{
    struct ike_endpoint *ep = s->ep;
    struct bytes ours = bytes_of(own->nonce, NONCE_LEN);
    uint8_t shared[KE_SHARED_MAX], skeyseed[PRF_OUT_MAX];
    struct ike_keys keys;
    struct ike_seed seed = {.ni = own->initiator ? ours : p->nonce,
                            .nr = own->initiator ? p->nonce : ours,
                            .spi_i = next->spi_i,
                            .spi_r = next->spi_r,
                            .old_sk_d = ike_sk_d(s->sa),
                            .old_prf = s->sa->suite->prf};
    enum err e = ep->store->env.crypto->class->ke_derive(ep->store->env.crypto, own->pair,
                                                         p->ke.data, shared);

    if (e == OK) {
        seed.shared = bytes_of(shared, p->chosen.ke->shared_len);
        e = ike_keys_derive(ep->store->env.crypto, next->suite, &seed, &keys, skeyseed);
    }
    if (e == OK)
        ike_keep_keys(ep, s->now, next, &keys, bytes_of(skeyseed, s->sa->suite->prf->out_len));
    wipe(shared, sizeof shared);
    wipe(skeyseed, sizeof skeyseed);
    wipe(&keys, sizeof keys);
    return e;
}

/* A new IKE SA beside the old one: same peer, other SPIs, roles by who asked. */
static enum err make(struct step *s, const struct peer_part *p, const struct own_part *own,
                     struct ike_sa **out)
{
    const struct ike_sa *old = s->sa;
    uint64_t theirs = load_be64(p->chosen.spi.data);
    struct sa_ref ref;
    struct ike_sa *next = ike_sa_take(s->ep, &ref);
    enum err e;

    if (!next)
        return ERR_FULL;
    next->version = old->version;
    next->initiator = own->initiator;
    next->spi_i = own->initiator ? own->spi : theirs;
    next->spi_r = own->initiator ? theirs : own->spi;
    next->fragments = s->sa->fragments;
    ike_sa_place_as(s->ep, next, old);
    next->natt = old->natt;
    next->nat_local = old->nat_local;
    next->nat_remote = old->nat_remote;
    next->mobike = old->mobike;
    next->last_heard = next->last_sent = s->now;
    e = ike_sa_agree(
        s->ep, next,
        &(struct ike_suite){p->chosen.encr, p->chosen.integ, p->chosen.prf, p->chosen.ke});
    if (e == OK)
        e = derive(s, next, p, own);
    if (e) {
        ike_sa_give(s->ep, next);
        return e;
    }
    ike_sa_register(s->ep, next, 0);
    *out = next;
    return OK;
}

/* ---- consume_request, create_response ---- */

/* Without a collision the new SA takes over at once, with one it waits for the nonces. */
static enum err succeed(struct step *s, struct ike_sa *next, struct bytes lower)
{
    struct handshake *hs = handshake_of(s->ep, s->sa);

    if (!(s->row->needed & HAS_RIVAL)) {
        exchange_enter(s->ep, s->now, next, KIND_IKE_REKEY, ROLE_MADE);
        ike_inherit(s->ep, s->now, s->sa, next);
        return OK;
    }
    s->ep->store->counters.collisions++;
    s->ep->store->counters.collisions_ike++;
    exchange_enter(s->ep, s->now, next, KIND_IKE_REKEY, ROLE_CONTENDED);
    ike_timer_arm(s->ep, next, TIMER_EXPIRE, nsec_add(s->now, REKEYED_HOLD));
    hs->rival = ike_sa_ref(s->ep, next).handle;
    next->replaces = ike_sa_ref(s->ep, s->sa).handle;
    message_drop(&s->ep->store->messages, &hs->rival_nonce);
    return message_keep(&s->ep->store->messages, lower, &hs->rival_nonce);
}

static enum err answer(struct step *s, const struct peer_part *p, const struct own_part *own)
{
    struct bytes lower = nonce_lower(p->nonce, bytes_of(own->nonce, NONCE_LEN));
    struct ike_sa *next;
    uint8_t spi[8];
    enum err e = make(s, p, own, &next);

    if (e == ERR_FULL)
        return step_refuse(s, NOTIFY_TEMPORARY_FAILURE);
    if (e == OK)
        e = succeed(s, next, lower);
    if (e)
        return e;
    store_be64(spi, own->spi);
    answer_write(payload_begin(s->out, PAYLOAD_SA), &p->chosen, &rekey_terms,
                 bytes_of(spi, sizeof spi));
    payload_end(s->out);
    nonce_offer_write(s->out, own->nonce);
    ke_offer_write(s->out, own->pair);
    qcd_write(s, next);
    return OK;
}

static enum err consume_request(struct step *s)
{
    struct ike_endpoint *ep = s->ep;
    uint8_t nonce[NONCE_LEN];
    struct ke_pair pair;
    struct peer_part p;
    struct own_part own = {.nonce = nonce, .pair = &pair};
    enum err e = read_peer(s, false, &p);

    if (e)
        return e;
    ike_draw(ep, STREAM_NONCE, nonce, sizeof nonce);
    own.spi = ike_spi_new(ep);
    e = ep->store->env.crypto->class->ke_generate(ep->store->env.crypto, p.chosen.ke,
                                                  ike_draw_stream(ep, STREAM_KEY_EXCHANGE), &pair);
    if (e == OK)
        e = answer(s, &p, &own);
    wipe(&pair, sizeof pair);
    return e;
}

/* ---- consume_response ---- */

static void plan_delete(struct ike_sa *sa, enum sa_reason why)
{
    sa->wishes |= WISH_DELETE;
    sa->reason = (uint8_t)why;
}

/* The rival takes over; the peer, which asked for it, deletes the old SA. */
static bool promote_rival(struct step *s, struct handshake *hs)
{
    struct ike_sa *rival = hs ? ike_sa_at(s->ep, hs->rival) : NULL;

    if (!rival || rival->state != STATE_RIVAL)
        return false;
    rival->replaces = HANDLE_NONE;
    exchange_enter(s->ep, s->now, rival, KIND_IKE_REKEY, ROLE_MADE);
    ike_inherit(s->ep, s->now, s->sa, rival);
    return true;
}

/* §2.8.1: decide between the SA we asked for and the peer's. */
static void settle(struct step *s, struct handshake *hs, const struct peer_part *p,
                   struct ike_sa *next)
{
    struct bytes lower = nonce_lower(bytes_of(hs->nonce, NONCE_LEN), p->nonce);
    struct ike_sa *rival = ike_sa_at(s->ep, hs->rival);

    if (rival && collision_lost(s->ep->store->config, lower,
                                message_at(&s->ep->store->messages, hs->rival_nonce))) {
        exchange_enter(s->ep, s->now, next, KIND_IKE_REKEY, ROLE_CONTENDED);
        if (!(s->ep->store->config->quirks & QUIRK_KEEP_LOSER))
            plan_delete(next, REASON_COLLISION);
        promote_rival(s, hs);
    } else {
        exchange_enter(s->ep, s->now, next, KIND_IKE_REKEY, ROLE_MADE);
        ike_inherit(s->ep, s->now, s->sa, next);
        plan_delete(s->sa, REASON_REKEYED);
        qcd_owe(s, next);
        if (rival && rival->state == STATE_RIVAL) /* the peer deletes it, if it heard our answer */
            ike_timer_arm(s->ep, rival, TIMER_EXPIRE, nsec_add(s->now, RIVAL_HOLD));
    }
    ike_next(s->ep, s->now, next);
}

static enum err consume_response(struct step *s)
{
    struct ike_endpoint *ep = s->ep;
    struct handshake *hs = handshake_of(ep, s->sa);
    struct own_part own = {hs->nonce, handshake_ke_pair(ep, hs), hs->spi, true};
    struct ike_sa *next;
    struct peer_part p;
    enum err e = read_peer(s, true, &p);

    if (e == OK && p.chosen.ke != hs->ke_suite)
        e = ERR_SYNTAX;
    if (e == OK)
        e = make(s, &p, &own, &next);
    if (e == OK) {
        qcd_read(s, next);
        settle(s, hs, &p, next);
        s->sa->ke_group = 0;
    } else {
        plan_delete(s->sa, reason_for_error(e)); /* the peer believes in an SA that we have not */
    }
    handshake_give(ep, s->sa);
    return e;
}

/* ---- refused, moot, given up ---- */

static bool another_group(struct step *s, const struct handshake *hs,
                          const struct notify_payload *n)
{
    const struct ike_config *c = s->ep->store->config;
    const struct ke_suite *ke;

    if (n->type != NOTIFY_INVALID_KE_PAYLOAD || n->data.len != 2 ||
        (hs->ke_suite && hs->ke_suite->iana == s->sa->ke_group)) /* it was told already */
        return false;
    ke = offer_find_ke(c->proposals, c->proposal_count, load_be16(n->data.data));
    if (!ke || ke == hs->ke_suite)
        return false;
    s->sa->ke_group = ke->iana;
    return true;
}

/* @retval OK  the old SA goes on; the rows for refusals without a rival keep its state */
static enum err consume_refusal(struct step *s)
{
    struct handshake *hs = handshake_of(s->ep, s->sa);
    struct notify_payload n = {0};

    (void)notify_find_error(s->in, &n);
    if (promote_rival(s, hs)) {
        handshake_give(s->ep, s->sa);
        return ERR_STATE; /* the row's other state: REKEYED */
    }
    if (another_group(s, hs, &n)) {
        s->sa->wishes |= WISH_REKEY;
    } else if (n.type == NOTIFY_TEMPORARY_FAILURE) {
        s->sa->wishes |= WISH_REKEY;
        ike_retry_later(s->ep, s->now, s->sa);
    } else {
        s->sa->ke_group = 0;
        ike_timer_arm(
            s->ep, s->sa, TIMER_REKEY,
            nsec_min(ike_timer_at(s->ep, s->sa, TIMER_REKEY), rekey_again_at(s->ep, s->now)));
    }
    handshake_give(s->ep, s->sa);
    return OK;
}

void rekey_ike_forget(struct step *s)
{
    struct flight all[WINDOW_MAX];
    unsigned count = flights_of(s->ep, s->sa, all);

    for (unsigned i = 0; i < count; i++)
        if (all[i].kind == KIND_IKE_REKEY &&
            promote_rival(s, handshake_at(s->ep, all[i].handshake)))
            s->sa->reason = REASON_REKEYED;
}

/* §2.4: who answers no more is dead, and so is the IKE SA that its own rekey made meanwhile; but
 * not where it has asked something in that one since. */
static enum err give_up(struct step *s)
{
    const struct handshake *hs = handshake_of(s->ep, s->sa);
    struct ike_sa *rival = hs ? ike_sa_at(s->ep, hs->rival) : NULL;

    if (rival && rival->expected_id == 0)
        ike_remove(s->ep, s->now, rival, REASON_TIMEOUT);
    rekey_ike_forget(s);
    if (s->sa->reason == REASON_NONE)
        s->sa->reason = REASON_TIMEOUT;
    s->end = true;
    return OK;
}

/* New SAs enter their first state through rows as well; there is nothing else to do. */
static enum err enter(struct step *s)
{
    (void)s;
    return OK;
}

#define REKEY (P(SA) | P(NONCE) | P(KE))
#define NOT(states) ((uint16_t)(EVERY_STATE & ~(states)))
#define LATE (FROM(REKEYED) | FROM(RIVAL) | FROM(DELETING))
#define EARLY                                                                                      \
    (FROM(NONE) | FROM(SA_INIT_SENT) | FROM(SA_INIT_DONE) | FROM(AUTH_SENT) | FROM(AUTH_HELD))

const struct exchange_row rekey_ike_sa_rows[] = {
    {2, FROM(ESTABLISHED), KIND_IKE_REKEY, ROLE_START, 0, 0, create_request, 0, STAY, STAY,
     "RFC 7296 §1.3.2"},
    {2, FROM(ESTABLISHED), KIND_IKE_REKEY, ROLE_ASKED, REKEY, REKEY | P_ANY, consume_request, 0,
     STATE_REKEYED, STAY, "RFC 7296 §1.3.2"},
    {2, FROM(ESTABLISHED), KIND_IKE_REKEY, ROLE_ASKED, REKEY | HAS_RIVAL, REKEY | P_ANY | HAS_RIVAL,
     consume_request, 0, STAY, STAY, "RFC 7296 §2.8.1, §2.25.2"},
    {2, FROM(ESTABLISHED), KIND_IKE_REKEY, ROLE_ANSWERED, REKEY, REKEY | P_ANY, consume_response, 0,
     STATE_REKEYED, STAY, "RFC 7296 §1.3.2, §2.8.1"},
    {2, FROM(ESTABLISHED), KIND_IKE_REKEY, ROLE_ANSWERED, P(NOTIFY) | HAS_ERROR, P_ANY | HAS_ERROR,
     consume_refusal, 0, STAY, STATE_REKEYED, "RFC 7296 §2.25.2"},
    {2, FROM(ESTABLISHED), KIND_IKE_REKEY, ROLE_GIVEN_UP, 0, 0, give_up, 0, STAY, STAY,
     "RFC 7296 §2.4"},
    /* The new IKE SA */
    {2, FROM(NONE) | FROM(RIVAL), KIND_IKE_REKEY, ROLE_MADE, 0, 0, enter, 0, STATE_ESTABLISHED,
     STAY, "RFC 7296 §2.18"},
    {2, FROM(NONE), KIND_IKE_REKEY, ROLE_CONTENDED, 0, 0, enter, 0, STATE_RIVAL, STAY,
     "RFC 7296 §2.25.2"},
    /* Everywhere else */
    {2, NOT(FROM(ESTABLISHED)), KIND_IKE_REKEY, ROLE_START, 0, 0, NULL, 0, STAY, STAY,
     "RFC 7296 §2.8"},
    {2, LATE, KIND_IKE_REKEY, ROLE_ASKED, 0, 0, NULL, NOTIFY_TEMPORARY_FAILURE, STAY, STAY,
     "RFC 7296 §2.25.2"},
    {2, EARLY | FROM(CLOSED), KIND_IKE_REKEY, ROLE_ASKED, 0, 0, NULL, 0, STAY, STAY,
     "RFC 7296 §2.8"},
    {2, NOT(FROM(ESTABLISHED)), KIND_IKE_REKEY, ROLE_ANSWERED, 0, 0, NULL, 0, STAY, STAY,
     "RFC 7296 §2.8"},
    {2, NOT(FROM(ESTABLISHED)), KIND_IKE_REKEY, ROLE_GIVEN_UP, 0, 0, NULL, 0, STAY, STAY,
     "RFC 7296 §2.4"},
};
const size_t rekey_ike_sa_row_count = sizeof rekey_ike_sa_rows / sizeof *rekey_ike_sa_rows;
