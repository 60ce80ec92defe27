#include "bench/memory.h"
#include "sim/footprint.h"
#include "sim/run.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Handshakes come one after another and are long over at the end. */
static const char text_form[] = "ikelab: 1\n"
                                "name: memory\n"
                                "stop_time: 150s\n"
                                "crypto: modelled\n"
                                "measure: {series_interval: 150s}\n"
                                "nodes:\n"
                                "  clients: {role: initiator, count: %u, connect: gw,\n"
                                "            arrivals: {fixed: %u/s}}\n"
                                "%s"
                                "  gw:      {role: responder, address: 198.51.100.1,\n"
                                "            protects: [192.0.2.0/24]}\n"
                                "links:\n"
                                "%s"
                                "capture: none\n";

static const char star[] = "  access: {sides: [clients, gw], delay: 20ms}\n";
static const char homes[] = "  home:   {sides: [clients, boxes], delay: 1ms}\n"
                            "  access: {sides: [boxes, gw], delay: 20ms}\n";

enum { NUMBERS = 64, SPREAD_S = 60 };

/* Read without the C library's buffers, which would be part of what is measured. */
uint64_t memory_resident(void)
{
    char text[128], *at = text;
    int fd = open("/proc/self/statm", O_RDONLY);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    uint64_t resident, shared;

    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    (void)strtoull(at, &at, 10); /* the address space */
    resident = strtoull(at, &at, 10);
    shared = strtoull(at, &at, 10);
    return (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static enum err read_world(bool behind_nat, uint32_t tunnels, struct scenario *out)
{
    char text[sizeof text_form + sizeof homes + 3 * NUMBERS], boxes[NUMBERS] = "";

    if (behind_nat)
        snprintf(boxes, sizeof boxes, "  boxes:   {role: nat, count: %u}\n", tunnels);
    snprintf(text, sizeof text, text_form, tunnels, tunnels / SPREAD_S + 1, boxes,
             behind_nat ? homes : star);
    return scenario_load_text("bench-memory", text, out, stderr);
}

/* What is resident when the loop is over, before anything is cleaned up, into `bytes`. */
static void weigh(void *bytes, void (*work)(void *state), void *state)
{
    work(state);
    *(uint64_t *)bytes = memory_resident();
}

enum err memory_world(bool behind_nat, uint32_t tunnels, uint64_t *bytes)
{
    uint64_t after = 0;
    struct run_options options = {.plant = PLANT_NONE, .timed = weigh, .stopwatch = &after};
    struct run_outcome outcome;
    struct scenario world;
    uint64_t before;
    char why[256];
    enum err e = read_world(behind_nat, tunnels, &world);

    if (e != OK)
        return e;
    footprint_map_arrays();
    options.scenario = &world;
    before = memory_resident();
    e = run_scenario(&options, &outcome, why, sizeof why);
    if (e == OK &&
        (outcome.violated || outcome.metrics->ike.completed != tunnels || after < before))
        e = ERR_STATE;
    *bytes = after - before;
    run_outcome_reset(&outcome);
    scenario_reset(&world);
    return e;
}
