#include "cli/memory_check.h"

#include "base/machine_memory.h"
#include "cli/verb.h"
#include "record/run_folder.h"
#include "sim/footprint.h"

#include <inttypes.h>

static int refuse(uint64_t takes, const char *what, uint64_t there, const char *whose)
{
    return say_error(EXIT_WRONG_USE, RUN_FOLDER_TRY_SMALLER "; --force-memory runs it all the same",
                     "this run takes about %" PRIu64 " MiB of %s, and %" PRIu64 " MiB are %s",
                     (takes >> 20) + 1, what, there >> 20, whose);
}

int memory_check(const struct scenario *s, const struct scenario_options *o)
{
    struct machine_memory there;
    struct footprint takes;
    uint64_t bound = footprint_bound(s);
    enum err e;

    if (bound == UINT64_MAX)
        return say_error(EXIT_FAILED, RUN_FOLDER_TRY_SMALLER, "out of memory");
    machine_memory_read("", &there);
    if (bound <= there.resident_bytes && bound <= there.address_bytes)
        return EXIT_DONE;
    e = footprint_measure(s, o->overrides, o->count, &takes);
    if (e == ERR_MEMORY && there.address_bytes != UINT64_MAX)
        return say_error(
            EXIT_WRONG_USE, "a larger ulimit -v; --force-memory runs it all the same",
            "out of memory: not even a small copy of this scenario runs in the %" PRIu64
            " MiB of address space that are allowed (ulimit -v)",
            there.address_bytes >> 20);
    if (e != OK)
        return EXIT_DONE; /* the run will tell */
    if (takes.resident_bytes > there.resident_bytes)
        return refuse(takes.resident_bytes, "memory", there.resident_bytes, there.resident_of);
    if (takes.address_bytes > there.address_bytes)
        return refuse(takes.address_bytes, "address space", there.address_bytes,
                      "allowed (ulimit -v)");
    return EXIT_DONE;
}
