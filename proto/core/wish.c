#include "proto/core/wish.h"

#include "proto/core/child.h"

bool ike_wish_take(struct ike_sa *sa, enum ike_wish wish)
{
    bool wished = sa->wishes & wish;

    sa->wishes &= (uint8_t)~wish;
    return wished;
}

bool ike_wish_child(struct ike_sa *sa)
{
    if (sa->new_wishes == UINT8_MAX)
        return false;
    sa->new_wishes += (sa->wishes & WISH_CHILD) != 0;
    sa->wishes |= WISH_CHILD;
    return true;
}

bool ike_wish_child_take(struct ike_sa *sa)
{
    if (!sa->new_wishes)
        return ike_wish_take(sa, WISH_CHILD);
    sa->new_wishes--;
    return true;
}

static struct ike_sa *child_expire(struct ike_endpoint *ep, nsec now, struct child_sa *c)
{
    struct ike_sa *sa = child_sa_ike(ep, c);

    if (c->state == CHILD_LINGERING || sa->state != STATE_ESTABLISHED) {
        child_remove(ep, now, c, REASON_REKEYED);
        return NULL;
    }
    if (c->reason == REASON_NONE && !c->wish_delete) /* else it was to go anyway */
        c->reason = child_sa_at(ep, c->successor) ? REASON_REKEYED : REASON_EXPIRED;
    child_stop(ep, c);
    c->wish_delete = true;
    return sa;
}

struct ike_sa *child_timer_wish(struct ike_endpoint *ep, nsec now, struct child_sa *c)
{
    meter_work(ep, METER_TIMER_FIRED, 0);
    if (child_timers_fire(ep, now, c))
        return child_expire(ep, now, c);
    if (child_live(c))
        c->wish_rekey = true;
    return child_sa_ike(ep, c);
}
