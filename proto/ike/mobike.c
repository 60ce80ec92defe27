#include "proto/ike/mobike.h"

#include "base/digest.h"
#include "proto/ike/ike.h"
#include "proto/ike/nat_detection.h"

enum { ATTEMPTS_MAX = 3 }; /* of an update that meets a NAT where there must be none: §3.9 */

bool mobike_wanted(const struct ike_endpoint *ep)
{
    return mobike_configured(ep->store->config);
}

/* ---- notifies ---- */

/* §3.4: besides the one that the message comes from. §3.6: none is said as well. */
static void addresses_write(struct step *s, bool none_too)
{
    const struct mobike_config *c = &s->ep->store->config->mobike;
    struct ip_endpoint local = ike_sa_local(s->ep, s->sa);
    unsigned said = 0;

    for (unsigned i = 0; i < c->address_count; i++) {
        const struct ip_addr *a = &c->addresses[i];

        if (ip_addr_equal(a, &local.addr))
            continue;
        notify_add(s->out,
                   a->family == 4 ? NOTIFY_ADDITIONAL_IP4_ADDRESS : NOTIFY_ADDITIONAL_IP6_ADDRESS,
                   bytes_of(a->bytes, ip_addr_len(a)));
        said++;
    }
    if (!said && none_too)
        notify_add(s->out, NOTIFY_NO_ADDITIONAL_ADDRESSES, BYTES_NONE);
}

static bool address_of(const struct notify_payload *n, struct ip_addr *out)
{
    size_t len = n->type == NOTIFY_ADDITIONAL_IP4_ADDRESS ? 4 : 16;

    if ((n->type != NOTIFY_ADDITIONAL_IP4_ADDRESS && n->type != NOTIFY_ADDITIONAL_IP6_ADDRESS) ||
        n->data.len != len)
        return false;
    *out = (struct ip_addr){.family = len == 4 ? 4 : 6};
    memcpy(out->bytes, n->data.data, len);
    return true;
}

/* What is said replaces what was said before; where nothing is said, that stands (§3.6). */
static void addresses_read(const struct step *s, struct mobike *m)
{
    struct ip_addr found[MOBIKE_ADDRESSES_MAX];
    const struct payload_view *p = message_find(s->in, PAYLOAD_NOTIFY);
    uint8_t family = ike_sa_remote(s->ep, s->sa).addr.family;
    struct notify_payload n;
    unsigned count = 0;

    for (; p; p = message_next(s->in, p)) {
        struct ip_addr a;

        if (notify_read(p->body, &n) != OK || count == MOBIKE_ADDRESSES_MAX || !address_of(&n, &a))
            continue;
        if (a.family == family)
            found[count++] = a; /* there is no way from one family to the other */
    }
    if (!count && !notify_find(s->in, NOTIFY_NO_ADDITIONAL_ADDRESSES, &n))
        return;
    memcpy(m->addresses, found, count * sizeof *found);
    m->address_count = (uint8_t)count;
    m->tried = 0;
}

enum { NATS_LEN_MAX = 2 * 16 + 2 * 2 };

/* §4.2.6: source and destination, addresses first. @return its length */
static size_t nats_of(const struct ip_endpoint *from, const struct ip_endpoint *to,
                      uint8_t out[NATS_LEN_MAX])
{
    size_t len = ip_addr_len(&from->addr);

    memcpy(out, from->addr.bytes, len);
    memcpy(out + len, to->addr.bytes, len);
    store_be16(out + 2 * len, from->port);
    store_be16(out + 2 * len + 2, to->port);
    return 2 * len + 4;
}

static void nats_write(struct step *s)
{
    struct ip_endpoint local = ike_sa_local(s->ep, s->sa), remote = ike_sa_remote(s->ep, s->sa);
    uint8_t data[NATS_LEN_MAX];

    if (s->ep->store->config->mobike.no_nats)
        notify_add(s->out, NOTIFY_NO_NATS_ALLOWED, bytes_of(data, nats_of(&local, &remote, data)));
}

/* §3.9: the addresses that the peer has written are those of the IP header, or it said nothing. */
static bool nats_kept(const struct step *s)
{
    uint8_t data[NATS_LEN_MAX];
    struct notify_payload n;

    return !notify_find(s->in, NOTIFY_NO_NATS_ALLOWED, &n) ||
           bytes_equal(n.data, bytes_of(data, nats_of(&s->dgram->remote, &s->dgram->local, data)));
}

static void cookie_write(struct step *s, struct mobike *m)
{
    ike_draw(s->ep, STREAM_NONCE, m->cookie, sizeof m->cookie);
    m->cookie_id = s->sa->request_id;
    m->asked = ASKED_SENT;
    notify_add(s->out, NOTIFY_COOKIE2, bytes_of(m->cookie, sizeof m->cookie));
}

void mobike_unsaid(struct ike_endpoint *ep, const struct ike_sa *sa, uint32_t id)
{
    struct mobike *m = mobike_of(ep, sa);

    if (!m)
        return;
    if (m->asked == ASKED_SENT && m->cookie_id == id)
        m->asked = ASKED_DUE;
    m->tell = !sa->caller; /* once too often is harmless */
}

/* ---- IKE_AUTH ---- */

void mobike_offer_write(struct step *s)
{
    if (!mobike_wanted(s->ep))
        return;
    notify_add(s->out, NOTIFY_MOBIKE_SUPPORTED, BYTES_NONE);
    addresses_write(s, false);
    if (s->sa->initiator)
        nats_write(s);
}

void mobike_offer_read(struct step *s)
{
    struct ike_sa *sa = s->sa;
    struct notify_payload n;

    if (!mobike_wanted(s->ep) || !notify_find(s->in, NOTIFY_MOBIKE_SUPPORTED, &n))
        return;
    sa->mobike = true;
    addresses_read(s, mobike_of(s->ep, sa));
    if (handshake_of(s->ep, sa)->moved)
        sa->wishes |= WISH_MOVE; /* the peer may have taken what came from the old address */
}

void mobike_take(struct ike_endpoint *ep, struct ike_sa *sa, const struct ike_config *peer,
                 const struct ip_addr *at)
{
    struct mobike *m = mobike_of(ep, sa);

    for (unsigned i = 0; m && i < peer->mobike.address_count; i++) {
        const struct ip_addr *a = &peer->mobike.addresses[i];

        if (!ip_addr_equal(a, at) && a->family == ike_sa_remote(ep, sa).addr.family)
            m->addresses[m->address_count++] = *a;
    }
}

enum err mobike_nats_read(struct step *s)
{
    if (!mobike_wanted(s->ep) || nats_kept(s))
        return OK;
    s->ep->store->counters.moves_refused++;
    return step_refuse(s, NOTIFY_UNEXPECTED_NAT_DETECTED);
}

/* ---- what follows from NAT detection ---- */

/* What the peer says of where it saw us; it changes with our SPIs, too (§3.8). */
static uint64_t mapping_of(const struct step *s)
{
    struct notify_payload n;

    if (!notify_find(s->in, NOTIFY_NAT_DETECTION_DESTINATION_IP, &n))
        return 0;
    return digest_of(n.data.data, n.data.len, 0) | 1;
}

/* §3.5: NAT traversal begins or ends. */
static enum err heed_nats(struct step *s)
{
    struct ike_sa *sa = s->sa;
    struct nat_found nat;
    enum err e = nat_read(s, s->outer->header.spi_r, &nat);

    if (e || !nat.asked)
        return e;
    sa->nat_local = nat.local;
    sa->nat_remote = nat.remote;
    sa->natt = ike_sa_local(s->ep, sa).port == IKE_NATT_PORT &&
               (nat.local || nat.remote || s->ep->store->config->force_encap);
    ike_keepalives(s->ep, s->now, sa);
    return OK;
}

/* ---- we move ---- */

static void local_becomes(struct ike_endpoint *ep, struct ike_sa *sa, const struct ip_addr *to)
{
    struct ip_endpoint remote = ike_sa_remote(ep, sa);

    ike_sa_place(ep, sa, &(struct ip_endpoint){*to, ike_sa_local(ep, sa).port}, &remote);
}

static void remote_becomes(struct ike_endpoint *ep, struct ike_sa *sa, const struct ip_addr *to)
{
    struct ip_endpoint local = ike_sa_local(ep, sa);

    ike_sa_place(ep, sa, &local, &(struct ip_endpoint){*to, ike_sa_remote(ep, sa).port});
}

/* A handshake goes on from the new address: the responder takes it from there. The first message
 * has the old one in its hashes, so another is made. */
static void moved_early(struct ike_endpoint *ep, nsec now, struct ike_sa *sa,
                        const struct ip_addr *to)
{
    if (!mobike_wanted(ep) || !sa->initiator || !sa->half_open)
        return;
    local_becomes(ep, sa, to);
    if (sa->state == STATE_SA_INIT_SENT && exchange_start(ep, now, sa, KIND_SA_INIT, NULL) == OK)
        return;
    handshake_of(ep, sa)->moved = true;
    if (sa->state != STATE_AUTH_HELD) /* that request has its answer */
        ike_resend(ep, now, sa);
}

void mobike_moved(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, const struct ip_addr *to)
{
    struct mobike *m = mobike_of(ep, sa);

    if (!m) {
        moved_early(ep, now, sa, to);
        return;
    }
    local_becomes(ep, sa, to);
    /* §3.5: who may be behind a NAT by now had better encapsulate until he knows. */
    if (sa->caller && ike_sa_local(ep, sa).port == IKE_NATT_PORT &&
        !ep->store->config->mobike.no_nats)
        sa->natt = true;
    children_readdress(ep, sa);
    ike_resend(ep, now, sa);
    if (sa->state == STATE_REKEYED && sa->caller) {
        /* The peer may not have heard of the SA that took over, and asks where we were. */
        sa->wishes |= WISH_MOVE;
        ike_next(ep, now, sa);
    }
    if (sa->state != STATE_ESTABLISHED)
        return;            /* it is on its way out, and so are we through it */
    m->tell = !sa->caller; /* §3.6: who was called tells his addresses, and the other decides */
    sa->wishes |= sa->caller ? WISH_MOVE : WISH_LIVENESS;
    ike_next(ep, now, sa);
}

/* Addresses change places, so that none is lost; packets follow when the peer has taken the update.
 */
static bool next_address(struct ike_endpoint *ep, struct ike_sa *sa, struct mobike *m)
{
    struct ip_addr next;

    if (!sa->caller || sa->state != STATE_ESTABLISHED || m->tried >= m->address_count)
        return false;
    next = m->addresses[m->tried];
    m->addresses[m->tried++] = ike_sa_remote(ep, sa).addr;
    remote_becomes(ep, sa, &next);
    m->elsewhere = true;
    sa->wishes |= WISH_MOVE;
    return true;
}

/* §3.10, §3.11: what is in flight tests the other path. */
bool mobike_elsewhere(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct mobike *m = mobike_of(ep, sa);

    if (!m || !next_address(ep, sa, m))
        return false;
    ike_resend(ep, now, sa);
    return true;
}

static enum err create_move(struct step *s)
{
    struct mobike *m = mobike_of(s->ep, s->sa);
    struct ip_endpoint local = ike_sa_local(s->ep, s->sa), remote = ike_sa_remote(s->ep, s->sa);
    enum err e;

    m->update_id = s->sa->request_id;
    addresses_write(s, true);
    notify_add(s->out, NOTIFY_UPDATE_SA_ADDRESSES, BYTES_NONE);
    e = nat_write(s, &local, &remote);
    nats_write(s);
    if (m->elsewhere && s->ep->store->config->mobike.check != MOBIKE_CHECK_NEVER)
        cookie_write(s, m);
    return e;
}

static enum err end_for(struct step *s, enum sa_reason why)
{
    s->sa->reason = (uint8_t)why;
    s->end = true;
    return OK;
}

/* §3.7: the cookie of this request, if it had the newest. @return false: it came back wrong */
static bool cookie_kept(struct step *s, struct mobike *m)
{
    struct notify_payload n;

    if (m->asked != ASKED_SENT || s->outer->header.message_id != m->cookie_id)
        return true;
    m->asked = ASKED_NOT;
    if (notify_find(s->in, NOTIFY_COOKIE2, &n) &&
        bytes_equal(n.data, bytes_of(m->cookie, sizeof m->cookie)))
        return true;
    s->ep->store->counters.routability_failures++;
    return false;
}

/* §3.9: several times, as the addresses may have been changed by somebody on the way once. */
static enum err met_nat(struct step *s, struct mobike *m)
{
    if (m->attempts++ == ATTEMPTS_MAX)
        return end_for(s, REASON_ADDRESSES);
    s->sa->wishes |= WISH_MOVE;
    return OK;
}

/* RFC 7296 §2.25: the request was not executed, so the cookie in it does not come back either. */
static enum err too_early(struct step *s, struct mobike *m)
{
    mobike_unsaid(s->ep, s->sa, s->outer->header.message_id);
    if (s->sa->state != STATE_ESTABLISHED || s->outer->header.message_id != m->update_id)
        return OK;
    s->sa->wishes |= WISH_MOVE;
    ike_retry_later(s->ep, s->now, s->sa);
    return OK;
}

/* §3.5: nothing to be done for a response that a newer change has overtaken. */
static enum err consume_moved(struct step *s)
{
    struct ike_sa *sa = s->sa;
    struct mobike *m = mobike_of(s->ep, sa);
    struct notify_payload n;
    enum err e;

    if (notify_find(s->in, NOTIFY_TEMPORARY_FAILURE, &n))
        return too_early(s, m);
    if (!cookie_kept(s, m))
        return end_for(s, REASON_ROUTABILITY);
    if (sa->state != STATE_ESTABLISHED || sa->wishes & WISH_MOVE ||
        s->outer->header.message_id != m->update_id)
        return OK;
    if (notify_find(s->in, NOTIFY_UNEXPECTED_NAT_DETECTED, &n))
        return met_nat(s, m);
    m->attempts = 0;
    if (notify_find_error(s->in, &n)) /* UNACCEPTABLE_ADDRESSES, in general */
        return next_address(s->ep, sa, m) ? OK : end_for(s, REASON_ADDRESSES);
    e = heed_nats(s);
    if (e)
        return e;
    m->mapping = mapping_of(s);
    m->elsewhere = false;
    m->tried = 0;
    children_readdress(s->ep, sa);
    s->ep->store->counters.moves++;
    event_ike(s->ep, s->now, sa, (struct event_record){.kind = EVENT_MOVED});
    return OK;
}

static enum err give_up(struct step *s)
{
    s->ep->store->counters.dpd_failures++;
    if (s->sa->reason == REASON_NONE)
        s->sa->reason = REASON_DPD;
    s->end = true;
    return OK;
}

/* ---- the peer moves ---- */

bool mobike_is_update(const struct ike_sa *sa, const struct message_view *in)
{
    struct notify_payload n;

    return sa->mobike && notify_find(in, NOTIFY_UPDATE_SA_ADDRESSES, &n);
}

/* With a window above one requests may overtake each other (§3.5, §3.6). */
static bool newest(const struct step *s, struct mobike *m)
{
    uint32_t id = s->outer->header.message_id;

    if (id < m->heard_id)
        return false;
    m->heard_id = id + 1;
    return true;
}

static bool acceptable(const struct step *s)
{
    const struct ip_prefix *from = &s->ep->store->config->mobike.from;

    return from->addr.family == 0 || ip_prefix_contains(from, &s->dgram->remote.addr);
}

static enum err refuse(struct step *s, enum notify_type why)
{
    s->ep->store->counters.moves_refused++;
    notify_add(s->out, (uint16_t)why, BYTES_NONE);
    return OK;
}

/* The check is begun anew for each address: an answer to an older one may have come from there. */
static void check_address(struct step *s, struct mobike *m)
{
    m->asked = ASKED_DUE;
    s->sa->wishes |= WISH_LIVENESS;
}

/* What a rekey of the IKE SA has left behind still has a Delete to say. */
static void take_along(struct ike_endpoint *ep, nsec now, const struct ike_sa *sa,
                       const struct ip_endpoint *was)
{
    for (struct ike_sa *old = ike_sa_older(ep, sa); old; old = ike_sa_older(ep, old)) {
        struct ip_endpoint at = ike_sa_remote(ep, old);

        if (!old->mobike || old->state == STATE_ESTABLISHED || !ip_endpoint_equal(&at, was))
            continue;
        ike_sa_place_as(ep, old, sa);
        ike_resend(ep, now, old);
    }
}

/* §3.5: the IKE SA moves at once, so that the check itself goes there. */
static enum err take_addresses(struct step *s, struct mobike *m)
{
    enum mobike_check check = s->ep->store->config->mobike.check;
    struct ike_sa *sa = s->sa;
    struct ip_endpoint was = ike_sa_remote(s->ep, sa);
    bool elsewhere = !ip_endpoint_equal(&was, &s->dgram->remote);
    enum err e;

    ike_sa_place(s->ep, sa, &s->dgram->local, &s->dgram->remote);
    e = heed_nats(s);
    if (e)
        return e;
    if (elsewhere && check != MOBIKE_CHECK_NEVER)
        check_address(s, m);
    if (m->asked == ASKED_NOT || check != MOBIKE_CHECK_BEFORE)
        children_readdress(s->ep, sa);
    if (elsewhere) {
        ike_resend(s->ep, s->now, sa);
        take_along(s->ep, s->now, sa, &was);
        event_ike(s->ep, s->now, sa, (struct event_record){.kind = EVENT_PEER_MOVED});
    }
    return OK;
}

/* Where the IKE SA has been rekeyed meanwhile the update is said again in the one that is there;
 * one of which we do not know yet whether it will be that is too early (RFC 7296 §2.25). */
static enum err consume_move(struct step *s)
{
    struct ike_sa *sa = s->sa;
    struct mobike *m = mobike_of(s->ep, sa);

    if (sa->state == STATE_RIVAL)
        return step_refuse(s, NOTIFY_TEMPORARY_FAILURE);
    if (sa->caller || sa->state != STATE_ESTABLISHED || !newest(s, m))
        return OK;
    if (!nats_kept(s))
        return refuse(s, NOTIFY_UNEXPECTED_NAT_DETECTED);
    addresses_read(s, m);
    if (!acceptable(s))
        return refuse(s, NOTIFY_UNACCEPTABLE_ADDRESSES);
    return take_addresses(s, m);
}

/* ---- other INFORMATIONAL exchanges ---- */

/* §3.8: from behind a NAT, to see whether it still has the same place for us. */
enum err mobike_probe_write(struct step *s)
{
    struct mobike *m = mobike_of(s->ep, s->sa);
    struct ip_endpoint local = ike_sa_local(s->ep, s->sa), remote = ike_sa_remote(s->ep, s->sa);
    enum err e = OK;

    if (!m)
        return OK;
    if (s->sa->caller && s->sa->nat_local)
        e = nat_write(s, &local, &remote);
    if (m->tell)
        addresses_write(s, true);
    m->tell = false;
    if (m->asked == ASKED_DUE)
        cookie_write(s, m);
    return e;
}

/* What is not known to be the same is taken for another place; saying so once too often is
 * harmless. */
static void heed_mapping(struct step *s, struct mobike *m)
{
    uint64_t mapping = mapping_of(s);

    if (mapping && mapping != m->mapping && s->sa->caller && s->sa->state == STATE_ESTABLISHED)
        s->sa->wishes |= WISH_MOVE;
}

enum err mobike_probe_read(struct step *s)
{
    struct mobike *m = mobike_of(s->ep, s->sa);
    bool awaited;

    if (!m)
        return OK;
    awaited = m->asked == ASKED_SENT && s->outer->header.message_id == m->cookie_id;
    if (!cookie_kept(s, m))
        return end_for(s, REASON_ROUTABILITY);
    if (awaited)
        children_readdress(s->ep, s->sa);
    heed_mapping(s, m);
    return OK;
}

enum err mobike_answer(struct step *s)
{
    struct notify_payload n;

    if (!s->sa->mobike)
        return OK;
    if (notify_find(s->in, NOTIFY_COOKIE2, &n))
        notify_add(s->out, NOTIFY_COOKIE2, n.data);
    if (!notify_find(s->in, NOTIFY_NAT_DETECTION_SOURCE_IP, &n))
        return OK;
    return nat_write(s, &s->dgram->local, &s->dgram->remote);
}

/* §3.6: where the peer speaks from is one of its addresses, and the one it would be reached at. */
void mobike_addresses_heard(struct step *s)
{
    struct ike_sa *sa = s->sa;
    struct mobike *m = mobike_of(s->ep, sa);
    struct notify_payload n;
    struct ip_endpoint at;

    if (!m || (!notify_find(s->in, NOTIFY_ADDITIONAL_IP4_ADDRESS, &n) &&
               !notify_find(s->in, NOTIFY_ADDITIONAL_IP6_ADDRESS, &n) &&
               !notify_find(s->in, NOTIFY_NO_ADDITIONAL_ADDRESSES, &n)))
        return;
    if (!newest(s, m))
        return;
    addresses_read(s, m);
    at = ike_sa_remote(s->ep, sa);
    if (!sa->caller || sa->state != STATE_ESTABLISHED ||
        ip_addr_equal(&at.addr, &s->dgram->remote.addr))
        return;
    remote_becomes(s->ep, sa, &s->dgram->remote.addr);
    m->elsewhere = true;
    sa->wishes |= WISH_MOVE;
}

void mobike_heard(struct step *s)
{
    struct mobike *m = mobike_of(s->ep, s->sa);

    if (m && s->row->kind != KIND_MOVE)
        m->tried = 0; /* an update that was refused has found nothing yet */
}

bool mobike_expected(const struct ike_endpoint *ep, const struct ike_sa *sa,
                     const struct ike_dgram *in)
{
    struct ip_endpoint local = ike_sa_local(ep, sa), remote = ike_sa_remote(ep, sa);

    return !sa->mobike || (ip_addr_equal(&remote.addr, &in->remote.addr) &&
                           ip_addr_equal(&local.addr, &in->local.addr));
}

/* ---- a rekey of the IKE SA ---- */

static bool moving(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    return sa->wishes & WISH_MOVE || flight_of_kind(ep, sa, KIND_MOVE);
}

/* §3.8: hashes of the old SPIs tell nothing any more. What was asked of the old SA, or said in it
 * and not answered, is asked and said anew; a move is said in both, as long as the peer may not
 * have heard of the new one. */
void mobike_inherit(struct ike_endpoint *ep, struct ike_sa *old, struct ike_sa *next)
{
    const struct mobike *was = mobike_of(ep, old);
    struct mobike *m = mobike_of(ep, next);

    if (!m || !was)
        return;
    *m = *was;
    m->mapping = m->cookie_id = m->update_id = m->heard_id = 0;
    m->asked = was->asked == ASKED_NOT ? ASKED_NOT : ASKED_DUE;
    ike_sa_place_as(ep, next, old);
    next->natt = old->natt;
    next->nat_local = old->nat_local;
    next->nat_remote = old->nat_remote;
    if (moving(ep, old))
        next->wishes |= WISH_MOVE;
    if (m->asked != ASKED_NOT || m->tell)
        next->wishes |= WISH_LIVENESS;
}

/* ---- rows ---- */

#define ALIVE (FROM(ESTABLISHED) | FROM(REKEYED) | FROM(RIVAL) | FROM(DELETING))
#define NOT(states) ((uint16_t)(EVERY_STATE & ~(states)))

const struct exchange_row mobike_rows[] = {
    {2, FROM(ESTABLISHED) | FROM(REKEYED), KIND_MOVE, ROLE_START, 0, 0, create_move, 0, STAY, STAY,
     "RFC 4555 §3.5"},
    {2, ALIVE, KIND_MOVE, ROLE_ASKED, P(NOTIFY), P_ANY | HAS_ERROR | P(CP), consume_move, 0, STAY,
     STAY, "RFC 4555 §3.5"},
    {2, ALIVE, KIND_MOVE, ROLE_ANSWERED, 0, P_ANY | HAS_ERROR | P(CP), consume_moved, 0, STAY, STAY,
     "RFC 4555 §3.5"},
    {2, ALIVE, KIND_MOVE, ROLE_GIVEN_UP, 0, 0, give_up, 0, STAY, STAY, "RFC 7296 §2.4"},
    {2, NOT(FROM(ESTABLISHED) | FROM(REKEYED)), KIND_MOVE, ROLE_START, 0, 0, NULL, 0, STAY, STAY,
     "RFC 4555 §3.5"},
    {2, NOT(ALIVE), KIND_MOVE, ROLE_ASKED, 0, 0, NULL, 0, STAY, STAY, "RFC 7296 §1.4"},
    {2, NOT(ALIVE), KIND_MOVE, ROLE_ANSWERED, 0, 0, NULL, 0, STAY, STAY, "RFC 7296 §1.4"},
    {2, NOT(ALIVE), KIND_MOVE, ROLE_GIVEN_UP, 0, 0, NULL, 0, STAY, STAY, "RFC 7296 §2.4"},
};
const size_t mobike_row_count = sizeof mobike_rows / sizeof *mobike_rows;
