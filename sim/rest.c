#include "sim/rest.h"

#include "proto/core/exchange.h"
#include "sim/look_ahead.h"
#include "sim/outcome.h"

#include <stdlib.h>

enum {
    /* How long proto/ike holds what is over (decisions/0002) */
    REPLACED_HOLD_S = 300, /* until its delete comes, or ours goes out */
    CLOSED_HOLD_S = 30,
    LINGER_S = 10,
    MARGIN_S = 5, /* of a peer that is away: on the way, and in the queue of a processor */
};

/* SAs of gateways that one look takes in, where a sample is watched. */
enum { SWEEP = 16384 };

/* One IKE SA of an end, with its children. */
struct holding {
    bool here, live, acting;
    struct ike_sa_gist sa;
    uint32_t children;        /* live */
    uint32_t held;            /* SAs that wait for the end of a hold: itself, children */
    uint32_t spi_in, spi_out; /* of the last of them */
};

/* All IKE SAs of a client. */
struct end {
    struct ike_node *node;
    struct holding *ikes;
    uint32_t count, capacity;
};

/* A gateway has too many for that: they are found by name, and those found are marked. */
struct gateway {
    struct ike_node *node;
    bool whole;      /* all its tunnels are looked at, so that what is left are strangers */
    uint64_t *known; /* set of slots */
    uint32_t words;
};

static uint64_t name_of(const struct ike_sa_gist *sa)
{
    return sa->spi_i * 3 ^ sa->spi_r;
}

static struct holding *next_holding(struct end *e)
{
    if (e->count == e->capacity) {
        uint32_t capacity = e->capacity ? 2 * e->capacity : 8;
        struct holding *bigger = realloc(e->ikes, capacity * sizeof *bigger);

        if (!bigger) {
            sim_fail(&e->node->lab->sim, ERR_MEMORY);
            return NULL;
        }
        e->ikes = bigger;
        e->capacity = capacity;
    }
    return &e->ikes[e->count++];
}

/* I7: what is on its way out has an end in sight. */
static void check_end(const struct ike_node *n, nsec ends, unsigned hold_s, const char *what)
{
    struct lab *lab = n->lab;
    nsec latest = nsec_add(lab->sim.now, hold_s * NSEC_PER_S);

    if (ends > latest && checker_watches(lab->checker, n->node))
        checker_violate(lab->checker, "I7", lab->sim.now, n->node, "%s has no end within %u s",
                        what, hold_s);
}

static bool half_open(const struct ike_sa_gist *sa)
{
    return sa->state < STATE_ESTABLISHED;
}

static void add_child(const struct ike_node *n, struct holding *h,
                      const struct child_sa_gist *child)
{
    if (child->over) {
        check_end(n, child->ends, LINGER_S, "a deleted child SA");
    } else if (child->live) {
        h->children++;
        h->spi_in = child->spi_in;
        h->spi_out = child->spi_out;
    } else {
        check_end(n, child->ends, REPLACED_HOLD_S, "a child SA that is not live");
        h->acting |= child->ends == 0;
        h->held += child->ends != 0;
    }
}

/* @return whether there is such an IKE SA and it is not over */
static bool look_at(const struct ike_node *n, struct sa_ref ref, struct holding *h)
{
    struct sa_ref of = SA_NONE;
    struct child_sa_gist child;

    *h = (struct holding){0};
    if (!ike_endpoint_ike_gist(n->endpoint, ref, &h->sa))
        return false;
    h->here = h->sa.state != STATE_CLOSED;
    h->live = h->here && h->sa.established;
    h->acting = h->sa.acting || half_open(&h->sa);
    if (!h->here) { /* it only repeats its last response */
        check_end(n, h->sa.ends, CLOSED_HOLD_S, "a closed IKE SA");
    } else if (!h->live && !half_open(&h->sa)) {
        check_end(n, h->sa.in_flight ? 0 : h->sa.ends, REPLACED_HOLD_S,
                  "an IKE SA that is not live");
        h->held = h->sa.ends != 0;
    }
    while (!sa_none(of = ike_endpoint_next_child_of(n->endpoint, ref, of)))
        if (ike_endpoint_child_gist(n->endpoint, of, &child))
            add_child(n, h, &child);
    return h->here;
}

/* @return false when memory is short, which ends the run */
static bool look_at_client(struct end *e, struct ike_node *n)
{
    struct sa_ref ref = SA_NONE;

    e->node = n;
    e->count = 0;
    while (!sa_none(ref = ike_endpoint_next_ike(n->endpoint, ref))) {
        struct holding *h = next_holding(e);

        if (!h)
            return false;
        if (!look_at(n, ref, h))
            e->count--;
    }
    return true;
}

static void mark_known(struct gateway *g, uint32_t slot)
{
    uint32_t words = g->words ? g->words : 16;
    uint64_t *bigger;

    while (words <= slot / 64)
        words *= 2;
    if (words > g->words) {
        bigger = realloc(g->known, words * sizeof *bigger);
        if (!bigger) {
            sim_fail(&g->node->lab->sim, ERR_MEMORY);
            g->whole = false;
            return;
        }
        memset(bigger + g->words, 0, (words - g->words) * sizeof *bigger);
        g->known = bigger;
        g->words = words;
    }
    g->known[slot / 64] |= UINT64_C(1) << slot % 64;
}

static bool is_known(const struct gateway *g, uint32_t slot)
{
    return slot / 64 < g->words && g->known[slot / 64] >> slot % 64 & 1;
}

/* The gateway's view of a client's IKE SA. @return false when it does not have it */
static bool at_gateway(struct gateway *g, const struct ike_sa_gist *sa, struct holding *h)
{
    struct sa_ref ref =
        ike_endpoint_find_ike(g->node->endpoint, sa->initiator ? sa->spi_r : sa->spi_i);

    if (sa_none(ref) || !look_at(g->node, ref, h) || h->sa.spi_i != sa->spi_i ||
        h->sa.spi_r != sa->spi_r)
        return false;
    if (g->whole)
        mark_known(g, ref.handle.index);
    return true;
}

/*
 * A live IKE SA that the other end does not have: after a crash, until liveness checks find out
 * (RFC 7296 §2.4). An end without such checks may keep it for its lifetime.
 */
static void check_orphan(const struct ike_node *n, const struct holding *h)
{
    const struct ike_config *c = &n->fleet->config;
    struct lab *lab = n->lab;
    nsec found = nsec_add(c->dpd_delay, outcome_ladder(&c->retransmit));

    lab->metrics->tunnels.orphans++;
    if (c->dpd_delay &&
        lab->sim.now > nsec_add(nsec_add(h->sa.last_heard, found), MARGIN_S * NSEC_PER_S))
        checker_violate(lab->checker, "I6", lab->sim.now, n->node,
                        "an IKE SA that its peer does not have was not given up within %llu s of "
                        "silence",
                        (unsigned long long)(found / NSEC_PER_S));
}

/* What a tunnel comes to at one end. */
struct sum {
    uint32_t ikes, children, held;
    bool acting;
    struct holding live; /* the last live one, if there is one */
};

static void add_up(struct sum *s, const struct holding *h)
{
    s->held += h->held;
    s->acting |= h->acting;
    s->children += h->children;
    if (!h->live)
        return;
    s->ikes++;
    s->live = *h;
}

/* Why there may be no child SA: somebody refused or ended it, and said so. */
static bool ended_with_a_word(const struct lab *lab, const struct tunnel *t)
{
    enum sa_reason why = t->child_end;

    if (why == REASON_EXPIRED || why == REASON_DELETED || why == REASON_DELETED_BY_PEER)
        return ike_node_may_end(lab, t, true);
    return why != REASON_NONE && why != REASON_REKEYED && why != REASON_COLLISION &&
           why != REASON_CHILD_NOT_FOUND;
}

/* Child SAs that a tunnel may have besides the first one (RFC 9611). */
static uint32_t for_cores(const struct lab *lab, const struct tunnel *t)
{
    const struct scenario_group *client = &lab->scenario->groups[t->group];
    uint32_t ours = client->ike.child.per_resource;
    uint32_t theirs = lab->scenario->groups[client->connect].ike.child.per_resource;

    return ours < theirs ? ours : theirs;
}

/* One, or where the gateway takes more in other child SAs (RFC 7296 §2.9), or has them for cores,
 * the same number. */
static bool as_many_as_wanted(const struct lab *lab, const struct tunnel *t,
                              const struct sum ends[2])
{
    if (for_cores(lab, t))
        return ends[0].children > 0 && ends[0].children == ends[1].children &&
               ends[0].children <= 1 + for_cores(lab, t);
    if (ends[0].live.sa.takes_more)
        return ends[0].children > 0 && ends[0].children == ends[1].children;
    return ends[0].children == 1 && ends[1].children == 1;
}

static void judge(struct lab *lab, struct tunnel *t, const struct sum ends[2])
{
    const struct holding *a = &ends[0].live, *b = &ends[1].live;
    bool more = t->asked & 1u << ACTION_NEW_CHILD && ends[0].children == ends[1].children;
    bool none = ends[0].children + ends[1].children == 0 && ended_with_a_word(lab, t);

    lab->tunnels_judged += !t->judged;
    t->judged = true;
    if (ends[0].ikes != 1 || ends[1].ikes != 1)
        checker_violate(lab->checker, "I6", lab->sim.now, t->client,
                        "at rest the client has %u IKE SAs of this tunnel and the gateway %u",
                        ends[0].ikes, ends[1].ikes);
    else if (name_of(&a->sa) != name_of(&b->sa))
        checker_violate(lab->checker, "I6", lab->sim.now, t->client,
                        "at rest the client uses another IKE SA of this tunnel than the gateway");
    else if (more)
        return; /* which of them is which other is not looked at */
    else if (!none && !as_many_as_wanted(lab, t, ends))
        checker_violate(lab->checker, "I6", lab->sim.now, t->client,
                        "at rest the client has %u child SAs of this tunnel and the gateway %u",
                        ends[0].children, ends[1].children);
    else if (!none && !a->sa.takes_more && !for_cores(lab, t) &&
             (a->spi_in != b->spi_out || a->spi_out != b->spi_in))
        checker_violate(lab->checker, "I6", lab->sim.now, t->client,
                        "at rest the client's child SA %08x is not the gateway's %08x", a->spi_in,
                        b->spi_out);
}

static void count_range(uint64_t *min, uint64_t *max, const struct sum ends[2], bool children)
{
    for (int i = 0; i < 2; i++) {
        uint64_t n = children ? ends[i].children : ends[i].ikes;

        *min = n < *min ? n : *min;
        *max = n > *max ? n : *max;
    }
}

static void add_tunnel(struct lab *lab, struct tunnel *t, struct end *client,
                       struct gateway *gateway)
{
    struct tunnel_metrics *m = &lab->metrics->tunnels;
    struct sum ends[2] = {{0}, {0}};
    bool orphans = false;

    for (uint32_t i = 0; i < client->count; i++) {
        const struct holding *h = &client->ikes[i];
        struct holding other;

        add_up(&ends[0], h);
        if (at_gateway(gateway, &h->sa, &other)) {
            add_up(&ends[1], &other);
        } else if (h->live) {
            orphans = true;
            check_orphan(client->node, h);
        }
    }
    count_range(&m->ike_sas_min, &m->ike_sas_max, ends, false);
    count_range(&m->child_sas_min, &m->child_sas_max, ends, true);
    if (!ends[0].acting && !ends[1].acting)
        m->held += ends[0].held + ends[1].held;
    if (!t->up || t->starting || orphans || ends[0].acting || ends[1].acting)
        return;
    m->at_rest++;
    if (checker_watches(lab->checker, t->client))
        judge(lab, t, ends);
}

/* What only the gateway has. */
static void check_strangers(const struct gateway *g)
{
    struct lab *lab = g->node->lab;
    struct sa_ref ref = SA_NONE;
    struct holding h;

    while (!sa_none(ref = ike_endpoint_next_ike(g->node->endpoint, ref))) {
        if (is_known(g, ref.handle.index) || !look_at(g->node, ref, &h))
            continue;
        if (h.live)
            check_orphan(g->node, &h);
        if (!h.acting)
            lab->metrics->tunnels.held += h.held;
    }
}

static bool wanted(const struct lab *lab, const struct tunnel *t, bool all)
{
    return all || checker_watches(lab->checker, t->client);
}

static bool wants_whole(const struct lab *lab, const struct ike_node *n, bool all)
{
    for (uint32_t i = 0; i < n->tunnel_count; i++)
        if (!wanted(lab, &lab->tunnels[n->tunnels[i]], all))
            return false;
    return true;
}

/* @return whether all of it was looked at */
static bool look_from(struct lab *lab, struct ike_node *n, bool all)
{
    struct gateway gateway = {.node = n, .whole = wants_whole(lab, n, all)};
    struct end client = {0};

    for (uint32_t i = 0; i < n->tunnel_count; i++) {
        struct tunnel *t = &lab->tunnels[n->tunnels[i]];

        if (gateway.whole)
            look_ahead(lab, n, i);
        if (!wanted(lab, t, all))
            continue;
        if (look_at_client(&client, ike_node_at(lab, t->client)))
            add_tunnel(lab, t, &client, &gateway);
        else
            gateway.whole = false;
    }
    if (gateway.whole)
        check_strangers(&gateway);
    free(gateway.known);
    free(client.ikes);
    return gateway.whole;
}

/* The member behind this one in the groups of responders; behind the last comes the first. */
static uint32_t next_responder(const struct scenario *s, uint32_t node)
{
    const struct scenario_group *first = NULL;

    for (uint32_t g = 0; g < s->group_count; g++) {
        const struct scenario_group *group = &s->groups[g];

        if (group->role != ROLE_RESPONDER)
            continue;
        if (node + 1 < group->first_node + group->count)
            return node + 1 > group->first_node ? node + 1 : group->first_node;
        first = first ? first : group;
    }
    return first->first_node;
}

/* Where a sample is watched, I7 at gateways: some of their SAs at each look, in turn. */
static void sweep(struct lab *lab)
{
    const struct scenario *s = lab->scenario;
    struct holding h;
    uint32_t begun;

    if (s->groups[lab->sim.nodes[lab->sweep_node].group].role != ROLE_RESPONDER)
        lab->sweep_node = next_responder(s, lab->sweep_node); /* the first sweep */
    begun = lab->sweep_node;
    for (uint32_t left = SWEEP; left > 0;) {
        struct ike_node *n = ike_node_at(lab, lab->sweep_node);

        lab->sweep_after = ike_endpoint_next_ike(n->endpoint, lab->sweep_after);
        if (!sa_none(lab->sweep_after)) {
            (void)look_at(n, lab->sweep_after, &h);
            left--;
            continue;
        }
        lab->sweep_node = next_responder(s, lab->sweep_node);
        if (lab->sweep_node == begun)
            return;
    }
}

void rest_look(struct lab *lab, bool last)
{
    struct tunnel_metrics *m = &lab->metrics->tunnels;
    const struct scenario *s = lab->scenario;
    uint64_t held_peak = m->held_peak;
    bool whole = true;

    *m = (struct tunnel_metrics){.count = lab->tunnel_count,
                                 .up = lab->tunnels_up,
                                 .ike_sas_min = lab->tunnel_count ? UINT64_MAX : 0,
                                 .child_sas_min = lab->tunnel_count ? UINT64_MAX : 0};
    for (uint32_t g = 0; g < s->group_count; g++)
        for (uint32_t i = 0; s->groups[g].role == ROLE_RESPONDER && i < s->groups[g].count; i++)
            whole &= look_from(lab, ike_node_at(lab, s->groups[g].first_node + i), last);
    if (!whole)
        sweep(lab);
    m->judged = lab->tunnels_judged;
    m->held_peak = m->held > held_peak ? m->held : held_peak;
}
