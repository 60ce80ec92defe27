#include "sim/explore/subject.h"

#include "sim/address_plan.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { A, B };

static enum err refuse(struct refusal *r, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum err refuse(struct refusal *r, const char *hint, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(r->why, sizeof r->why, format, args);
    va_end(args);
    snprintf(r->hint, sizeof r->hint, "%s", hint);
    return ERR_USAGE;
}

/* ---- who ---- */

static enum err find_ends(struct subject *x, struct refusal *r)
{
    const struct scenario *s = x->scenario;
    uint32_t members[2] = {0, 0}, groups[2] = {0, 0};
    char hint[SUBJECT_TEXT_MAX];

    for (uint32_t g = 0; g < s->group_count; g++) {
        enum node_role role = s->groups[g].role;

        if (role != ROLE_INITIATOR && role != ROLE_RESPONDER)
            continue;
        x->group[role == ROLE_RESPONDER] = g;
        members[role == ROLE_RESPONDER] += s->groups[g].count;
        groups[role == ROLE_RESPONDER]++;
    }
    if (members[A] == 1 && members[B] == 1)
        return OK;
    snprintf(hint, sizeof hint, "a file with one initiator and one responder");
    if (groups[A] == 1 && groups[B] == 1)
        snprintf(hint, sizeof hint, "--set nodes.%s.count=1",
                 s->groups[x->group[members[A] == 1]].name);
    return refuse(r, hint, "a search is about one initiator and one responder, %s has %u and %u",
                  s->name, members[A], members[B]);
}

/* ---- configuration ---- */

/* What searches do not go into: lifetimes and liveness checks are requests, to be made at any time;
 * how a peer proves who it is decides nothing behind the handshake. */
static void settle(struct ike_config *c)
{
    c->lifetime = (struct lifetime_config){0};
    c->child.lifetime = (struct lifetime_config){0};
    c->reauth_time = c->reauth_jitter = 0;
    c->dpd_delay = 0;
    c->nat_keepalive = 0; /* there is no NAT */
    c->auth = (struct auth_config){0};
}

static enum err configure(struct subject *x, unsigned side, struct ip_addr inner, struct refusal *r)
{
    const struct scenario_group *g = &x->scenario->groups[x->group[side]];
    struct ike_config *c = &x->ends.config[side];

    if (g->child_words.mode == CHILD_TRANSPORT)
        return refuse(r, "--set child.mode=tunnel",
                      "transport mode is not searched, and '%s' has it", g->name);
    if (g->ike.version == IKE_V1)
        return refuse(r, "ikelab explore quick-mode phase-1, whose ends speak IKEv1",
                      "IKEv1 of a scenario is not searched, and '%s' calls with it", g->name);
    if (inner.family != 4)
        return refuse(r, "protects: [10.0.0.0/16]",
                      "the packets of a search are IPv4, and '%s' has no such network or address",
                      g->name);
    *c = g->ike;
    c->id = scenario_identity(x->scenario, x->group[side], 0);
    c->respond = side == B;
    if (!c->child.local_count)
        c->child.local_count = scenario_protects(g, inner, c->child.local);
    if (!c->child.remote_count) {
        c->child.remote_count = 1; /* the other side narrows it: RFC 7296 §2.9 */
        c->child.remote[0] = selector_any(4);
    }
    x->ends.inner[side] = inner;
    settle(c);
    return OK;
}

static enum err configure_both(struct subject *x, struct refusal *r)
{
    struct address_plan plan;
    enum err e = address_plan_make(x->scenario, &plan, stderr);

    if (e)
        return e;
    for (unsigned side = A; side <= B && e == OK; side++) {
        uint32_t node = x->scenario->groups[x->group[side]].first_node;

        e = configure(x, side, address_plan_inner(&plan, node), r);
    }
    address_plan_reset(&plan);
    return e;
}

static enum err packets_pass(struct world *w)
{
    enum err e = OK;

    for (unsigned side = A; side <= B && e == OK; side++) {
        struct packet p;

        e = world_packet(w, side, &p);
        if (e == OK)
            e = world_packet_arrives(w, &p);
    }
    return e;
}

/* Without anything asked there is a tunnel, it works, and nothing more happens. */
static enum err check_start(const struct subject *x, struct refusal *r)
{
    struct world *w = calloc(1, sizeof *w);
    struct world_options o = {.ends = &x->ends, .seed = 1};
    struct violation v = {.invariant = NULL};
    enum err e = w ? world_create(w, &o) : ERR_MEMORY, packets = e == OK ? packets_pass(w) : OK;

    if (e == OK && packets)
        e = refuse(r, "ikelab run FILE tells why", "A and B of %s get no tunnel: %s",
                   x->scenario->name, err_text(packets));
    else if (e == OK && !world_quiet(w))
        e = refuse(r, "without the timers in its `ike:` and `child:`",
                   "A and B of %s never come to rest", x->scenario->name);
    else if (e == OK && !invariants_hold(w, &v))
        e = refuse(r, "ikelab run FILE tells more", "A and B of %s are wrong from the start: %s",
                   x->scenario->name, v.text);
    if (w)
        world_destroy(w);
    free(w);
    return e;
}

/* ---- requests ---- */

static bool trigger_of(enum event_action action, uint8_t *kind)
{
    static const uint8_t kinds[ACTION_COUNT] = {
        [ACTION_REKEY_CHILD] = TRIGGER_REKEY_CHILD,   [ACTION_NEW_CHILD] = TRIGGER_NEW_CHILD,
        [ACTION_DELETE_CHILD] = TRIGGER_DELETE_CHILD, [ACTION_REKEY_IKE] = TRIGGER_REKEY_IKE,
        [ACTION_TERMINATE] = TRIGGER_TERMINATE,       [ACTION_PROBE] = TRIGGER_PROBE};

    *kind = kinds[action];
    return action_is_asked(action);
}

static enum err take_events(struct subject *x, struct refusal *r)
{
    const struct scenario *s = x->scenario;
    struct family_case *c = &x->family.cases[0];

    for (uint32_t i = 0; i < s->event_count; i++) {
        const struct scenario_event *e = &s->events[i];
        uint8_t kind;

        for (uint32_t k = 0; k < e->range_count && trigger_of(e->action, &kind); k++) {
            if (c->count == TRIGGERS_MAX)
                return refuse(r, "a shorter `events:`, or --family to choose the requests",
                              "%s asks for more than %d things, too many to search every order",
                              s->name, TRIGGERS_MAX);
            c->triggers[c->count++] = (struct trigger){e->ranges[k].index == x->group[B], kind};
        }
    }
    x->family.case_count = c->count > 0;
    return OK;
}

/* What the timers of one end would ask for. */
static unsigned timers_ask(const struct ike_config *c, uint8_t kinds[3])
{
    unsigned n = 0;

    if (c->child.lifetime.rekey_time)
        kinds[n++] = TRIGGER_REKEY_CHILD;
    if (c->lifetime.rekey_time)
        kinds[n++] = TRIGGER_REKEY_IKE;
    if (c->dpd_delay)
        kinds[n++] = TRIGGER_PROBE;
    return n;
}

static void take_timers(struct subject *x)
{
    uint8_t kinds[2][3];
    unsigned count[2];

    for (unsigned side = A; side <= B; side++)
        count[side] = timers_ask(&x->scenario->groups[x->group[side]].ike, kinds[side]);
    for (unsigned i = 0; i < count[A]; i++)
        for (unsigned k = 0; k < count[B]; k++)
            x->family.cases[x->family.case_count++] =
                (struct family_case){.triggers = {{A, kinds[A][i]}, {B, kinds[B][k]}}, .count = 2};
}

/* ---- what is left out ---- */

static void leave_out(struct subject *x, bool found, const char *what)
{
    size_t len = strlen(x->left_out);

    if (found)
        snprintf(x->left_out + len, sizeof x->left_out - len, "%s%s", len ? ", " : "", what);
}

static bool spoils(const struct link_words *w)
{
    return w->loss.model != LOSS_NONE || w->duplicate || w->reorder || w->corrupt || w->fate_count;
}

static void say_links(struct subject *x)
{
    bool faults = false, times = false;

    for (uint32_t i = 0; i < x->scenario->link_count; i++)
        for (int d = 0; d < 2; d++) {
            const struct link_words *w = &x->scenario->links[i].words[d];

            faults |= spoils(w);
            times |= w->delay || w->jitter || w->rate_bps;
        }
    leave_out(x, faults,
              "what links do to packets (the search itself loses, doubles and reorders)");
    leave_out(x, times, "delays and rates of links (messages arrive at any time)");
}

static void say_ends(struct subject *x)
{
    const struct scenario *s = x->scenario;
    bool nat = false, proof = false, again = false, volume = false, looks_up = false, cpu = false;

    for (uint32_t i = 0; i < s->group_count; i++) {
        const struct scenario_group *g = &s->groups[i];
        const struct lifetime_config *life = &g->ike.child.lifetime;

        nat |= g->role == ROLE_NAT;
        if (g->role != ROLE_INITIATOR && g->role != ROLE_RESPONDER)
            continue;
        proof |= scenario_auth(&g->ike_words).way != AUTH_PSK;
        again |= g->ike.reauth_time != 0;
        volume |= life->rekey_bytes || life->rekey_packets;
        looks_up |= scenario_looks_up(g);
        cpu |= g->cpu.cores > 0;
    }
    leave_out(x, nat, "NATs");
    leave_out(x, proof, "certificates and keys (a shared secret stands for them)");
    leave_out(x, again, "re-authentication");
    leave_out(x, looks_up, "look-ups");
    leave_out(x, volume, "rekeys by bytes or packets");
    leave_out(x, cpu, "processors");
}

static void say_left_out(struct subject *x)
{
    const struct scenario *s = x->scenario;
    bool events = false;
    uint8_t unused;

    for (uint32_t i = 0; i < s->event_count; i++)
        events |= !trigger_of(s->events[i].action, &unused);
    say_ends(x);
    say_links(x);
    leave_out(x, events, "events that are no requests to tunnels");
    leave_out(x, s->flow_count > 0, "its traffic (the search sends packets of its own)");
}

enum err subject_init(struct subject *x, const struct scenario *s, struct refusal *r)
{
    enum err e;

    *x = (struct subject){.scenario = s};
    x->family.name = s->name;
    x->family.about = "what the scenario asks for";
    e = find_ends(x, r);
    if (e == OK)
        e = configure_both(x, r);
    if (e == OK)
        e = check_start(x, r);
    if (e == OK)
        e = take_events(x, r);
    if (e == OK && !x->family.case_count)
        take_timers(x);
    if (e == OK)
        say_left_out(x);
    return e;
}
