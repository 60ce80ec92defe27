/*
 * Re-authentication: RFC 7296 §2.8.3, RFC 4478. No exchange of its own: who called before calls
 * again, and the IKE SA that comes of it takes the place of the old one with as many children.
 *
 *   break before make   D(IKE) -->, <-- answered; then IKE_SA_INIT, IKE_AUTH, CREATE_CHILD_SA ...
 *   make before break   IKE_SA_INIT, IKE_AUTH, CREATE_CHILD_SA ... ; then D(IKE) -->
 *
 * Beside the old SA each new child takes the policy over from one of the old, as in a rekey: who
 * asked sends through it at once, who was asked as soon as something came through it or the old one
 * goes (proto/core/child.h). While that goes on, neither SA is rekeyed.
 */
#include "base/assert.h"
#include "proto/core/wish.h"
#include "proto/ike/ike.h"

/* ---- when (RFC 4478) ---- */

/* What an IKE SA has room for: 136 years. */
#define SECONDS_MAX UINT32_MAX

static uint32_t seconds(nsec t)
{
    nsec s = t / NSEC_PER_S;

    return s < SECONDS_MAX ? (uint32_t)s : SECONDS_MAX;
}

/* A limit as a point in time; never 0, which means none. */
static uint32_t point(nsec at)
{
    uint32_t s = seconds(at);

    return s ? s : 1;
}

/* The end of the second in which it falls. */
static uint32_t point_after(nsec at)
{
    return point(nsec_add(at, NSEC_PER_S - 1));
}

/* What is said in AUTH_LIFETIME is whole seconds. */
static nsec announced(const struct ike_config *c)
{
    nsec s = point(c->reauth_time);

    return s * NSEC_PER_S;
}

void reauth_plan(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    const struct ike_config *c = ep->store->config;
    nsec early;

    if (!c->reauth_time)
        return;
    if (!sa->caller) {
        sa->reauth_s = point_after(nsec_add(now, announced(c)));
        return;
    }
    early = c->reauth_jitter ? ike_draw_below(ep, STREAM_LIFETIME, c->reauth_jitter + 1) : 0;
    sa->reauth_s = point_after(nsec_add(now, c->reauth_time - nsec_min(early, c->reauth_time)));
}

void reauth_lifetime_write(struct step *s)
{
    uint8_t data[4];

    if (!s->ep->store->config->reauth_time)
        return;
    store_be32(data, (uint32_t)(announced(s->ep->store->config) / NSEC_PER_S));
    notify_add(s->out, NOTIFY_AUTH_LIFETIME, bytes_of(data, sizeof data));
}

/* RFC 4478 §2: before that time ends, so that a lost message or two do not matter: a tenth before,
 * and up to another tenth by chance. */
static void heed(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, nsec lifetime)
{
    nsec tenth = lifetime / 10;
    nsec at = nsec_add(now, 9 * tenth - ike_draw_below(ep, STREAM_LIFETIME, tenth + 1));

    if (at >= reauth_due(sa))
        return;
    sa->reauth_s = point(at) * NSEC_PER_S > now ? point(at) : point_after(at);
    ike_timer_arm(ep, sa, TIMER_REKEY, nsec_min(ike_timer_at(ep, sa, TIMER_REKEY), reauth_due(sa)));
}

void reauth_lifetime_read(struct step *s)
{
    struct notify_payload n;

    if (s->sa->caller && notify_find(s->in, NOTIFY_AUTH_LIFETIME, &n) && n.data.len == 4 &&
        load_be32(n.data.data))
        heed(s->ep, s->now, s->sa, load_be32(n.data.data) * NSEC_PER_S);
}

void reauth_lifetime_taken(struct ike_endpoint *ep, nsec now, struct ike_sa *sa,
                           const struct ike_config *peer)
{
    if (sa->caller && peer->reauth_time)
        heed(ep, now, sa, announced(peer));
}

/* ---- what is to be made again ---- */

static unsigned live_children(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    const struct child_sa *c = child_sa_by_index(ep, sa->first_child);
    unsigned n = 0;

    for (; c; c = child_sa_by_index(ep, c->next))
        n += child_live(c) && !c->wish_delete;
    return n;
}

/* What the old SA has, and what is wished of it; the handshake makes one of them. */
static void wish_for_children(const struct ike_endpoint *ep, const struct ike_sa *old,
                              struct ike_sa *next)
{
    unsigned n = live_children(ep, old) + ((old->wishes & WISH_CHILD) != 0) + old->new_wishes;

    next->wishes &= (uint8_t)~WISH_CHILD;
    next->new_wishes = 0;
    while (n > 1 && ike_wish_child(next))
        n--;
}

/* ---- begin ---- */

static void say(struct ike_endpoint *ep, nsec now, const struct ike_sa *old,
                const struct ike_sa *next)
{
    event_ike(ep, now, old,
              (struct event_record){.kind = EVENT_IKE_REAUTH, .other = ike_sa_ref(ep, next)});
}

/* The peer that was called before, where it is now; it has to be the same again. */
static enum err call(struct ike_endpoint *ep, nsec now, const struct ike_sa *old,
                     struct ike_sa **out)
{
    struct ike_remote peer = {.local = ike_sa_local(ep, old), .remote = ike_sa_remote(ep, old)};
    struct handshake *hs;
    struct sa_ref ref;
    enum err e = ike_initiate(ep, now, &peer, &ref);

    if (e)
        return e;
    *out = ike_sa_at(ep, ref.handle);
    hs = handshake_of(ep, *out);
    hs->peer_identity = old->peer_identity;
    hs->renews = true;
    return OK;
}

static void try_later(struct ike_endpoint *ep, nsec now, struct ike_sa *old)
{
    old->reauth_s = point_after(rekey_again_at(ep, now));
    ike_timer_arm(ep, old, TIMER_REKEY,
                  nsec_min(ike_timer_at(ep, old, TIMER_REKEY), reauth_due(old)));
}

static void begin_beside(struct ike_endpoint *ep, nsec now, struct ike_sa *old)
{
    struct ike_sa *next;

    if (call(ep, now, old, &next)) {
        try_later(ep, now, old);
        return;
    }
    if (renewal_begin(ep, old, next)) {
        ike_remove(ep, now, next, REASON_LIMIT);
        try_later(ep, now, old);
        return;
    }
    wish_for_children(ep, old, next);
}

void reauth_begin(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    if (sa->renewing) { /* one at a time */
        try_later(ep, now, sa);
        return;
    }
    if (ep->store->config->make_before_break) {
        begin_beside(ep, now, sa);
        return;
    }
    wish_for_children(ep, sa, sa);
    sa->renewing = true;
    sa->reason = REASON_REAUTHENTICATED;
    sa->wishes |= WISH_DELETE;
}

/* ---- the old SA goes ---- */

static void call_again(struct ike_endpoint *ep, nsec now, struct ike_sa *old)
{
    struct ike_sa *next;

    if (call(ep, now, old, &next)) {
        event_ike(ep, now, old,
                  (struct event_record){.kind = EVENT_IKE_FAILED, .reason = REASON_LIMIT});
        return;
    }
    next->wishes |= old->wishes & WISH_CHILD;
    next->new_wishes = old->new_wishes;
    say(ep, now, old, next);
}

void reauth_follow(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum sa_reason why)
{
    struct ike_sa *next = renewal_next(ep, sa);
    bool after = sa->renewing && !next;

    renewal_end(ep, sa);
    if (why == REASON_CRASH)
        return;
    if (next)
        ike_next_later(ep, now, next);
    if (after)
        call_again(ep, now, sa);
    else if (next && !next->up)
        say(ep, now, sa, next); /* what was to be beside it is after it now */
}

void reauth_stop(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct ike_sa *old = renewal_old(ep, sa), *next = renewal_next(ep, sa);

    renewal_end(ep, sa);
    if (old && old->state == STATE_ESTABLISHED) {
        old->reason = REASON_REAUTHENTICATED;
        old->wishes |= WISH_DELETE;
        ike_next(ep, now, old);
    }
    if (!next)
        return;
    if (next->state == STATE_SA_INIT_SENT || next->state == STATE_SA_INIT_DONE) {
        ike_remove(ep, now, next, REASON_DELETED); /* the peer knows of nothing yet */
        return;
    }
    next->reason = REASON_DELETED;
    next->wishes |= WISH_DELETE;
    ike_next(ep, now, next);
}

/* ---- the new SA ---- */

/* What had been taken over sends again; to be rekeyed soon, as its own time for that is forgotten.
 */
static void give_back(struct ike_endpoint *ep, nsec now, const struct ike_sa *old,
                      const struct ike_sa *next)
{
    struct child_sa *c = child_sa_by_index(ep, old->first_child);

    for (; c; c = child_sa_by_index(ep, c->next)) {
        const struct child_sa *heir = child_sa_at(ep, c->successor);

        if (c->state != CHILD_REPLACED || !heir || child_sa_ike(ep, heir) != next)
            continue;
        c->successor = HANDLE_NONE;
        c->state = CHILD_READY;
        child_switch(ep, c);
        child_timers_arm(ep, c, now, c->hard);
    }
}

void reauth_failed(struct ike_endpoint *ep, nsec now, struct ike_sa *next)
{
    struct ike_sa *old = renewal_old(ep, next);

    if (!old)
        return;
    renewal_end(ep, next);
    if (old->state != STATE_ESTABLISHED)
        return;
    give_back(ep, now, old, next);
    try_later(ep, now, old);
    ike_next_later(ep, now, old); /* what had to wait meanwhile */
}

void reauth_proven(struct ike_endpoint *ep, nsec now, struct ike_sa *next)
{
    struct ike_sa *old = renewal_old(ep, next);

    ep->store->counters.reauthentications += handshake_of(ep, next)->renews;
    if (!old)
        return;
    wish_for_children(ep, old, next);
    say(ep, now, old, next);
}

void reauth_settle(struct ike_endpoint *ep, nsec now, struct ike_sa *next)
{
    struct ike_sa *old = renewal_old(ep, next);

    if (!old || next->wishes & WISH_CHILD) /* what else is wished for waits for us */
        return;
    if (!live_children(ep, next) && live_children(ep, old)) { /* the peer wants no child there */
        reauth_failed(ep, now, next);
        next->reason = REASON_DELETED;
        next->wishes |= WISH_DELETE;
        ike_next(ep, now, next);
        return;
    }
    renewal_end(ep, next);
    ike_next_later(ep, now, next);
    if (old->state != STATE_ESTABLISHED)
        return;
    old->reason = REASON_REAUTHENTICATED;
    old->wishes |= WISH_DELETE;
    ike_next(ep, now, old);
}

/* Who was called sees nothing but another IKE SA of the same peer. That this one takes over is what
 * its configuration says, or a peer with several IKE SAs to the same end would lose their use. */
struct child_sa *reauth_child(const struct ike_endpoint *ep, const struct ike_sa *ike,
                              const struct child_terms *t)
{
    const struct ike_sa *old = ike->caller ? renewal_old(ep, ike) : ike_sa_older(ep, ike);

    if (!ike->caller && !ep->store->config->make_before_break)
        return NULL;
    for (; old; old = ike->caller ? NULL : ike_sa_older(ep, old)) {
        struct child_sa *c = old->state == STATE_ESTABLISHED ? child_like(ep, old, t) : NULL;

        if (c)
            return c;
    }
    return NULL;
}
