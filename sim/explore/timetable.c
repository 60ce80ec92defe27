#include "sim/explore/timetable.h"

#include "explore/chart.h"

#include <stdlib.h>

#define BETWEEN_STEPS NSEC_PER_MS
#define AT_VIOLATION NSEC_PER_S /* for traffic to meet it before what comes next mends it */

enum { STEPS_TO_REST = 1000 };

struct walk {
    struct world *world;
    struct timetable *out;
    unsigned early[2]; /* timers that fired before the search had them fire */
    bool full;
};

static nsec first_deadline(const struct world *w)
{
    return nsec_min(world_deadline(w, 0), world_deadline(w, 1));
}

static struct timetable_message *message(struct walk *k, uint32_t number)
{
    if (number && number <= TIMETABLE_MESSAGES)
        return &k->out->messages[number - 1];
    k->full = true;
    return NULL;
}

static void sent(struct walk *k, const struct story_line *l)
{
    struct timetable_message *m = message(k, l->number);

    if (!m)
        return;
    m->from = l->side;
    m->nth = l->nth;
    chart_name_message(l, m->name, sizeof m->name);
    k->out->message_count = l->number;
}

static void arrived(struct walk *k, const struct story_line *l)
{
    struct timetable_message *m = message(k, l->number);

    if (m && m->at_count < TIMETABLE_ARRIVALS)
        m->at[m->at_count++] = l->at;
    else
        k->full = true;
}

static void tell(void *context, const struct story_line *l)
{
    struct walk *k = context;

    if (l->kind == STORY_SENT)
        sent(k, l);
    else if (l->kind == STORY_ARRIVED || l->kind == STORY_DOUBLED)
        arrived(k, l);
}

/* What is asked for may not be possible: it is asked all the same. */
static void note_request(struct walk *k, unsigned index)
{
    k->out->requests[k->out->request_count++] =
        (struct timetable_request){k->world->now, k->world->options.triggers[index]};
}

/* One clock lets timers fire when they are due, whatever a search did first. Where the search has
 * it fire later, it is then left out. */
static void fire_early(struct walk *k, unsigned side)
{
    k->early[side]++;
    world_step(k->world, (struct choice){CHOICE_TIMER, (uint8_t)side});
}

static void fire(struct walk *k, unsigned side)
{
    struct world *w = k->world;
    unsigned other = 1 - side;

    if (k->early[side]) {
        k->early[side]--;
        return;
    }
    while (world_deadline(w, other) < world_deadline(w, side))
        fire_early(k, other);
    if (world_deadline(w, side) != NSEC_NEVER)
        world_step(w, (struct choice){CHOICE_TIMER, (uint8_t)side});
}

/* Half the way to the next timer at most, so that any number of steps fits before it. */
static void let_time_pass(struct walk *k, nsec wait)
{
    struct world *w = k->world;
    nsec due;

    while ((due = first_deadline(w)) <= w->now + 1)
        fire_early(k, world_deadline(w, 0) != due);
    if (due != NSEC_NEVER && wait > (due - w->now) / 2)
        wait = (due - w->now) / 2;
    world_wait(w, w->now + wait);
}

/* Timers that fired in another order may have left another wire. */
static bool is_there(const struct world *w, struct choice c)
{
    return c.kind == CHOICE_TIMER || c.kind == CHOICE_TRIGGER || c.index < w->wire_count;
}

static enum err step(struct walk *k, struct choice c)
{
    if (c.kind == CHOICE_TIMER) {
        fire(k, c.index);
        return OK;
    }
    let_time_pass(k, BETWEEN_STEPS);
    if (!is_there(k->world, c))
        return ERR_STATE;
    if (c.kind == CHOICE_TRIGGER)
        note_request(k, c.index);
    world_step(k->world, c);
    return OK;
}

/* Behind the violation nothing is lost or late any more. */
static enum err rest(struct walk *k)
{
    struct world *w = k->world;
    enum err e = OK;

    for (unsigned i = 0; e == OK && !world_quiet(w); i++) {
        struct choice c = {CHOICE_DELIVER, 0};

        k->early[0] = k->early[1] = 0;
        if (!w->wire_count)
            c = (struct choice){CHOICE_TIMER, world_deadline(w, 0) != first_deadline(w)};
        e = i < STEPS_TO_REST ? step(k, c) : ERR_FULL;
    }
    k->out->end = w->now;
    return e;
}

enum err timetable_make(const struct search_options *o, const struct search_result *r,
                        struct timetable *out)
{
    struct walk k = {.world = calloc(1, sizeof *k.world), .out = out};
    struct world_options options = search_world(o);
    enum err e = k.world ? OK : ERR_MEMORY;

    *out = (struct timetable){0};
    options.tell = tell;
    options.context = &k;
    if (e == OK)
        e = world_create(k.world, &options);
    for (unsigned i = 0; i < r->path_len && e == OK; i++)
        e = step(&k, r->path[i]);
    if (e == OK) {
        let_time_pass(&k, AT_VIOLATION);
        e = rest(&k);
    }
    if (k.world)
        world_destroy(k.world);
    free(k.world);
    return e == OK && k.full ? ERR_FULL : e;
}
