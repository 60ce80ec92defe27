#include "proto/core/sa_life.h"

#include "proto/core/child.h"
#include "proto/core/flood.h"

static uint32_t count_sas(const struct ike_endpoint *ep)
{
    return ep->store->counters.ike_sas + ep->store->counters.half_open;
}

void sa_life_count(struct ike_endpoint *ep, struct ike_sa *sa)
{
    sa->up = true;
    ep->ike_sas++;
    ep->store->counters.ike_sas++;
    if (count_sas(ep) > ep->store->counters.ike_sas_peak)
        ep->store->counters.ike_sas_peak = count_sas(ep);
}

void ike_half_open(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    sa->half_open = true;
    if (!sa->initiator)
        flood_begun(ep, sa);
    ep->half_open++;
    ep->store->counters.half_open++;
    if (ep->store->counters.half_open > ep->store->counters.half_open_peak)
        ep->store->counters.half_open_peak = ep->store->counters.half_open;
    event_ike(ep, now, sa, (struct event_record){.kind = EVENT_IKE_HALF_OPEN});
}

void sa_life_opened(struct ike_endpoint *ep, struct ike_sa *sa)
{
    if (!sa->half_open)
        return;
    ep->half_open--;
    ep->store->counters.half_open--;
    if (!sa->initiator)
        flood_over(ep, sa);
    sa->half_open = false;
}

void sa_life_down(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum sa_reason why)
{
    if (sa->up) {
        event_ike(ep, now, sa, (struct event_record){.kind = EVENT_IKE_DOWN, .reason = why});
        ep->ike_sas--;
        ep->store->counters.ike_sas--;
    } else if (sa->half_open) {
        const struct handshake *hs = handshake_of(ep, sa);

        event_ike(ep, now, sa,
                  (struct event_record){.kind = EVENT_IKE_FAILED,
                                        .reason = why,
                                        .certificate = hs ? hs->certificate : CERT_VALID});
        ep->store->counters.failed += sa->initiator;
    }
    sa->up = false;
    sa_life_opened(ep, sa);
}

/* ---- up ---- */

/* A limit as a point in time (RFC 4478). */
nsec reauth_due(const struct ike_sa *sa)
{
    return sa->reauth_s ? sa->reauth_s * NSEC_PER_S : NSEC_NEVER;
}

void sa_life_arm(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    const struct ike_config *c = ep->store->config;
    struct lifetime life = ike_draw_lifetime(ep, now, &c->lifetime);
    nsec again = reauth_due(sa);

    /* RFC 4478 §2: who called begins anew by then, who was called ends it. */
    ike_timer_arm(ep, sa, TIMER_REKEY, sa->caller ? nsec_min(life.soft, again) : life.soft);
    ike_timer_arm(ep, sa, TIMER_EXPIRE, sa->caller ? life.hard : nsec_min(life.hard, again));
    if (c->dpd_delay)
        ike_timer_arm(ep, sa, TIMER_LIVENESS, nsec_add(now, c->dpd_delay));
    ike_keepalives(ep, now, sa);
}

void ike_keepalives(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    nsec every = ep->store->config->nat_keepalive;

    if (!every || !sa->nat_local)
        ike_timer_arm(ep, sa, TIMER_KEEPALIVE, NSEC_NEVER);
    else if (ike_timer_at(ep, sa, TIMER_KEEPALIVE) == NSEC_NEVER)
        ike_timer_arm(ep, sa, TIMER_KEEPALIVE, nsec_add(now, every));
}

bool ike_liveness_due(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    nsec due = nsec_add(sa->last_heard, ep->store->config->dpd_delay);

    if (due > now) { /* something authentic came meanwhile (§2.4) */
        ike_timer_arm(ep, sa, TIMER_LIVENESS, due);
        return false;
    }
    ike_timer_arm(ep, sa, TIMER_LIVENESS, nsec_add(now, ep->store->config->dpd_delay));
    return !sa->in_flight; /* else its retransmissions ask the same question */
}

void ike_keepalive_due(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    nsec due = nsec_add(sa->last_sent, ep->store->config->nat_keepalive);

    if (due <= now) {
        ep->store->counters.keepalives_sent++;
        sa->last_sent = now;
        outbox_add(ep, sa, SEND_KEEPALIVE);
        due = nsec_add(now, ep->store->config->nat_keepalive);
    }
    ike_timer_arm(ep, sa, TIMER_KEEPALIVE, due);
}

void sa_life_begin(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, bool installed)
{
    sa_life_count(ep, sa);
    sa_life_arm(ep, now, sa);
    event_ike(ep, now, sa, (struct event_record){.kind = EVENT_IKE_UP, .installed = installed});
}

/* ---- over ---- */

/* Packets may be under way to a child whose place another IKE SA's has taken: it stays there for
 * them. */
static bool lingers(const struct ike_endpoint *ep, const struct child_sa *c)
{
    const struct child_sa *heir = child_sa_at(ep, c->successor);

    return c->state != CHILD_LINGERING && child_taken_over(ep, c) && child_live(heir) &&
           child_sa_ike(ep, heir)->state == STATE_ESTABLISHED;
}

void sa_life_end_children(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum sa_reason why)
{
    struct child_sa *c;

    while ((c = child_sa_by_index(ep, sa->first_child)) != NULL) {
        if (lingers(ep, c)) {
            struct ike_sa *next = child_sa_ike(ep, child_sa_at(ep, c->successor));

            child_deleted(ep, now, c, why);
            child_sa_move(ep, c, next);
        } else {
            child_remove(ep, now, c, why);
        }
    }
}

/* ---- addresses (§2.23) ---- */

static void move_peer(struct ike_endpoint *ep, nsec now, struct ike_sa *sa,
                      const struct ip_endpoint *local, const struct ip_endpoint *remote)
{
    bool behind = sa->natt || sa->nat_local || sa->nat_remote || ep->store->config->force_encap;

    ike_sa_place(ep, sa, local, remote);
    /* Who floats although there is no NAT does MOBIKE, and keeps ESP as it is (RFC 4555 §3.3). */
    sa->natt = behind && local->port == IKE_NATT_PORT;
    children_readdress(ep, sa);
    if (!sa->up)
        return; /* ports that float during the handshake are no news */
    ep->store->counters.peer_moves++;
    event_ike(ep, now, sa, (struct event_record){.kind = EVENT_PEER_MOVED});
}

static bool is_at(const struct ike_endpoint *ep, const struct ike_sa *sa,
                  const struct ip_endpoint *local, const struct ip_endpoint *remote)
{
    struct ip_endpoint here = ike_sa_local(ep, sa), there = ike_sa_remote(ep, sa);

    return ip_endpoint_equal(&there, remote) && ip_endpoint_equal(&here, local);
}

/* Only a peer behind a NAT moves, and only those follow it who are not behind one. */
static bool follows(const struct ike_sa *sa)
{
    return sa->nat_remote && !sa->nat_local;
}

/* RFC 4555 §3.8: with MOBIKE an IKE message moves nobody unless it says so. */
void ike_peer_seen(struct ike_endpoint *ep, nsec now, struct ike_sa *sa,
                   const struct ip_endpoint *local, const struct ip_endpoint *remote)
{
    bool handshake = sa->state == STATE_SA_INIT_DONE && !sa->initiator;

    sa->last_heard = now;
    if (!is_at(ep, sa, local, remote) && (handshake || (!sa->mobike && follows(sa))))
        move_peer(ep, now, sa, local, remote);
}

/* RFC 4555 §3.8 allows it for ESP. A NAT that forgot us has another port for us; another address is
 * that of a peer who says so himself, and his late packets must not take him back. */
void ike_peer_rebound(struct ike_endpoint *ep, nsec now, struct ike_sa *sa,
                      const struct ike_dgram *in)
{
    struct ip_endpoint local = ike_sa_local(ep, sa), remote = ike_sa_remote(ep, sa);
    bool same_box = ip_addr_equal(&remote.addr, &in->remote.addr) &&
                    ip_addr_equal(&local.addr, &in->local.addr);

    if (!is_at(ep, sa, &in->local, &in->remote) && follows(sa) && (!sa->mobike || same_box))
        move_peer(ep, now, sa, &in->local, &in->remote);
}
