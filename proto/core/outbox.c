/*
 * What waits to be sent: IKE SAs in a list by pool index, each with a set of things to send. An SA
 * sends its response first, then its request, then a keepalive; of several requests in flight
 * (window.h) the oldest first. The list cannot overflow.
 */
#include "base/assert.h"
#include "proto/core/internal.h"

static struct ike_sa *at_index(const struct ike_endpoint *ep, uint32_t index)
{
    struct ike_sa *sa = pool_slot(&ep->store->ikes, index);

    ASSERT(sa);
    return sa;
}

void outbox_add(struct ike_endpoint *ep, struct ike_sa *sa, enum pending_send what)
{
    uint32_t index = ike_sa_index(ep, sa);
    bool linked = sa->sends != 0;

    sa->sends |= what;
    if (linked)
        return;
    sa->out_next = SA_INDEX_NONE;
    if (ep->out_head == SA_INDEX_NONE)
        ep->out_head = index;
    else
        at_index(ep, ep->out_tail)->out_next = index;
    ep->out_tail = index;
}

void outbox_remove(struct ike_endpoint *ep, struct ike_sa *sa)
{
    uint32_t self = ike_sa_index(ep, sa), before = SA_INDEX_NONE, at = ep->out_head;

    if (!sa->sends)
        return;
    while (at != self) {
        before = at;
        at = at_index(ep, at)->out_next;
    }
    if (before == SA_INDEX_NONE)
        ep->out_head = sa->out_next;
    else
        at_index(ep, before)->out_next = sa->out_next;
    if (ep->out_tail == self)
        ep->out_tail = before;
    sa->sends = 0;
    sa->out_next = SA_INDEX_NONE;
}

void outbox_cancel(struct ike_endpoint *ep, struct ike_sa *sa, enum pending_send what)
{
    if (sa->sends == what)
        outbox_remove(ep, sa);
    else
        sa->sends &= (uint8_t)~what;
}

void outbox_respond_to(struct ike_endpoint *ep, const struct ike_sa *sa,
                       const struct ike_dgram *dgram)
{
    ep->store->response_of = ike_sa_ref(ep, sa);
    ep->store->response_to = dgram->remote;
    ep->store->response_from = dgram->local;
}

/* Everything on port 4500 has the marker (RFC 7296 §2.23). @return whether the message is out: one
 * in fragments takes a call for each (RFC 7383 §2.5) */
static bool message_out(struct ike_endpoint *ep, struct message_ref ref, struct ike_dgram *out)
{
    bool marker =
        out->local.port == IKE_NATT_PORT && !(ep->store->config->quirks & QUIRK_NO_MARKER);
    struct buf datagram;
    bool last = message_datagram(&ep->store->messages, ref, marker, &datagram);

    out->protocol = 17;
    out->data = datagram.data;
    out->len = datagram.len;
    meter_work(ep, METER_MESSAGE_SENT, datagram.len - (marker ? MESSAGE_MARKER : 0));
    return last;
}

/* @return which of `sends` has been done with it */
static uint8_t response_out(struct ike_endpoint *ep, const struct ike_sa *sa, struct ike_dgram *out)
{
    *out = (struct ike_dgram){
        .local = ike_sa_local(ep, sa), .remote = ike_sa_remote(ep, sa), .kind = DGRAM_RESPONSE};
    if (sa_equal(ep->store->response_of, ike_sa_ref(ep, sa))) {
        /* RFC 7296 §2.11: a response goes to where the request came from. */
        out->local = ep->store->response_from;
        out->remote = ep->store->response_to;
    }
    return message_out(ep, response_of(ep, sa), out) ? SEND_RESPONSE : 0;
}

/* @return which of `sends` has been done with it */
static uint8_t request_out(struct ike_endpoint *ep, const struct ike_sa *sa, struct ike_dgram *out)
{
    struct parked_exchange *p = flight_to_send(ep, sa);
    bool parked = p && !(sa->sends & SEND_REQUEST && sa->request_id < p->id);

    *out = (struct ike_dgram){.local = ike_sa_local(ep, sa),
                              .remote = ike_sa_remote(ep, sa),
                              .kind = DGRAM_REQUEST,
                              .transmission = parked ? p->tries : sa->tries};
    if (!message_out(ep, parked ? p->request : sa->request, out))
        return 0;
    if (!parked)
        return SEND_REQUEST;
    p->send = false;
    return flight_to_send(ep, sa) ? 0 : SEND_PARKED;
}

/* RFC 3948 §2.3: one byte of 0xff. */
static void keepalive_out(const struct ike_endpoint *ep, const struct ike_sa *sa,
                          struct ike_dgram *out)
{
    static uint8_t keepalive = 0xff;

    *out = (struct ike_dgram){.local = ike_sa_local(ep, sa),
                              .remote = ike_sa_remote(ep, sa),
                              .protocol = 17,
                              .data = &keepalive,
                              .len = 1,
                              .kind = DGRAM_KEEPALIVE};
}

static void send_one(struct ike_endpoint *ep, struct ike_sa *sa, struct ike_dgram *out)
{
    uint8_t what = sa->sends & -sa->sends; /* lowest bit first */

    if (what == SEND_RESPONSE)
        what = response_out(ep, sa, out);
    else if (what == SEND_REQUEST || what == SEND_PARKED)
        what = request_out(ep, sa, out);
    else
        keepalive_out(ep, sa, out);
    if (sa->sends == what)
        outbox_remove(ep, sa);
    else
        sa->sends &= (uint8_t)~what;
}

bool outbox_reply(struct ike_endpoint *ep, struct bytes message, const struct ip_endpoint *local,
                  const struct ip_endpoint *remote)
{
    struct stateless_reply *reply = &ep->store->reply;

    message_drop(&ep->store->messages, &reply->message);
    reply->waiting = message_keep(&ep->store->messages, message, &reply->message) == OK;
    reply->local = *local;
    reply->remote = *remote;
    return reply->waiting;
}

static bool reply_next(struct ike_endpoint *ep, struct ike_dgram *out)
{
    struct stateless_reply *reply = &ep->store->reply;

    if (!reply->waiting)
        return false;
    *out =
        (struct ike_dgram){.local = reply->local, .remote = reply->remote, .kind = DGRAM_RESPONSE};
    (void)message_out(ep, reply->message, out); /* never in fragments */
    reply->waiting = false;                     /* the bytes stay until the next call */
    return true;
}

bool outbox_next(struct ike_endpoint *ep, struct ike_dgram *out)
{
    if (reply_next(ep, out))
        return true;
    if (ep->out_head == SA_INDEX_NONE)
        return false;
    send_one(ep, at_index(ep, ep->out_head), out);
    return true;
}

void event_ike(struct ike_endpoint *ep, nsec now, const struct ike_sa *sa, struct event_record e)
{
    /* What a caller leaves out is zero, and no handle in use has generation 0. */
    if (!e.child.handle.generation)
        e.child = SA_NONE;
    if (!e.other.handle.generation)
        e.other = SA_NONE;
    e.at = now;
    e.ike = ike_sa_ref(ep, sa);
    e.version = sa->version;
    e.initiator = sa->initiator;
    e.spi_i = sa->spi_i;
    e.spi_r = sa->spi_r;
    event_put(&ep->store->events, &e);
}
