/*
 * ikelab_fleet KIND CLIENTS: one run of one fleet (bench/fleet.h), and an object of JSON about it
 * on standard output: times in nanoseconds of this thread's CPU, and the memory that set-up and run
 * took at most. bench/bounds/ns3 answers --once in the same words. Build it with the preset
 * `release`; bench/tools/scale.py draws the curves.
 */
#include "base/machine_memory.h"
#include "bench/fleet.h"
#include "bench/measure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN_MIN_NS UINT64_C(1000000000)

/* The most that this program was resident with, so far. */
static uint64_t resident_peak(void)
{
    struct process_memory m;

    return process_memory_read(&m) ? m.resident_peak : 0;
}

static enum fleet_kind kind_named(const char *name)
{
    unsigned kind = 0;

    while (kind < FLEET_KINDS && strcmp(fleet_kind_name((enum fleet_kind)kind), name) != 0)
        kind++;
    return (enum fleet_kind)kind;
}

static int usage(void)
{
    fputs("usage: ikelab_fleet KIND CLIENTS   (opaque, ikev2 or ikev2-real; 1 to 1000000)\n",
          stderr);
    return 2;
}

/* @return how often it ran */
static uint64_t run(struct fleet *fleet, struct fleet_cost *sum, enum err *e)
{
    uint64_t runs = 0;

    *sum = (struct fleet_cost){0};
    do {
        struct fleet_cost cost;

        *e = fleet_run(fleet, false, &cost);
        sum->setup_ns += cost.setup_ns;
        sum->loop_ns += cost.loop_ns;
        sum->events = cost.events; /* runs are alike */
        sum->completed = cost.completed;
        sum->failed = cost.failed;
        runs++;
    } while (*e == OK && sum->setup_ns + sum->loop_ns < RUN_MIN_NS);
    return runs;
}

int main(int argc, char **argv)
{
    struct fleet_plan plan = {.kind = argc == 3 ? kind_named(argv[1]) : FLEET_KINDS};
    unsigned long clients = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    uint64_t before = resident_peak();
    struct fleet_cost cost;
    const char *why;
    struct fleet *fleet;
    uint64_t runs;
    enum err e;

    if (plan.kind == FLEET_KINDS || clients < 1 || clients > FLEET_CLIENTS_MAX)
        return usage();
    plan.clients = (uint32_t)clients;
    (void)measure_pin(0);
    fleet = fleet_open(&plan, &why);
    if (!fleet) {
        fprintf(stderr, "ikelab_fleet: %s; try: fewer clients\n", why);
        return 1;
    }
    runs = run(fleet, &cost, &e);
    fleet_close(fleet);
    if (e != OK) {
        fprintf(stderr, "ikelab_fleet: %s; try: fewer clients\n", err_text(e));
        return 1;
    }
    printf("{\"kind\":\"%s\",\"clients\":%" PRIu32 ",\"setup_ns\":%" PRIu64 ",\"loop_ns\":%" PRIu64
           ",\"events\":%" PRIu64 ",\"completed\":%" PRIu64 ",\"failed\":%" PRIu64
           ",\"memory_bytes\":%" PRIu64 "}\n",
           fleet_kind_name(plan.kind), plan.clients, cost.setup_ns / runs, cost.loop_ns / runs,
           cost.events, cost.completed, cost.failed, resident_peak() - before);
    return 0;
}
