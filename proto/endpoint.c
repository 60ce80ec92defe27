/*
 * The public surface over the rooms of proto: tells ESP from IKE, and sends messages to the version
 * that speaks them. Making and freeing is in endpoint_store.c.
 */
#include "proto/endpoint.h"

#include "proto/core/internal.h"
#include "proto/core/responses.h"
#include "proto/esp/encap.h"
#include "proto/esp/esp.h"
#include "proto/ike/asked.h"
#include "proto/ike/cookie.h"
#include "proto/ike/ike.h"
#include "proto/ike/mobike.h"
#include "proto/ike/qcd.h"
#include "proto/ikev1/ikev1.h"
#include "proto/wire/header.h"

/* ---- which version ---- */

static bool is_v1(const struct ike_sa *sa)
{
    return sa->version == IKE_V1;
}

static bool answers(const struct ike_config *c, enum ike_version version)
{
    return c->answers ? c->answers >> version & 1 : version == IKE_V2;
}

/* The version octet of its header (RFC 7296 §3.1); 0: it has none. */
static unsigned major_of(struct bytes message)
{
    enum { VERSION_AT = 17 };

    return message.len > VERSION_AT ? message.data[VERSION_AT] >> 4 : 0;
}

/* Somebody wants to begin with IKEv2 or something later, and we do not answer that; nor where users
 * have to be known: it has no XAUTH, and phase 1 may be proven with what a whole group knows. */
static bool unwanted(const struct ike_endpoint *ep, struct bytes message)
{
    const struct ike_config *c = ep->store->config;
    struct ike_header h;

    return (!answers(c, IKE_V2) || c->xauth.role != XAUTH_NONE) && header_read(message, &h) == OK &&
           (h.exchange == EXCHANGE_IKE_SA_INIT || header_major(&h) > 2) && !header_is_response(&h);
}

static void forget(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    if (is_v1(sa))
        v1_remove(ep, now, sa, REASON_CRASH);
    else
        ike_remove(ep, now, sa, REASON_CRASH);
}

void ike_endpoint_crash(struct ike_endpoint *ep, nsec now)
{
    message_drop(&ep->store->messages, &ep->store->reply.message);
    ep->store->reply.waiting = false;
    cookie_forget(ep);
    if (ep->store->config->qcd_forgets)
        qcd_start(ep);
    for (uint32_t i = ike_sa_walk(ep, SA_INDEX_NONE); i != SA_INDEX_NONE; i = ike_sa_walk(ep, i))
        forget(ep, now, pool_slot(&ep->store->ikes, i));
}

/* ---- IKE ---- */

static void begin_call(struct ike_endpoint *ep, nsec now)
{
    responses_age(ep, now);
    if (!ep->store->reply.waiting)
        message_drop(&ep->store->messages, &ep->store->reply.message);
}

enum err ike_endpoint_initiate(struct ike_endpoint *ep, nsec now, const struct ike_remote *remote,
                               struct sa_ref *out)
{
    begin_call(ep, now);
    if (ep->store->config->version == IKE_V1)
        return v1_initiate(ep, now, remote, out);
    return ike_initiate(ep, now, remote, out);
}

bool ike_dgram_is_esp(const struct ike_dgram *d)
{
    if (d->protocol == 50)
        return true;
    return d->local.port == IKE_NATT_PORT && encap_classify(bytes_of(d->data, d->len)) == ENCAP_ESP;
}

/* The IKE message in a datagram: behind the non-ESP marker on port 4500 (RFC 7296 §2.23). */
static bool ike_message_in(const struct ike_dgram *d, struct bytes *message)
{
    *message = bytes_of(d->data, d->len);
    if (d->protocol != 17)
        return false;
    if (d->local.port != IKE_NATT_PORT)
        return true;
    if (encap_classify(*message) != ENCAP_IKE)
        return false;
    message->data += ENCAP_MARKER_LEN;
    message->len -= ENCAP_MARKER_LEN;
    return true;
}

enum err ike_endpoint_receive(struct ike_endpoint *ep, nsec now, const struct ike_dgram *d)
{
    struct bytes message;

    begin_call(ep, now);
    if (d->local.port == IKE_NATT_PORT &&
        encap_classify(bytes_of(d->data, d->len)) == ENCAP_KEEPALIVE)
        return OK; /* RFC 3948 §2.3: no answer, no sign of life */
    if (!ike_message_in(d, &message)) {
        drop_count(ep, IKE_DROP_MALFORMED);
        return ERR_SYNTAX;
    }
    if (ep->store->v1 && major_of(message) == IKE_V1)
        return v1_receive(ep, now, d, message);
    if (unwanted(ep, message)) {
        drop_count(ep, IKE_DROP_VERSION);
        if (answers(ep->store->config, IKE_V1))
            v1_refuse_version(ep, now, d, message);
        return ERR_VERSION;
    }
    return ike_receive(ep, now, d, message);
}

enum err ike_endpoint_answer(struct ike_endpoint *ep, nsec now, uint32_t request,
                             const struct ike_answer *answer)
{
    begin_call(ep, now);
    return ike_answered(ep, now, request, answer->granted);
}

static void timer_fired(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    if (is_v1(sa))
        v1_timer_fired(ep, now, sa);
    else
        ike_timer_fired(ep, now, sa);
}

static void timer_of_child(struct ike_endpoint *ep, nsec now, struct child_sa *c)
{
    if (is_v1(child_sa_ike(ep, c)))
        v1_child_timer_fired(ep, now, c);
    else
        child_timer_fired(ep, now, c);
}

void ike_endpoint_expire(struct ike_endpoint *ep, nsec now)
{
    struct ike_due due;

    begin_call(ep, now);
    while ((due = ike_timers_take(ep, now)).what != DUE_NOTHING) {
        if (due.what == DUE_JOINING)
            joining_expire(ep, now);
        else if (due.what == DUE_IKE)
            timer_fired(ep, now, pool_slot(&ep->store->ikes, due.index));
        else
            timer_of_child(ep, now, child_sa_by_index(ep, due.index));
    }
}

static enum err wish(struct ike_endpoint *ep, nsec now, struct sa_ref ref, enum ike_wish what)
{
    struct ike_sa *sa = ike_sa_at(ep, ref.handle);

    begin_call(ep, now);
    if (!sa)
        return ERR_STATE;
    return is_v1(sa) ? v1_wish_for(ep, now, sa, what) : ike_wish_for(ep, now, sa, what);
}

enum err ike_endpoint_rekey_ike(struct ike_endpoint *ep, nsec now, struct sa_ref ike)
{
    return wish(ep, now, ike, WISH_REKEY);
}

enum err ike_endpoint_new_child(struct ike_endpoint *ep, nsec now, struct sa_ref ike)
{
    return wish(ep, now, ike, WISH_CHILD);
}

enum err ike_endpoint_reauthenticate(struct ike_endpoint *ep, nsec now, struct sa_ref ike)
{
    return wish(ep, now, ike, WISH_REAUTH);
}

enum err ike_endpoint_terminate(struct ike_endpoint *ep, nsec now, struct sa_ref ike)
{
    return wish(ep, now, ike, WISH_DELETE);
}

enum err ike_endpoint_probe(struct ike_endpoint *ep, nsec now, struct sa_ref ike)
{
    return wish(ep, now, ike, WISH_LIVENESS);
}

void ike_endpoint_moved(struct ike_endpoint *ep, nsec now, const struct ip_addr *before,
                        const struct ip_addr *now_at)
{
    begin_call(ep, now);
    for (uint32_t i = ike_sa_walk(ep, SA_INDEX_NONE); i != SA_INDEX_NONE; i = ike_sa_walk(ep, i)) {
        struct ike_sa *sa = pool_slot(&ep->store->ikes, i);
        struct ip_endpoint local = ike_sa_local(ep, sa);

        if (is_v1(sa)) /* it has no MOBIKE, and stays where it is */
            continue;
        if (before->family == 0 || ip_addr_equal(&local.addr, before))
            mobike_moved(ep, now, sa, now_at);
    }
}

static enum err wish_of_child(struct ike_endpoint *ep, nsec now, struct sa_ref ref, bool rekey)
{
    struct child_sa *c = child_sa_at(ep, ref.handle);

    begin_call(ep, now);
    if (!c)
        return ERR_STATE;
    return is_v1(child_sa_ike(ep, c)) ? v1_child_wish_for(ep, now, c, rekey)
                                      : child_wish_for(ep, now, c, rekey);
}

enum err ike_endpoint_rekey_child(struct ike_endpoint *ep, nsec now, struct sa_ref child)
{
    return wish_of_child(ep, now, child, true);
}

enum err ike_endpoint_new_child_for(struct ike_endpoint *ep, nsec now, struct sa_ref ref,
                                    struct bytes packet)
{
    struct ike_sa *sa = ike_sa_at(ep, ref.handle);

    begin_call(ep, now);
    if (!sa)
        return ERR_STATE;
    return is_v1(sa) ? v1_ask_for(ep, now, sa, packet) : ike_ask_for(ep, now, sa, packet);
}

enum err ike_endpoint_delete_child(struct ike_endpoint *ep, nsec now, struct sa_ref child)
{
    return wish_of_child(ep, now, child, false);
}

bool ike_endpoint_transmit(struct ike_endpoint *ep, struct ike_dgram *out)
{
    return outbox_next(ep, out);
}

bool ike_endpoint_next_event(struct ike_endpoint *ep, struct ike_event *out)
{
    return event_next(&ep->store->events, out);
}

/* A child that is gone by now took its timers with it. */
bool ike_endpoint_next_timer(struct ike_endpoint *ep, struct timer_event *out)
{
    while (timer_log_next(&ep->store->timer_log, out)) {
        const struct child_sa *c = child_sa_at(ep, out->child.handle);

        if (sa_none(out->child))
            return true;
        if (!c || !child_esp(ep, c))
            continue;
        out->spi_in = child_esp(ep, c)->spi_in;
        return true;
    }
    return false;
}

nsec ike_endpoint_deadline(const struct ike_endpoint *ep)
{
    return ike_timers_deadline(ep);
}

const struct ike_counters *ike_endpoint_counters(const struct ike_endpoint *ep)
{
    return &ep->store->counters;
}
