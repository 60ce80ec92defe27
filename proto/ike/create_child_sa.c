/*
 * CREATE_CHILD_SA for a child SA: RFC 7296 §1.3.1 (new), §1.3.3 (rekey), §2.8, §2.17.
 *
 *   HDR, SK {[N(REKEY_SA),] SA, Ni, [KEi,] TSi, TSr}  -->
 *                                                <--  HDR, SK {SA, Nr, [KEr,] TSi, TSr}
 *
 * When both rekey the same child at once, both new SAs are made; the one from the exchange with the
 * lowest of the four nonces is closed by the side that asked for it (§2.8.1).
 */
#include "proto/core/select.h"
#include "proto/core/wish.h"
#include "proto/esp/esp.h"
#include "proto/ike/asked.h"
#include "proto/ike/collision.h"
#include "proto/ike/ike.h"
#include "proto/ike/message.h"
#include "proto/ike/notify_map.h"
#include "proto/ike/offer.h"
#include "proto/ike/rekey.h"
#include "proto/ike/resource.h"
#include "proto/wire/ke.h"
#include "proto/wire/nonce.h"

/* ---- create_request ---- */

/* The group of the KE payload: of our first proposal, or the one a refusal named. */
static const struct ke_suite *group_of(const struct step *s)
{
    const struct child_config *c = &s->ep->store->config->child;
    const struct ke_suite *told =
        s->sa->ke_group ? offer_find_ke(c->proposals, c->proposal_count, s->sa->ke_group) : NULL;

    return told ? told : offer_first_ke(c->proposals, c->proposal_count);
}

/* §1.3.3: N(REKEY_SA) has the SPI that the sender expects in its inbound packets. */
static void write_rekey_sa(struct step *s)
{
    uint8_t spi[4];

    store_be32(spi, child_esp(s->ep, s->child)->spi_in);
    notify_write(payload_begin(s->out, PAYLOAD_NOTIFY),
                 &(struct notify_payload){.protocol = SA_PROTOCOL_ESP,
                                          .type = NOTIFY_REKEY_SA,
                                          .spi = bytes_of(spi, sizeof spi)});
    payload_end(s->out);
}

static enum err create_request(struct step *s)
{
    struct ike_endpoint *ep = s->ep;
    struct handshake *hs = handshake_take(ep, s->sa, false);
    enum err e;

    if (!hs)
        return ERR_FULL;
    ike_draw(ep, STREAM_NONCE, hs->nonce, NONCE_LEN);
    hs->ke_suite = group_of(s);
    e = child_reserve(ep, s->sa, &hs->child);
    if (e == OK && hs->ke_suite)
        e = handshake_ke(ep, hs, hs->ke_suite);
    if (e)
        return e;
    if (s->child)
        write_rekey_sa(s);
    child_offer_write(s, child_sa_at(ep, hs->child), false);
    nonce_offer_write(s->out, hs->nonce);
    if (hs->ke_suite)
        ke_offer_write(s->out, handshake_ke_pair(ep, hs));
    child_offer_ts_write(s, s->child);
    resource_ask(s, child_sa_at(ep, hs->child));
    return OK;
}

/* ---- consume_request, create_response ---- */

struct peer_part {
    struct bytes nonce;
    struct ke_payload ke; /* group 0: none */
    struct child_terms terms;
    struct resource_place place;
};

static enum err read_nonce_and_ke(const struct step *s, struct peer_part *p)
{
    struct bytes ke = step_body(s, PAYLOAD_KE);
    enum err e = nonce_read(step_body(s, PAYLOAD_NONCE), &p->nonce);

    p->ke = (struct ke_payload){0};
    if (e == OK && ke.data)
        e = ke_read(ke, &p->ke);
    if (e == OK && p->nonce.len * 2 < s->sa->suite->prf->key_len)
        e = ERR_SYNTAX; /* §2.10 */
    return e;
}

/* With PFS the KE payload must be of the chosen group: §1.3, §2.7. */
static enum err check_group(struct step *s, const struct peer_part *p)
{
    const struct ke_suite *chosen = p->terms.ke;

    if (!chosen || p->ke.group == chosen->iana)
        return OK;
    store_be16(s->notify_data, chosen->iana);
    s->notify_len = 2;
    return step_refuse(s, NOTIFY_INVALID_KE_PAYLOAD);
}

/* The peer may name an SA that it made for us and whose response we have not seen yet. */
static bool child_in_making(const struct step *s)
{
    return flight_of_kind(s->ep, s->sa, KIND_CHILD_REKEY) ||
           flight_of_kind(s->ep, s->sa, KIND_CHILD_NEW);
}

/* §2.25.1: what is being closed cannot be rekeyed now; what is gone never. */
static enum err check_old(struct step *s)
{
    struct notify_payload n;

    if (s->row->kind != KIND_CHILD_REKEY)
        return OK;
    if (s->child)
        return child_live(s->child) ? OK : step_refuse(s, NOTIFY_TEMPORARY_FAILURE);
    if (!notify_find(s->in, NOTIFY_REKEY_SA, &n) || n.spi.len != 4)
        return ERR_SYNTAX;
    if (child_in_making(s))
        return step_refuse(s, NOTIFY_TEMPORARY_FAILURE);
    s->notify_spi = load_be32(n.spi.data);
    return step_refuse(s, NOTIFY_CHILD_SA_NOT_FOUND);
}

static enum err read_request(struct step *s, struct peer_part *p)
{
    enum err e = read_nonce_and_ke(s, p);

    if (e == OK)
        e = check_old(s);
    if (e == OK)
        e = child_offer_read(s, false, p->ke.group, &p->terms);
    if (e == OK)
        e = check_group(s, p);
    if (e == OK && s->ep->children >= s->ep->store->shares.children)
        e = step_refuse(s, NOTIFY_NO_ADDITIONAL_SAS);
    if (e == OK)
        e = resource_grant(s, &p->terms, &p->place);
    return e;
}

struct own_part {
    uint8_t nonce[NONCE_LEN];
    struct ke_pair pair;
    uint8_t shared[KE_SHARED_MAX];
};

static enum err agree(struct step *s, const struct peer_part *p, struct own_part *own)
{
    struct crypto *c = s->ep->store->env.crypto;
    enum err e;

    ike_draw(s->ep, STREAM_NONCE, own->nonce, NONCE_LEN);
    if (!p->terms.ke)
        return OK;
    e = c->class->ke_generate(c, p->terms.ke, ike_draw_stream(s->ep, STREAM_KEY_EXCHANGE),
                              &own->pair);
    return e ? e : c->class->ke_derive(c, &own->pair, p->ke.data, own->shared);
}

static struct child_seed seed_of(const struct step *s, const struct peer_part *p,
                                 const uint8_t *nonce, const uint8_t *shared, bool initiator)
{
    struct bytes ours = bytes_of(nonce, NONCE_LEN);

    return (struct child_seed){.prf = s->sa->suite->prf,
                               .sk_d = ike_sk_d(s->sa),
                               .shared = p->terms.ke ? bytes_of(shared, p->terms.ke->shared_len)
                                                     : BYTES_NONE,
                               .ni = initiator ? ours : p->nonce,
                               .nr = initiator ? p->nonce : ours,
                               .initiator = initiator,
                               .old = s->child};
}

static void plan_delete(struct child_sa *c, enum sa_reason why)
{
    c->wish_delete = true;
    c->reason = (uint8_t)why;
}

/* Without a collision the new SA is the successor; with one, the nonces decide later. */
static enum err succeed(struct step *s, struct child_sa *made, const struct child_seed *seed)
{
    struct handshake *hs = handshake_of(s->ep, s->sa);

    if (!s->child)
        return OK;
    if (!(s->row->needed & HAS_RIVAL)) {
        child_replace(s->ep, s->now, s->child, made);
        if (s->ep->store->config->quirks & QUIRK_EAGER_DELETE)
            plan_delete(s->child, REASON_REKEYED);
        return OK;
    }
    s->ep->store->counters.collisions++;
    hs->rival = child_sa_handle(s->ep, made);
    return message_keep(&s->ep->store->messages, nonce_lower(seed->ni, seed->nr), &hs->rival_nonce);
}

static enum err make(struct step *s, const struct peer_part *p, const struct own_part *own)
{
    struct child_seed seed = seed_of(s, p, own->nonce, own->shared, false);
    struct ike_endpoint *ep = s->ep;
    struct child_sa *c, *renewed = s->child ? NULL : reauth_child(ep, s->sa, &p->terms);
    struct handle made;
    enum err e = child_reserve(ep, s->sa, &made);

    if (e)
        return step_refuse(s, NOTIFY_NO_ADDITIONAL_SAS);
    c = child_sa_at(ep, made);
    seed.old = renewed ? renewed : s->child;
    seed.beside = p->place.beside;
    c->resource = p->place.number;
    e = child_install(ep, s->now, c, &p->terms, &seed);
    if (e == OK && renewed)
        child_take_over(ep, s->now, renewed, c);
    else if (e == OK)
        e = succeed(s, c, &seed);
    if (e) {
        child_remove(ep, s->now, c, REASON_LIMIT);
        return e;
    }
    child_answer_write(s, c, &p->terms);
    nonce_offer_write(s->out, own->nonce);
    if (p->terms.ke)
        ke_offer_write(s->out, &own->pair);
    child_answer_ts_write(s, &p->terms);
    resource_answer(s, &p->place);
    return OK;
}

static enum err consume_request(struct step *s)
{
    struct peer_part p;
    struct own_part own;
    enum err e = read_request(s, &p);

    if (e)
        return e;
    e = agree(s, &p, &own);
    if (e == OK)
        e = make(s, &p, &own);
    wipe(&own, sizeof own);
    return e;
}

/* ---- consume_response ---- */

static enum err derive_and_install(struct step *s, struct handshake *hs, const struct peer_part *p,
                                   struct child_sa *made, const struct child_sa *old)
{
    struct crypto *c = s->ep->store->env.crypto;
    uint8_t shared[KE_SHARED_MAX];
    struct child_seed seed = seed_of(s, p, hs->nonce, shared, true);
    enum err e = OK;

    seed.old = old;
    seed.beside = p->place.beside;
    made->resource = p->place.number;
    if (p->terms.ke)
        e = c->class->ke_derive(c, handshake_ke_pair(s->ep, hs), p->ke.data, shared);
    if (e == OK)
        e = child_install(s->ep, s->now, made, &p->terms, &seed);
    wipe(shared, sizeof shared);
    return e;
}

static enum err read_response(struct step *s, const struct handshake *hs, struct peer_part *p)
{
    enum err e = read_nonce_and_ke(s, p);

    if (e == OK)
        e = child_answer_read(s, s->child, false, &p->terms);
    if (e == OK)
        e = resource_answered(s, child_sa_at(s->ep, hs->child), &p->terms, &p->place);
    if (e == OK && p->terms.ke &&
        (p->terms.ke != hs->ke_suite || p->ke.group != hs->ke_suite->iana))
        e = ERR_SYNTAX;
    return e;
}

/* §2.8.1: ours is the new SA; the peer's is in the handshake if there was a collision. */
static void settle(struct step *s, struct handshake *hs, const struct peer_part *p,
                   struct child_sa *made)
{
    struct ike_endpoint *ep = s->ep;
    struct child_sa *old = s->child, *rival = child_sa_at(ep, hs->rival);
    struct bytes lower = nonce_lower(bytes_of(hs->nonce, NONCE_LEN), p->nonce);
    bool live = old && child_live(old);

    if (old && child_taken_over(ep, old)) { /* while we rekeyed it: it goes with its IKE SA */
        child_take_over(ep, s->now, made, child_sa_at(ep, old->successor));
        return;
    }
    if (rival && collision_lost(ep->store->config, lower,
                                message_at(&ep->store->messages, hs->rival_nonce))) {
        made->state = CHILD_RIVAL;
        if (!(ep->store->config->quirks & QUIRK_KEEP_LOSER))
            plan_delete(made, REASON_COLLISION);
        if (live)
            child_replace(ep, s->now, old, rival); /* and the peer deletes it */
        return;
    }
    child_switch(ep, made);
    if (live) {
        child_replace(ep, s->now, old, made);
        plan_delete(old, REASON_REKEYED);
    }
    if (rival) {
        rival->state = CHILD_RIVAL;
        child_timers_arm(ep, rival, NSEC_NEVER, nsec_add(s->now, RIVAL_HOLD));
    }
}

static void drop_made(struct step *s, struct handshake *hs, enum sa_reason why)
{
    struct child_sa *made = child_sa_at(s->ep, hs->child);

    hs->child = HANDLE_NONE;
    if (made)
        child_remove(s->ep, s->now, made, why);
}

/* QUIRK_LIBRESWAN_2184: the peer's crossing rekey is enough; that it has installed ours as well,
 * and may prefer it, is not thought of. */
static void superseded(struct step *s, struct handshake *hs)
{
    if (s->child)
        rekey_child_settle(s, s->child);
    drop_made(s, hs, REASON_COLLISION);
    handshake_give(s->ep, s->sa);
}

/* QUIRK_STRONGSWAN_1458: the peer has deleted what we are rekeying, so it wants no successor; that
 * its delete has overtaken its response is not thought of. */
static bool overtaken(const struct step *s, const struct child_sa *rival)
{
    return s->ep->store->config->quirks & QUIRK_STRONGSWAN_1458 &&
           s->row->kind == KIND_CHILD_REKEY && !s->child && !rival;
}

/* With several exchanges in flight that make child SAs, what the peer deleted before we knew it may
 * be noted in the handshake of any of them: who ends leaves to the others what is not its own. */
static void pass_doom(struct step *s, const struct handshake *own)
{
    struct flight all[WINDOW_MAX];
    unsigned count = own->doomed_spi ? flights_of(s->ep, s->sa, all) : 0;

    for (unsigned i = 0; i < count; i++) {
        struct handshake *hs = handshake_at(s->ep, all[i].handshake);

        if (hs && !hs->doomed_spi) {
            hs->doomed_spi = own->doomed_spi;
            return;
        }
    }
}

static bool doomed(struct step *s, const struct handshake *own, uint32_t spi)
{
    struct flight all[WINDOW_MAX];
    unsigned count = flights_of(s->ep, s->sa, all);

    for (unsigned i = 0; i < count; i++) {
        struct handshake *hs = handshake_at(s->ep, all[i].handshake);

        if (hs && hs->doomed_spi == spi) {
            hs->doomed_spi = own->doomed_spi;
            return true;
        }
    }
    pass_doom(s, own);
    return false;
}

static enum err consume_response(struct step *s)
{
    struct ike_endpoint *ep = s->ep;
    struct handshake *hs = handshake_of(ep, s->sa);
    struct child_sa *made = child_sa_at(ep, hs->child), *rival = child_sa_at(ep, hs->rival);
    struct child_sa *renewed = NULL;
    struct peer_part p;
    enum err e = read_response(s, hs, &p);

    if (e == OK && rival && ep->store->config->quirks & QUIRK_LIBRESWAN_2184) {
        superseded(s, hs);
        return OK;
    }
    if (e == OK && s->row->kind == KIND_CHILD_NEW)
        renewed = reauth_child(ep, s->sa, &p.terms);
    if (e == OK && renewed)
        e = derive_and_install(s, hs, &p, made, renewed);
    else if (e == OK) /* the peer has deleted the old SA: its policy lives on in the rival */
        e = derive_and_install(s, hs, &p, made, s->child ? s->child : rival);
    if (e == OK && doomed(s, hs, p.terms.spi_out)) {
        child_remove(ep, s->now, made, REASON_DELETED_BY_PEER); /* deleted before we knew it */
        if (s->child && child_live(s->child) && !rival)
            plan_delete(s->child, REASON_DELETED_BY_PEER); /* §2.8: still ours to do */
    } else if (e) {
        child_failed(ep, s->now, s->sa, HANDLE_NONE, reason_for_error(e));
        plan_delete(made, reason_for_error(e)); /* the peer has installed it */
    } else if (overtaken(s, rival)) {
        made->state = CHILD_RIVAL;
        plan_delete(made, REASON_DELETED_BY_PEER);
    } else {
        settle(s, hs, &p, made);
        if (renewed)
            child_take_over(ep, s->now, renewed, made);
        resource_taken(s, made, &p.place);
        s->sa->ke_group = 0;
    }
    if (s->row->kind == KIND_CHILD_NEW)
        ike_asked_done(ep, s->sa);
    handshake_give(ep, s->sa);
    return OK;
}

/* ---- refused ---- */

void rekey_child_settle(struct step *s, struct child_sa *old)
{
    struct handshake *hs = handshake_of(s->ep, s->sa);
    struct child_sa *rival = hs ? child_sa_at(s->ep, hs->rival) : NULL;

    if (rival && child_live(old))
        child_replace(s->ep, s->now, old, rival);
}

void rekey_child_outlived(struct step *s, const struct child_sa *old)
{
    struct handshake *hs = handshake_of(s->ep, s->sa);

    if (hs && child_live(old) && old->reason == REASON_EXPIRED)
        hs->outlived = true;
}

/* A lifetime that ended while the rekey was under way is no wish to be without a child SA. */
static bool still_needed(const struct step *s, const struct handshake *hs)
{
    return s->child ? !s->child->wish_delete || s->child->reason == REASON_EXPIRED : hs->outlived;
}

static bool another_group(struct step *s, const struct handshake *hs,
                          const struct notify_payload *n)
{
    const struct child_config *c = &s->ep->store->config->child;
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

/*
 * §2.25.1: if the peer has none, a new one is made where one is still needed; also if it is about
 * to have none, or for another reason cannot rekey now, and ours may not be used any more.
 */
static bool wants_another(const struct step *s, const struct handshake *hs, uint16_t refusal)
{
    bool over = !s->child || s->child->wish_delete;

    return (refusal == NOTIFY_CHILD_SA_NOT_FOUND ||
            (refusal == NOTIFY_TEMPORARY_FAILURE && over)) &&
           still_needed(s, hs);
}

/* Ask again at once, later, in another way, or not at all. */
static void after_refusal(struct step *s, const struct handshake *hs,
                          const struct notify_payload *n)
{
    bool again = another_group(s, hs, n) || n->type == NOTIFY_TEMPORARY_FAILURE;

    if (n->type == NOTIFY_TEMPORARY_FAILURE) /* §2.25: wait a little */
        ike_retry_later(s->ep, s->now, s->sa);
    if (s->row->kind == KIND_CHILD_NEW ? again : wants_another(s, hs, n->type))
        (void)ike_wish_child(s->sa);
    if (!s->child)
        return;
    if (n->type == NOTIFY_CHILD_SA_NOT_FOUND) { /* §2.25.1: ours goes silently */
        child_remove(s->ep, s->now, s->child, REASON_CHILD_NOT_FOUND);
        return;
    }
    s->child->wish_rekey = again;
    if (again)
        return;
    s->sa->ke_group = 0;
    child_timers_arm(s->ep, s->child, nsec_min(s->child->soft, rekey_again_at(s->ep, s->now)),
                     s->child->hard);
}

/* QUIRK_STRONGSWAN_1896, _2477: a rekey of ours that fails makes the old SA what it was before, as
 * if the peer had not rekeyed it meanwhile; when the peer deletes it, nobody takes over. */
static bool forgets_rival(const struct ike_config *c, uint16_t refusal)
{
    enum ike_quirk quirk =
        refusal == NOTIFY_TEMPORARY_FAILURE ? QUIRK_STRONGSWAN_1896 : QUIRK_STRONGSWAN_2477;

    return c->quirks & quirk;
}

static enum err consume_refusal(struct step *s)
{
    struct ike_endpoint *ep = s->ep;
    struct handshake *hs = handshake_of(ep, s->sa);
    struct notify_payload n = {0};
    bool narrower;

    (void)notify_find_error(s->in, &n);
    narrower = s->row->kind == KIND_CHILD_NEW && ike_ask_single_pair(s->sa, n.type);
    if (s->child && !forgets_rival(ep->store->config, n.type))
        rekey_child_settle(s, s->child); /* the peer's own rekey stands alone now */
    drop_made(s, hs, reason_for(n.type));
    if (s->child && !child_live(s->child))
        s->child->wish_rekey = false; /* succeeded or deleted meanwhile: nothing left to do */
    else
        after_refusal(s, hs, &n);
    resource_enough(s->sa, n.type);
    if (s->row->kind == KIND_CHILD_NEW && !(s->sa->wishes & WISH_CHILD))
        ike_asked_done(ep, s->sa);
    if (n.type != NOTIFY_TEMPORARY_FAILURE && !narrower)
        child_failed(ep, s->now, s->sa, s->sa->child, reason_for(n.type));
    pass_doom(s, hs);
    handshake_give(ep, s->sa);
    return OK;
}

static enum err give_up(struct step *s)
{
    s->sa->reason = REASON_TIMEOUT;
    s->end = true;
    return OK;
}

#define NEW (P(SA) | P(NONCE) | P(TSI) | P(TSR))
#define MAY (P_ANY | P(KE) | P(CP))
#define NOT(states) ((uint16_t)(EVERY_STATE & ~(states)))
/* Asked too late: the IKE SA is being replaced or closed (§2.25.2). */
#define LATE (FROM(REKEYED) | FROM(RIVAL) | FROM(DELETING))
#define EARLY                                                                                      \
    (FROM(NONE) | FROM(SA_INIT_SENT) | FROM(SA_INIT_DONE) | FROM(AUTH_SENT) | FROM(AUTH_HELD))

const struct exchange_row create_child_sa_rows[] = {
    {2, FROM(ESTABLISHED), KIND_CHILD_NEW, ROLE_START, 0, 0, create_request, 0, STAY, STAY,
     "RFC 7296 §1.3.1"},
    {2, FROM(ESTABLISHED), KIND_CHILD_NEW, ROLE_ASKED, NEW, NEW | MAY, consume_request, 0, STAY,
     STAY, "RFC 7296 §1.3.1"},
    {2, FROM(ESTABLISHED), KIND_CHILD_NEW, ROLE_ANSWERED, NEW, NEW | MAY, consume_response, 0, STAY,
     STAY, "RFC 7296 §1.3.1"},
    {2, FROM(ESTABLISHED), KIND_CHILD_NEW, ROLE_ANSWERED, P(NOTIFY) | HAS_ERROR, P_ANY | HAS_ERROR,
     consume_refusal, 0, STAY, STAY, "RFC 7296 §1.3"},
    {2, FROM(ESTABLISHED), KIND_CHILD_NEW, ROLE_GIVEN_UP, 0, 0, give_up, 0, STAY, STAY,
     "RFC 7296 §2.4"},
    {2, FROM(ESTABLISHED), KIND_CHILD_REKEY, ROLE_START, 0, 0, create_request, 0, STAY, STAY,
     "RFC 7296 §1.3.3"},
    {2, FROM(ESTABLISHED), KIND_CHILD_REKEY, ROLE_ASKED, NEW | P(NOTIFY) | HAS_REKEY_SA,
     NEW | MAY | HAS_REKEY_SA, consume_request, 0, STAY, STAY, "RFC 7296 §1.3.3"},
    {2, FROM(ESTABLISHED), KIND_CHILD_REKEY, ROLE_ASKED, NEW | P(NOTIFY) | HAS_REKEY_SA | HAS_RIVAL,
     NEW | MAY | HAS_REKEY_SA | HAS_RIVAL, consume_request, 0, STAY, STAY, "RFC 7296 §2.8.1"},
    {2, FROM(ESTABLISHED), KIND_CHILD_REKEY, ROLE_ANSWERED, NEW, NEW | MAY, consume_response, 0,
     STAY, STAY, "RFC 7296 §1.3.3"},
    {2, FROM(ESTABLISHED), KIND_CHILD_REKEY, ROLE_ANSWERED, P(NOTIFY) | HAS_ERROR,
     P_ANY | HAS_ERROR, consume_refusal, 0, STAY, STAY, "RFC 7296 §2.25.1"},
    {2, FROM(ESTABLISHED), KIND_CHILD_REKEY, ROLE_GIVEN_UP, 0, 0, give_up, 0, STAY, STAY,
     "RFC 7296 §2.4"},
    /* Everywhere else */
    {2, NOT(FROM(ESTABLISHED)), KIND_CHILD_NEW, ROLE_START, 0, 0, NULL, 0, STAY, STAY,
     "RFC 7296 §1.3"},
    {2, NOT(FROM(ESTABLISHED)), KIND_CHILD_REKEY, ROLE_START, 0, 0, NULL, 0, STAY, STAY,
     "RFC 7296 §1.3"},
    {2, LATE, KIND_CHILD_NEW, ROLE_ASKED, 0, 0, NULL, NOTIFY_TEMPORARY_FAILURE, STAY, STAY,
     "RFC 7296 §2.25.2"},
    {2, LATE, KIND_CHILD_REKEY, ROLE_ASKED, 0, 0, NULL, NOTIFY_TEMPORARY_FAILURE, STAY, STAY,
     "RFC 7296 §2.25.2"},
    {2, EARLY | FROM(CLOSED), KIND_CHILD_NEW, ROLE_ASKED, 0, 0, NULL, 0, STAY, STAY,
     "RFC 7296 §1.3"},
    {2, EARLY | FROM(CLOSED), KIND_CHILD_REKEY, ROLE_ASKED, 0, 0, NULL, 0, STAY, STAY,
     "RFC 7296 §1.3"},
    {2, NOT(FROM(ESTABLISHED)), KIND_CHILD_NEW, ROLE_ANSWERED, 0, 0, NULL, 0, STAY, STAY,
     "RFC 7296 §1.3"},
    {2, NOT(FROM(ESTABLISHED)), KIND_CHILD_REKEY, ROLE_ANSWERED, 0, 0, NULL, 0, STAY, STAY,
     "RFC 7296 §1.3"},
    {2, NOT(FROM(ESTABLISHED)), KIND_CHILD_NEW, ROLE_GIVEN_UP, 0, 0, NULL, 0, STAY, STAY,
     "RFC 7296 §2.4"},
    {2, NOT(FROM(ESTABLISHED)), KIND_CHILD_REKEY, ROLE_GIVEN_UP, 0, 0, NULL, 0, STAY, STAY,
     "RFC 7296 §2.4"},
};
const size_t create_child_sa_row_count = sizeof create_child_sa_rows / sizeof *create_child_sa_rows;
