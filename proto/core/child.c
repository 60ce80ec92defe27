#include "proto/core/child.h"

#include "base/assert.h"
#include "proto/core/spi.h"
#include "proto/esp/esp.h"

struct esp_sa *child_esp(const struct ike_endpoint *ep, const struct child_sa *c)
{
    return sad_at(&ep->store->esp->sad, child_sa_index(ep, c));
}

bool child_live(const struct child_sa *c)
{
    return c->state == CHILD_READY || c->state == CHILD_CURRENT;
}

/* QUIRK_STRONGSWAN_2778: so few that they meet. */
enum { FEW_SPIS_FROM = 0xc000, FEW_SPIS = 4 };

static enum err draw_spi(struct ike_endpoint *ep, uint32_t number)
{
    struct sad *sad = &ep->store->esp->sad;
    struct rng r;

    if (ep->store->config->quirks & QUIRK_STRONGSWAN_2778)
        return sad_spi_share(sad, ep->scope,
                             FEW_SPIS_FROM + (uint32_t)ike_draw_below(ep, STREAM_SPI, FEW_SPIS),
                             number);
    r = ike_stream(ep, STREAM_SPI);
    (void)sad_spi_new(sad, ep->scope, &r, number);
    ike_drew(ep, STREAM_SPI, &r);
    spi_expect(ep);
    return OK;
}

enum err child_reserve(struct ike_endpoint *ep, struct ike_sa *sa, struct handle *out)
{
    struct child_sa *c = child_sa_take(ep, sa, out);
    enum err e;

    if (!c)
        return ERR_FULL;
    e = draw_spi(ep, out->index);
    if (e) {
        child_sa_give(ep, c);
        *out = HANDLE_NONE;
    }
    return e;
}

/* ---- install ---- */

static size_t direction_len(const struct child_terms *t)
{
    return (size_t)t->encr->key_len + t->encr->salt_len + (t->integ ? t->integ->key_len : 0);
}

static void slice_keys(const struct child_terms *t, const struct child_keys *keys,
                       struct esp_sa_params *p)
{
    size_t encr = (size_t)t->encr->key_len + t->encr->salt_len, integ = direction_len(t) - encr;

    p->encr_out = bytes_of(keys->out, encr);
    p->integ_out = bytes_of(keys->out + encr, integ);
    p->encr_in = bytes_of(keys->in, encr);
    p->integ_in = bytes_of(keys->in + encr, integ);
}

static struct esp_limits volume_limits(struct ike_endpoint *ep, uint64_t hard_bytes)
{
    const struct lifetime_config *c = &ep->store->config->child.lifetime;

    struct esp_limits limits = {.hard_packets = c->hard_packets, .hard_bytes = c->hard_bytes};
    struct rng r;

    if (hard_bytes && (!limits.hard_bytes || hard_bytes < limits.hard_bytes))
        limits.hard_bytes = hard_bytes;
    if (!c->rekey_packets && !c->rekey_bytes)
        return limits; /* naming a stream takes time */
    r = ike_stream(ep, STREAM_LIFETIME);
    limits.soft_packets = lifetime_volume(c->rekey_packets, &r);
    limits.soft_bytes = lifetime_volume(c->rekey_bytes, &r);
    ike_drew(ep, STREAM_LIFETIME, &r);
    return limits;
}

static struct handle policy_at(const struct ike_endpoint *ep, const struct child_sa *c)
{
    return spd_handle(&ep->store->esp->spd, child_esp(ep, c)->policy);
}

struct selector_list child_selectors(const struct ike_endpoint *ep, const struct child_sa *c,
                                     bool local)
{
    struct selector_list list;
    struct spd_copy s;

    spd_selectors(&ep->store->esp->spd, policy_at(ep, c), &s);
    list.count = local ? s.local_count : s.remote_count;
    memcpy(list.items, local ? s.local : s.remote, list.count * sizeof *list.items);
    return list;
}

static bool same_selectors(const struct ike_endpoint *ep, const struct child_sa *old,
                           const struct child_terms *t)
{
    struct selector_list local = child_selectors(ep, old, true);
    struct selector_list remote = child_selectors(ep, old, false);

    return selectors_equal(&local, &t->local) && selectors_equal(&remote, &t->remote);
}

/* A rekeyed SA shares the policy of the old one, so that sending moves by one number. */
static enum err policy_of(struct ike_endpoint *ep, const struct child_terms *t,
                          const struct child_sa *old, struct handle *policy, bool *shared)
{
    struct spd_selectors s = {t->local.items, t->remote.items, t->local.count, t->remote.count};
    struct spd *spd = &ep->store->esp->spd;

    *policy = old && same_selectors(ep, old, t) ? policy_at(ep, old) : HANDLE_NONE;
    *shared = !handle_none(*policy) && spd_hold(spd, *policy);
    return *shared ? OK : spd_add(spd, ep->scope, &s, policy);
}

static void say_keys(struct ike_endpoint *ep, nsec now, const struct ike_sa *ike,
                     const struct child_sa *c, const struct esp_sa_params *p)
{
    struct key_record *k = event_keys_take(&ep->store->events);
    const struct bytes *parts[] = {&p->encr_in, &p->integ_in, &p->encr_out, &p->integ_out};
    struct bytes *views[4];
    size_t at = 0;

    if (!k)
        return;
    k->event = (struct ike_key_event){.is_child = true,
                                      .spi_i = ike->spi_i,
                                      .spi_r = ike->spi_r,
                                      .suite = *ike->suite,
                                      .spi_in = child_esp(ep, c)->spi_in,
                                      .spi_out = p->spi_out,
                                      .encr = p->encr,
                                      .integ = p->integ,
                                      .esn = p->esn,
                                      .local = p->local,
                                      .remote = p->remote,
                                      .udp_encapsulated = p->udp_encapsulated};
    views[0] = &k->event.encr_in;
    views[1] = &k->event.integ_in;
    views[2] = &k->event.encr_out;
    views[3] = &k->event.integ_out;
    for (int i = 0; i < 4; i++) {
        if (parts[i]->len)
            memcpy(k->bytes + at, parts[i]->data, parts[i]->len);
        *views[i] = bytes_of(k->bytes + at, parts[i]->len);
        at += parts[i]->len;
    }
    event_ike(ep, now, ike,
              (struct event_record){.kind = EVENT_KEYS, .child = {child_sa_handle(ep, c)}});
}

static enum err install(struct ike_endpoint *ep, nsec now, const struct child_sa *c,
                        const struct child_terms *t, const struct child_seed *seed,
                        struct esp_sa_params *p)
{
    const struct ike_sa *ike = child_sa_ike(ep, c);
    uint8_t keymat[CHILD_KEYS_MAX];
    size_t one = direction_len(t);
    /* §2.17: initiator's direction first */
    struct child_keys derived = {keymat + (seed->initiator ? one : 0),
                                 keymat + (seed->initiator ? 0 : one)};
    enum err e = OK;

    /* §2.17: KEYMAT = prf+(SK_d, [ g^ir(new) | ] Ni | Nr) */
    if (!seed->keys)
        e = child_keymat(ep->store->env.crypto, seed->prf, seed->sk_d, seed->shared, seed->ni,
                         seed->nr, keymat, 2 * one);
    if (e == OK) {
        slice_keys(t, seed->keys ? seed->keys : &derived, p);
        e = sad_install(&ep->store->esp->sad, child_sa_index(ep, c), p);
    }
    if (e == OK)
        say_keys(ep, now, ike, c, p);
    wipe(keymat, sizeof keymat);
    return e;
}

static void child_begin(struct ike_endpoint *ep, nsec now, struct child_sa *c,
                        const struct child_seed *seed)
{
    struct lifetime life = ike_draw_lifetime(ep, now, &ep->store->config->child.lifetime);

    child_timers_arm(ep, c, life.soft, life.hard);
    c->initiator = seed->initiator;
    c->state = CHILD_READY;
    c->up = true;
    event_ike(ep, now, child_sa_ike(ep, c),
              (struct event_record){.kind = EVENT_CHILD_UP,
                                    .child = {child_sa_handle(ep, c)},
                                    .installed = seed->installed});
}

/* What more there is, nobody says: the packet that finds no policy may ask (proto/ike/asked). */
static void say_more_ts(struct ike_endpoint *ep, nsec now, struct child_sa *c)
{
    struct ike_sa *ike = child_sa_ike(ep, c);

    ike->more_ts = true;
    event_ike(
        ep, now, ike,
        (struct event_record){.kind = EVENT_ADDITIONAL_TS, .child = {child_sa_handle(ep, c)}});
}

enum err child_install(struct ike_endpoint *ep, nsec now, struct child_sa *c,
                       const struct child_terms *t, const struct child_seed *seed)
{
    const struct ike_sa *ike = child_sa_ike(ep, c);
    struct esp_sa_params p = {.encr = t->encr,
                              .integ = t->integ,
                              .spi_out = t->spi_out,
                              .transport = t->transport,
                              .esn = t->esn,
                              .udp_encapsulated = ike->natt,
                              .replay_window = ep->store->config->child.replay_window,
                              .limits = volume_limits(ep, t->hard_bytes),
                              .local = ike_sa_local(ep, ike),
                              .remote = ike_sa_remote(ep, ike)};
    bool shared_policy;
    enum err e = policy_of(ep, t, seed->old ? seed->old : seed->beside, &p.policy, &shared_policy);

    if (e)
        return e;
    if (!p.udp_encapsulated)
        p.local.port = p.remote.port = 0;
    e = install(ep, now, c, t, seed, &p);
    if (e) {
        spd_drop(&ep->store->esp->spd, p.policy);
        return e;
    }
    meter_work(ep, METER_SA_INSTALLED, 0);
    c->no_tfc = t->no_tfc;
    if (seed->old) { /* the path is the same */
        c->path_mtu = seed->old->path_mtu;
        c->path_since = seed->old->path_since;
        if (seed->old->ike == c->ike) /* another IKE SA counts anew */
            c->resource = seed->old->resource;
    }
    child_begin(ep, now, c, seed);
    if (seed->initiator && t->more_ts)
        say_more_ts(ep, now, c);
    if (!shared_policy && !seed->waits)
        child_switch(ep, c);
    return OK;
}

/* ---- switch, replace, remove ---- */

/* With a window the delete of an SA may arrive after the rekey of its successor (RFC 7296 §2.3):
 * what lives is at the end of the line. */
static struct child_sa *last_successor(const struct ike_endpoint *ep, const struct child_sa *c)
{
    struct child_sa *next = child_sa_at(ep, c->successor);

    while (next && !child_live(next))
        next = child_sa_at(ep, next->successor);
    return next;
}

/* What takes the place of `c` in its policy; NULL if there is none yet, or it has other selectors.
 */
static struct child_sa *heir_of(const struct ike_endpoint *ep, const struct child_sa *c)
{
    struct child_sa *next = last_successor(ep, c);

    return next && child_esp(ep, next)->policy == child_esp(ep, c)->policy ? next : NULL;
}

/* One that is for a core: the policy points to the first one of its IKE SA until that goes (RFC
 * 9611 §4), also while another takes the place of the first one. */
static bool stands_aside(const struct ike_endpoint *ep, const struct child_sa *c)
{
    const struct child_sa *first;

    if (!c->resource)
        return false;
    first = child_sa_by_index(ep, spd_child(&ep->store->esp->spd, policy_at(ep, c)));
    return first && first->resource != c->resource &&
           ((child_live(first) && first->ike == c->ike) || heir_of(ep, first));
}

void child_switch(struct ike_endpoint *ep, struct child_sa *c)
{
    if (c->state == CHILD_READY)
        c->state = CHILD_CURRENT;
    if (stands_aside(ep, c))
        return;
    spd_point(&ep->store->esp->spd, policy_at(ep, c), child_sa_index(ep, c));
}

/* Whether `older` was replaced by `c`, or by one whose place that took. */
static bool descends(const struct ike_endpoint *ep, const struct child_sa *c,
                     const struct child_sa *older)
{
    while (older && older != c)
        older = child_sa_at(ep, older->successor);
    return older == c;
}

void child_take_over(struct ike_endpoint *ep, nsec now, struct child_sa *old, struct child_sa *next)
{
    ASSERT(!descends(ep, old, next)); /* else the line of successors has no end */
    old->state = CHILD_REPLACED;
    old->successor = child_sa_handle(ep, next);
    if (ep->store->config->quirks & QUIRK_LIBRESWAN_1044)
        next->wish_rekey |= old->wish_rekey;
    old->wish_rekey = false;
    /* A delete that waits for the window (RFC 7296 §2.3) is for the tunnel, not for one of its SAs:
     * it goes for both. A hard lifetime is the old one's own. */
    next->wish_delete |= old->wish_delete && old->reason == REASON_NONE;
    child_timers_arm(ep, old, NSEC_NEVER, nsec_min(old->hard, nsec_add(now, REKEYED_HOLD)));
}

void child_replace(struct ike_endpoint *ep, nsec now, struct child_sa *old, struct child_sa *next)
{
    child_take_over(ep, now, old, next);
    ep->store->counters.rekeys_child++;
    event_ike(ep, now, child_sa_ike(ep, old),
              (struct event_record){.kind = EVENT_CHILD_REKEYED,
                                    .child = {child_sa_handle(ep, old)},
                                    .other = {child_sa_handle(ep, next)}});
}

static void say_down(struct ike_endpoint *ep, nsec now, struct child_sa *c, enum sa_reason reason)
{
    if (c->up)
        event_ike(ep, now, child_sa_ike(ep, c),
                  (struct event_record){.kind = EVENT_CHILD_DOWN,
                                        .child = {child_sa_handle(ep, c)},
                                        .reason = reason});
    c->up = false;
}

/* Another child SA of the same policy (RFC 9611): the first one, or what is the first one then. */
static struct child_sa *next_beside(const struct ike_endpoint *ep, const struct child_sa *c)
{
    const struct ike_sa *ike = child_sa_ike(ep, c);
    uint32_t policy = child_esp(ep, c)->policy;
    struct child_sa *other = ike->resources ? child_sa_by_index(ep, ike->first_child) : NULL;
    struct child_sa *found = NULL;

    for (; other; other = child_sa_by_index(ep, other->next))
        if (other != c && child_live(other) && child_esp(ep, other)->policy == policy &&
            (!found || other->resource < found->resource))
            found = other;
    return found;
}

/* The policy must not send through an SA that goes: its successor takes over, or one that stands
 * beside it, or nobody. Where the policy sends through another one anyway, the successor may send
 * for its core from now on: with the delete of the old SA the peer has the new one (RFC 7296 §2.8).
 */
void child_stop(struct ike_endpoint *ep, struct child_sa *c)
{
    struct spd *spd = &ep->store->esp->spd;
    struct child_sa *next = heir_of(ep, c);

    if (spd_child(spd, policy_at(ep, c)) != child_sa_index(ep, c)) {
        if (next && next->state == CHILD_READY && next == child_sa_at(ep, c->successor))
            child_switch(ep, next);
        return;
    }
    spd_point(spd, policy_at(ep, c), SAD_NONE);
    if (!next)
        next = next_beside(ep, c);
    if (next)
        child_switch(ep, next);
}

/* What it has replaced is replaced by its successor from now on. */
static void bequeath(struct ike_endpoint *ep, const struct child_sa *c)
{
    struct child_sa *older = child_sa_by_index(ep, child_sa_ike(ep, c)->first_child);

    if (handle_none(c->successor))
        return;
    for (; older; older = child_sa_by_index(ep, older->next))
        if (child_sa_at(ep, older->successor) == c)
            older->successor = c->successor;
}

void child_remove(struct ike_endpoint *ep, nsec now, struct child_sa *c, enum sa_reason reason)
{
    struct esp_sa *esp = child_esp(ep, c);

    ASSERT(esp);
    if (esp->installed) {
        child_stop(ep, c);
        spd_drop(&ep->store->esp->spd, policy_at(ep, c));
    }
    sad_remove(&ep->store->esp->sad, child_sa_index(ep, c));
    say_down(ep, now, c, reason);
    bequeath(ep, c);
    child_sa_give(ep, c);
}

void child_deleted(struct ike_endpoint *ep, nsec now, struct child_sa *c, enum sa_reason reason)
{
    bool replaced = child_sa_at(ep, c->successor) != NULL;

    if (!replaced || c->state == CHILD_LINGERING) {
        child_remove(ep, now, c, reason);
        return;
    }
    child_stop(ep, c);
    say_down(ep, now, c, reason);
    c->state = CHILD_LINGERING;
    c->wish_delete = c->wish_rekey = false;
    child_timers_arm(ep, c, NSEC_NEVER, nsec_add(now, CHILD_LINGER));
}

void child_failed(struct ike_endpoint *ep, nsec now, const struct ike_sa *ike, struct handle child,
                  enum sa_reason reason)
{
    event_ike(
        ep, now, ike,
        (struct event_record){.kind = EVENT_CHILD_FAILED, .child = {child}, .reason = reason});
}

/* ---- look-up ---- */

struct child_sa *child_by_peer_spi(const struct ike_endpoint *ep, const struct ike_sa *ike,
                                   uint32_t spi)
{
    struct child_sa *c = child_sa_by_index(ep, ike->first_child);

    for (; c; c = child_sa_by_index(ep, c->next))
        if (c->state != CHILD_RESERVED && c->state != CHILD_LINGERING &&
            child_esp(ep, c)->spi_out == spi)
            return c;
    return NULL;
}

struct child_sa *child_like(const struct ike_endpoint *ep, const struct ike_sa *ike,
                            const struct child_terms *t)
{
    struct child_sa *c = child_sa_by_index(ep, ike->first_child), *found = NULL;

    for (; c && !(found && !found->resource); c = child_sa_by_index(ep, c->next))
        if (child_live(c) && (!found || c->resource < found->resource) && same_selectors(ep, c, t))
            found = c;
    return found;
}

bool child_taken_over(const struct ike_endpoint *ep, const struct child_sa *c)
{
    const struct child_sa *next = child_sa_at(ep, c->successor);

    return next && next->ike != c->ike;
}

void children_readdress(struct ike_endpoint *ep, const struct ike_sa *ike)
{
    struct ip_endpoint local = ike_sa_local(ep, ike), remote = ike_sa_remote(ep, ike);
    struct child_sa *c = child_sa_by_index(ep, ike->first_child);

    if (!ike->natt)
        local.port = remote.port = 0; /* IP protocol 50 has none */
    for (; c; c = child_sa_by_index(ep, c->next)) {
        struct esp_sa *esp = child_esp(ep, c);

        if (!esp->installed)
            continue;
        sad_update_peer(&ep->store->esp->sad, esp, &local, &remote);
        if (!ike->mobike)
            continue;
        esp->udp_encapsulated = ike->natt;
        c->path_mtu = 0; /* that was of another path */
    }
}
