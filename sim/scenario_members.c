/* What names members of groups or links: `traffic:`, `events:`, `capture:`. */
#include "sim/payload.h"
#include "sim/scenario_read.h"

#include <stdlib.h>
#include <string.h>

static int32_t group_of(struct scenario_reader *r, const struct tree *map, const char *key)
{
    const struct tree *n = tree_get(map, key);

    if (!n || !text_of(r, n, "the name of a group"))
        return SCENARIO_NONE;
    return group_named(r, n, n->text);
}

static void check_flow_ends(struct scenario_reader *r, const struct tree *map,
                            struct scenario_flow *f)
{
    const struct scenario *s = r->scenario;
    int32_t from = group_of(r, map, "from"), to = group_of(r, map, "to");

    if (from == SCENARIO_NONE || to == SCENARIO_NONE)
        return;
    f->from = (uint32_t)from;
    f->to = (uint32_t)to;
    if ((s->groups[from].connect != to && s->groups[to].connect != from) ||
        s->groups[from].role == ROLE_ATTACKER || s->groups[to].role == ROLE_ATTACKER)
        diag_error(&r->diag, tree_get(map, "to"),
                   "there are no tunnels between '%s' and '%s': a "
                   "flow joins initiators and the responder they 'connect' to",
                   s->groups[from].name, s->groups[to].name);
}

static void read_size(struct scenario_reader *r, const struct tree *n, struct scenario_flow *f)
{
    static const struct key key = {
        .name = "size", .type = KEY_SIZE32, .min = PAYLOAD_MIN, .max = 65000};
    uint32_t size[2] = {0, 0};

    f->size = SIZE_IMIX;
    f->size_min = 64;
    f->size_max = 1400;
    if (!n || (n->kind == TREE_SCALAR && strcmp(n->text, "imix") == 0))
        return;
    if (n->kind == TREE_MAP || (n->kind == TREE_LIST && n->count != 2)) {
        diag_error(&r->diag, n,
                   "'size' takes imix, one size such as 1400B, or a range such as "
                   "[64B, 1400B]");
        return;
    }
    f->size = n->kind == TREE_LIST ? SIZE_RANGE : SIZE_FIXED;
    if (n->kind == TREE_LIST) {
        value_read(r, &key, n->first, &size[0]);
        value_read(r, &key, n->last, &size[1]);
    } else {
        value_read(r, &key, n, &size[0]);
        size[1] = size[0];
    }
    if (size[0] > size[1] && size[1])
        diag_error(&r->diag, n, "a range of sizes goes from the smaller to the larger");
    f->size_min = size[0];
    f->size_max = size[1];
}

static void read_start(struct scenario_reader *r, const struct tree *n, struct scenario_flow *f)
{
    static const struct key key = {.name = "start", .type = KEY_TIME};

    f->start_up = !n || (n->kind == TREE_SCALAR && strcmp(n->text, "up") == 0);
    if (f->start_up)
        return;
    value_read(r, &key, n, &f->start);
    if (f->start >= r->scenario->stop_time && r->scenario->stop_time)
        diag_warning(&r->diag, n, "this flow starts after the run has ended");
}

static void read_flow(struct scenario_reader *r, const struct tree *map, struct scenario_flow *f)
{
    const struct tree *rate = tree_get(map, "rate"), *packets = tree_get(map, "packet_rate");

    section_defaults(r, SECTION_FLOW, f);
    section_read(r, SECTION_FLOW, map, f);
    if (map->kind != TREE_MAP)
        return;
    check_flow_ends(r, map, f);
    read_size(r, tree_get(map, "size"), f);
    read_start(r, tree_get(map, "start"), f);
    if (!rate == !packets)
        diag_error(&r->diag, rate ? packets->key : map->key,
                   "flow '%s' takes either 'rate', such "
                   "as 50kbit, or 'packet_rate', such as 50/s",
                   f->name);
}

void read_flows(struct scenario_reader *r)
{
    struct scenario *s = r->scenario;
    const struct tree *traffic = tree_get(r->root, "traffic");

    if (!traffic || tree_is_null(traffic))
        return;
    if (traffic->kind != TREE_MAP) {
        diag_error(&r->diag, traffic,
                   "'traffic' is a mapping of flows, such as upload: {from: "
                   "homes, to: gw, rate: 50kbit}");
        return;
    }
    s->flows = reader_take(r, traffic->count * sizeof *s->flows);
    for (const struct tree *v = traffic->first; v && s->flows; v = v->next) {
        if (is_ignored(v))
            continue;
        if (!is_name(v->key->text))
            diag_error(&r->diag, v->key,
                       "'%.64s' is no name; a flow takes up to 32 letters, "
                       "digits, '-' and '_'",
                       v->key->text);
        s->flows[s->flow_count].name = v->key->text;
        read_flow(r, v, &s->flows[s->flow_count++]);
    }
}

static int32_t link_named(struct scenario_reader *r, const struct tree *at, const char *name)
{
    const struct scenario *s = r->scenario;
    const char **names = reader_take(r, (s->link_count + 1) * sizeof *names);
    char space[128];

    for (uint32_t i = 0; i < s->link_count && names; i++) {
        names[i] = s->links[i].name;
        if (strcmp(names[i], name) == 0)
            return (int32_t)i;
    }
    if (names)
        diag_error(&r->diag, at, "no link '%.64s' in links%s", name,
                   diag_nearest(name, names, space));
    return SCENARIO_NONE;
}

/* "boxes", "boxes[5]" or "boxes[0..99]". */
static bool read_range(struct scenario_reader *r, const struct tree *n, bool links,
                       struct scenario_range *out)
{
    const char *accepted =
        links ? "links such as core or \"access[0..9]\"" : "members such as gw or \"boxes[0..99]\"";
    const char *text = text_of(r, n, accepted), *bracket, *dots;
    char *name, *last;
    uint64_t bound[2];
    uint32_t count;
    int32_t index;

    if (!text)
        return false;
    bracket = strchr(text, '[');
    name = arena_text(r->arena, text, bracket ? (size_t)(bracket - text) : strlen(text));
    if (!name)
        return false;
    index = links ? link_named(r, n, name) : group_named(r, n, name);
    if (index == SCENARIO_NONE)
        return false;
    count = links ? r->scenario->links[index].members : r->scenario->groups[index].count;
    *out = (struct scenario_range){(uint32_t)index, 0, count ? count - 1 : 0};
    if (!bracket)
        return true;
    last = arena_text(r->arena, bracket + 1, strlen(bracket + 1));
    if (!last || !last[0] || last[strlen(last) - 1] != ']') {
        diag_error(&r->diag, n, "'%.64s' has no ']' at its end; %s is expected", text, accepted);
        return false;
    }
    last[strlen(last) - 1] = 0;
    dots = strstr(last, "..");
    if (dots) {
        char *first = last;

        last += dots - last + 2;
        first[dots - first] = 0;
        if (unit_read(DIMENSION_COUNT, first, &bound[0]))
            bound[0] = UINT64_MAX;
    }
    if (unit_read(DIMENSION_COUNT, last, &bound[1]) || (dots && bound[0] == UINT64_MAX)) {
        diag_error(&r->diag, n, "'%.64s' has no numbers in its brackets; %s is expected", text,
                   accepted);
        return false;
    }
    if (!dots)
        bound[0] = bound[1];
    if (bound[0] > bound[1] || bound[1] >= count) {
        diag_error(&r->diag, n, "'%.64s' names members that are not there: '%s' has 0 to %u", text,
                   name, count ? count - 1 : 0);
        return false;
    }
    out->first = (uint32_t)bound[0];
    out->last = (uint32_t)bound[1];
    return true;
}

uint32_t ranges_read(struct scenario_reader *r, const struct tree *n, bool links,
                     const struct scenario_range **out)
{
    uint32_t count = n->kind == TREE_LIST ? n->count : 1;
    const struct tree *item = n->kind == TREE_LIST ? n->first : n;
    struct scenario_range *list = reader_take(r, count * sizeof *list);

    if (count == 0)
        diag_error(&r->diag, n, "an empty list names nobody");
    for (uint32_t i = 0; i < count && list; i++, item = item->next)
        (void)read_range(r, item, links, &list[i]);
    *out = list;
    return list ? count : 0;
}

static const char *event_label(struct scenario_reader *r, const struct scenario_event *e)
{
    const struct scenario *s = r->scenario;
    uint32_t index = e->range_count ? e->ranges[0].index : 0;

    if (!e->range_count)
        return "";
    return arena_format(r->arena, "%s %s",
                        e->on_links ? s->links[index].name : s->groups[index].name,
                        action_name(e->action));
}

static void check_outage(struct scenario_reader *r, const struct tree *nodes,
                         const struct scenario_event *e)
{
    for (uint32_t i = 0; i < e->range_count; i++) {
        const struct scenario_group *g = &r->scenario->groups[e->ranges[i].index];

        if (!scenario_looks_up(g))
            diag_error(&r->diag, nodes, "'%s' looks nothing up: it has no 'ike.lookup'", g->name);
    }
}

/* Every node named has the link among its uplinks. */
static void check_switch(struct scenario_reader *r, const struct tree *map,
                         struct scenario_event *e)
{
    const struct scenario *s = r->scenario;

    e->link = SCENARIO_NONE;
    for (uint32_t i = 0; e->to && i < s->link_count; i++)
        if (strcmp(s->links[i].name, e->to) == 0)
            e->link = (int32_t)i;
    for (uint32_t i = 0; i < e->range_count; i++) {
        const struct scenario_group *g = &s->groups[e->ranges[i].index];
        const struct tree *place = tree_get(map, e->to ? "to" : "do");

        if (g->uplink[0] == SCENARIO_NONE)
            diag_error(&r->diag, tree_get(map, "nodes"),
                       "'%s' has one link only; name two as its 'uplinks', such as [wifi, lte]",
                       g->name);
        else if (e->link == SCENARIO_NONE || (e->link != g->uplink[0] && e->link != g->uplink[1]))
            diag_error(&r->diag, place, "'switch' takes 'to', an uplink of '%s': %s or %s", g->name,
                       s->links[g->uplink[0]].name, s->links[g->uplink[1]].name);
    }
}

static void check_asked(struct scenario_reader *r, const struct tree *nodes,
                        const struct scenario_event *e)
{
    for (uint32_t i = 0; i < e->range_count; i++) {
        const struct scenario_group *g = &r->scenario->groups[e->ranges[i].index];

        if (g->role != ROLE_INITIATOR && g->role != ROLE_RESPONDER)
            diag_error(&r->diag, nodes, "'%s' has no tunnels: '%s' takes initiators or responders",
                       g->name, action_name(e->action));
    }
}

static void read_event(struct scenario_reader *r, const struct tree *map, struct scenario_event *e)
{
    const struct tree *nodes = tree_get(map, "nodes"), *links = tree_get(map, "links");
    const struct tree *action = tree_get(map, "do"), *duration = tree_get(map, "for");
    uint32_t errors = r->diag.errors;
    bool of_links;

    section_defaults(r, SECTION_EVENT, e);
    section_read(r, SECTION_EVENT, map, e);
    if (e->duration == UINT64_MAX)
        e->duration = 0;
    if (map->kind != TREE_MAP)
        return;
    if (!nodes == !links) {
        diag_error(&r->diag, nodes ? links->key : map,
                   "an event takes either 'nodes', such as "
                   "\"boxes[0..99]\", or 'links', such as core");
        return;
    }
    e->on_links = links != NULL;
    e->range_count = ranges_read(r, links ? links : nodes, e->on_links, &e->ranges);
    if (r->diag.errors != errors || !action)
        return;
    of_links = e->action == ACTION_LINK_DOWN || e->action == ACTION_LINK_UP;
    if (of_links != e->on_links)
        diag_error(&r->diag, action, "'%s' happens to %s, this event names %s", action->text,
                   of_links ? "links" : "nodes", e->on_links ? "links" : "nodes");
    if (duration &&
        (e->action == ACTION_RESTART || e->action == ACTION_LINK_UP || e->action == ACTION_SWITCH ||
         e->action == ACTION_SKIP_SEQUENCE || action_is_asked(e->action)))
        diag_error(&r->diag, duration->key, "'%s' takes no 'for'", action->text);
    if (e->action == ACTION_SWITCH && !e->on_links)
        check_switch(r, map, e);
    else if (e->to)
        diag_error(&r->diag, tree_get(map, "to")->key, "'to' is for 'do: switch'");
    if (e->action == ACTION_LOOKUP_OUTAGE && !e->on_links)
        check_outage(r, nodes, e);
    if ((action_is_asked(e->action) || e->action == ACTION_SKIP_SEQUENCE) && !e->on_links)
        check_asked(r, nodes, e);
    if ((e->action == ACTION_SKIP_SEQUENCE) != (e->packets > 0))
        diag_error(&r->diag, action,
                   e->packets ? "'%s' takes no 'packets'"
                              : "'%s' needs 'packets', such as 4294967296",
                   action->text);
    if (e->at >= r->scenario->stop_time && r->scenario->stop_time)
        diag_warning(&r->diag, tree_get(map, "at"), "this event lies after the end of the run");
    e->label = event_label(r, e);
}

/* By time; the file's order where times are equal. */
static void sort_events(struct scenario *s)
{
    for (uint32_t i = 1; i < s->event_count; i++) {
        struct scenario_event e = s->events[i];
        uint32_t j = i;

        for (; j > 0 && s->events[j - 1].at > e.at; j--)
            s->events[j] = s->events[j - 1];
        s->events[j] = e;
    }
}

enum { EVENTS_MAX = 10000 };

void read_events(struct scenario_reader *r)
{
    struct scenario *s = r->scenario;
    const struct tree *events = tree_get(r->root, "events");

    if (!events || tree_is_null(events))
        return;
    if (events->kind != TREE_LIST || events->count > EVENTS_MAX) {
        diag_error(&r->diag, events,
                   "'events' is a list of at most %d events, such as [{at: 60s, "
                   "nodes: gw, do: reboot}]",
                   EVENTS_MAX);
        return;
    }
    s->events = reader_take(r, events->count * sizeof *s->events);
    for (const struct tree *v = events->first; v && s->events; v = v->next)
        read_event(r, v, &s->events[s->event_count++]);
    sort_events(s);
}

enum { CAPTURE_FIRST = 10, CAPTURE_NODES_MAX = 10000 };

static void capture_default(struct scenario_reader *r)
{
    struct scenario *s = r->scenario;
    struct scenario_range *of = reader_take(r, s->group_count * sizeof *of);

    for (uint32_t i = 0; i < s->group_count && of; i++) {
        uint32_t count = s->groups[i].count < CAPTURE_FIRST ? s->groups[i].count : CAPTURE_FIRST;

        of[i] = (struct scenario_range){i, 0, count ? count - 1 : 0};
    }
    s->capture.of = of;
    s->capture.of_count =
        s->node_count > CAPTURE_NODES_MAX || scenario_has_attackers(s) ? 0 : s->group_count;
}

void read_capture(struct scenario_reader *r)
{
    struct capture_words *c = &r->scenario->capture;
    const struct tree *capture = tree_get(r->root, "capture"), *of = tree_get(capture, "of");

    section_defaults(r, SECTION_CAPTURE, c);
    if (capture && capture->kind == TREE_SCALAR && strcmp(capture->text, "none") == 0)
        return;
    if (capture && capture->kind != TREE_MAP) {
        diag_error(&r->diag, capture,
                   "'capture' takes none or {of: [\"homes[0..9]\", gw], "
                   "esp_packets_per_sa: 50, max_size: 64MiB}");
        return;
    }
    c->written = capture != NULL;
    if (capture)
        section_read(r, SECTION_CAPTURE, capture, c);
    if (of)
        c->of_count = ranges_read(r, of, false, &c->of);
    else
        capture_default(r);
}
