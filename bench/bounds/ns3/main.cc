/*
 * The bound of the simulator's fleets is no bound: it is ns-3, the simulator that people have. A
 * row is a fleet, an operation one client's exchange; with `setup/` in front, the making of one
 * client. Simulations are whole, and as many as there are operations for.
 *
 * `PROGRAM --once LAYOUT/N` runs one fleet, again if it takes less than a second, and prints an
 * object of JSON: means of the times, and the memory it took at most.
 */
#define _Noreturn [[noreturn]] // C's word for it
extern "C" {
#include "loop.h"
}
#include "fleet.h"

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <string>

namespace
{
const uint32_t CLIENTS_MAX = 1000000;
const uint64_t RUN_MIN_NS = 1000000000;
const char by[] = "ns-3 " NS3_VERSION;

struct task {
    fleet_plan plan;
    bool setup;
};

void nothing(void *, uint64_t) // took() does it
{
}

void drop(void *state)
{
    delete static_cast<task *>(state);
}

// The share of `count` in as many whole runs as it takes.
uint64_t took(void *state, uint64_t count)
{
    const task *t = static_cast<task *>(state);
    uint64_t ns = 0, done = 0;

    while (done < count) {
        fleet_cost cost = fleet_run(t->plan, t->setup);

        need(t->setup || cost.counts.completed + cost.counts.failed == t->plan.clients, "a fleet");
        ns += t->setup ? cost.setup_ns : cost.run_ns;
        done += t->plan.clients;
    }
    return uint64_t(double(ns) * double(count) / double(done));
}

// tree/lean/1000
bool read_plan(const char *const part[3], fleet_plan &plan)
{
    uint64_t clients;

    plan.star = strcmp(part[0], "star") == 0;
    plan.lean = strcmp(part[1], "lean") == 0;
    if (!plan.star && strcmp(part[0], "tree") != 0)
        return false;
    if (!plan.lean && strcmp(part[1], "stock") != 0)
        return false;
    if (!loop_number(part[2], CLIENTS_MAX, &clients))
        return false;
    plan.clients = uint32_t(clients);
    return true;
}

bool open_row(void *, const row_name *name, row *out)
{
    bool setup = name->parts == 4 && strcmp(name->part[0], "setup") == 0;
    fleet_plan plan;

    if ((name->parts != 3 && !setup) || !read_plan(name->part + setup, plan))
        return false;
    *out = row{nothing, drop, new task{plan, setup}, by};
    return true;
}

void list(void *)
{
    static const char *const rows[] = {"tree/lean/1000",       "tree/stock/1000",
                                       "star/lean/1000",       "star/stock/1000",
                                       "setup/tree/lean/1000", "setup/tree/stock/1000"};

    for (const char *row : rows)
        loop_show(row, by);
}

// Kilobytes of this program by the name of a line of its status.
uint64_t status_kb(const char *what)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[128];
    uint64_t kb = 0;

    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, what, strlen(what)) == 0)
            sscanf(line + strlen(what), ": %" SCNu64, &kb);
    if (file)
        fclose(file);
    return kb;
}

int once(const char *text)
{
    const char *part[3];
    fleet_plan plan;
    fleet_cost cost;
    uint64_t before, setup_ns = 0, run_ns = 0, runs = 0;
    std::string layout(text);
    size_t first = layout.find('/'), second = layout.find('/', first + 1);
    bool whole = first != layout.npos && second != layout.npos;

    if (whole) {
        layout[first] = layout[second] = '\0';
        part[0] = layout.c_str();
        part[1] = part[0] + first + 1;
        part[2] = part[0] + second + 1;
    }
    if (!whole || !read_plan(part, plan)) {
        fprintf(stderr, "no layout %s; try: --once tree/lean/1000\n", text);
        return 2;
    }
    before = status_kb("VmRSS");
    do {
        cost = fleet_run(plan, false);
        setup_ns += cost.setup_ns;
        run_ns += cost.run_ns;
        runs++;
    } while (setup_ns + run_ns < RUN_MIN_NS);
    printf("{\"kind\":\"ns3-%s-%s\",\"clients\":%" PRIu32 ",\"setup_ns\":%" PRIu64
           ",\"loop_ns\":%" PRIu64 ",\"events\":%" PRIu64 ",\"completed\":%" PRIu64
           ",\"failed\":%" PRIu64 ",\"memory_bytes\":%" PRIu64 "}\n",
           plan.star ? "star" : "tree", plan.lean ? "lean" : "stock", plan.clients, setup_ns / runs,
           run_ns / runs, cost.events, cost.counts.completed, cost.counts.failed,
           (status_kb("VmHWM") - before) * 1024);
    return 0;
}
} // namespace

int main(int argc, char **argv)
{
    const struct loop loop = {
        "  tree/lean/N    clients, access routers, core, server: one exchange; N to 1000000\n"
        "  star/lean/N    clients, one router, server\n"
        "  tree/stock/N   with ns-3's own routing, IPv6 and queue disciplines; star/stock/N\n"
        "  setup/...      the making of one client instead\n",
        open_row, list, nullptr, took};

    if (argc == 3 && strcmp(argv[1], "--once") == 0)
        return once(argv[2]);
    return loop_main(&loop, argc, argv);
}
