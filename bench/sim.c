/*
 * sim: the simulator.
 *
 *   sim/queue/MIX/PENDING     bench/hold.c: the event queue alone, beside a ladder queue
 *   sim/hold/MIX/PENDING      bench/hold.c: the queue with dispatch to nodes and back, beside the
 *                             same
 *   sim/opaque/SHAPE/CLIENTS  a fleet of opaque peers (bench/opaque.h): CPU time of a run's loop
 *                             per exchange of four messages, both ends, without set-up
 *   sim/ikev2/CLIENTS         the same clients behind the same routers bring up IKEv2 tunnels with
 *                             modelled cryptography, with hosts, checkers and metrics
 *   sim/ikev2-real/CLIENTS    with real cryptography: for the slope over the size
 *   sim/setup/CLIENTS         of the IKEv2 fleet: CPU time of set-up per client
 *   sim/recording/NODES       bench/recording.h: a gateway and its clients, whole runs that write
 *                             events and capture as they are by default, per handshake
 *
 * The bound of a fleet is ns-3 at its best on the same topology, where it was there to be built
 * with (docs/scale.md); the ratio then says how many times faster we are. That of a recording is
 * the same run with numbers only: 0.77 is 1.3 times its time.
 */
#include "base/assert.h"
#include "bench/fleet.h"
#include "bench/hold.h"
#include "bench/recording.h"
#include "bench/row.h"

#include <stdio.h>
#include <stdlib.h>

/* row.number */
enum { KIND, SIZE, STAR, SETUP };
enum kind {
    QUEUE_OF_EXP,
    QUEUE_OF_NET,
    HOLD_OF_EXP,
    HOLD_OF_NET,
    RECORDING,
    FLEET, /* and an enum fleet_kind */
};

enum {
    WHOLE_MIN_MS = 1000,   /* a fleet that is faster runs again */
    QUICK_MIN_MS = 250,    /* ... of a row of --quick */
    BOUND_CLIENTS = 20000, /* so many in ns-3 take a second, too */
    BIG = 100000,
    HUGE_ = 1000000,
};

/* One of the three is there. */
struct bench {
    struct hold *hold;
    struct fleet *fleet;
    struct recording *recording;
    struct row *row; /* takes the bound of a recording */
    bool setup;
    uint32_t clients;
    uint64_t operations;
    enum err error;
};

static void close_bench(void *state)
{
    struct bench *b = state;

    if (b->hold)
        hold_destroy(b->hold);
    if (b->fleet)
        fleet_close(b->fleet);
    if (b->recording)
        recording_close(b->recording);
    free(b);
}

static void *open_bench(struct row *row, const char **why)
{
    struct bench *b = calloc(1, sizeof *b);
    const uint32_t *number = row->number;

    *why = "out of memory";
    if (!b)
        return NULL;
    b->clients = number[SIZE] - (number[KIND] == RECORDING); /* one of the nodes is the gateway */
    b->setup = number[SETUP];
    b->row = row;
    if (number[KIND] >= FLEET) {
        const struct fleet_plan plan = {.kind = (enum fleet_kind)(number[KIND] - FLEET),
                                        .star = number[STAR],
                                        .clients = number[SIZE]};

        b->fleet = fleet_open(&plan, why);
    } else if (number[KIND] == RECORDING) {
        b->recording = recording_open(number[SIZE], why);
    } else {
        b->hold = hold_create(
            number[KIND] == HOLD_OF_EXP || number[KIND] == QUEUE_OF_EXP ? HOLD_EXP : HOLD_NET,
            number[KIND] == HOLD_OF_EXP || number[KIND] == HOLD_OF_NET, number[SIZE]);
    }
    if (b->fleet || b->hold || b->recording)
        return b;
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

/* Whole runs only, one or as many as take a second; of more than was asked for a share is taken. */
static enum err run_fleet(struct bench *b, double *value)
{
    uint64_t ns = 0, done = 0;

    while (done < b->operations || ns < WHOLE_MIN_MS * UINT64_C(1000000)) {
        struct fleet_cost cost;
        enum err e = fleet_run(b->fleet, b->setup, &cost);

        if (e != OK)
            return e;
        ns += b->setup ? cost.setup_ns : cost.loop_ns;
        done += b->clients;
    }
    *value = (double)ns / 1e3 * (double)b->operations / (double)done;
    return OK;
}

static enum err run_recording(struct bench *b, double *value)
{
    uint64_t least = (b->row->quick ? QUICK_MIN_MS : WHOLE_MIN_MS) * UINT64_C(1000000), done = 0;
    struct recording_cost cost = {0};

    while (done < b->operations || cost.recorded_ns < least) {
        enum err e = recording_run(b->recording, &cost);

        if (e != OK)
            return e;
        done += b->clients;
    }
    *value = (double)cost.recorded_ns / 1e3 * (double)b->operations / (double)done;
    b->row->bound_value = (double)cost.numbers_ns / 1e3 / (double)done;
    return OK;
}

static enum err run_bench(void *state, uint64_t operations, double *value)
{
    struct bench *b = state;

    b->operations = operations;
    if (b->recording)
        return run_recording(b, value);
    return b->hold ? run_hold(b, value) : run_fleet(b, value);
}

static const struct family sim_family = {
    .name = "sim",
    .help = "the simulator: queue/MIX/PENDING of its event queue, hold/MIX/PENDING with dispatch, "
            "opaque/SHAPE/CLIENTS and ikev2/CLIENTS for exchanges of a fleet, setup/CLIENTS for "
            "making one, recording/NODES for what files of a run cost",
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

/* Neither counted nor in --quick: a whole run is the least that can be, and what others do to the
 * cache shows in all samples of a run. Alone: one process, one fleet. */
static struct row *add_fleet(struct rows *rows, const char *name, enum fleet_kind kind,
                             uint32_t clients)
{
    struct row *row = rows_add(rows, &sim_family, "sim/%s/%u", name, clients);

    row->unit = "us";
    row->operations = clients;
    row->alone = true;
    row->wanted = clients >= HUGE_ ? ROW_BY_NAME : clients >= BIG ? ROW_IF_ASKED : ROW_ALWAYS;
    row->number[KIND] = FLEET + kind;
    row->number[SIZE] = clients;
    return row;
}

/* A million clients of ns-3 need 13 GB. */
static void bound_by_ns3(struct row *row, const char *layout)
{
    if (row->number[SIZE] >= HUGE_)
        return;
    row->bound_program = "ikelab-bound-ns3";
    row->bound_missing = "no ratio without ns-3: apt-get install libns3-dev and build again";
    snprintf(row->bound_row, sizeof row->bound_row, "%s/%u", layout, row->number[SIZE]);
    row->bound_name = "ns-3 at its best (ratio: times faster)";
    row->bound_operations = row->number[SIZE] < BOUND_CLIENTS ? BOUND_CLIENTS : row->number[SIZE];
}

static void add_fleets(struct rows *rows)
{
    static const uint32_t sizes[] = {1000, 10000, BIG, HUGE_};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    struct row *row;

    for (unsigned i = 0; i < SIZES; i++)
        bound_by_ns3(add_fleet(rows, "opaque/tree", FLEET_OPAQUE, sizes[i]), "tree/lean");
    for (unsigned i = 0; i < SIZES && sizes[i] < BIG; i++) { /* beyond, ns-3 takes minutes */
        row = add_fleet(rows, "opaque/star", FLEET_OPAQUE, sizes[i]);
        bound_by_ns3(row, "star/lean");
        row->number[STAR] = true;
    }
    for (unsigned i = 0; i < SIZES; i++)
        bound_by_ns3(add_fleet(rows, "ikev2", FLEET_IKEV2, sizes[i]), "tree/lean");
    add_fleet(rows, "ikev2-real", FLEET_IKEV2_REAL, 1000);
    add_fleet(rows, "ikev2-real", FLEET_IKEV2_REAL, BIG);
    for (unsigned i = 0; i < SIZES; i++) {
        row = add_fleet(rows, "setup", FLEET_IKEV2, sizes[i]);
        bound_by_ns3(row, "setup/tree/lean");
        row->number[SETUP] = true;
    }
}

/* Pairs of runs, so that the bound is of the same moment. A whole run is the least here, too. */
static void add_recording(struct rows *rows, uint32_t nodes, bool quick)
{
    struct row *row = rows_add(rows, &sim_family, "sim/recording/%u", nodes);

    row->unit = "us";
    row->operations = nodes - 1;
    row->alone = true;
    row->quick = quick;
    row->bound_name = "numbers only";
    row->number[KIND] = RECORDING;
    row->number[SIZE] = nodes;
}

void sim_rows(struct rows *rows)
{
    for (enum kind kind = QUEUE_OF_EXP; kind <= HOLD_OF_NET; kind++) {
        add_hold(rows, kind, 1000, true);
        add_hold(rows, kind, 100000, true);
        add_hold(rows, kind, 1000000, false);
    }
    add_fleets(rows);
    add_recording(rows, 1000, true);
    add_recording(rows, 10000, false);
}
