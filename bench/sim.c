/*
 * sim: the simulator.
 *
 *   sim/queue/MIX/PENDING bench/hold.c: the event queue alone, beside a ladder queue
 *   sim/hold/MIX/PENDING  bench/hold.c: the queue with dispatch to nodes and back, beside the same
 *   sim/star/CLIENTS      a fleet behind one gateway brings up its tunnels: CPU time of a run's
 *                         loop per completed handshake (four messages, both ends), with links,
 *                         hosts, checkers and metrics, without set-up. Modelled cryptography.
 *                         The bound moves as many events through the ladder queue and does
 *                         nothing else.
 */
#include "base/assert.h"
#include "bench/hold.h"
#include "bench/row.h"
#include "sim/run.h"

#include <stdio.h>
#include <stdlib.h>

/* The fleet of the bar set with ns-3: starts spread over 10 s, first retransmission after 1 s. */
static const char star_text[] =
    "ikelab: 1\n"
    "name: star\n"
    "stop_time: 45s\n" /* the sixth and last retransmission is answered by then */
    "crypto: modelled\n"
    "measure: {series_interval: 45s}\n"
    "ike: {retransmit_timeout: 1s, retransmit_base: 2}\n"
    "nodes:\n"
    "  clients: {role: initiator, count: %u, connect: gw, arrivals: {fixed: %u/s}}\n"
    "  gw:      {role: responder, address: 198.51.100.1, protects: [192.0.2.0/24]}\n"
    "links:\n"
    "  access: {sides: [clients, gw], delay: 20ms, loss: {random: 1%%}}\n"
    "capture: none\n";

enum { STAR_SPREAD_S = 10 };

/* row.number */
enum { KIND, SIZE };
enum kind { QUEUE_OF_EXP, QUEUE_OF_NET, HOLD_OF_EXP, HOLD_OF_NET, STAR };

struct bench {
    struct hold *hold; /* NULL: a star */
    struct scenario scenario;
    uint32_t clients;
    uint64_t events, handshakes; /* of one run */
    uint64_t operations;
    enum err error;
};

/* Runs are alike to the last event, so that of opening says how many there are. */
static enum err star_run(struct bench *b, uint64_t *ns)
{
    char why[256];
    const struct run_options options = {
        .scenario = &b->scenario, .plant = PLANT_NONE, .timed = measured, .loop_ns = ns};
    struct run_outcome outcome;
    enum err e = run_scenario(&options, &outcome, why, sizeof why);

    if (e == OK && outcome.violated)
        e = ERR_STATE;
    if (e == OK) {
        b->events = outcome.result.wall.events;
        b->handshakes = outcome.metrics->ike.completed;
    }
    run_outcome_reset(&outcome);
    return e;
}

static enum err star_open(struct bench *b, uint32_t clients, const char **why)
{
    char text[sizeof star_text + 32];
    uint64_t ns = 0;
    enum err e;

    b->clients = clients;
    snprintf(text, sizeof text, star_text, clients, clients / STAR_SPREAD_S);
    *why = "the scenario is not understood";
    e = scenario_load_text("bench-star", text, &b->scenario, stderr);
    if (e != OK)
        return e;
    *why = "not every client's handshake completes";
    e = star_run(b, &ns);
    return e == OK && b->handshakes != clients ? ERR_STATE : e;
}

static void close_bench(void *state)
{
    struct bench *b = state;

    if (b->hold)
        hold_destroy(b->hold);
    if (b->scenario.arena)
        scenario_reset(&b->scenario);
    free(b);
}

static void *open_bench(struct row *row, const char **why)
{
    struct bench *b = calloc(1, sizeof *b);
    enum kind kind = (enum kind)row->number[KIND];

    *why = "out of memory";
    if (!b)
        return NULL;
    if (kind == STAR) {
        if (star_open(b, row->number[SIZE], why) == OK) {
            row->bound_scale = (double)b->events / (double)b->handshakes;
            return b;
        }
    } else {
        b->hold = hold_create(kind == HOLD_OF_EXP || kind == QUEUE_OF_EXP ? HOLD_EXP : HOLD_NET,
                              kind == HOLD_OF_EXP || kind == HOLD_OF_NET, row->number[SIZE]);
        if (b->hold)
            return b;
    }
    close_bench(b);
    return NULL;
}

static void hold(void *state)
{
    struct bench *b = state;

    b->error = hold_run(b->hold, b->operations);
}

static enum err run_hold(struct bench *b, double *value)
{
    uint64_t ns = 0;

    measured(hold, b, &ns);
    *value = (double)ns;
    return b->error;
}

/* Whole runs only: the last one may do more than was asked for, and its share is taken off. */
static enum err run_star(struct bench *b, double *value)
{
    uint64_t ns = 0, done = 0;

    while (done < b->operations) {
        enum err e = star_run(b, &ns);

        if (e != OK)
            return e;
        done += b->handshakes;
    }
    *value = (double)ns / 1e3 * (double)b->operations / (double)done;
    return OK;
}

static enum err run_bench(void *state, uint64_t operations, double *value)
{
    struct bench *b = state;

    b->operations = operations;
    return b->hold ? run_hold(b, value) : run_star(b, value);
}

static const struct family sim_family = {
    .name = "sim",
    .help = "the simulator: queue/MIX/PENDING of its event queue, hold/MIX/PENDING with dispatch, "
            "star/CLIENTS for handshakes of a fleet with modelled cryptography",
    .open = open_bench,
    .run = run_bench,
    .close = close_bench,
};

static void add_hold(struct rows *rows, enum kind kind, uint32_t pending, bool small)
{
    const char *mix = kind == HOLD_OF_EXP || kind == QUEUE_OF_EXP ? "exp" : "net";
    const char *what = kind == HOLD_OF_EXP || kind == HOLD_OF_NET ? "hold" : "queue";
    struct row *row = rows_add(rows, &sim_family, "sim/%s/%s/%u", what, mix, pending);

    row->unit = "ns";
    row->bound_program = "ikelab-bound-queue";
    snprintf(row->bound_row, sizeof row->bound_row, "%s/%u", mix, pending);
    row->bound_name = "a ladder queue";
    row->quick = row->counted = small;
    row->counted_operations = 1000;
    row->number[KIND] = kind;
    row->number[SIZE] = pending;
}

static void add_star(struct rows *rows, uint32_t clients)
{
    struct row *row = rows_add(rows, &sim_family, "sim/star/%u", clients);

    row->unit = "us";
    row->bound_program = "ikelab-bound-queue";
    snprintf(row->bound_row, sizeof row->bound_row, "net/%u", clients);
    row->bound_name = "a ladder queue alone moving the same events";
    row->operations = clients;
    /* Not counted: a whole run is the least that can be. Not in --quick: a thousand clients are
     * 60 MB, and what others do to the cache shows in all samples of a run but in no bound. */
    row->number[KIND] = STAR;
    row->number[SIZE] = clients;
}

void sim_rows(struct rows *rows)
{
    for (enum kind kind = QUEUE_OF_EXP; kind <= HOLD_OF_NET; kind++) {
        add_hold(rows, kind, 1000, true);
        add_hold(rows, kind, 100000, true);
        add_hold(rows, kind, 1000000, false);
    }
    add_star(rows, 1000);
    add_star(rows, 10000);
}
