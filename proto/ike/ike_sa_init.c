/*
 * IKE_SA_INIT: RFC 7296 §1.2.
 *
 *   HDR(A,0), SAi1, KEi, Ni, N(NAT_DETECTION_*)  -->
 *                                                <--  HDR(A,B), SAr1, KEr, Nr, N(NAT_DETECTION_*)
 *
 * A refusal (COOKIE §2.6, INVALID_KE_PAYLOAD §1.2) makes the initiator ask again; since nobody
 * authenticates it, any other refusal is only remembered until the request is given up (§2.21.1).
 * With signatures also N(SIGNATURE_HASH_ALGORITHMS) both ways and CERTREQ in the response; where it
 * is configured N(IKEV2_FRAGMENTATION_SUPPORTED) both ways (RFC 7383 §2.3).
 * Whether a responder asks for a COOKIE first: flood.h. Not here: REDIRECT.
 */
#include "proto/core/select.h"
#include "proto/ike/fragment.h"
#include "proto/ike/ike.h"
#include "proto/ike/message.h"
#include "proto/ike/mobike.h"
#include "proto/ike/nat_detection.h"
#include "proto/ike/notify_map.h"
#include "proto/ike/offer.h"
#include "proto/ike/proof.h"
#include "proto/wire/ke.h"
#include "proto/wire/nonce.h"

enum {
    RETRIES_MAX = 2,  /* of COOKIE and of INVALID_KE_PAYLOAD each */
    FIRST_MAX = 4092, /* octets of a first message: nobody has proven anything yet */
};

static const struct select_terms init_terms = {.protocol = SA_PROTOCOL_IKE};

/* ---- create_request ---- */

static void write_request(struct step *s, const struct handshake *hs, const struct ke_pair *pair)
{
    const struct ike_config *c = s->ep->store->config;

    if (!message_none(hs->cookie)) /* §2.6: as the first payload */
        notify_add(s->out, NOTIFY_COOKIE, message_at(&s->ep->store->messages, hs->cookie));
    offer_write(payload_begin(s->out, PAYLOAD_SA), c->proposals, c->proposal_count, &init_terms,
                BYTES_NONE);
    payload_end(s->out);
    ke_offer_write(s->out, pair);
    nonce_offer_write(s->out, hs->nonce);
}

static enum err create_request(struct step *s)
{
    struct handshake *hs = handshake_of(s->ep, s->sa);
    struct ip_endpoint local = ike_sa_local(s->ep, s->sa), remote = ike_sa_remote(s->ep, s->sa);

    write_request(s, hs, handshake_ke_pair(s->ep, hs));
    proof_hashes_write(s);
    fragments_announce(s);
    return nat_write(s, &local, &remote);
}

/* ---- consume_request, create_response ---- */

struct init_terms {
    struct selection chosen;
    struct ke_payload ke;
    struct bytes nonce;
};

/* Check the whole message. A group that is acceptable but not the one sent: INVALID_KE_PAYLOAD. */
static enum err read_peer(struct step *s, bool answer, struct init_terms *t)
{
    const struct ike_config *c = s->ep->store->config;
    struct select_terms terms = init_terms;
    enum err e = ke_read(step_body(s, PAYLOAD_KE), &t->ke);

    if (e == OK)
        e = nonce_read(step_body(s, PAYLOAD_NONCE), &t->nonce);
    if (e)
        return e;
    terms.ke_group = t->ke.group;
    e = (answer ? select_answer : select_offer)(c->proposals, c->proposal_count,
                                                step_body(s, PAYLOAD_SA), &terms, &t->chosen);
    if (e)
        return e;
    if (t->nonce.len * 2 < t->chosen.prf->key_len)
        return ERR_SYNTAX; /* §2.10: at least half the key size of the prf */
    if (t->ke.group == t->chosen.ke->iana)
        return OK;
    store_be16(s->notify_data, t->chosen.ke->iana);
    s->notify_len = 2;
    return step_refuse(s, NOTIFY_INVALID_KE_PAYLOAD);
}

static enum err agree(struct step *s, const struct selection *chosen)
{
    return ike_sa_agree(
        s->ep, s->sa,
        &(struct ike_suite){
            .encr = chosen->encr, .integ = chosen->integ, .prf = chosen->prf, .ke = chosen->ke});
}

/* SKEYSEED and the seven keys (§2.14) from our key pair and what the peer sent. */
static enum err derive(struct step *s, const struct handshake *hs, const struct init_terms *t)
{
    struct ike_endpoint *ep = s->ep;
    struct ike_sa *sa = s->sa;
    struct bytes ours = bytes_of(hs->nonce, NONCE_LEN);
    uint8_t shared[KE_SHARED_MAX], skeyseed[PRF_OUT_MAX];
    struct ike_keys keys;
    struct ike_seed seed = {.ni = sa->initiator ? ours : t->nonce,
                            .nr = sa->initiator ? t->nonce : ours,
                            .spi_i = sa->spi_i,
                            .spi_r = sa->spi_r};
    enum err e = ep->store->env.crypto->class->ke_derive(
        ep->store->env.crypto, handshake_ke_pair(ep, hs), t->ke.data, shared);

    if (e == OK) {
        seed.shared = bytes_of(shared, t->chosen.ke->shared_len);
        e = ike_keys_derive(ep->store->env.crypto, sa->suite, &seed, &keys, skeyseed);
    }
    if (e == OK)
        ike_keep_keys(ep, s->now, sa, &keys, bytes_of(skeyseed, sa->suite->prf->out_len));
    wipe(shared, sizeof shared);
    wipe(skeyseed, sizeof skeyseed);
    wipe(&keys, sizeof keys);
    return e;
}

/* The peer's first message is kept whole: AUTH covers it (§2.15). */
static enum err keep_first(struct step *s, struct handshake *hs, struct bytes nonce)
{
    struct bytes message = s->outer->datagram;

    if (message.len > FIRST_MAX)
        return ERR_LENGTH;
    message_drop(&s->ep->store->messages, &hs->first);
    hs->nonce_at = (uint16_t)(nonce.data - message.data);
    hs->nonce_len = (uint16_t)nonce.len;
    return message_keep(&s->ep->store->messages, message, &hs->first);
}

static void write_response(struct step *s, const struct handshake *hs, const struct init_terms *t)
{
    const struct ke_pair *pair = handshake_ke_pair(s->ep, hs);

    answer_write(payload_begin(s->out, PAYLOAD_SA), &t->chosen, &init_terms, BYTES_NONE);
    payload_end(s->out);
    ke_offer_write(s->out, pair);
    nonce_offer_write(s->out, hs->nonce);
}

/* The SA is a fresh record; on error the caller gives it back and nothing is left. */
static enum err consume_request(struct step *s)
{
    struct ike_endpoint *ep = s->ep;
    struct ike_sa *sa = s->sa;
    struct ip_endpoint local = ike_sa_local(ep, sa), remote = ike_sa_remote(ep, sa);
    struct init_terms t;
    struct nat_found nat;
    struct handshake *hs;
    enum err e = read_peer(s, false, &t);

    if (e == OK)
        e = nat_read(s, 0, &nat);
    if (e)
        return e;
    hs = handshake_take(ep, sa, true);
    e = hs ? agree(s, &t.chosen) : ERR_FULL;
    if (e)
        return e;
    sa->nat_local = nat.local;
    sa->nat_remote = nat.remote;
    ike_draw(ep, STREAM_NONCE, hs->nonce, NONCE_LEN);
    e = handshake_ke(ep, hs, t.chosen.ke);
    if (e == OK)
        e = derive(s, hs, &t);
    if (e == OK)
        e = keep_first(s, hs, t.nonce);
    if (e == OK)
        e = proof_certreq_read(s, hs);
    if (e)
        return e;
    hs->peer_hashes = proof_hashes_read(s);
    write_response(s, hs, &t);
    handshake_ke_give(ep, hs);
    proof_certreq_write(s);
    proof_hashes_write(s);
    fragments_agree(s);
    fragments_announce(s);
    if (ep->store->config->childless != CHILDLESS_NEVER) /* RFC 6023 §3 */
        notify_add(s->out, NOTIFY_CHILDLESS_IKEV2_SUPPORTED, BYTES_NONE);
    return nat_write(s, &local, &remote);
}

/* ---- consume_response ---- */

/* §2.23: with a NAT in between, go on from port 4500 to port 4500; who does MOBIKE goes there in
 * any case, so that no later path asks for it (RFC 4555 §3.3). */
static void float_ports(struct step *s, const struct nat_found *nat)
{
    struct ike_sa *sa = s->sa;
    struct ip_endpoint local = ike_sa_local(s->ep, sa), remote = ike_sa_remote(s->ep, sa);
    bool encapsulate = nat->local || nat->remote || s->ep->store->config->force_encap;

    sa->nat_local = nat->local;
    sa->nat_remote = nat->remote;
    sa->natt |= encapsulate;
    if (encapsulate || (mobike_wanted(s->ep) && nat->asked)) {
        local.port = remote.port = IKE_NATT_PORT;
        ike_sa_place(s->ep, sa, &local, &remote);
    }
}

static enum err consume_response(struct step *s)
{
    struct ike_sa *sa = s->sa;
    struct handshake *hs = handshake_of(s->ep, sa);
    struct ip_endpoint local = ike_sa_local(s->ep, sa);
    uint64_t spi_r = s->outer->header.spi_r;
    struct notify_payload childless;
    struct init_terms t;
    struct nat_found nat;
    enum err e = spi_r ? read_peer(s, true, &t) : ERR_SYNTAX;

    /* MOBIKE: what was asked from where we were was another message than AUTH will cover. */
    if (e == OK && !ip_addr_equal(&s->dgram->local.addr, &local.addr))
        e = ERR_STATE;
    if (e == OK && t.chosen.ke != hs->ke_suite)
        e = ERR_SYNTAX;
    if (e == OK)
        e = nat_read(s, spi_r, &nat);
    if (e == OK)
        e = agree(s, &t.chosen);
    s->keep = e != OK; /* nobody vouches for it: wait for a better one (§2.21.1) */
    if (e)
        return e;
    sa->spi_r = spi_r;
    e = derive(s, hs, &t);
    if (e == OK)
        e = keep_first(s, hs, t.nonce);
    if (e == OK)
        e = proof_certreq_read(s, hs);
    if (e) {
        sa->spi_r = 0;
        s->keep = true;
        return e;
    }
    hs->peer_hashes = proof_hashes_read(s);
    hs->peer_childless = notify_find(s->in, NOTIFY_CHILDLESS_IKEV2_SUPPORTED, &childless);
    fragments_agree(s);
    handshake_ke_give(s->ep, hs);
    float_ports(s, &nat);
    return OK;
}

static enum err take_cookie(struct step *s, struct handshake *hs, const struct notify_payload *n)
{
    if (hs->cookie_retries == RETRIES_MAX || n->data.len < 1 || n->data.len > 64)
        return ERR_STATE;
    hs->cookie_retries++;
    message_drop(&s->ep->store->messages, &hs->cookie);
    return message_keep(&s->ep->store->messages, n->data, &hs->cookie);
}

/* §1.2, §2.7: only a group that we offered; a downgrade would show in AUTH. */
static enum err take_group(struct step *s, struct handshake *hs, const struct notify_payload *n)
{
    const struct ike_config *c = s->ep->store->config;
    const struct ke_suite *ke;

    if (hs->ke_retries == RETRIES_MAX || n->data.len != 2)
        return ERR_STATE;
    ke = offer_find_ke(c->proposals, c->proposal_count, load_be16(n->data.data));
    if (!ke || ke == hs->ke_suite)
        return ERR_STATE;
    hs->ke_retries++;
    hs->ke_suite = ke;
    return handshake_ke(s->ep, hs, ke);
}

/* Refusals, unauthenticated: ask again where that helps, else only remember why. */
static enum err consume_refusal(struct step *s)
{
    struct handshake *hs = handshake_of(s->ep, s->sa);
    struct notify_payload n;

    s->keep = true;
    if (notify_find(s->in, NOTIFY_COOKIE, &n)) {
        s->again = take_cookie(s, hs, &n) == OK;
        if (!s->again)
            drop_count(s->ep, IKE_DROP_UNAUTHENTICATED);
        return OK;
    }
    if (!notify_find_error(s->in, &n))
        return ERR_SYNTAX;
    if (n.type == NOTIFY_INVALID_KE_PAYLOAD) {
        s->again = take_group(s, hs, &n) == OK;
        if (s->again)
            return OK;
    }
    s->sa->reason = reason_for(n.type);
    drop_count(s->ep, IKE_DROP_UNAUTHENTICATED);
    return OK;
}

/* ---- given up ---- */

static enum err give_up(struct step *s)
{
    enum sa_reason why = s->sa->reason ? s->sa->reason : REASON_TIMEOUT;

    ike_say_down(s->ep, s->now, s->sa, why);
    s->end = true;
    return OK;
}

#define INIT (P(SA) | P(KE) | P(NONCE))

const struct exchange_row ike_sa_init_rows[] = {
    {2, FROM(NONE) | FROM(SA_INIT_SENT), KIND_SA_INIT, ROLE_START, 0, 0, create_request, 0,
     STATE_SA_INIT_SENT, STATE_NONE, "RFC 7296 §1.2"},
    {2, FROM(NONE), KIND_SA_INIT, ROLE_ASKED, INIT, INIT | P_ANY | P(CERTREQ), consume_request, 0,
     STATE_SA_INIT_DONE, STATE_NONE, "RFC 7296 §1.2"},
    {2, FROM(SA_INIT_SENT), KIND_SA_INIT, ROLE_ANSWERED, INIT, INIT | P_ANY | P(CERTREQ),
     consume_response, 0, STATE_SA_INIT_DONE, STAY, "RFC 7296 §1.2"},
    {2, FROM(SA_INIT_SENT), KIND_SA_INIT, ROLE_ANSWERED, P(NOTIFY), P_ANY | HAS_ERROR,
     consume_refusal, 0, STAY, STAY, "RFC 7296 §2.6, §2.21.1"},
    {2, FROM(SA_INIT_SENT), KIND_SA_INIT, ROLE_GIVEN_UP, 0, 0, give_up, 0, STATE_NONE, STATE_NONE,
     "RFC 7296 §2.4"},
    {2, (uint16_t)(EVERY_STATE & ~(FROM(NONE) | FROM(SA_INIT_SENT))), KIND_SA_INIT, ROLE_START, 0,
     0, NULL, 0, STAY, STAY, "RFC 7296 §1.2"},
    {2, (uint16_t)(EVERY_STATE & ~FROM(NONE)), KIND_SA_INIT, ROLE_ASKED, 0, 0, NULL, 0, STAY, STAY,
     "RFC 7296 §2.1"},
    {2, (uint16_t)(EVERY_STATE & ~FROM(SA_INIT_SENT)), KIND_SA_INIT, ROLE_ANSWERED, 0, 0, NULL, 0,
     STAY, STAY, "RFC 7296 §2.1"},
    {2, (uint16_t)(EVERY_STATE & ~FROM(SA_INIT_SENT)), KIND_SA_INIT, ROLE_GIVEN_UP, 0, 0, NULL, 0,
     STAY, STAY, "RFC 7296 §2.1"},
};
const size_t ike_sa_init_row_count = sizeof ike_sa_init_rows / sizeof *ike_sa_init_rows;
