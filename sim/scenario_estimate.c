#include "sim/scenario_estimate.h"

#include "sim/fault.h"
#include "sim/link.h"

#include <stdlib.h>
#include <string.h>

enum {
    MTU = 1500,        /* of what waits where more is offered than a link carries */
    ESP_OVERHEAD = 64, /* outer IP, UDP, ESP header, IV, padding, ICV of AES-GCM, rounded */
};

uint32_t flow_mean_size(const struct scenario_flow *f)
{
    if (f->size == SIZE_IMIX)
        return (7 * 64 + 4 * 570 + 1400) / 12;
    return (f->size_min + f->size_max) / 2;
}

/* One member of a link seen from one of its nodes. */
struct edge {
    uint32_t to, link, member;
    uint32_t next; /* of the same node; UINT32_MAX: none */
    bool up;       /* this way is side a to side b */
};

struct graph {
    const struct scenario *s;
    struct edge *edges;
    uint32_t *first;      /* by node: its first edge */
    uint32_t *parent;     /* by node: edge towards the root, UINT32_MAX at a root */
    uint32_t *depth;      /* by node; 0: not seen, roots are 1 */
    uint32_t *link_first; /* by link: number of its member 0 */
    uint64_t (*load)[2];  /* by link member, bit/s */
    uint64_t delayed;     /* bytes of packets on their way over links, * 10^6 */
    uint64_t queued;      /* packets that wait where more is offered than a link carries */
};

/* What one direction of a flow offers. */
struct offer {
    uint64_t bps;        /* ESP overhead in */
    uint64_t rate_micro; /* packets per second * 10^6 */
    uint64_t footprint;  /* bytes of memory of one of them */
};

static void add_edge(struct graph *g, uint32_t *count, uint32_t from, struct edge e)
{
    e.next = g->first[from];
    g->first[from] = *count;
    g->edges[(*count)++] = e;
}

static uint32_t side_node(const struct scenario *s, const struct scenario_link *l, int side,
                          uint32_t i)
{
    const struct scenario_group *g = &s->groups[l->side[side]];

    return g->first_node + (uint32_t)((uint64_t)i * g->count / l->members);
}

/* A second uplink carries nothing until nodes switch to it: that is not estimated. */
static bool is_spare(const struct scenario *s, uint32_t link)
{
    for (int side = 0; side < 2; side++)
        if (s->groups[s->links[link].side[side]].uplink[1] == (int32_t)link)
            return true;
    return false;
}

static bool graph_make(struct graph *g, const struct scenario *s)
{
    uint32_t members = 0, count = 0;

    g->s = s;
    g->link_first = calloc((size_t)s->link_count + 1, sizeof *g->link_first);
    for (uint32_t k = 0; k < s->link_count && g->link_first; k++) {
        g->link_first[k] = members;
        members += s->links[k].members;
    }
    g->edges = calloc(2 * (size_t)members + 1, sizeof *g->edges);
    g->load = calloc((size_t)members + 1, sizeof *g->load);
    g->first = malloc(((size_t)s->node_count + 1) * sizeof *g->first);
    g->parent = malloc(((size_t)s->node_count + 1) * sizeof *g->parent);
    g->depth = calloc((size_t)s->node_count + 1, sizeof *g->depth);
    if (!g->link_first || !g->edges || !g->load || !g->first || !g->parent || !g->depth)
        return false;
    memset(g->first, 0xff, s->node_count * sizeof *g->first);
    memset(g->parent, 0xff, s->node_count * sizeof *g->parent);
    for (uint32_t k = 0; k < s->link_count; k++)
        for (uint32_t i = 0; i < s->links[k].members; i++) {
            uint32_t a = side_node(s, &s->links[k], 0, i), b = side_node(s, &s->links[k], 1, i);

            if (is_spare(s, k))
                continue;
            add_edge(g, &count, a, (struct edge){.to = b, .link = k, .member = i, .up = true});
            add_edge(g, &count, b, (struct edge){.to = a, .link = k, .member = i});
        }
    return true;
}

static void graph_reset(struct graph *g)
{
    free(g->edges);
    free(g->first);
    free(g->parent);
    free(g->depth);
    free(g->link_first);
    free(g->load);
}

/* The network is a forest: hang each tree on its first node, breadth first. */
static bool graph_hang(struct graph *g)
{
    uint32_t *queue = malloc(((size_t)g->s->node_count + 1) * sizeof *queue);
    uint32_t head = 0, tail = 0;

    if (!queue)
        return false;
    for (uint32_t root = 0; root < g->s->node_count; root++) {
        if (g->depth[root])
            continue;
        g->depth[root] = 1;
        queue[tail++] = root;
        while (head < tail) {
            uint32_t node = queue[head++];

            for (uint32_t e = g->first[node]; e != UINT32_MAX; e = g->edges[e].next) {
                uint32_t to = g->edges[e].to;

                if (g->depth[to])
                    continue;
                g->depth[to] = g->depth[node] + 1;
                g->parent[to] = e ^ 1; /* edges are made in pairs: the way back */
                queue[tail++] = to;
            }
        }
    }
    free(queue);
    return true;
}

static void add_load(struct graph *g, uint32_t edge, bool along, const struct offer *o)
{
    const struct edge *e = &g->edges[edge];
    int d = e->up == along ? LINK_UP : LINK_DOWN;
    nsec delay = g->s->links[e->link].words[d].delay;

    g->load[g->link_first[e->link] + e->member][d] += o->bps;
    g->delayed += (uint64_t)((unsigned __int128)o->rate_micro * delay / NSEC_PER_S * o->footprint);
}

/* Climb from both ends to where the ways meet. */
static void add_path(struct graph *g, uint32_t from, uint32_t to, const struct offer *o)
{
    while (from != to) {
        if (g->depth[from] >= g->depth[to]) {
            if (g->parent[from] == UINT32_MAX)
                return;
            add_load(g, g->parent[from], true, o);
            from = g->edges[g->parent[from]].to;
        } else {
            add_load(g, g->parent[to], false, o);
            to = g->edges[g->parent[to]].to;
        }
    }
}

static struct offer offer_of(const struct scenario_flow *f)
{
    uint64_t size = flow_mean_size(f), outer = size + ESP_OVERHEAD;
    struct offer o = {.rate_micro = f->packet_rate_micro, .footprint = packet_footprint(outer)};

    size = size ? size : 1;
    if (f->rate_bps) {
        o.bps = (uint64_t)((unsigned __int128)f->rate_bps * outer / size);
        o.rate_micro = (uint64_t)((unsigned __int128)f->rate_bps * 1000000 / (8 * size));
        return o;
    }
    o.bps = (uint64_t)((unsigned __int128)f->packet_rate_micro * outer * 8 / 1000000);
    return o;
}

static void add_flow(struct graph *g, const struct scenario_flow *f)
{
    const struct scenario_group *from = &g->s->groups[f->from], *to = &g->s->groups[f->to];
    bool upward = from->connect == (int32_t)f->to;
    const struct scenario_group *clients = upward ? from : to, *servers = upward ? to : from;
    struct offer o = offer_of(f);

    for (uint32_t i = 0; i < clients->count; i++) {
        uint32_t client = clients->first_node + i;
        uint32_t server =
            servers->first_node + (uint32_t)((uint64_t)i * servers->count / clients->count);

        if (upward || f->both)
            add_path(g, client, server, &o);
        if (!upward || f->both)
            add_path(g, server, client, &o);
    }
}

static void estimate_links(struct graph *g, struct scenario_estimate *out)
{
    for (uint32_t k = 0; k < g->s->link_count; k++)
        for (int d = 0; d < 2; d++) {
            const struct link_words *words = &g->s->links[k].words[d];
            const struct loss_words *loss = &words->loss;
            uint64_t most = 0;

            for (uint32_t i = 0; i < g->s->links[k].members; i++) {
                uint64_t load = g->load[g->link_first[k] + i][d];

                most = load > most ? load : most;
                if (words->rate_bps && load > words->rate_bps)
                    g->queued += words->limit;
            }
            out->links[k].load_bps[d] = most;
            out->links[k].loss[d] = loss->model == LOSS_STATE ? UINT64_MAX : loss_expected(loss);
        }
}

enum err scenario_estimate(const struct scenario *s, struct scenario_estimate *out)
{
    struct graph g = {0};
    bool good;

    *out = (struct scenario_estimate){0};
    out->links = calloc((size_t)s->link_count + 1, sizeof *out->links);
    good = out->links && graph_make(&g, s) && graph_hang(&g);
    for (uint32_t i = 0; i < s->flow_count && good; i++)
        add_flow(&g, &s->flows[i]);
    if (good) {
        estimate_links(&g, out);
        out->packet_bytes = g.delayed / 1000000 + g.queued * packet_footprint(MTU);
    } else {
        scenario_estimate_reset(out);
    }
    graph_reset(&g);
    return good ? OK : ERR_MEMORY;
}

void scenario_estimate_reset(struct scenario_estimate *e)
{
    free(e->links);
    e->links = NULL;
}
