#include "sim/timeline.h"

#include "sim/attacker.h"
#include "sim/ike_node.h"
#include "sim/link.h"
#include "sim/nat_box.h"
#include "sim/recorder.h"
#include "sim/topology.h"

#include <stdlib.h>

struct timeline_step {
    nsec at;
    uint32_t number; /* orders equal times */
    const struct scenario_event *event;
    bool back; /* the end of the event's `for:` */
};

static bool put(struct timeline *t, nsec at, const struct scenario_event *event, bool back)
{
    uint32_t i;

    if (t->count == t->capacity) {
        uint32_t capacity = t->capacity ? 2 * t->capacity : 16;
        struct timeline_step *bigger = realloc(t->steps, capacity * sizeof *bigger);

        if (!bigger)
            return false;
        t->steps = bigger;
        t->capacity = capacity;
    }
    /* A scenario has few steps: keep them sorted, the next one last. */
    for (i = t->count; i > 0 && t->steps[i - 1].at <= at; i--)
        t->steps[i] = t->steps[i - 1];
    t->steps[i] = (struct timeline_step){at, t->next_number++, event, back};
    t->count++;
    return true;
}

enum err timeline_init(struct timeline *t, const struct scenario *s)
{
    *t = (struct timeline){0};
    for (uint32_t i = s->event_count; i-- > 0;)
        if (!put(t, s->events[i].at, &s->events[i], false))
            return ERR_MEMORY;
    return OK;
}

void timeline_reset(struct timeline *t)
{
    free(t->steps);
    *t = (struct timeline){0};
}

nsec timeline_deadline(const struct timeline *t)
{
    return t->count ? t->steps[t->count - 1].at : NSEC_NEVER;
}

/* Which tunnels a disturbance touches. */
struct touch {
    const struct scenario_event *event;
    struct lab *lab;
    bool touched;
};

static bool in_range(const struct scenario_event *e, uint32_t index, uint32_t member)
{
    for (uint32_t i = 0; i < e->range_count; i++)
        if (e->ranges[i].index == index && member >= e->ranges[i].first &&
            member <= e->ranges[i].last)
            return true;
    return false;
}

static void look(void *context, uint32_t node, uint32_t direction)
{
    struct touch *t = context;
    const struct sim *s = &t->lab->sim;
    uint32_t group = s->nodes[node].group;

    if (!t->event->on_links) {
        t->touched |= in_range(t->event, group, node - t->lab->scenario->groups[group].first_node);
    } else if (direction != SIM_NONE) {
        uint32_t link = link_kind(s, &s->links[direction])->link;

        t->touched |= in_range(t->event, link, (direction - topology_link(t->lab, link, 0)) / 2);
    }
}

/* Established tunnels through it have to recover; all are excused for a while (I17). */
static void disturb(struct lab *lab, const struct scenario_event *event)
{
    struct recovery r = {
        .at = lab->sim.now, .t50 = NSEC_NEVER, .t99 = NSEC_NEVER, .t100 = NSEC_NEVER};
    uint32_t index = lab->metrics->recovery_count;

    if (!lab->recovering)
        lab->recovering = calloc((size_t)lab->tunnel_count + 1, sizeof *lab->recovering);
    if (!lab->recovering) {
        sim_fail(&lab->sim, ERR_MEMORY);
        return;
    }
    for (uint32_t i = 0; i < lab->tunnel_count; i++) {
        struct touch t = {.event = event, .lab = lab};

        if (!lab->tunnels[i].up)
            continue;
        topology_path(lab, i, look, &t);
        if (!t.touched)
            continue;
        r.affected++;
        if (index < RECOVERIES_MAX)
            lab->recovering[i] |= UINT64_C(1) << index;
    }
    snprintf(r.event, sizeof r.event, "%s", event->label);
    metrics_recovery(lab->metrics, &r);
    checker_excuse_all(lab->checker, lab->sim.now);
}

/* What was seen at rest before says nothing about what comes after (I6). */
static void judge_anew(struct lab *lab)
{
    for (uint32_t i = 0; i < lab->tunnel_count; i++)
        lab->tunnels[i].judged = false;
    lab->tunnels_judged = 0;
}

static void act_on_node(struct lab *lab, const struct scenario_event *e, uint32_t node, bool back)
{
    struct node *n = &lab->sim.nodes[node];

    if (e->action == ACTION_LOOKUP_OUTAGE) {
        ike_node_lookup_outage(lab, node, !back);
        return;
    }
    if (e->action == ACTION_SWITCH) {
        ike_node_switch(lab, node, e->link);
        return;
    }
    if (action_is_asked(e->action)) {
        ike_node_ask(lab, node, e->action);
        return;
    }
    if (e->action == ACTION_SKIP_SEQUENCE) {
        ike_node_skip_sequence(lab, node, e->packets);
        return;
    }
    if (node_class(&lab->sim, n) == &ike_node_class) {
        if (!back)
            ike_node_crash(lab, node);
        if (back || (e->action == ACTION_REBOOT && e->duration == 0) || e->action == ACTION_RESTART)
            ike_node_return(lab, node);
        return;
    }
    if (node_class(&lab->sim, n) == &attacker_class) {
        if (e->action != ACTION_REBOOT || e->duration > 0)
            attacker_set_down(lab, node, !back && e->action != ACTION_RESTART);
        return;
    }
    if (!back && node_class(&lab->sim, n) == &nat_box_class)
        nat_box_reboot(&lab->sim, node, true);
    n->down =
        !back && e->action != ACTION_RESTART && (e->duration > 0 || e->action == ACTION_CRASH);
}

static void act_on_members(struct lab *lab, const struct scenario_event *e,
                           const struct scenario_range *range, bool back)
{
    for (uint32_t m = range->first; m <= range->last; m++) {
        if (e->on_links)
            link_set_down(&lab->sim, topology_link(lab, range->index, m),
                          e->action == ACTION_LINK_DOWN && !back);
        else
            act_on_node(lab, e, lab->scenario->groups[range->index].first_node + m, back);
    }
}

/* What is up stays up, but for what is asked of the protocol itself: that it does by its rules. */
static bool disturbs(enum event_action action)
{
    return action != ACTION_LINK_UP && action != ACTION_RESTART && action != ACTION_LOOKUP_OUTAGE &&
           !action_is_asked(action);
}

enum err timeline_act(struct timeline *t, struct lab *lab)
{
    while (t->count > 0 && timeline_deadline(t) <= lab->sim.now) {
        struct timeline_step step = t->steps[--t->count];
        const struct scenario_event *e = step.event;

        if (!step.back && disturbs(e->action))
            disturb(lab, e);
        if (e->action != ACTION_LOOKUP_OUTAGE)
            judge_anew(lab);
        if (lab->recorder)
            recorder_scenario(lab->recorder, lab->sim.now, e->label, step.back ? "back" : "begin");
        for (uint32_t i = 0; i < e->range_count; i++)
            act_on_members(lab, e, &e->ranges[i], step.back);
        if (!step.back && e->duration > 0 && !put(t, nsec_add(lab->sim.now, e->duration), e, true))
            return ERR_MEMORY;
    }
    return OK;
}
