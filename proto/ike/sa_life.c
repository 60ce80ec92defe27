/*
 * Life of an IKE SA around its exchanges, as far as it is IKEv2's own (proto/core/sa_life has the
 * rest): its keys, what replaces it, re-authentication. RFC 7296 §1.4.1, §2.8, §2.18.
 */
#include "base/assert.h"
#include "proto/esp/esp.h"
#include "proto/ike/asked.h"
#include "proto/ike/ike.h"
#include "proto/ike/mobike.h"

void ike_say_down(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum sa_reason why)
{
    bool failed = !sa->up && sa->half_open;

    sa_life_down(ep, now, sa, why);
    if (failed)
        reauth_failed(ep, now, sa);
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

static void begin(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, bool installed)
{
    sa->reason = REASON_NONE;
    sa->caller = sa->initiator;
    reauth_plan(ep, now, sa);
    sa_life_begin(ep, now, sa, installed);
}

void ike_established(struct ike_endpoint *ep, nsec now, struct ike_sa *sa)
{
    sa_life_opened(ep, sa);
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
    sa_life_count(ep, next);
    sa_life_arm(ep, now, next);
    ep->store->counters.rekeys_ike++;
    event_ike(ep, now, old,
              (struct event_record){.kind = EVENT_IKE_REKEYED, .other = ike_sa_ref(ep, next)});
}

/* ---- over ---- */

void ike_remove(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum sa_reason why)
{
    reauth_failed(ep, now, sa);
    sa_life_end_children(ep, now, sa, why);
    ike_say_down(ep, now, sa, why);
    reauth_follow(ep, now, sa, why);
    ike_sa_give(ep, sa);
}

void ike_close(struct ike_endpoint *ep, nsec now, struct ike_sa *sa, enum sa_reason why)
{
    reauth_failed(ep, now, sa);
    sa_life_end_children(ep, now, sa, why);
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
