#include "proto/ike/complaint.h"

#include "proto/esp/sad.h"
#include "proto/ike/ike.h"
#include "proto/ip/udp.h"

static bool lately(nsec now, nsec at)
{
    return at && now - at < NSEC_PER_S;
}

/* ---- inside an IKE SA ---- */

/* It goes along with a liveness check: an INFORMATIONAL request that asks for nothing else. */
static void complain(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum notify_type notify,
                     uint32_t value)
{
    ep->rare->complaint =
        (struct complaint){.ike = ike_sa_ref(ep, sa), .notify = (uint16_t)notify, .value = value};
    (void)ike_wish_for(ep, now, sa, WISH_LIVENESS);
}

bool complaint_possible(const struct ike_endpoint *ep, nsec now, const struct ike_sa *sa)
{
    return ep->store->config->invalid_message_id && !lately(now, ep->rare->complained) &&
           sa->state == STATE_ESTABLISHED;
}

void complain_of_id(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, uint32_t id)
{
    if (!complaint_possible(ep, now, sa))
        return;
    ep->rare->complained = now ? now : 1;
    complain(ep, now, sa, NOTIFY_INVALID_MESSAGE_ID, id);
}

void complaint_write(struct step *s)
{
    struct complaint *c = s->ep->rare ? &s->ep->rare->complaint : NULL;
    uint8_t value[4];

    if (!c || !c->notify || !sa_equal(c->ike, ike_sa_ref(s->ep, s->sa)))
        return;
    store_be32(value, c->value);
    notify_add(s->out, c->notify, bytes_of(value, sizeof value));
    s->ep->store->counters.complaints_sent++;
    *c = (struct complaint){0};
}

void complaint_heard(struct step *s)
{
    struct notify_payload n;

    s->ep->store->counters.complaints_heard += notify_find(s->in, NOTIFY_INVALID_MESSAGE_ID, &n) ||
                                               notify_find(s->in, NOTIFY_INVALID_SPI, &n);
}

/* ---- outside ---- */

/* The established IKE SA with a peer; a port of 0 stands for any. Slots are walked in order, which
 * is seldom enough: at most once a second. */
static struct ike_sa *sa_with(const struct ike_endpoint *ep, const struct ip_endpoint *peer)
{
    for (uint32_t i = ike_sa_walk(ep, SA_INDEX_NONE); i != SA_INDEX_NONE; i = ike_sa_walk(ep, i)) {
        struct ike_sa *sa = pool_slot(&ep->store->ikes, i);
        struct ip_endpoint at = ike_sa_remote(ep, sa);

        if (sa->version == IKE_V2 && sa->state == STATE_ESTABLISHED &&
            ip_addr_equal(&at.addr, &peer->addr) && (!peer->port || at.port == peer->port))
            return sa;
    }
    return NULL;
}

/* §1.5: no IKE SPI would mean anything to the recipient; zero is allowed here and only here. */
static void complain_outside(struct ike_endpoint *ep, const struct ike_dgram *d, uint32_t spi)
{
    bool encapsulated = d->protocol == 17;
    struct ip_endpoint local = d->local, remote = d->remote;
    struct ike_header h = {.version = HEADER_VERSION_2,
                           .exchange = EXCHANGE_INFORMATIONAL,
                           .flags = HEADER_FLAG_INITIATOR};
    uint8_t storage[64], value[4];
    struct message_writer out;
    struct bytes message;

    store_be32(value, spi);
    message_begin(&out, (struct buf){storage, 0, sizeof storage}, &h);
    notify_add(&out, NOTIFY_INVALID_SPI, bytes_of(value, sizeof value));
    if (message_end(&out, &message) ||
        message.len + (encapsulated ? MESSAGE_MARKER : UDP_HEADER_LEN) > d->len)
        return;
    if (!encapsulated)
        local.port = remote.port = IKE_PORT;
    ep->store->counters.complaints_sent += outbox_reply(ep, message, &local, &remote);
}

void complain_of_spi(struct ike_endpoint *ep, nsec now, const struct ike_dgram *d)
{
    uint32_t spi = d->len >= 8 ? load_be32(d->data) : 0;
    struct ike_sa *sa;

    if (!ep->store->config->invalid_spi || lately(now, ep->rare->complained) || spi < SPI_MIN)
        return;
    ep->rare->complained =
        now ? now : 1; /* also where nothing is said: looking for an SA is work */
    sa = sa_with(ep, &d->remote);
    if (sa)
        complain(ep, now, sa, NOTIFY_INVALID_SPI, spi);
    else
        complain_outside(ep, d, spi);
}

bool complaint_rumoured(struct ike_endpoint *ep, nsec now, const struct ike_dgram *d,
                        const struct message_view *view)
{
    struct ip_endpoint anywhere = {d->remote.addr, 0};
    const struct ip_endpoint *from = d->local.port == IKE_NATT_PORT ? &d->remote : &anywhere;
    struct notify_payload n;
    struct ike_sa *sa;

    if (!ep->store->config->invalid_spi || view->header.exchange != EXCHANGE_INFORMATIONAL ||
        header_is_response(&view->header) || !notify_find(view, NOTIFY_INVALID_SPI, &n) ||
        n.data.len != 4)
        return false;
    ep->store->counters.complaints_heard++;
    if (lately(now, ep->rare->rumoured))
        return true;
    ep->rare->rumoured = now ? now : 1;
    sa = sa_with(ep, from);
    if (sa && child_by_peer_spi(ep, sa, load_be32(n.data.data)))
        (void)ike_wish_for(ep, now, sa, WISH_LIVENESS);
    return true;
}
