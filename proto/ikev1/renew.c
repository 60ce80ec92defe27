/*
 * One IKE SA of version 1 takes the place of another. There is no rekeying of phase 1: a new one is
 * made beside the old (RFC 2408 §2.3 leaves phase 2 SAs to either), the child SAs move to it, and
 * who called deletes the old one. Who was called sees another IKE SA of the same identity, which is
 * the same thing to it: what it has of that peer belongs to the newest.
 *
 * A Quick Mode that goes on meanwhile ends under the old one, and Deletes that come under it are
 * heeded: it is deleted when all that is over.
 */
#include "base/assert.h"
#include "proto/core/asked.h"
#include "proto/ikev1/exchanges.h"

/* Between the end of a new phase 1 and the Delete of the old one, at least. Who was called may move
 * its child SAs a moment after its last message, and what is still there when the Delete comes goes
 * with it: strongSwan 5.9 does both. */
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
    if (old->renewing) { /* the one before is not deleted: its exchanges, or the peer's are not over
                          */
        if (!v1_sa_of(ep, renewal_old(ep, old))->retiring)
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

static bool in_use(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    return sa && sa->version == IKE_V1 && sa->state == STATE_ESTABLISHED &&
           !v1_sa_of(ep, sa)->retiring;
}

struct ike_sa *v1_heir(const struct ike_endpoint *ep, struct ike_sa *sa)
{
    struct ike_sa *next;

    while ((next = renewal_next(ep, sa)) != NULL && next->up)
        sa = next;
    return sa;
}

struct ike_sa *v1_replaced(const struct ike_endpoint *ep, const struct ike_sa *sa)
{
    return sa->up ? renewal_old(ep, sa) : NULL;
}

void v1_heard_under(struct ike_endpoint *ep, const struct ike_sa *sa)
{
    v1_sa_of(ep, sa)->unheard = false;
}

/* The next older one of the same peer that is there to stay. A group may have one identity for all:
 * at another address is another peer. */
static struct ike_sa *older_of_peer(const struct ike_endpoint *ep, const struct ike_sa *sa,
                                    const struct ike_sa *behind)
{
    struct ip_endpoint peer = ike_sa_remote(ep, sa);

    for (struct ike_sa *old = ike_sa_older(ep, behind); old; old = ike_sa_older(ep, old)) {
        struct ip_endpoint at = ike_sa_remote(ep, old);

        if (in_use(ep, old) && ip_addr_equal(&at.addr, &peer.addr))
            return old;
    }
    return NULL;
}

/* While we renew `old` the peer has, too: ours goes on, and is to take the place of the peer's. */
static void cross(struct ike_endpoint *ep, struct ike_sa *old, struct ike_sa *next)
{
    struct ike_sa *ours = renewal_next(ep, old);

    if (ours && ours != next && !ours->up)
        v1_sa_of(ep, ours)->crossed = renewal_begin(ep, next, ours) == OK;
}

/* The one whose place this one takes; of who was called the newest of the same peer, but rather one
 * that has child SAs. One that took a place itself whose Delete has not come yet may be it. */
static struct ike_sa *predecessor(struct ike_endpoint *ep, struct ike_sa *next)
{
    struct ike_sa *old = renewal_old(ep, next), *any = NULL;

    if (old || next->initiator)
        return old;
    for (old = older_of_peer(ep, next, next); old; old = older_of_peer(ep, next, old))
        if (v1_heir(ep, old) == old && (!any || (!any->child_count && old->child_count)))
            any = old;
    if (any)
        cross(ep, any, next);
    return any && renewal_begin(ep, any, next) == OK ? any : NULL;
}

/* What was wished of the old one is done under the new one. */
static void inherit(struct ike_endpoint *ep, struct ike_sa *old, struct ike_sa *next)
{
    cross(ep, old, next);
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

static void retire(struct ike_endpoint *ep, nsec now, struct ike_sa *old, enum sa_reason why)
{
    v1_sa_of(ep, old)->retiring = true;
    old->reason = (uint8_t)why;
    if (old->in_flight == KIND_INFORMATIONAL)
        v1_ask_done(ep, old);
    ike_timer_arm(ep, old, TIMER_REKEY, nsec_add(now, HANDOVER));
}

/* A Quick Mode under it is not over; or the peer has not shown that it has the one in its place,
 * and is being asked. */
static bool must_stay(const struct ike_endpoint *ep, const struct ike_sa *old)
{
    const struct ike_sa *next = renewal_next(ep, old);

    return old->in_flight || v1_acting(ep, old) ||
           (next && v1_sa_of(ep, next)->unheard && next->in_flight);
}

void v1_retire_due(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct ike_sa *old = v1_sa_of(ep, sa)->retiring ? sa : v1_replaced(ep, sa);

    if (!old || old->state != STATE_ESTABLISHED || !v1_sa_of(ep, old)->retiring ||
        ike_timer_at(ep, old, TIMER_REKEY) != NSEC_NEVER || must_stay(ep, old))
        return;
    v1_heir_inherits(ep, now, old);
    v1_close(ep, now, old, (enum sa_reason)old->reason, old->up);
}

void v1_retire_deleted(struct ike_endpoint *ep, nsec now, struct ike_sa *old, struct ike_sa *heir)
{
    if (v1_heir(ep, old) != heir) {
        renewal_end(ep, old); /* the heir may be the one whose place it had */
        if (renewal_begin(ep, old, heir))
            drop_count(ep, IKE_DROP_LIMIT);
    }
    sa_life_down(ep, now, old, REASON_REAUTHENTICATED);
    retire(ep, now, old, REASON_REAUTHENTICATED);
    v1_next(ep, now, heir);
}

/* What both have renewed; its child SAs have moved. */
static void retire_renewed(struct ike_endpoint *ep, nsec now, struct ike_sa *old,
                           struct ike_sa *loser)
{
    if (in_use(ep, old)) {
        ep->store->counters.reauthentications++;
        retire(ep, now, old, REASON_REAUTHENTICATED);
    }
    if (renewal_begin(ep, old, loser))
        drop_count(ep, IKE_DROP_LIMIT);
}

/* Ours and the peer's are there, in the place of one: that with the higher cookie stays, so the
 * peer says as well. If it is not ours the peer may not know yet that its own is up (6 is on the
 * way), so ours stays until then, or for as long as the peer may ask for 6 again. */
static bool settle(struct ike_endpoint *ep, nsec now, struct ike_sa *ours, struct ike_sa *peers)
{
    bool turned = ep->store->config->quirks & QUIRK_HIGHEST_NONCE;
    bool wins = (ours->spi_i > peers->spi_i) != turned;
    struct ike_sa *winner = wins ? ours : peers, *loser = wins ? peers : ours;

    struct ike_sa *old =
        renewal_old(ep, ours) == peers ? renewal_old(ep, peers) : renewal_old(ep, ours);

    ep->store->counters.collisions++;
    renewal_end(ep, ours);
    renewal_end(ep, peers);
    inherit(ep, loser, winner);
    if (renewal_begin(ep, loser, winner))
        drop_count(ep, IKE_DROP_LIMIT);
    if (old)
        retire_renewed(ep, now, old, loser);
    if (wins && !(ep->store->config->quirks & QUIRK_KEEP_LOSER))
        retire(ep, now, peers, REASON_COLLISION);
    else if (!wins)
        ike_timer_arm(ep, ours, TIMER_EXPIRE, nsec_add(now, v1_patience(ep->store->config)));
    v1_next(ep, now, winner);
    return true;
}

/* Nothing answers message 3 of Aggressive Mode. It goes along with a question until that is. */
static void be_heard(const struct ike_endpoint *ep, struct ike_sa *next)
{
    const struct v1_sa *one = v1_sa_of(ep, next);

    if (next->initiator && one->unheard && one->dpd)
        next->wishes |= WISH_LIVENESS;
}

/* The peer began its own before ours was up, and both are by now: of Aggressive Mode, where who
 * calls is done first, so that neither end may see the other's in the place of its own. */
static bool have_crossed(const struct ike_endpoint *ep, const struct ike_sa *ours,
                         const struct ike_sa *peers)
{
    return ours->initiator && !peers->initiator && !v1_sa_of(ep, peers)->unheard &&
           v1_sa_of(ep, ours)->order > v1_sa_of(ep, peers)->order;
}

bool v1_take_over(struct ike_endpoint *ep, nsec now, struct ike_sa *next)
{
    struct ike_sa *old = predecessor(ep, next);

    if (!old)
        return false; /* one more of our own wish */
    be_heard(ep, next);
    if (next->initiator && v1_sa_of(ep, next)->crossed && in_use(ep, old))
        return settle(ep, now, next, old);
    if (have_crossed(ep, old, next))
        return settle(ep, now, old, next);
    inherit(ep, old, next);
    ep->store->counters.reauthentications += next->initiator;
    event_ike(ep, now, old,
              (struct event_record){.kind = EVENT_IKE_REAUTH, .other = ike_sa_ref(ep, next)});
    if (next->initiator)
        retire(ep, now, old, REASON_REAUTHENTICATED);
    return true;
}

struct ike_sa *v1_heir_inherits(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    struct ike_sa *heir = v1_heir(ep, sa);

    if (!sa->peer_identity) /* it is not up: nobody knows yet who the peer is */
        return NULL;
    if (heir == sa) {
        ike_sa_identify(ep, sa, sa->peer_identity); /* as the newest: all the others are older */
        heir = older_of_peer(ep, sa, sa);
    }
    if (!heir || v1_leases_differ(ep, sa, heir)) /* its child SAs may be for an address that goes */
        return NULL;
    v1_exchanges_abandon(ep, now, sa);
    inherit(ep, sa, heir);
    return heir;
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
