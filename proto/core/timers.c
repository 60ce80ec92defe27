/*
 * One timer of each kind in each SA; the earliest of them, or of its parked requests, is its
 * deadline in the queue. Few are armed at a time, and their deadlines are in the record; for as
 * long as there are more, all are in a slot of their own. What becomes of a timer is told to who
 * asked for that.
 */
#include "base/assert.h"
#include "proto/core/internal.h"

#include <string.h>

static bool armed(const struct ike_sa *sa, enum ike_timer timer)
{
    return sa->timers >> timer & 1;
}

/* Processors that every build is for need not count bits; a library would. */
static unsigned armed_before(const struct ike_sa *sa, unsigned timer)
{
    unsigned set = sa->timers & ((1u << timer) - 1);

    _Static_assert(IKE_TIMER_COUNT <= 6, "four by a table of nibbles, two beside it");
    return (unsigned)(UINT64_C(0x4332322132212110) >> 4 * (set & 15) & 15) + (set >> 4 & 1) +
           (set >> 5);
}

/* Whether so many are in a slot of their own. */
static bool outside(const struct ike_sa *sa)
{
    return armed_before(sa, IKE_TIMER_COUNT) > TIMERS_INSIDE;
}

/* Where the deadline of a timer is that is armed. */
static const nsec *place_of(const struct ike_endpoint *ep, const struct ike_sa *sa,
                            enum ike_timer timer)
{
    const struct ike_timers *clock;

    if (!outside(sa))
        return &sa->inside[armed_before(sa, timer)];
    clock = pool_slot(&ep->store->clocks, sa->clock);
    return &clock->at[timer];
}

nsec ike_timer_at(const struct ike_endpoint *ep, const struct ike_sa *sa, enum ike_timer timer)
{
    return armed(sa, timer) ? *place_of(ep, sa, timer) : NSEC_NEVER;
}

static nsec earliest(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    uint32_t id, count = armed_before(sa, IKE_TIMER_COUNT);
    nsec at = flight_due(ep, sa, &id);

    if (count <= TIMERS_INSIDE)
        for (unsigned i = 0; i < count; i++)
            at = nsec_min(at, sa->inside[i]);
    else
        for (unsigned i = 0; i < IKE_TIMER_COUNT; i++)
            at = nsec_min(at, ike_timer_at(ep, sa, (enum ike_timer)i));
    return at;
}

/* The armed timers become these, whose deadlines are in `at`. */
static void rearrange(struct ike_endpoint *ep, struct ike_sa *sa, unsigned timers,
                      const nsec at[IKE_TIMER_COUNT])
{
    bool before = outside(sa);
    struct ike_timers *clock;
    struct handle h;

    sa->timers = timers & ((1u << IKE_TIMER_COUNT) - 1);
    if (before && !outside(sa))
        pool_give(&ep->store->clocks, pool_handle(&ep->store->clocks, sa->clock));
    if (!outside(sa)) {
        for (unsigned i = 0; i < IKE_TIMER_COUNT; i++)
            if (armed(sa, (enum ike_timer)i))
                sa->inside[armed_before(sa, i)] = at[i];
        return;
    }
    if (before) {
        clock = pool_slot(&ep->store->clocks, sa->clock);
    } else {
        clock = pool_take(&ep->store->clocks, &h);
        sa->clock = h.index;
    }
    ASSERT(clock); /* as many as IKE SAs */
    memcpy(clock->at, at, sizeof clock->at);
}

static void put(struct ike_endpoint *ep, struct ike_sa *sa, enum ike_timer timer, nsec at)
{
    nsec all[IKE_TIMER_COUNT];

    if (armed(sa, timer) == (at != NSEC_NEVER)) {
        if (at != NSEC_NEVER)
            *(nsec *)place_of(ep, sa, timer) = at;
        return;
    }
    for (unsigned i = 0; i < IKE_TIMER_COUNT; i++)
        all[i] = ike_timer_at(ep, sa, (enum ike_timer)i);
    all[timer] = at;
    rearrange(ep, sa, sa->timers ^ 1u << timer, all);
}

static void tell(struct ike_endpoint *ep, const struct ike_sa *sa, enum ike_timer timer,
                 enum timer_news news, nsec deadline)
{
    struct timer_event e = {.news = news,
                            .timer = (uint8_t)timer,
                            .child = SA_NONE,
                            .spi_i = sa->spi_i,
                            .deadline = deadline};

    if (timer == TIMER_RETRANSMIT) {
        e.request = sa->in_flight;
        e.message_id = sa->request_id;
        e.transmission = sa->tries;
    }
    timer_log_put(&ep->store->timer_log, &e);
}

void ike_timer_arm(struct ike_endpoint *ep, struct ike_sa *sa, enum ike_timer timer, nsec at)
{
    nsec before = ike_timer_at(ep, sa, timer);

    if (before == at)
        return;
    if (ep->store->timer_log.ring)
        tell(ep, sa, timer, at == NSEC_NEVER ? TIMER_NEWS_CANCELLED : TIMER_NEWS_ARMED,
             at == NSEC_NEVER ? before : at);
    put(ep, sa, timer, at);
    ike_timers_again(ep, sa);
}

void ike_timer_fire(struct ike_endpoint *ep, struct ike_sa *sa, enum ike_timer timer)
{
    meter_work(ep, METER_TIMER_FIRED, 0);
    if (ep->store->timer_log.ring)
        tell(ep, sa, timer, TIMER_NEWS_FIRED, ike_timer_at(ep, sa, timer));
    put(ep, sa, timer, NSEC_NEVER);
    ike_timers_again(ep, sa);
}

void ike_timers_fire(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, ike_timer_handler *fire)
{
    struct handle self = ike_sa_ref(ep, sa).handle;

    for (int i = 0; i < IKE_TIMER_COUNT; i++) {
        if (ike_timer_at(ep, sa, (enum ike_timer)i) > now)
            continue;
        ike_timer_fire(ep, sa, (enum ike_timer)i);
        fire(ep, now, sa, (enum ike_timer)i);
        if (!ike_sa_at(ep, self))
            return; /* that was its end */
    }
}

void ike_timer_move(struct ike_endpoint *ep, struct ike_sa *sa, enum ike_timer timer, nsec at)
{
    if (ike_timer_at(ep, sa, timer) == at)
        return;
    put(ep, sa, timer, at);
    ike_timers_again(ep, sa);
}

void ike_timers_again(struct ike_endpoint *ep, struct ike_sa *sa)
{
    if (!store_shared(ep->store))
        timerq_arm(&ep->store->timers, ike_sa_index(ep, sa), earliest(ep, sa));
}

void ike_timers_cancel(struct ike_endpoint *ep, struct ike_sa *sa)
{
    for (int i = 0; i < IKE_TIMER_COUNT && sa->timers; i++) {
        nsec at = ike_timer_at(ep, sa, (enum ike_timer)i);

        if (at == NSEC_NEVER)
            continue;
        if (ep->store->timer_log.ring)
            tell(ep, sa, (enum ike_timer)i, TIMER_NEWS_CANCELLED, at);
        put(ep, sa, (enum ike_timer)i, NSEC_NEVER);
    }
    if (!store_shared(ep->store))
        timerq_cancel(&ep->store->timers, ike_sa_index(ep, sa));
}

static void tell_child(struct ike_endpoint *ep, const struct child_sa *c, enum ike_timer timer,
                       nsec before, nsec at, nsec fired_by)
{
    struct timer_event e = {.timer = (uint8_t)timer,
                            .child = {child_sa_handle(ep, c)},
                            .deadline = at == NSEC_NEVER ? before : at};

    e.news = at != NSEC_NEVER     ? TIMER_NEWS_ARMED
             : before <= fired_by ? TIMER_NEWS_FIRED
                                  : TIMER_NEWS_CANCELLED;
    if (before != at)
        timer_log_put(&ep->store->timer_log, &e);
}

static void child_set(struct ike_endpoint *ep, struct child_sa *c, nsec soft, nsec hard,
                      nsec fired_by)
{
    if (ep->store->timer_log.ring) {
        tell_child(ep, c, TIMER_REKEY, c->soft, soft, fired_by);
        tell_child(ep, c, TIMER_EXPIRE, c->hard, hard, fired_by);
    }
    c->soft = soft;
    c->hard = hard;
    if (!store_shared(ep->store))
        timerq_arm(&ep->store->timers, ep->store->ikes.capacity + child_sa_handle(ep, c).index,
                   nsec_min(soft, hard));
}

void child_timers_arm(struct ike_endpoint *ep, struct child_sa *c, nsec soft, nsec hard)
{
    child_set(ep, c, soft, hard, 0);
}

bool child_timers_fire(struct ike_endpoint *ep, nsec now, struct child_sa *c)
{
    bool hard = c->hard <= now;

    child_set(ep, c, NSEC_NEVER, hard ? NSEC_NEVER : c->hard, now);
    return hard;
}

/* ---- the earliest of all ---- */

/* In a shared store the SAs of an endpoint are few enough to look at each. */
static nsec soonest(const struct ike_endpoint *ep, struct ike_due *due)
{
    const struct siblings *s = &ep->store->siblings;
    nsec first = NSEC_NEVER, child = NSEC_NEVER, joining = joining_deadline(ep);
    uint32_t its = SA_INDEX_NONE;

    *due = (struct ike_due){DUE_NOTHING, 0};
    for (uint32_t i = ep->first; i != SA_INDEX_NONE; i = s->next[i]) {
        const struct ike_sa *sa = pool_slot(&ep->store->ikes, i);
        const struct child_sa *c;
        nsec at = earliest(ep, sa);

        if (at < first) {
            first = at;
            *due = (struct ike_due){DUE_IKE, i};
        }
        for (uint32_t k = sa->first_child; (c = child_sa_by_index(ep, k)); k = c->next) {
            at = nsec_min(c->soft, c->hard);
            if (at < child || (at == child && at != NSEC_NEVER && s->child[k] < s->child[its])) {
                child = at;
                its = k;
            }
        }
    }
    if (child < first)
        *due = (struct ike_due){DUE_CHILD, its};
    first = nsec_min(first, child);
    if (joining < first)
        *due = (struct ike_due){DUE_JOINING, 0};
    return nsec_min(first, joining);
}

nsec ike_timers_deadline(const struct ike_endpoint *ep)
{
    struct ike_due due;

    return store_shared(ep->store) ? soonest(ep, &due) : timerq_deadline(&ep->store->timers);
}

struct ike_due ike_timers_take(struct ike_endpoint *ep, nsec now)
{
    struct ike_due due = {DUE_NOTHING, 0};
    uint32_t owner, ikes = ep->store->ikes.capacity;

    if (store_shared(ep->store)) /* what is due is so until its handler has dealt with it */
        return soonest(ep, &due) <= now ? due : (struct ike_due){DUE_NOTHING, 0};
    if (!timerq_expire(&ep->store->timers, now, &owner))
        return due;
    if (owner == ep->store->timers.capacity - 1)
        return (struct ike_due){DUE_JOINING, 0};
    return owner < ikes ? (struct ike_due){DUE_IKE, owner}
                        : (struct ike_due){DUE_CHILD, owner - ikes};
}
