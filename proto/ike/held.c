#include "proto/ike/held.h"

#include "base/assert.h"
#include "proto/ike/ike.h"

#define PATIENCE (30 * NSEC_PER_S) /* where the configuration has no limit for handshakes */

bool held_wanted(const struct step *s, payload_set payloads)
{
    uint8_t state = s->sa->state;

    return s->ep->store->config->auth.look_up && !s->decided && (payloads & P(AUTH)) &&
           (s->sa->initiator ? state == STATE_AUTH_SENT : state == STATE_SA_INIT_DONE);
}

enum err held_keep(struct step *s, uint32_t digest)
{
    struct ike_endpoint *ep = s->ep;
    uint32_t request = ++ep->requests ? ep->requests : ++ep->requests;
    struct message_ref message;
    struct held_auth *held;
    enum err e = message_keep(&ep->store->messages, s->in->datagram, &message);

    if (e == OK)
        e = ike_sa_asks(ep, s->sa, request);
    if (e) {
        message_drop(&ep->store->messages, &message);
        return e;
    }
    held = handshake_hold(ep, handshake_of(ep, s->sa));
    held->message = message;
    held->request = request;
    held->digest = digest;
    held->first_payload = s->in->payloads[0].type; /* of SK, or of the first fragment */
    held->local = s->dgram->local;
    held->remote = s->dgram->remote;
    exchange_enter(ep, s->now, s->sa, KIND_AUTH, ROLE_HELD);
    return OK;
}

/* §2.23: behind a NAT the peer may be elsewhere by now, and its answer belongs there. */
void held_repeated(struct step *s, uint32_t digest)
{
    struct held_auth *held = handshake_held(s->ep, handshake_of(s->ep, s->sa));

    if (digest != held->digest)
        return;
    held->local = s->dgram->local;
    held->remote = s->dgram->remote;
}

/* The request in flight has its answer: it is not sent again, but it is not done either. */
enum err held_ask(struct step *s)
{
    struct ike_endpoint *ep = s->ep;
    nsec limit = ep->store->config->half_open_time;

    if (s->sa->initiator) {
        outbox_cancel(ep, s->sa, SEND_REQUEST);
        ike_timer_arm(ep, s->sa, TIMER_RETRANSMIT, NSEC_NEVER);
    }
    if (ike_timer_at(ep, s->sa, TIMER_EXPIRE) ==
        NSEC_NEVER) /* a responder counts from IKE_SA_INIT */
        ike_timer_arm(ep, s->sa, TIMER_EXPIRE, nsec_add(s->now, limit ? limit : PATIENCE));
    event_ike(ep, s->now, s->sa,
              (struct event_record){.kind = EVENT_REQUEST,
                                    .count = handshake_held(ep, handshake_of(ep, s->sa))->request});
    return OK;
}

static struct ike_header header_of(const struct ike_sa *sa)
{
    struct ike_header h = {
        .spi_i = sa->spi_i,
        .spi_r = sa->spi_r,
        .version = HEADER_VERSION_2,
        .exchange = EXCHANGE_IKE_AUTH,
        .message_id = sa->initiator ? sa->request_id : sa->expected_id,
        .flags = sa->initiator ? HEADER_FLAG_RESPONSE : HEADER_FLAG_INITIATOR,
    };

    return h;
}

void held_decide(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, bool granted)
{
    struct handshake *hs = handshake_of(ep, sa);
    struct held_auth held = *handshake_held(ep, hs);
    struct ike_dgram dgram = {.local = held.local, .remote = held.remote, .protocol = 17};
    struct message_view outer = {.header = header_of(sa)}, inner;
    struct step s = {.ep = ep,
                     .sa = sa,
                     .now = now,
                     .dgram = &dgram,
                     .outer = &outer,
                     .in = &inner,
                     .decided = true,
                     .denied = !granted};

    ike_timer_arm(ep, sa, TIMER_EXPIRE, NSEC_NEVER);
    /* The handshake and with it the slot go while the message is consumed: it is ours now. */
    handshake_held(ep, hs)->message = (struct message_ref){0};
    handshake_unhold(ep, hs);
    if (payload_chain_read(message_at(&ep->store->messages, held.message), held.first_payload,
                           &inner))
        ASSERT(!"it was read when it came");
    inner.header = outer.header;
    (void)ike_consume_held(&s, held.digest);
    message_drop(&ep->store->messages, &held.message);
}
