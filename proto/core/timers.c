/* One slot per timer kind in each SA; the earliest of an SA's slots, or of its parked requests, is
 * its deadline in the queue. */
#include "proto/core/internal.h"

static nsec earliest(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    uint32_t id;
    nsec at = flight_due(ep, sa, &id);

    for (int i = 0; i < IKE_TIMER_COUNT; i++)
        at = nsec_min(at, sa->timers[i]);
    return at;
}

void ike_timer_arm(struct ike_endpoint *ep, struct ike_sa *sa, enum ike_timer timer, nsec at)
{
    if (sa->timers[timer] == at)
        return;
    sa->timers[timer] = at;
    ike_timers_again(ep, sa);
}

void ike_timers_again(struct ike_endpoint *ep, struct ike_sa *sa)
{
    timerq_arm(&ep->timers, ike_sa_index(ep, sa), earliest(ep, sa));
}

void ike_timers_cancel(struct ike_endpoint *ep, struct ike_sa *sa)
{
    for (int i = 0; i < IKE_TIMER_COUNT; i++)
        sa->timers[i] = NSEC_NEVER;
    timerq_cancel(&ep->timers, ike_sa_index(ep, sa));
}

void child_timers_arm(struct ike_endpoint *ep, struct child_sa *c, nsec soft, nsec hard)
{
    c->soft = soft;
    c->hard = hard;
    timerq_arm(&ep->timers, ep->ikes.capacity + child_sa_handle(ep, c).index, nsec_min(soft, hard));
}
