/*
 * A received IKEv1 message, from datagram to exchange: which SA, which kind (RFC 2408 §3.1, §5.2).
 * There is no flag for who sent it: the cookies tell.
 */
#include "base/assert.h"
#include "base/digest.h"
#include "proto/core/flood.h"
#include "proto/ikev1/exchanges.h"
#include "proto/ikev1/joining.h"

/* Ours is the responder's cookie, or else the initiator's, which stands alone in our first message.
 */
static struct ike_sa *addressee(const struct ike_endpoint *ep, const struct ike_header *h)
{
    struct ike_sa *sa = ike_sa_by_spi(ep, h->spi_r);

    if (sa && !sa->initiator && sa->version == IKE_V1 && sa->spi_i == h->spi_i)
        return sa;
    sa = ike_sa_by_spi(ep, h->spi_i);
    if (!sa || !sa->initiator || sa->version != IKE_V1)
        return NULL;
    return sa->state == STATE_V1_ASKED || sa->spi_r == h->spi_r ? sa : NULL;
}

static bool is_phase1(uint8_t exchange)
{
    return exchange == V1_EXCHANGE_MAIN || exchange == V1_EXCHANGE_AGGRESSIVE;
}

static enum err dropped(struct step *s, enum ike_drop why, enum err e)
{
    drop_count(s->ep, why);
    return e;
}

static enum err receive_whole(struct step *s)
{
    if (is_phase1(s->header.exchange))
        return v1_phase1_heard(s);
    if (s->header.exchange == V1_EXCHANGE_QUICK)
        return v1_quick_heard(s);
    if (s->header.exchange == V1_EXCHANGE_INFORMATIONAL)
        return v1_info_heard(s);
    if (s->header.exchange == V1_EXCHANGE_TRANSACTION)
        return v1_transaction_heard(s);
    return dropped(s, IKE_DROP_UNEXPECTED, ERR_STATE);
}

static enum err receive_fragment(struct step *s)
{
    struct v1_joined joined;
    enum err e = v1_fragment_take(s->ep, s->now, s->sa, s->message, &joined);

    if (e != OK || joined.len == 0)
        return e;
    s->message = bytes_of(joined.message, joined.len);
    s->digest = digest_of(joined.message, joined.len, 0) | 1;
    meter_work(s->ep, METER_PAYLOAD_PARSED, joined.len);
    if (header_read(s->message, &s->header))
        ASSERT(!"what is joined has a header");
    return receive_whole(s);
}

static enum err receive_for_sa(struct step *s)
{
    s->sa = addressee(s->ep, &s->header);
    if (!s->sa)
        return dropped(s, IKE_DROP_NO_SA, ERR_NO_SA);
    if (s->sa->state == STATE_CLOSED)
        return dropped(s, IKE_DROP_UNEXPECTED, ERR_STATE);
    return v1_fragment_is(&s->header) ? receive_fragment(s) : receive_whole(s);
}

enum err v1_receive(struct ike_endpoint *ep, nsec now, const struct ike_dgram *dgram,
                    struct bytes message)
{
    uint8_t storage[MESSAGE_MAX];
    struct step s = {.ep = ep,
                     .now = now,
                     .dgram = dgram,
                     .message = message,
                     .digest = digest_of(message.data, message.len, 0) | 1,
                     .out = {storage, 0, sizeof storage}};

    meter_work(ep, METER_MESSAGE_RECEIVED, message.len);
    if (header_read(message, &s.header) || s.header.length != message.len)
        return dropped(&s, IKE_DROP_MALFORMED, ERR_LENGTH);
    meter_work(ep, METER_PAYLOAD_PARSED, message.len);
    if (is_phase1(s.header.exchange) && s.header.spi_r == 0)
        return v1_phase1_asked(&s);
    return receive_for_sa(&s);
}

void v1_refuse_version(struct ike_endpoint *ep, nsec now, const struct ike_dgram *dgram,
                       struct bytes message)
{
    struct step s = {.ep = ep,
                     .now = now,
                     .dgram = dgram,
                     .message = message,
                     .digest = digest_of(message.data, message.len, 0) | 1};

    if (header_read(message, &s.header) == OK && flood_version_said(ep, now))
        v1_refuse(&s, V1_NOTIFY_INVALID_MAJOR_VERSION);
}
