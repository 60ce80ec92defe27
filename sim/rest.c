#include "sim/rest.h"

#include "proto/core/exchange.h"
#include "sim/ike_node.h"
#include "sim/outcome.h"

#include <stdlib.h>

enum {
    /* How long proto/ike holds what is over (decisions/0002) */
    REPLACED_HOLD_S = 300, /* until its delete comes, or ours goes out */
    CLOSED_HOLD_S = 30,
    LINGER_S = 10,
    MARGIN_S = 5, /* of a peer that is away: on the way, and in the queue of a processor */
};

/* One IKE SA of an end, with its children. */
struct holding {
    bool here, live, acting;
    bool known; /* to the other end */
    struct ike_sa_info sa;
    uint32_t children;        /* live */
    uint32_t held;            /* SAs that wait for the end of a hold: itself, children */
    uint32_t spi_in, spi_out; /* of the last of them */
};

/* All IKE SAs of a node, by slot. */
struct end {
    struct ike_node *node;
    struct holding *ikes;
    uint32_t count, capacity;
    bool indexed;
    struct table by_spis; /* if indexed: both SPIs -> slot */
};

static uint64_t name_of(const struct ike_sa_info *sa)
{
    return sa->spi_i * 3 ^ sa->spi_r;
}

static bool room_for(struct end *e, uint32_t slot)
{
    uint32_t capacity = e->capacity ? e->capacity : 8;
    struct holding *bigger;

    if (slot < e->capacity)
        return true;
    while (capacity <= slot)
        capacity *= 2;
    bigger = realloc(e->ikes, capacity * sizeof *bigger);
    if (!bigger)
        return false;
    e->ikes = bigger;
    e->capacity = capacity;
    return true;
}

/* I7: what is on its way out has an end in sight. */
static void check_end(const struct end *e, nsec ends, unsigned hold_s, const char *what)
{
    struct lab *lab = e->node->lab;
    nsec latest = nsec_add(lab->sim.now, hold_s * NSEC_PER_S);

    if (ends > latest && checker_watches(lab->checker, e->node->node))
        checker_violate(lab->checker, "I7", lab->sim.now, e->node->node,
                        "%s has no end within %u s", what, hold_s);
}

static bool half_open(const struct ike_sa_info *sa)
{
    return sa->state < STATE_ESTABLISHED;
}

static bool add_ike(struct end *e, struct sa_ref ref, const struct ike_sa_info *sa)
{
    uint32_t slot = ref.handle.index;
    struct holding *h;

    if (!room_for(e, slot))
        return false;
    while (e->count <= slot)
        e->ikes[e->count++] = (struct holding){0};
    h = &e->ikes[slot];
    if (sa->state == STATE_CLOSED) { /* over; it only repeats its last response */
        check_end(e, sa->ends, CLOSED_HOLD_S, "a closed IKE SA");
        return true;
    }
    *h = (struct holding){.here = true, .live = sa->established, .sa = *sa};
    h->acting = sa->acting || half_open(sa);
    if (!h->live && !half_open(sa)) {
        check_end(e, sa->in_flight ? 0 : sa->ends, REPLACED_HOLD_S, "an IKE SA that is not live");
        h->held = sa->ends != 0;
    }
    return !e->indexed || table_put(&e->by_spis, name_of(sa), slot) == OK;
}

static void add_child(struct end *e, const struct child_sa_info *child)
{
    struct holding *h = &e->ikes[child->ike.handle.index];

    if (child->over) {
        check_end(e, child->ends, LINGER_S, "a deleted child SA");
    } else if (child->live) {
        h->children++;
        h->spi_in = child->spi_in;
        h->spi_out = child->spi_out;
    } else {
        check_end(e, child->ends, REPLACED_HOLD_S, "a child SA that is not live");
        h->acting |= child->ends == 0;
        h->held += child->ends != 0;
    }
}

/* @return false when memory is short: this node is then not judged */
static bool look_at(struct end *e, struct ike_node *n)
{
    struct sa_ref ref = SA_NONE;

    e->node = n;
    e->count = 0;
    while (!sa_none(ref = ike_endpoint_next_ike(n->endpoint, ref))) {
        struct ike_sa_info sa;

        if (ike_endpoint_ike_info(n->endpoint, ref, &sa) && !add_ike(e, ref, &sa))
            return false;
    }
    while (!sa_none(ref = ike_endpoint_next_child(n->endpoint, ref))) {
        struct child_sa_info child;

        if (ike_endpoint_child_info(n->endpoint, ref, &child))
            add_child(e, &child);
    }
    return true;
}

static struct holding *at_other_end(const struct end *e, const struct ike_sa_info *sa)
{
    uint32_t slot;

    if (!table_get(&e->by_spis, name_of(sa), &slot))
        return NULL;
    return e->ikes[slot].sa.spi_i == sa->spi_i ? &e->ikes[slot] : NULL;
}

/*
 * A live IKE SA that the other end does not have: after a crash, until liveness checks find out
 * (RFC 7296 §2.4). An end without such checks may keep it for its lifetime.
 */
static void check_orphan(const struct end *e, const struct holding *h)
{
    const struct ike_config *c = &e->node->fleet->config;
    struct lab *lab = e->node->lab;
    nsec found = nsec_add(c->dpd_delay, outcome_ladder(&c->retransmit));

    lab->metrics->tunnels.orphans++;
    if (c->dpd_delay &&
        lab->sim.now > nsec_add(nsec_add(h->sa.last_heard, found), MARGIN_S * NSEC_PER_S))
        checker_violate(lab->checker, "I6", lab->sim.now, e->node->node,
                        "an IKE SA that its peer does not have was not given up within %llu s of "
                        "silence",
                        (unsigned long long)(found / NSEC_PER_S));
}

/* What a tunnel comes to at one end. */
struct sum {
    uint32_t ikes, children, held;
    bool acting;
    const struct holding *live; /* the last live one */
};

static void add_up(struct sum *s, const struct holding *h)
{
    s->held += h->held;
    s->acting |= h->acting;
    s->children += h->children;
    if (!h->live)
        return;
    s->ikes++;
    s->live = h;
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

/* One, or where the gateway takes more in other child SAs (RFC 7296 §2.9) the same number. */
static bool as_many_as_wanted(const struct sum ends[2])
{
    if (ends[0].live->sa.takes_more)
        return ends[0].children > 0 && ends[0].children == ends[1].children;
    return ends[0].children == 1 && ends[1].children == 1;
}

static void judge(struct lab *lab, struct tunnel *t, const struct sum ends[2])
{
    const struct holding *a = ends[0].live, *b = ends[1].live;
    bool more = t->asked & 1u << ACTION_NEW_CHILD && ends[0].children == ends[1].children;
    bool none = ends[0].children + ends[1].children == 0 && ended_with_a_word(lab, t);

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
    else if (!none && !as_many_as_wanted(ends))
        checker_violate(lab->checker, "I6", lab->sim.now, t->client,
                        "at rest the client has %u child SAs of this tunnel and the gateway %u",
                        ends[0].children, ends[1].children);
    else if (!none && !a->sa.takes_more && (a->spi_in != b->spi_out || a->spi_out != b->spi_in))
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

static void add_tunnel(struct lab *lab, struct tunnel *t, struct end *client, struct end *gateway)
{
    struct tunnel_metrics *m = &lab->metrics->tunnels;
    struct sum ends[2] = {{0}, {0}};
    bool orphans = false;

    for (uint32_t i = 0; i < client->count; i++) {
        const struct holding *h = &client->ikes[i];
        struct holding *other = h->here ? at_other_end(gateway, &h->sa) : NULL;

        if (!h->here)
            continue;
        add_up(&ends[0], h);
        if (other) {
            other->known = true;
            add_up(&ends[1], other);
        } else if (h->live) {
            orphans = true;
            check_orphan(client, h);
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
static void check_strangers(const struct end *gateway)
{
    struct lab *lab = gateway->node->lab;

    for (uint32_t i = 0; i < gateway->count; i++) {
        const struct holding *h = &gateway->ikes[i];

        if (!h->here || h->known)
            continue;
        if (h->live)
            check_orphan(gateway, h);
        if (!h->acting)
            lab->metrics->tunnels.held += h->held;
    }
}

static void look_from(struct lab *lab, struct ike_node *gateway, bool all)
{
    struct end ends[2] = {{0}, {.indexed = true}};
    bool whole = true;

    if (table_init(&ends[1].by_spis, 64) == OK && look_at(&ends[1], gateway)) {
        for (uint32_t i = 0; i < gateway->tunnel_count; i++) {
            struct tunnel *t = &lab->tunnels[gateway->tunnels[i]];
            bool wanted = all || checker_watches(lab->checker, t->client);

            if (wanted && look_at(&ends[0], ike_node_at(lab, t->client)))
                add_tunnel(lab, t, &ends[0], &ends[1]);
            else
                whole = false;
        }
        if (whole)
            check_strangers(&ends[1]);
    }
    table_reset(&ends[1].by_spis);
    free(ends[0].ikes);
    free(ends[1].ikes);
}

void rest_look(struct lab *lab, bool last)
{
    struct tunnel_metrics *m = &lab->metrics->tunnels;
    uint64_t held_peak = m->held_peak;

    *m = (struct tunnel_metrics){.count = lab->tunnel_count,
                                 .up = lab->tunnels_up,
                                 .ike_sas_min = lab->tunnel_count ? UINT64_MAX : 0,
                                 .child_sas_min = lab->tunnel_count ? UINT64_MAX : 0};
    for (uint32_t i = 0; i < lab->sim.node_count; i++)
        if (lab->sim.nodes[i].class == &ike_node_class &&
            ike_node_at(lab, i)->group->role == ROLE_RESPONDER)
            look_from(lab, ike_node_at(lab, i), last);
    for (uint32_t i = 0; i < lab->tunnel_count; i++)
        m->judged += lab->tunnels[i].judged;
    m->held_peak = m->held > held_peak ? m->held : held_peak;
}
