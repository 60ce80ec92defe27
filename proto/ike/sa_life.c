/*
 * Life of an IKE SA around its exchanges: what is said when it begins, is up, is replaced, ends.
 * RFC 7296 §1.4.1, §2.4, §2.8, §2.18, §2.23; RFC 4555 §3.8.
 */
#include "base/assert.h"
#include "proto/esp/esp.h"
#include "proto/ike/asked.h"
#include "proto/ike/flood.h"
#include "proto/ike/ike.h"
#include "proto/ike/mobike.h"

static uint32_t count_sas(const struct ike_endpoint *ep)
{
    return ep->store->counters.ike_sas + ep->store->counters.half_open;
}

static void count_up(struct ike_endpoint *ep, struct ike_sa *sa)
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

static void half_open_over(struct ike_endpoint *ep, struct ike_sa *sa)
{
    if (!sa->half_open)
        return;
    ep->half_open--;
    ep->store->counters.half_open--;
    if (!sa->initiator)
        flood_over(ep, sa);
    sa->half_open = false;
}

void ike_say_down(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum sa_reason why)
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
        reauth_failed(ep, now, sa);
    }
    sa->up = false;
    half_open_over(ep, sa);
}

static void say_keys(struct ike_endpoint *ep, nsec now, const struct ike_sa *sa,
                     const struct ike_keys *keys, struct bytes skeyseed)
{
    struct key_record *k = event_keys_take(&ep->store->events);
    size_t len = ike_key_map(sa->suite).end;

    if (!k)
        return;
    memcpy(k->bytes, skeyseed.data, skeyseed.len);
    memcpy(k->bytes + PRF_OUT_MAX, keys->bytes, len);
    k->event = (struct ike_key_event){.spi_i = sa->spi_i,
                                      .spi_r = sa->spi_r,
                                      .suite = *sa->suite,
                                      .skeyseed = bytes_of(k->bytes, skeyseed.len),
                                      .sk = bytes_of(k->bytes + PRF_OUT_MAX, len),
                                      .local = ike_sa_local(ep, sa),
                                      .remote = ike_sa_remote(ep, sa),
                                      .udp_encapsulated = sa->natt};
    event_ike(ep, now, sa, (struct event_record){.kind = EVENT_KEYS});
}

/* A rekeyed IKE SA is authenticated by the old one (§2.18), so it has no use for SK_pi and SK_pr.
 */
void ike_keep_keys(struct ike_endpoint *ep, nsec now, struct ike_sa *sa,
                   const struct ike_keys *keys, struct bytes skeyseed)
{
    struct ike_key_map map = ike_key_map(sa->suite);
    struct handshake *hs = handshake_of(ep, sa);

    memcpy(ike_sa_key_room(sa), keys->bytes, map.sk_pi);
    if (hs)
        memcpy(hs->sk_p, keys->bytes + map.sk_pi, (size_t)(map.end - map.sk_pi));
    say_keys(ep, now, sa, keys, skeyseed);
}

/* ---- up ---- */

static void arm_timers(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
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

static void begin(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, bool installed)
{
    count_up(ep, sa);
    sa->reason = REASON_NONE;
    sa->caller = sa->initiator;
    reauth_plan(ep, now, sa);
    arm_timers(ep, now, sa);
    event_ike(ep, now, sa, (struct event_record){.kind = EVENT_IKE_UP, .installed = installed});
}

void ike_established(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    half_open_over(ep, sa);
    ep->store->counters.completed += sa->initiator;
    begin(ep, now, sa, false);
}

void ike_installed(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    ep->store->counters.installed += sa->initiator;
    begin(ep, now, sa, true);
}

/* A late double of the first request must not look new because its SA was rekeyed (§2.1). */
static void inherit_init(struct ike_endpoint *ep, struct ike_sa *old, struct ike_sa *next)
{
    if (old->called)
        ike_sa_init_moved(ep, old, next);
}

/* What was wished of the old SA is done under the new one. */
static void inherit_wishes(struct ike_endpoint *ep, nsec now, struct ike_sa *old,
                           struct ike_sa *next)
{
    next->wishes |= old->wishes & (WISH_CHILD | WISH_DELETE | WISH_REAUTH);
    next->new_wishes = old->new_wishes; /* the new SA has had none of its own yet */
    if (old->wishes & WISH_DELETE)
        next->reason = old->reason;
    old->wishes &= WISH_MOVE;
    old->new_wishes = 0;
    ike_next_later(ep, now, next);
}

void ike_inherit(struct ike_endpoint *ep, nsec now, struct ike_sa *old, struct ike_sa *next)
{
    uint64_t identity = old->peer_identity;
    nsec retransmit = ike_timer_at(ep, old, TIMER_RETRANSMIT);

    child_sas_move(ep, old, next);
    inherit_init(ep, old, next);
    mobike_inherit(ep, old, next);
    inherit_wishes(ep, now, old, next);
    ike_asked_move(ep, old, next);
    next->caller = old->caller; /* a rekey authenticates nobody: RFC 7296 §2.8.3 */
    next->reauth_s = old->reauth_s;
    if (identity)
        ike_sa_identify(ep, next, identity);
    ike_timers_cancel(ep, old);
    ike_timer_arm(ep, old, TIMER_RETRANSMIT, retransmit);
    ike_timer_arm(ep, old, TIMER_EXPIRE, nsec_add(now, REKEYED_HOLD));
    count_up(ep, next);
    arm_timers(ep, now, next);
    ep->store->counters.rekeys_ike++;
    event_ike(ep, now, old,
              (struct event_record){.kind = EVENT_IKE_REKEYED, .other = ike_sa_ref(ep, next)});
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

static void end_children(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum sa_reason why)
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

void ike_remove(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum sa_reason why)
{
    reauth_failed(ep, now, sa);
    end_children(ep, now, sa, why);
    ike_say_down(ep, now, sa, why);
    reauth_follow(ep, now, sa, why);
    ike_sa_give(ep, sa);
}

void ike_close(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum sa_reason why)
{
    reauth_failed(ep, now, sa);
    end_children(ep, now, sa, why);
    ike_say_down(ep, now, sa, why);
    ike_asked_done(ep, sa);
    exchange_close(sa);
    flights_forget(ep, sa);
    exchange_done(ep, sa);
    handshake_give(ep, sa);
    reauth_follow(ep, now, sa, why);
    sa->wishes = sa->new_wishes = 0;
    ike_timers_cancel(ep, sa);
    ike_timer_arm(ep, sa, TIMER_EXPIRE, nsec_add(now, CLOSED_HOLD));
    wipe(ike_sa_key_room(sa), ike_key_map(sa->suite).sk_pi);
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
