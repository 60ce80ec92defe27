/* What an endpoint's events and counters mean to the run: metrics, checkers, reconnecting. */
#include "sim/ike_node.h"
#include "sim/recorder.h"

enum { RECONNECT_DELAY_S = 1 };

_Static_assert(IKE_DROP_FRAGMENT_LIMIT - IKE_DROP_FRAGMENT_UNEXPECTED + 1 == FRAGMENT_DROP_COUNT,
               "the same causes in both lists");

static const enum path_metric path_metrics[PATH_NEWS_COUNT] = {
    [PATH_LOWERED] = PATH_METRIC_LOWERED,
    [PATH_MALFORMED] = PATH_METRIC_MALFORMED,
    [PATH_NO_SA] = PATH_METRIC_NO_SA,
    [PATH_BELOW_MINIMUM] = PATH_METRIC_BELOW_MINIMUM,
    [PATH_NOT_SMALLER] = PATH_METRIC_NOT_SMALLER,
    [PATH_RATE] = PATH_METRIC_RATE,
    [PATH_IGNORED] = PATH_METRIC_IGNORED,
};

bool lab_plant(struct lab *lab, enum plant plant, uint32_t n)
{
    return lab->plant == plant && ++lab->plant_count == n;
}

static struct tunnel *client_tunnel(struct ike_node *n)
{
    return n->group->role == ROLE_INITIATOR ? &n->lab->tunnels[n->tunnels[0]] : NULL;
}

static void set_up(struct lab *lab, struct tunnel *t, bool up)
{
    if (t->up != up)
        lab->tunnels_up += up ? 1 : UINT64_MAX;
    t->up = up;
    metrics_set_tunnels(lab->metrics, lab->tunnels_up);
}

static void excuse(struct lab *lab, uint32_t tunnel)
{
    checker_flow_excused(lab->checker, lab->sim.now, 2 * tunnel);
    checker_flow_excused(lab->checker, lab->sim.now, 2 * tunnel + 1);
}

/* What a road warrior would try again: the peer was away, not unwilling. */
static bool worth_retrying(enum sa_reason reason)
{
    return reason == REASON_TIMEOUT || reason == REASON_DPD || reason == REASON_DELETED_BY_PEER ||
           reason == REASON_PEER_CRASHED || reason == REASON_EXPIRED || reason == REASON_CRASH ||
           reason == REASON_REPLACED;
}

static void came_up(struct ike_node *n, const struct ike_event *e)
{
    struct lab *lab = n->lab;
    struct tunnel *t = client_tunnel(n);

    if (!t || !(t->starting || e->installed))
        return;
    t->starting = false;
    t->ike = e->ike;
    t->first_packet = e->installed; /* it began with nothing that it could be measured from */
    if (!e->installed)
        metrics_ike_completed(lab->metrics, t->group, lab->sim.now, t->started);
    set_up(lab, t, true);
    excuse(lab, n->tunnels[0]);
    ike_node_begin_traffic(lab, n->tunnels[0]);
}

static void went_down(struct ike_node *n, const struct ike_event *e)
{
    struct lab *lab = n->lab;
    struct tunnel *t = client_tunnel(n);

    if (!t)
        return;
    excuse(lab, n->tunnels[0]);
    if (t->starting) {
        t->starting = false;
        metrics_ike_failed(lab->metrics, t->group, lab->sim.now, reason_name(e->reason));
    } else if (!t->up || !sa_equal(t->ike, e->ike)) {
        return; /* an older IKE SA of this tunnel, after a rekey */
    }
    if (t->up && e->reason == REASON_DELETED_BY_PEER && !ike_node_may_end(lab, t, false) &&
        checker_watches(lab->checker, n->node))
        checker_violate(
            lab->checker, "I6", lab->sim.now, n->node,
            "the gateway deleted the only IKE SA of this tunnel, and nobody asked it to");
    set_up(lab, t, false);
    if (worth_retrying(e->reason))
        ike_node_connect_at(lab, n->node, lab->sim.now + RECONNECT_DELAY_S * NSEC_PER_S);
}

static void forget_child(struct ike_node *n, struct sa_ref child)
{
    uint32_t spi;

    if (!table_get(&n->fleet->spi_of_child, child.handle.index, &spi))
        return;
    checker_child_down(n->lab->checker, n->node, spi);
    table_remove(&n->fleet->spi_of_child, child.handle.index);
}

static void child_came_up(struct ike_node *n, const struct ike_event *e)
{
    struct lab *lab = n->lab;
    bool watched = checker_watches(lab->checker, n->node);
    struct child_sa_info info;
    struct child_sa_gist gist;

    if (!(watched ? ike_endpoint_child_info(n->endpoint, e->child, &info)
                  : ike_endpoint_child_gist(n->endpoint, e->child, &gist)))
        return;
    if (watched) {
        if (n->group->role == ROLE_RESPONDER && lab_plant(lab, PLANT_KEY_MISMATCH, 1))
            info.key_fingerprint_in ^= 1;
        forget_child(n, e->child); /* one that lingered in this slot */
        checker_child_up(lab->checker, lab->sim.now, n->node, &info);
        if (table_put(&n->fleet->spi_of_child, e->child.handle.index, info.spi_in) != OK)
            sim_fail(&lab->sim, ERR_MEMORY);
    }
    if (n->group->role == ROLE_INITIATOR && lab_plant(lab, PLANT_SECOND_CHILD, 1))
        (void)ike_endpoint_new_child(n->endpoint, lab->sim.now, e->ike);
    came_up(n, e);
}

/* An IKE SA without its child is no tunnel (RFC 7296 §1.2: it stays, but carries nothing). */
static void child_failed(struct ike_node *n, const struct ike_event *e)
{
    struct tunnel *t = client_tunnel(n);

    if (t)
        t->child_end = e->reason;
    if (!t || !t->starting || !sa_equal(t->ike, e->ike))
        return;
    t->starting = false;
    metrics_ike_failed(n->lab->metrics, t->group, n->lab->sim.now, reason_name(e->reason));
}

/* One that lingers still receives, and refuses doubles of what it has accepted (I4, I5). */
static void child_went_down(struct ike_node *n, const struct ike_event *e)
{
    struct tunnel *t = client_tunnel(n);
    struct child_sa_gist gist;

    if (t)
        t->child_end = e->reason;
    if (!ike_endpoint_child_gist(n->endpoint, e->child, &gist))
        forget_child(n, e->child);
}

static void ike_came_up(struct ike_node *n, const struct ike_event *e)
{
    struct ike_sa_info info;

    if (checker_watches(n->lab->checker, n->node) &&
        ike_endpoint_ike_info(n->endpoint, e->ike, &info))
        checker_ike_up(n->lab->checker, n->lab->sim.now, n->node, &info);
}

static void ike_rekeyed(struct ike_node *n, const struct ike_event *e)
{
    struct tunnel *t = client_tunnel(n);
    struct ike_sa_info info;

    if (t && sa_equal(t->ike, e->ike))
        t->ike = e->other;
    if (checker_watches(n->lab->checker, n->node) &&
        ike_endpoint_ike_info(n->endpoint, e->other, &info))
        checker_ike_up(n->lab->checker, n->lab->sim.now, n->node, &info);
}

/* Another IKE SA takes over: it is up beside the old one, or begins now that that one is over. */
static void reauthenticated(struct ike_node *n, const struct ike_event *e)
{
    struct lab *lab = n->lab;
    struct tunnel *t = client_tunnel(n);

    if (!t || !sa_equal(t->ike, e->ike))
        return;
    t->ike = e->other;
    if (t->up || t->starting)
        return;
    t->starting = true;
    t->started = lab->sim.now;
    metrics_ike_started(lab->metrics, t->group, lab->sim.now);
}

static void handle(struct ike_node *n, const struct ike_event *e)
{
    switch (e->kind) {
    case EVENT_IKE_UP:
        ike_came_up(n, e);
        break;
    case EVENT_IKE_REKEYED:
        ike_rekeyed(n, e);
        break;
    case EVENT_IKE_REAUTH:
        reauthenticated(n, e);
        break;
    case EVENT_IKE_FAILED:
    case EVENT_IKE_DOWN:
        went_down(n, e);
        break;
    case EVENT_CHILD_UP:
        child_came_up(n, e);
        break;
    case EVENT_CHILD_FAILED:
        child_failed(n, e);
        break;
    case EVENT_CHILD_DOWN:
        child_went_down(n, e);
        break;
    case EVENT_REQUEST:
        look_ups_ask(n->extra->look_ups, e->count, e->spi_i | 1); /* as job_key does */
        break;
    default:
        break;
    }
}

void ike_node_pull_events(struct ike_node *n)
{
    struct timer_event timer;
    struct ike_event e;

    while (ike_endpoint_next_event(n->endpoint, &e)) {
        if (n->lab->recorder)
            recorder_sa(n->lab->recorder, n->node, &e);
        handle(n, &e);
    }
    while (ike_endpoint_next_timer(n->endpoint, &timer)) /* none unless they are recorded */
        recorder_timer(n->lab->recorder, n->node, &timer);
}

void ike_node_count(struct ike_node *n)
{
    uint64_t executed = ike_endpoint_counters(n->endpoint)->requests_executed;
    struct ike_fleet *f = n->fleet;

    n->executed += (uint32_t)(executed - f->executed);
    f->executed = executed;
    if (checker_watches(n->lab->checker, n->node))
        checker_executed(n->lab->checker, n->lab->sim.now, n->node, n->executed);
    if (f->uncounted)
        return;
    f->uncounted = true;
    f->next_uncounted = n->lab->uncounted;
    n->lab->uncounted = f;
}

static void count(struct metrics *m, struct ike_fleet *f)
{
    const struct ike_counters *now = ike_endpoint_counters(f->nodes->endpoint);
    struct ike_counters *was = &f->before;

#define GREW(field, counter)                                                                       \
    if (now->counter != was->counter)                                                              \
        METRICS_IKE_COUNT(m, f->group, field, now->counter - was->counter);
    METRICS_IKE_GROWTH(GREW)
    for (int i = 0; i < FRAGMENT_DROP_COUNT; i++) {
        GREW(fragments.dropped[i], dropped[IKE_DROP_FRAGMENT_UNEXPECTED + i])
    }
#undef GREW
    for (int i = 0; i < PATH_NEWS_COUNT; i++)
        m->path[path_metrics[i]] += now->path_news[i] - was->path_news[i];
    m->path[PATH_METRIC_TOO_BIG] += now->esp_unsent_too_big - was->esp_unsent_too_big;
    *was = *now;
}

void ike_nodes_count(struct lab *lab)
{
    struct ike_fleet *f;

    while ((f = lab->uncounted)) {
        lab->uncounted = f->next_uncounted;
        f->uncounted = false;
        count(lab->metrics, f);
    }
}

/* Data again after an event of the scenario: the moments when half, 99 %, all have it. */
static void recovered(struct lab *lab, uint64_t *recovering, nsec sent)
{
    for (uint32_t i = 0; i < lab->metrics->recovery_count; i++) {
        struct recovery *r = &lab->metrics->recoveries[i];
        nsec took;

        if (!(*recovering >> i & 1) || sent < r->at)
            continue;
        *recovering &= ~(UINT64_C(1) << i);
        took = lab->sim.now - r->at;
        r->recovered++;
        if (r->t50 == NSEC_NEVER && 2 * r->recovered >= r->affected)
            r->t50 = took;
        if (r->t99 == NSEC_NEVER && 100 * r->recovered >= 99 * r->affected)
            r->t99 = took;
        if (r->recovered == r->affected)
            r->t100 = took;
    }
}

void ike_node_delivered(struct ike_node *n, const struct payload *p, nsec sent, uint32_t bytes)
{
    struct lab *lab = n->lab;
    struct tunnel *t = &lab->tunnels[p->tunnel];

    metrics_esp_delivered(lab->metrics, p->flow, lab->sim.now, sent, bytes);
    checker_flow_delivered(lab->checker, lab->sim.now, 2 * p->tunnel + p->reverse);
    if (!t->first_packet) {
        t->first_packet = true;
        metrics_first_packet(lab->metrics, t->group, lab->sim.now, t->started);
    }
    if (lab->recovering && lab->recovering[p->tunnel])
        recovered(lab, &lab->recovering[p->tunnel], sent);
}
