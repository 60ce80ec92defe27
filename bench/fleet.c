#include "bench/fleet.h"

#include "base/assert.h"
#include "bench/measure.h"
#include "bench/opaque.h"
#include "bench/row.h"
#include "sim/run.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

/* The tree of bench/opaque.h. A message is lost five times in a row once in 300 million: its sixth
 * sending, the last there is, is answered before 45 s. */
static const char text_form[] =
    "ikelab: 1\n"
    "name: fleet\n"
    "stop_time: 45s\n"
    "crypto: %s\n"
    "measure: {series_interval: 45s}\n"
    "ike: {retransmit_timeout: 1s, retransmit_base: 2}\n"
    "nodes:\n"
    "  clients: {role: initiator, count: %u, connect: gw, arrivals: {fixed: %u/s}}\n"
    "  access:  {role: router, count: %u}\n"
    "  core:    {role: router}\n"
    "  gw:      {role: responder, address: 198.51.100.1, protects: [192.0.2.0/24]}\n"
    "links:\n"
    "  edge:  {sides: [clients, access], delay: 20ms, rate: 100Mbit, loss: {random: 1%%}}\n"
    "  trunk: {sides: [access, core], delay: 1us, rate: 100Gbit, limit: 100000}\n"
    "  last:  {sides: [core, gw], delay: 1us, rate: 100Gbit, limit: 100000}\n"
    "capture: none\n";

enum { SPREAD_S = 10, SEED = 1, NUMBERS = 64 };

struct fleet {
    struct fleet_plan plan;
    struct scenario scenario; /* of IKEv2 endpoints */
};

const char *fleet_kind_name(enum fleet_kind kind)
{
    static const char *const names[FLEET_KINDS] = {
        [FLEET_OPAQUE] = "opaque", [FLEET_IKEV2] = "ikev2", [FLEET_IKEV2_REAL] = "ikev2-real"};

    return names[kind];
}

static enum err read_scenario(struct fleet *f)
{
    const struct fleet_plan *p = &f->plan;
    char text[sizeof text_form + NUMBERS];
    uint32_t per_s = p->clients < SPREAD_S ? 1 : p->clients / SPREAD_S;

    snprintf(text, sizeof text, text_form, p->kind == FLEET_IKEV2_REAL ? "real" : "modelled",
             p->clients, per_s, opaque_access_routers(p->clients));
    return scenario_load_text("bench-fleet", text, &f->scenario, stderr);
}

struct fleet *fleet_open(const struct fleet_plan *plan, const char **why)
{
    struct fleet *f = calloc(1, sizeof *f);

    ASSERT(plan->clients > 0 && plan->clients <= FLEET_CLIENTS_MAX);
    ASSERT(plan->kind == FLEET_OPAQUE || !plan->star);
    *why = "out of memory";
    if (!f)
        return NULL;
    f->plan = *plan;
    if (plan->kind != FLEET_OPAQUE && read_scenario(f) != OK) {
        *why = "the scenario is not understood";
        fleet_close(f);
        return NULL;
    }
    return f;
}

void fleet_close(struct fleet *f)
{
    if (f->scenario.arena)
        scenario_reset(&f->scenario);
    free(f);
}

/* Opaque peers */

struct opaque_work {
    struct opaque *opaque;
    enum err error;
};

static void run_opaque(void *state)
{
    struct opaque_work *w = state;

    w->error = opaque_run(w->opaque);
}

static enum err opaque_cost(const struct fleet_plan *plan, bool setup_only, struct fleet_cost *cost)
{
    const struct opaque_options options = {
        .clients = plan->clients, .star = plan->star, .seed = SEED};
    uint64_t start = measure_cpu_ns();
    struct opaque_work work = {.opaque = opaque_create(&options)};
    const struct opaque_totals *totals;

    cost->setup_ns = measure_cpu_ns() - start;
    if (!work.opaque)
        return ERR_MEMORY;
    if (!setup_only) {
        measured(run_opaque, &work, &cost->loop_ns);
        totals = opaque_totals(work.opaque);
        cost->events = totals->events;
        cost->completed = totals->completed;
        cost->failed = totals->failed;
        if (work.error == OK && opaque_wrong(work.opaque))
            work.error = ERR_STATE;
    }
    opaque_destroy(work.opaque);
    return work.error;
}

/* IKEv2 endpoints */

/* What run_scenario times its loop with. */
struct stopwatch {
    uint64_t start_ns, setup_ns, loop_ns;
};

static void time_both(void *stopwatch, void (*work)(void *state), void *state)
{
    struct stopwatch *w = stopwatch;

    w->setup_ns = measure_cpu_ns() - w->start_ns;
    measured(work, state, &w->loop_ns);
}

static void time_setup(void *stopwatch, void (*work)(void *state), void *state)
{
    struct stopwatch *w = stopwatch;

    (void)work;
    (void)state;
    w->setup_ns = measure_cpu_ns() - w->start_ns;
}

static enum err ikev2_cost(const struct fleet *f, bool setup_only, struct fleet_cost *cost)
{
    struct stopwatch watch = {.start_ns = measure_cpu_ns()};
    const struct run_options options = {.scenario = &f->scenario,
                                        .plant = PLANT_NONE,
                                        .timed = setup_only ? time_setup : time_both,
                                        .stopwatch = &watch};
    struct run_outcome outcome;
    char why[256];
    enum err e = run_scenario(&options, &outcome, why, sizeof why);

    if (e == OK) {
        *cost = (struct fleet_cost){.setup_ns = watch.setup_ns,
                                    .loop_ns = watch.loop_ns,
                                    .events = outcome.result.wall.events,
                                    .completed = outcome.metrics->ike.completed,
                                    .failed = outcome.metrics->ike.failed};
        if (outcome.violated)
            e = ERR_STATE;
    }
    run_outcome_reset(&outcome);
    return e;
}

/* What the last run freed goes back first: set-up pays for fresh pages, as that of a user does. */
enum err fleet_run(struct fleet *f, bool setup_only, struct fleet_cost *cost)
{
    enum err e;

    malloc_trim(0);
    *cost = (struct fleet_cost){0};
    e = f->plan.kind == FLEET_OPAQUE ? opaque_cost(&f->plan, setup_only, cost)
                                     : ikev2_cost(f, setup_only, cost);
    if (e == OK && !setup_only && cost->completed != f->plan.clients)
        e = ERR_STATE;
    return e;
}
