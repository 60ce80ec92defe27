/* `nodes:` and what every group inherits from `ike:` and `child:`. */
#include "base/assert.h"
#include "sim/scenario_read.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const role_names[] = {"an initiator", "a responder", "a NAT", "a router",
                                         "an attacker"};

static void check_roles(struct scenario_reader *r, const struct tree *map,
                        const struct scenario_group *g)
{
    size_t offset;

    for (const struct tree *v = map->first; v; v = v->next) {
        const struct key *key = section_key(SECTION_GROUP, v->key->text, &offset);

        if (key && key->roles && !(key->roles & 1u << g->role))
            diag_error(&r->diag, v->key, "'%s' is not for %s", key->name, role_names[g->role]);
    }
}

static void read_arrivals(struct scenario_reader *r, const struct tree *n, struct arrivals *a)
{
    static const char *const kinds[] = {"all_at_once", "fixed", "poisson", "ramp"};
    const struct tree *only = NULL;

    if (n->kind == TREE_SCALAR) {
        if (strcmp(n->text, "all_at_once") != 0)
            diag_error(&r->diag, n,
                       "'%.64s' is no way to arrive; 'arrivals' takes all_at_once, "
                       "{fixed: 50/s}, {poisson: 100/s} or {ramp: {from: 10/s, to: 500/s, over: "
                       "60s}}",
                       n->text);
        return;
    }
    section_read(r, SECTION_ARRIVALS, n, a);
    for (const struct tree *v = n->first; v && n->kind == TREE_MAP; v = v->next)
        for (unsigned i = 0; i < 4; i++)
            if (strcmp(v->key->text, kinds[i]) == 0) {
                if (only)
                    diag_error(&r->diag, v->key, "'arrivals' takes one kind: it has '%s' already",
                               only->key->text);
                only = v;
                a->kind = (enum arrivals_kind)i;
            }
}

static void read_addresses(struct scenario_reader *r, const struct tree *map,
                           const struct scenario_group *g)
{
    const struct tree *one = tree_get(map, "address"), *many = tree_get(map, "addresses");

    if (one && many)
        diag_error(&r->diag, many->key, "a group takes 'address' or 'addresses', not both");
    else if (one && (g->count > 1 || tree_get(map, "one_per")))
        diag_error(&r->diag, one->key,
                   "'address' is for a group with one member; for more use "
                   "'addresses: PREFIX'");
}

static void check_protects(struct scenario_reader *r, const struct tree *map,
                           const struct scenario_group *g)
{
    for (uint32_t i = 0; i < g->protect_count; i++)
        if (g->protects[i].addr.family == 6) {
            diag_error(&r->diag, tree_get(map, "protects"),
                       "traffic inside the tunnels is IPv4; 'protects' takes IPv4 networks");
            return;
        }
}

/* The tables that come with the program lie beside its sources, or where they are installed. */
static bool costs_of_program(struct scenario_reader *r, struct cpu_words *cpu)
{
    static const char *const places[] = {"../../scenarios", "../share/ikelab/scenarios"};
    char exe[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", exe, sizeof exe - 1);
    char *slash;

    if (len <= 0)
        return false;
    exe[len] = '\0';
    slash = strrchr(exe, '/');
    if (!slash)
        return false;
    *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        cpu->costs_path = arena_format(r->arena, "%s/%s/costs/%s.json", exe, places[i], cpu->costs);
        if (!cpu->costs_path || access(cpu->costs_path, R_OK) == 0)
            return true;
    }
    return false;
}

static void read_cpu(struct scenario_reader *r, const struct tree *n, struct cpu_words *cpu)
{
    const char *slash = strrchr(r->scenario->path, '/');
    int folder = slash ? (int)(slash - r->scenario->path) : 0;
    const struct tree *name = tree_get(n, "costs");

    if (!cpu->costs)
        return;
    cpu->costs_path = arena_format(r->arena, "%.*s/costs/%s.json", slash ? folder : 1,
                                   slash ? r->scenario->path : ".", cpu->costs);
    if (cpu->costs_path && access(cpu->costs_path, R_OK) == 0)
        return;
    cpu->costs_path = arena_format(r->arena, "scenarios/costs/%s.json", cpu->costs);
    if (!cpu->costs_path || access(cpu->costs_path, R_OK) == 0)
        return;
    if (costs_of_program(r, cpu))
        return;
    diag_error(&r->diag, name ? name : n,
               "no cost table '%s': there is no costs/%s.json beside "
               "the scenario and no scenarios/costs/%s.json",
               cpu->costs, cpu->costs, cpu->costs);
}

static void read_group_ike(struct scenario_reader *r, const struct tree *map,
                           struct scenario_group *g)
{
    const struct tree *ike = tree_get(map, "ike"), *child = tree_get(map, "child");

    g->ike_words = r->scenario->ike;
    g->child_words = r->scenario->child;
    if (ike) {
        if (!tree_get(child, "preset"))
            preset_read(r, SECTION_CHILD, ike, &g->child_words);
        section_read(r, SECTION_IKE, ike, &g->ike_words);
    }
    if (child)
        section_read(r, SECTION_CHILD, child, &g->child_words);
}

static void check_identity(struct scenario_reader *r, const struct tree *map,
                           const struct scenario_group *g)
{
    const struct tree *id = tree_get(tree_get(map, "ike"), "id");

    if (!id)
        id = tree_get(tree_get(r->root, "ike"), "id");
    if (id && g->ike_words.id && !strstr(g->ike_words.id, "{n}") && g->count > 1)
        diag_error(&r->diag, id,
                   "the members of '%s' would share one identity; {n} stands for "
                   "the member, as in \"%.32s{n}\"",
                   g->name, g->ike_words.id);
}

/* section_read does the plain keys of the group; the others are taken up here. */
static void read_group(struct scenario_reader *r, const struct tree *map, struct scenario_group *g)
{
    const struct tree *n;
    uint32_t errors = r->diag.errors;

    section_defaults(r, SECTION_GROUP, g);
    g->connect = g->one_per = g->forward = g->uplink[0] = g->uplink[1] = SCENARIO_NONE;
    if ((n = tree_get(map, "cpu")))
        section_defaults(r, SECTION_CPU, &g->cpu);
    if (tree_get(map, "flood"))
        section_defaults(r, SECTION_FLOOD, &g->flood);
    section_read(r, SECTION_GROUP, map, g);
    /* Read again over what the group inherits: errors were said the first time. */
    errors = r->diag.errors - errors;
    if (map->kind != TREE_MAP)
        return;
    if (errors == 0)
        read_group_ike(r, map, g);
    if (n && n->kind == TREE_MAP)
        read_cpu(r, n, &g->cpu);
    if (tree_get(map, "role") && errors == 0)
        check_roles(r, map, g);
    read_addresses(r, map, g);
    check_protects(r, map, g);
    if ((n = tree_get(map, "arrivals")))
        read_arrivals(r, n, &g->arrivals);
    if ((n = tree_get(map, "forward")) && text_of(r, n, "the name of a group"))
        g->forward = group_named(r, n, n->text);
    if ((n = tree_get(map, "connect")) && text_of(r, n, "the name of a group"))
        g->connect = group_named(r, n, n->text);
    if (errors == 0 && (g->role == ROLE_INITIATOR || g->role == ROLE_ATTACKER) && !n &&
        tree_get(map, "role"))
        diag_error(&r->diag, map->key, "%ss need 'connect', such as gw", node_role_name(g->role));
    if (errors == 0 && g->role == ROLE_ATTACKER && !tree_get(map, "flood"))
        diag_error(&r->diag, map->key,
                   "attackers need 'flood', such as {requests: 1000, rate: 100/s, sources: "
                   "203.0.113.0/24}");
    if (g->nat.udp_timeout_unreplied > g->nat.udp_timeout)
        g->nat.udp_timeout_unreplied = g->nat.udp_timeout;
}

static void register_names(struct scenario_reader *r, const struct tree *nodes)
{
    struct scenario *s = r->scenario;
    uint32_t i = 0;

    if (nodes->count > SCENARIO_GROUPS_MAX) {
        diag_error(&r->diag, nodes->key, "too many groups: a scenario may have %d",
                   SCENARIO_GROUPS_MAX);
        return;
    }
    s->groups = reader_take(r, nodes->count * sizeof *s->groups);
    if (!s->groups)
        return;
    for (const struct tree *v = nodes->first; v; v = v->next) {
        if (is_ignored(v))
            continue;
        if (!is_name(v->key->text))
            diag_error(&r->diag, v->key,
                       "'%.64s' is no name; a group takes up to 32 letters, "
                       "digits, '-' and '_'",
                       v->key->text);
        s->groups[i++].name = v->key->text;
    }
    s->group_count = i;
}

static void resolve_one_per(struct scenario_reader *r, const struct tree *map,
                            struct scenario_group *g)
{
    const struct tree *n = tree_get(map, "one_per");
    const struct tree *count = tree_get(map, "count");
    const char *accepted = "{GROUP: N}, such as {homes: 1}";
    uint64_t members;

    if (!n)
        return;
    if (count)
        diag_error(&r->diag, count->key, "a group takes 'count' or 'one_per', not both");
    if (n->kind != TREE_MAP || n->count != 1 || n->first->kind != TREE_SCALAR) {
        diag_error(&r->diag, n, "'one_per' takes %s", accepted);
        return;
    }
    g->one_per = group_named(r, n->first->key, n->first->key->text);
    if (unit_read(DIMENSION_COUNT, n->first->text, &members) || members < 1 ||
        members > SCENARIO_NODES_MAX) {
        diag_error(&r->diag, n->first, "'%.64s' is no number of members; 'one_per' takes %s",
                   n->first->text, accepted);
        return;
    }
    g->one_per_members = (uint32_t)members;
    if (g->one_per == SCENARIO_NONE)
        return;
    if (tree_get(tree_get(tree_get(r->root, "nodes"), n->first->key->text), "one_per")) {
        diag_error(&r->diag, n->first->key,
                   "'%s' is itself counted by another group; name that "
                   "one",
                   n->first->key->text);
        return;
    }
    g->count =
        (r->scenario->groups[g->one_per].count + g->one_per_members - 1) / g->one_per_members;
}

static void check_connect(struct scenario_reader *r, const struct tree *map,
                          const struct scenario_group *g)
{
    const struct tree *n = tree_get(map, "connect");
    const struct scenario_group *to;

    if (!n || g->connect == SCENARIO_NONE)
        return;
    to = &r->scenario->groups[g->connect];
    if (to->role != ROLE_RESPONDER)
        diag_error(&r->diag, n, "'%s' is %s; %ss connect to a responder group", to->name,
                   role_names[to->role], node_role_name(g->role));
    if (g->protect_count && g->count > 1)
        diag_error(&r->diag, tree_get(map, "protects")->key,
                   "%u initiators cannot all protect "
                   "the same networks; 'protects' is for a group with one member",
                   g->count);
}

static void count_nodes(struct scenario_reader *r, const struct tree *nodes)
{
    struct scenario *s = r->scenario;
    uint64_t total = 0;

    for (uint32_t i = 0; i < s->group_count; i++) {
        s->groups[i].first_node = (uint32_t)total;
        total += s->groups[i].count;
        if (total > SCENARIO_NODES_MAX) {
            diag_error(&r->diag, nodes->key, "too many nodes: a scenario may have %d",
                       SCENARIO_NODES_MAX);
            return;
        }
    }
    s->node_count = (uint32_t)total;
}

static void finish_group(struct scenario_reader *r, const struct tree *map,
                         struct scenario_group *g)
{
    if (g->role == ROLE_ATTACKER)
        g->child_words.mode = CHILD_TUNNEL; /* it makes no child SA, whatever others do */
    else if (g->role != ROLE_INITIATOR && g->role != ROLE_RESPONDER)
        return;
    if (g->role != ROLE_ATTACKER) {
        check_identity(r, map, g);
        check_auth(r, map, g);
    }
    resolve_ike(&g->ike_words);
    resolve_child(&g->child_words);
    check_ike(r, tree_get(map, "ike"), tree_get(map, "child"), &g->ike_words, &g->child_words);
    if (r->diag.errors)
        return;
    g->ike = make_ike_config(&g->ike_words, &g->child_words);
    g->ike.respond = g->role == ROLE_RESPONDER;
}

void read_groups(struct scenario_reader *r)
{
    const struct tree *nodes = tree_get(r->root, "nodes");
    struct scenario_group *g;

    if (!nodes)
        return;
    if (nodes->kind != TREE_MAP || !nodes->count) {
        diag_error(&r->diag, nodes,
                   "'nodes' is a mapping of groups, such as gw: {role: "
                   "responder}");
        return;
    }
    register_names(r, nodes);
    g = r->scenario->groups;
    if (!r->scenario->group_count)
        return;
    for (const struct tree *v = nodes->first; v; v = v->next)
        if (!is_ignored(v))
            read_group(r, v, g++);
    g = r->scenario->groups;
    for (const struct tree *v = nodes->first; v; v = v->next)
        if (!is_ignored(v))
            resolve_one_per(r, v, g++);
    count_nodes(r, nodes);
    g = r->scenario->groups;
    for (const struct tree *v = nodes->first; v; v = v->next)
        if (!is_ignored(v)) {
            check_connect(r, v, g);
            finish_group(r, v, g++);
        }
    g = r->scenario->groups;
    for (const struct tree *v = nodes->first; v && r->diag.errors == 0; v = v->next)
        if (!is_ignored(v))
            check_start(r, v, g++);
}
