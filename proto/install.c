/*
 * An IKE SA with its first child SA is put in place at both ends, as IKE_SA_INIT and IKE_AUTH would
 * have left it (RFC 7296 §1.2), without a message and without a handshake's state. What is drawn or
 * derived comes from the streams and by the code of an exchange; that the ends are who they say is
 * taken for granted. IKEv1 is in install_v1.c.
 *
 * Not here: what a handshake leaves only for its own repetition (the cached response, the digest of
 * the first request), INITIAL_CONTACT, certificates.
 */
#include "proto/install.h"
#include "proto/endpoint.h"
#include "proto/esp/esp.h"
#include "proto/ike/identity.h"
#include "proto/ike/ike.h"
#include "proto/ike/message.h"
#include "proto/ike/mobike.h"
#include "proto/ike/notify_map.h"
#include "proto/ike/qcd.h"
#include "proto/ike/window.h"

enum { ID_BODY_MAX = 4 + ID_MAX };

/* One end in the making. */
struct end {
    struct ike_endpoint *ep;
    struct ike_sa *sa;
    struct sa_ref ref;
    struct handle child;
    uint8_t nonce[NONCE_LEN];
};

/* The two, and what belongs to both. */
struct making {
    const struct ike_installation *how;
    const struct ike_agreement *agreed;
    struct end i, r;
    struct rng secret;
};

/* ---- records ---- */

/* Our request is answered, and so are those that were before it: IKE_SA_INIT, IKE_AUTH, and where
 * the child was not made in it CREATE_CHILD_SA (RFC 7296 §2.2). */
static void count_messages(const struct making *m, struct ike_sa *sa)
{
    uint32_t *ids = sa->initiator ? &sa->request_id : &sa->expected_id;

    *ids = m->agreed->childless ? 3 : 2;
}

static enum err take(const struct making *m, nsec now, struct end *end, bool initiator)
{
    struct ike_endpoint *ep = end->ep;

    if (ep->ike_sas + ep->half_open >= ep->store->shares.ike_sas)
        return ERR_FULL;
    end->sa = ike_sa_take(ep, &end->ref);
    if (!end->sa)
        return ERR_FULL;
    end->sa->version = 2;
    end->sa->initiator = initiator;
    end->sa->fragments = m->agreed->fragments;
    end->sa->mobike = m->agreed->mobike;
    end->sa->last_heard = end->sa->last_sent = now;
    count_messages(m, end->sa);
    ike_draw(ep, STREAM_NONCE, end->nonce, NONCE_LEN);
    return ike_sa_agree(ep, end->sa, &m->agreed->suite);
}

/* §2.23: NAT detection, with the lie of who wants ESP in UDP anyway; RFC 4555 §3.3. */
static void place(const struct making *m)
{
    const struct ike_installation *how = m->how;
    struct ike_sa *i = m->i.sa, *r = m->r.sa;
    struct ip_endpoint from = how->from, seen = how->seen, called = how->called, at = how->at;
    bool nat_i = !ip_endpoint_equal(&how->from, &how->seen);
    bool nat_r = !ip_endpoint_equal(&how->called, &how->at);

    i->nat_local = nat_i;
    i->nat_remote = nat_r || m->r.ep->store->config->force_encap;
    r->nat_local = nat_r;
    r->nat_remote = nat_i || m->i.ep->store->config->force_encap;
    i->natt = r->natt = i->nat_local || i->nat_remote || r->nat_remote;
    if (!i->natt && !m->agreed->floats)
        from.port = called.port = at.port = seen.port = IKE_PORT;
    ike_sa_place(m->i.ep, i, &from, &called);
    ike_sa_place(m->r.ep, r, &at, &seen);
}

/* RFC 4555 §3.9 */
static enum err check_nats(const struct making *m)
{
    bool refused = m->agreed->mobike && m->i.ep->store->config->mobike.no_nats &&
                   (m->i.sa->nat_local || m->r.sa->nat_local);

    return refused ? ERR_STATE : OK;
}

static void name(struct making *m)
{
    struct ike_sa *i = m->i.sa, *r = m->r.sa;

    i->spi_i = r->spi_i = ike_spi_new(m->i.ep);
    i->spi_r = r->spi_r = ike_spi_new(m->r.ep);
    ike_sa_register(m->i.ep, i, 0);
    ike_sa_register(m->r.ep, r, 0);
}

static void identify(const struct end *end, const struct ike_config *peer)
{
    uint8_t body[ID_BODY_MAX];
    enum auth_way way = identity_way(peer->auth.way);
    struct bytes id;
    struct writer w;

    writer_init(&w, body, sizeof body);
    identity_write(&w, peer);
    id = bytes_of(body, writer_len(&w));
    if (identity_is_somebody(id, way))
        ike_sa_identify(end->ep, end->sa, identity_digest(end->ep, id, way));
}

/* ---- keys ---- */

/* §2.14 from both nonces and a secret that no key exchange made; once, for both ends. */
static enum err derive(struct making *m, nsec now)
{
    const struct ike_suite *suite = &m->agreed->suite;
    struct ike_endpoint *ep = m->i.ep;
    uint8_t shared[KE_SHARED_MAX], skeyseed[PRF_OUT_MAX];
    struct ike_seed seed = {.ni = bytes_of(m->i.nonce, NONCE_LEN),
                            .nr = bytes_of(m->r.nonce, NONCE_LEN),
                            .spi_i = m->i.sa->spi_i,
                            .spi_r = m->i.sa->spi_r,
                            .shared = bytes_of(shared, suite->ke->shared_len)};
    struct ike_keys keys;
    enum err e;

    rng_fill(&m->secret, shared, suite->ke->shared_len);
    e = ike_keys_derive(ep->store->env.crypto, suite, &seed, &keys, skeyseed);
    if (e == OK) {
        ike_keep_keys(ep, now, m->i.sa, &keys, bytes_of(skeyseed, suite->prf->out_len));
        ike_keep_keys(m->r.ep, now, m->r.sa, &keys, bytes_of(skeyseed, suite->prf->out_len));
    }
    wipe(shared, sizeof shared);
    wipe(skeyseed, sizeof skeyseed);
    wipe(&keys, sizeof keys);
    return e;
}

/* ---- the child ---- */

/* §2.9: what the initiator is configured to ask for, narrowed by the responder; as it sees it. */
static enum err narrow_both(const struct making *m, struct child_terms *t)
{
    const struct child_config *i = &m->i.ep->store->config->child,
                              *r = &m->r.ep->store->config->child;
    struct narrow_rest of_remote, of_local;
    enum err e =
        narrow(i->local, i->local_count, r->remote, r->remote_count, &t->remote, &of_remote);

    if (e == OK)
        e = narrow(i->remote, i->remote_count, r->local, r->local_count, &t->local, &of_local);
    if (e == OK)
        t->more_ts = of_remote.acceptable || of_local.acceptable;
    return e;
}

static enum err reserve(struct making *m)
{
    enum err e = child_reserve(m->i.ep, m->i.sa, &m->i.child);

    return e ? e : child_reserve(m->r.ep, m->r.sa, &m->r.child);
}

static uint32_t spi_of(const struct end *end)
{
    return child_esp(end->ep, child_sa_at(end->ep, end->child))->spi_in;
}

/* §2.17: with nonces of its own only where it had an exchange of its own; then with PFS, too. */
static enum err install_children(struct making *m, nsec now, struct child_terms *terms)
{
    uint8_t shared[KE_SHARED_MAX];
    struct child_terms mirrored = *terms;
    struct child_seed seed = {
        .prf = m->agreed->suite.prf, .sk_d = ike_sk_d(m->i.sa), .installed = true};
    enum err e;

    if (m->agreed->childless) {
        ike_draw(m->i.ep, STREAM_NONCE, m->i.nonce, NONCE_LEN);
        ike_draw(m->r.ep, STREAM_NONCE, m->r.nonce, NONCE_LEN);
    }
    if (terms->ke) {
        rng_fill(&m->secret, shared, terms->ke->shared_len);
        seed.shared = bytes_of(shared, terms->ke->shared_len);
    }
    seed.ni = bytes_of(m->i.nonce, NONCE_LEN);
    seed.nr = bytes_of(m->r.nonce, NONCE_LEN);
    terms->spi_out = spi_of(&m->i);
    mirrored.spi_out = spi_of(&m->r);
    mirrored.local = terms->remote;
    mirrored.remote = terms->local;
    e = child_install(m->r.ep, now, child_sa_at(m->r.ep, m->r.child), terms, &seed);
    seed.initiator = true;
    if (e == OK)
        e = child_install(m->i.ep, now, child_sa_at(m->i.ep, m->i.child), &mirrored, &seed);
    if (terms->ke)
        wipe(shared, sizeof shared);
    return e;
}

/* ---- both together ---- */

static void tell_each_other(struct end *end, const struct end *peer, nsec now,
                            const struct ip_addr *peer_at)
{
    reauth_lifetime_taken(end->ep, now, end->sa, peer->ep->store->config);
    qcd_give(peer->ep, end->ep, end->sa);
    window_agree(end->ep, end->sa, window_size(peer->ep->store->config));
    mobike_take(end->ep, end->sa, peer->ep->store->config, peer_at);
}

/* Nothing is said before all of it that can fail, but for the child SAs, is there. */
static enum err make(struct making *m, nsec now)
{
    const struct ike_agreement *a = m->agreed;
    struct child_terms terms = {
        .encr = a->encr, .integ = a->integ, .ke = a->ke, .esn = a->esn, .transport = a->transport};
    enum err e = narrow_both(m, &terms);

    if (e == OK)
        e = take(m, now, &m->i, true);
    if (e == OK)
        e = take(m, now, &m->r, false);
    if (e)
        return e;
    place(m);
    e = check_nats(m);
    if (e)
        return e;
    name(m);
    identify(&m->i, m->r.ep->store->config);
    identify(&m->r, m->i.ep->store->config);
    e = reserve(m);
    if (e == OK)
        e = derive(m, now);
    if (e)
        return e;
    exchange_install(m->r.sa);
    exchange_install(m->i.sa);
    ike_installed(m->r.ep, now, m->r.sa);
    ike_installed(m->i.ep, now, m->i.sa);
    tell_each_other(&m->r, &m->i, now, &m->how->from.addr);
    tell_each_other(&m->i, &m->r, now, &m->how->at.addr);
    return install_children(m, now, &terms);
}

enum err ike_install(const struct ike_installation *how, nsec now, struct sa_ref *out,
                     enum sa_reason *why)
{
    struct making m = {.how = how,
                       .agreed = how->agreed,
                       .i = {.ep = how->initiator, .child = HANDLE_NONE},
                       .r = {.ep = how->responder, .child = HANDLE_NONE},
                       .secret = how->secret};
    enum err e;

    if (how->initiator->store->config->version == IKE_V1)
        return install_v1(how, now, out, why);
    e = make(&m, now);
    *why = REASON_NONE;
    if (e) /* ERR_STATE: what the responder would have said */
        *why = e == ERR_STATE ? reason_for(NOTIFY_UNEXPECTED_NAT_DETECTED) : reason_for_error(e);
    *out = e ? SA_NONE : m.i.ref;
    if (e && m.r.sa)
        ike_remove(m.r.ep, now, m.r.sa, *why);
    if (e && m.i.sa)
        ike_remove(m.i.ep, now, m.i.sa, *why);
    wipe(m.i.nonce, sizeof m.i.nonce);
    wipe(m.r.nonce, sizeof m.r.nonce);
    return e;
}
