#include "explore/search.h"

#include "base/table.h"

#include <stdlib.h>
#include <string.h>

struct node {
    uint32_t parent;
    uint16_t depth;
    struct choice choice; /* the step from the parent */
};

struct edge {
    uint32_t from, to;
};

struct search {
    const struct search_options *options;
    struct search_result *result;
    struct world *world;
    struct table known; /* fingerprint -> node */
    struct node *nodes;
    struct edge *edges;
    uint32_t node_count, node_room, edge_count, edge_room;
};

/* ---- walking ---- */

struct world_options search_world(const struct search_options *o)
{
    return (struct world_options){.ends = o->ends,
                                  .seed = o->seed,
                                  .quirks = o->quirks,
                                  .quirks_a = o->quirks_a,
                                  .setup = o->setup,
                                  .window = o->window,
                                  .faults = o->faults,
                                  .triggers = o->triggers,
                                  .trigger_count = o->trigger_count};
}

static unsigned path_to(const struct search *s, uint32_t node, struct choice *path)
{
    unsigned len = s->nodes[node].depth;

    for (unsigned i = len; i-- > 0; node = s->nodes[node].parent)
        path[i] = s->nodes[node].choice;
    return len;
}

static enum err walk(struct search *s, const struct choice *path, unsigned len)
{
    struct world_options o = search_world(s->options);
    enum err e;

    world_destroy(s->world);
    e = world_create(s->world, &o);
    for (unsigned i = 0; i < len && e == OK; i++)
        world_step(s->world, path[i]);
    return e;
}

/* ---- nodes and edges ---- */

static bool grow(void **items, uint32_t *room, uint32_t count, size_t size)
{
    uint32_t wanted = *room ? 2 * *room : 1024;
    void *larger;

    if (count < *room)
        return true;
    larger = realloc(*items, wanted * size);
    if (!larger)
        return false;
    *items = larger;
    *room = wanted;
    return true;
}

static enum err add_node(struct search *s, struct node node, uint32_t *out)
{
    if (!grow((void **)&s->nodes, &s->node_room, s->node_count, sizeof *s->nodes))
        return ERR_MEMORY;
    *out = s->node_count++;
    s->nodes[*out] = node;
    if (node.depth > s->result->depth)
        s->result->depth = node.depth;
    return OK;
}

static enum err add_edge(struct search *s, uint32_t from, uint32_t to)
{
    if (!grow((void **)&s->edges, &s->edge_room, s->edge_count, sizeof *s->edges))
        return ERR_MEMORY;
    s->edges[s->edge_count++] = (struct edge){from, to};
    return OK;
}

/* ---- counting ---- */

static uint64_t add_up(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Offsets of each node's edges when they are sorted by where they begin; they are found in that
 * order. */
static void count_ways(const struct search *s, uint32_t *waits, uint32_t *first, uint64_t *ways,
                       uint32_t *ready)
{
    uint32_t head = 0, tail = 0;

    for (uint32_t i = 0; i < s->edge_count; i++)
        waits[s->edges[i].to]++;
    for (uint32_t i = s->edge_count; i-- > 0;)
        first[s->edges[i].from] = i;
    ways[0] = 1;
    ready[tail++] = 0;
    while (head < tail) {
        uint32_t node = ready[head++];
        uint32_t i = first[node];

        if (i == UINT32_MAX)
            s->result->orderings = add_up(s->result->orderings, ways[node]);
        for (; i < s->edge_count && s->edges[i].from == node; i++) {
            uint32_t to = s->edges[i].to;

            ways[to] = add_up(ways[to], ways[node]);
            if (--waits[to] == 0)
                ready[tail++] = to;
        }
    }
    if (tail < s->node_count && !s->result->violation.invariant)
        s->result->violation =
            (struct violation){"I17", "the two go round in circles: a state comes again and again"};
}

static enum err count_orderings(struct search *s)
{
    uint32_t n = s->node_count;
    uint32_t *waits = calloc(n, sizeof *waits), *first = malloc(n * sizeof *first);
    uint32_t *ready = malloc(n * sizeof *ready);
    uint64_t *ways = calloc(n, sizeof *ways);
    enum err e = waits && first && ways && ready ? OK : ERR_MEMORY;

    if (e == OK) {
        memset(first, 0xff, n * sizeof *first);
        count_ways(s, waits, first, ways, ready);
    }
    free(waits);
    free(first);
    free(ways);
    free(ready);
    return e;
}

/* ---- the search ---- */

static void found(struct search *s, const struct violation *v, const struct node *last)
{
    struct search_result *r = s->result;

    r->violation = *v;
    r->path_len = path_to(s, last->parent, r->path);
    r->path[r->path_len++] = last->choice;
}

/* The world is one step behind `node.parent`: is this state new, and does everything hold? What was
 * said and counted on the way is no part of a state, so it is judged where the state is known, too.
 */
static enum err arrive_at(struct search *s, struct node node)
{
    uint64_t print = world_fingerprint(s->world);
    struct violation v;
    bool good = way_holds(s->world, &v);
    uint32_t to;
    enum err e;

    s->result->transitions++;
    if (!s->options->keep_twins && table_get(&s->known, print, &to)) {
        if (!good)
            found(s, &v, &node);
        return add_edge(s, node.parent, to);
    }
    e = add_node(s, node, &to);
    if (e == OK)
        e = add_edge(s, node.parent, to);
    if (e == OK)
        e = table_put(&s->known, print, to);
    if (e == OK && !(good && invariants_hold(s->world, &v)))
        found(s, &v, &node);
    return e;
}

static enum err expand(struct search *s, uint32_t at)
{
    struct choice path[STEPS_MAX + 1], choices[CHOICES_MAX];
    unsigned len = path_to(s, at, path), count;
    enum err e = walk(s, path, len);

    if (e)
        return e;
    count = world_choices(s->world, choices);
    s->result->ends += count == 0;
    if (count && len == STEPS_MAX - 1) {
        s->result->full = true;
        return OK;
    }
    for (unsigned i = 0; i < count && e == OK && !s->result->violation.invariant; i++) {
        e = i ? walk(s, path, len) : OK;
        if (e)
            break;
        world_step(s->world, choices[i]);
        e = arrive_at(s, (struct node){at, (uint16_t)(len + 1), choices[i]});
    }
    return e;
}

static bool asked_to_stop(const struct search *s, uint32_t at)
{
    return s->options->stop && at % 64 == 0 && s->options->stop(s->options->context, s->node_count);
}

static enum err run(struct search *s)
{
    struct search_result *r = s->result;
    uint32_t start;
    enum err e = walk(s, NULL, 0);

    if (e == OK)
        e = table_put(&s->known, world_fingerprint(s->world), 0);
    if (e == OK)
        e = add_node(s, (struct node){0}, &start);
    for (uint32_t at = 0; at < s->node_count && e == OK && !r->violation.invariant; at++) {
        if (s->node_count >= s->options->states_max)
            r->full = true;
        else if (asked_to_stop(s, at))
            r->stopped = true;
        if (r->full || r->stopped)
            break;
        e = expand(s, at);
    }
    r->states = s->options->keep_twins ? s->known.count : s->node_count;
    if (e == OK && !r->violation.invariant && !r->stopped && !r->full)
        e = count_orderings(s);
    return e;
}

enum err search(const struct search_options *o, struct search_result *r)
{
    struct search s = {.options = o, .result = r, .world = calloc(1, sizeof *s.world)};
    enum err e = s.world ? table_init(&s.known, 4096) : ERR_MEMORY;

    memset(r, 0, sizeof *r);
    if (e == OK) {
        e = run(&s);
        table_reset(&s.known);
        world_destroy(s.world);
    }
    free(s.nodes);
    free(s.edges);
    free(s.world);
    return e;
}

enum err search_tell(const struct search_options *o, const struct search_result *r,
                     story_teller *tell, void *context)
{
    struct world_options options = search_world(o);
    struct world *w = calloc(1, sizeof *w);
    enum err e = w ? OK : ERR_MEMORY;

    options.tell = tell;
    options.context = context;
    if (e == OK)
        e = world_create(w, &options);
    for (unsigned i = 0; i < r->path_len && e == OK; i++)
        world_step(w, r->path[i]);
    if (w)
        world_destroy(w);
    free(w);
    return e;
}
