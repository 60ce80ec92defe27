#define _GNU_SOURCE
#include "bench/recording.h"

#include "base/assert.h"
#include "bench/row.h"
#include "record/run_folder.h"
#include "sim/run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* A star with `capture` and events as they are if a scenario says nothing of them. */
static const char text_form[] =
    "ikelab: 1\n"
    "name: recording\n"
    "stop_time: 45s\n"
    "crypto: modelled\n"
    "measure: {series_interval: 45s}\n"
    "ike: {retransmit_timeout: 1s, retransmit_base: 2}\n"
    "nodes:\n"
    "  clients: {role: initiator, count: %u, connect: gw, arrivals: {fixed: %u/s}}\n"
    "  gw:      {role: responder, address: 198.51.100.1, protects: [192.0.2.0/24]}\n"
    "links:\n"
    "  access: {sides: [clients, gw], delay: 20ms, loss: {random: 1%%}}\n";

enum { SPREAD_S = 10, NUMBERS = 64 };

struct recording {
    struct scenario scenario;
    uint32_t clients;
    bool numbers_first;
};

/* One run on its way through measured(). */
struct recorded {
    const struct recording *recording;
    bool records;
    enum err error;
};

struct recording *recording_open(uint32_t nodes, const char **why)
{
    struct recording *r = calloc(1, sizeof *r);
    char text[sizeof text_form + NUMBERS];

    ASSERT(nodes > 1);
    *why = "out of memory";
    if (!r)
        return NULL;
    r->clients = nodes - 1;
    snprintf(text, sizeof text, text_form, r->clients, nodes < SPREAD_S ? 1 : nodes / SPREAD_S);
    if (scenario_load_text("bench-recording", text, &r->scenario, stderr) == OK)
        return r;
    *why = "the scenario is not understood";
    recording_close(r);
    return NULL;
}

void recording_close(struct recording *r)
{
    if (r->scenario.arena)
        scenario_reset(&r->scenario);
    free(r);
}

static volatile sig_atomic_t asked_to_end;

static void ask_to_end(int number)
{
    asked_to_end = number;
}

static enum err simulate(const struct recording *r, struct run_folder *folder)
{
    const struct run_options options = {.scenario = &r->scenario,
                                        .folder = folder,
                                        .plant = PLANT_NONE,
                                        .interrupted = &asked_to_end};
    struct run_outcome outcome;
    char why[256];
    enum err e = run_scenario(&options, &outcome, why, sizeof why);

    if (e == OK && (outcome.violated || outcome.metrics->ike.completed != r->clients))
        e = ERR_STATE;
    run_outcome_reset(&outcome);
    return e;
}

static enum err record(const struct recording *r)
{
    const char *place = getenv("TMPDIR");
    char path[RUN_FOLDER_PATH_MAX];
    struct run_folder *folder;
    enum err e;

    snprintf(path, sizeof path, "%s/ikelab-recording", place && *place ? place : "/tmp");
    e = run_folder_create(&(struct run_folder_options){.path = path, .name = "recording"}, &folder);
    if (e == OK)
        e = simulate(r, folder);
    run_folder_destroy(folder); /* never committed: nothing is left */
    return e;
}

static void work(void *state)
{
    struct recorded *w = state;

    w->error = w->records ? record(w->recording) : simulate(w->recording, NULL);
}

static enum err run_one(const struct recording *r, bool records, uint64_t *ns)
{
    struct recorded w = {.recording = r, .records = records};

    measured(work, &w, ns);
    return w.error;
}

static enum err run_both(struct recording *r, struct recording_cost *cost)
{
    enum err e = OK;

    for (int nth = 0; nth < 2 && e == OK; nth++) {
        bool records = (nth == 0) != r->numbers_first;

        e = run_one(r, records, records ? &cost->recorded_ns : &cost->numbers_ns);
    }
    r->numbers_first = !r->numbers_first;
    return e;
}

/* Who ends the program meanwhile is heard by the run, so that its folder goes first. */
enum err recording_run(struct recording *r, struct recording_cost *cost)
{
    const struct sigaction ours = {.sa_handler = ask_to_end};
    struct sigaction before[2];
    enum err e;

    asked_to_end = 0;
    sigaction(SIGINT, &ours, &before[0]);
    sigaction(SIGTERM, &ours, &before[1]);
    e = run_both(r, cost);
    sigaction(SIGINT, &before[0], NULL);
    sigaction(SIGTERM, &before[1], NULL);
    if (asked_to_end)
        raise(asked_to_end);
    return e;
}
