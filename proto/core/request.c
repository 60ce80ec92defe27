#include "proto/core/request.h"

#include "proto/core/retransmit.h"

nsec request_delay(struct ike_endpoint *ep, uint8_t tries)
{
    const struct retransmit_config *c = &ep->store->config->retransmit;
    struct rng r;
    nsec delay;

    if (!c->jitter_ppm)
        return retransmit_interval(c, tries); /* naming a stream takes time */
    r = ike_stream(ep, STREAM_RETRANSMIT);
    delay = retransmit_delay(c, tries, &r);
    ike_drew(ep, STREAM_RETRANSMIT, &r);
    return delay;
}

void request_send(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    nsec wait = request_delay(ep, sa->tries);

    sa->last_sent = now;
    outbox_add(ep, sa, SEND_REQUEST);
    ike_timer_arm(ep, sa, TIMER_RETRANSMIT, nsec_add(now, wait));
}

void request_send_again(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    sa->tries++;
    ep->store->counters.retransmissions++;
    event_ike(ep, now, sa, (struct event_record){.kind = EVENT_RETRANSMIT, .count = sa->tries});
    request_send(ep, now, sa);
}

/* strongSwan waits 10 to 30 s. */
nsec rekey_again_at(struct ike_endpoint *ep, nsec now)
{
    return nsec_add(now, 30 * NSEC_PER_S - ike_draw_below(ep, STREAM_RETRANSMIT, 20 * NSEC_PER_S));
}
