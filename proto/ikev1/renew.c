/*
 * One IKE SA of version 1 takes the place of another. There is no rekeying of phase 1: a new one is
 * made beside the old (RFC 2408 §2.3 leaves phase 2 SAs to either), the child SAs move to it, and
 * who called deletes the old one. Who was called sees another IKE SA of the same identity, which is
 * the same thing to it: what it has of that peer belongs to the newest.
 */
#include "base/assert.h"
#include "proto/core/asked.h"
#include "proto/ikev1/exchanges.h"

/* Between the end of a new phase 1 and the Delete of the old one. Who was called may move its child
 * SAs a moment after its last message, and what is still there when the Delete comes goes with it:
 * strongSwan 5.9 does both. */
#define HANDOVER (1 * NSEC_PER_S)

static void try_later(struct ike_endpoint *ep, nsec now, struct ike_sa *old)
{
    ike_timer_arm(ep, old, TIMER_REKEY, rekey_again_at(ep, now));
}

void v1_renew(struct ike_endpoint *ep, nsec now, struct ike_sa *old)
{
    struct ike_remote peer = {.local = ike_sa_local(ep, old), .remote = ike_sa_remote(ep, old)};
    struct ike_sa *next;
    struct sa_ref ref;

    if (ep->store->config->xauth.role == XAUTH_GATEWAY)
        return; /* a user answers no phase 1: it is its turn, or the hard limit's */
    if (renewal_next(ep, old))
        return;
    if (old->renewing) { /* the peer has not deleted the one before: it may not be done */
        renewal_end(ep, old);
        try_later(ep, now, old);
        return;
    }
    if (v1_initiate(ep, now, &peer, &ref)) {
        try_later(ep, now, old);
        return;
    }
    next = ike_sa_at(ep, ref.handle);
    v1_sa_phase1(ep, next)->env.initial_contact = false;
    handshake_of(ep, next)->peer_identity = old->peer_identity;
    handshake_of(ep, next)->renews = true;
    if (renewal_begin(ep, old, next)) {
        v1_remove(ep, now, next, REASON_LIMIT);
        try_later(ep, now, old);
    }
}

static bool in_use(const struct ike_sa *sa)
{
    return sa && sa->version == IKE_V1 && sa->state == STATE_ESTABLISHED;
}

/* The one whose place this one takes; of who was called the newest of the same peer, but rather one
 * that has child SAs. One that took a place itself whose Delete has not come yet may be it. */
static struct ike_sa *predecessor(struct ike_endpoint *ep, struct ike_sa *next)
{
    struct ike_sa *old = renewal_old(ep, next), *any = NULL;

    if (old || next->initiator)
        return old;
    for (old = ike_sa_older(ep, next); old; old = ike_sa_older(ep, old))
        if (in_use(old) && !renewal_next(ep, old) &&
            (!any || (!any->child_count && old->child_count)))
            any = old;
    if (any)
        renewal_end(ep, any);
    return any && renewal_begin(ep, any, next) == OK ? any : NULL;
}

/* While we renew `old` the peer has, too: ours goes on, and is to take the place of the peer's. */
static void cross(struct ike_endpoint *ep, struct ike_sa *old, struct ike_sa *next)
{
    struct ike_sa *ours = renewal_next(ep, old);

    if (!ours || ours == next || ours->up)
        return;
    renewal_end(ep, old);
    v1_sa_of(ep, ours)->crossed = renewal_begin(ep, next, ours) == OK;
}

/* What was wished of the old one is done under the new one. */
static void inherit(struct ike_endpoint *ep, nsec now, struct ike_sa *old, struct ike_sa *next)
{
    cross(ep, old, next);
    v1_exchanges_abandon(ep, now, old);
    child_sas_move(ep, old, next);
    v1_lease_pass(ep, old, next);
    next->wishes |= old->wishes & (WISH_CHILD | WISH_DELETE);
    next->new_wishes = old->new_wishes;
    if (old->wishes & WISH_DELETE)
        next->reason = old->reason;
    old->wishes = old->new_wishes = 0;
    ike_asked_move(ep, old, next);
    ike_timer_arm(ep, old, TIMER_REKEY, NSEC_NEVER);
    ike_timer_arm(ep, old, TIMER_LIVENESS, NSEC_NEVER);
}

/* What both have renewed; its child SAs have moved. */
static void delete_older(struct ike_endpoint *ep, nsec now, const struct ike_sa *ours,
                         const struct ike_sa *peers)
{
    for (struct ike_sa *old = ike_sa_older(ep, ours); old; old = ike_sa_older(ep, old)) {
        if (old == peers || !in_use(old))
            continue;
        ep->store->counters.reauthentications++;
        v1_close(ep, now, old, REASON_REAUTHENTICATED, true);
    }
}

/* Ours and the peer's are there, in the place of one: that with the higher cookie stays, so the
 * peer says as well. If it is not ours the peer may not know yet that its own is up (6 is on the
 * way), so ours stays until then, or for as long as the peer may ask for 6 again. */
static bool settle(struct ike_endpoint *ep, nsec now, struct ike_sa *ours, struct ike_sa *peers)
{
    bool wins = ours->spi_i > peers->spi_i;

    ep->store->counters.collisions++;
    renewal_end(ep, ours);
    inherit(ep, now, wins ? peers : ours, wins ? ours : peers);
    delete_older(ep, now, ours, peers);
    if (wins)
        v1_close(ep, now, peers, REASON_COLLISION, true);
    else
        ike_timer_arm(ep, ours, TIMER_EXPIRE, nsec_add(now, v1_patience(ep->store->config)));
    v1_next(ep, now, wins ? ours : peers);
    return true;
}

bool v1_take_over(struct ike_endpoint *ep, nsec now, struct ike_sa *next)
{
    struct ike_sa *old = predecessor(ep, next), *other;

    if (!old && next->initiator)
        return false; /* one more of our own wish */
    for (other = ike_sa_older(ep, next); other; other = ike_sa_older(ep, other))
        if (other != old && in_use(other)) /* both have begun one at once */
            inherit(ep, now, other, next);
    if (!old)
        return false;
    if (next->initiator && v1_sa_of(ep, next)->crossed && in_use(old))
        return settle(ep, now, next, old);
    inherit(ep, now, old, next);
    ep->store->counters.reauthentications += next->initiator;
    event_ike(ep, now, old,
              (struct event_record){.kind = EVENT_IKE_REAUTH, .other = ike_sa_ref(ep, next)});
    if (next->initiator) {
        v1_close(ep, now, old, REASON_REAUTHENTICATED, true);
        outbox_cancel(ep, old, SEND_REQUEST);
        ike_timer_arm(ep, old, TIMER_RETRY, nsec_add(now, HANDOVER));
    }
    return true;
}

bool v1_heir_inherits(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct ike_sa *heir;

    if (!sa->peer_identity) /* it is not up: nobody knows yet who the peer is */
        return false;
    ike_sa_identify(ep, sa, sa->peer_identity); /* as the newest: all the others are older */
    heir = ike_sa_older(ep, sa);
    while (heir && !in_use(heir))
        heir = ike_sa_older(ep, heir);
    if (!heir || v1_leases_differ(ep, sa, heir)) /* its child SAs may be for an address that goes */
        return false;
    inherit(ep, now, sa, heir);
    return true;
}

void v1_renewal_over(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum sa_reason why)
{
    struct ike_sa *old = renewal_old(ep, sa), *next = renewal_next(ep, sa);

    renewal_end(ep, sa);
    if (old && !sa->up && old->state == STATE_ESTABLISHED && why != REASON_CRASH)
        try_later(ep, now, old);
    if (next && !next->up && (why == REASON_DELETED || why == REASON_DELETED_BY_PEER))
        v1_remove(ep, now, next, why); /* nobody wants what it is to be for */
}
