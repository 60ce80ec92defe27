/*
 * The bound of everything that has to touch each byte once: memcpy between two buffers that
 * stay in the first-level cache.
 */
#include "loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 8192, SHIFT = 2048 };

/* The copy's low twelve address bits differ from the original's: a load does not look like one
 * of what was just stored, and does not wait for it. */
struct copy {
    uint8_t from[BYTES_MAX];
    uint8_t gap[SHIFT];
    uint8_t to[BYTES_MAX];
    size_t bytes;
};

static void copies(void *state, uint64_t count)
{
    struct copy *c = state;

    for (uint64_t i = 0; i < count; i++) {
        memcpy(c->to, c->from, c->bytes);
        /* Nobody reads the copy; the compiler may not know. */
        __asm__ volatile("" : : "r"(c) : "memory");
    }
}

static const char by[] = "memcpy of the C library, first-level cache";

static bool open_row(void *context, const struct row_name *name, struct row *out)
{
    struct copy *c;
    uint64_t bytes;

    (void)context;
    if (name->parts != 1 || !loop_number(name->part[0], BYTES_MAX, &bytes))
        return false;
    c = need_memory(1, sizeof *c);
    memset(c->from, 1, sizeof c->from);
    c->bytes = bytes;
    *out = (struct row){copies, free, c, by};
    return true;
}

static void list(void *context)
{
    static const unsigned bytes[] = {64, 570, 1400, BYTES_MAX};

    (void)context;
    for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        char row[16];

        snprintf(row, sizeof row, "%u", bytes[i]);
        loop_show(row, by);
    }
}

int main(int argc, char **argv)
{
    const struct loop loop = {
        .help = "  BYTES   copy 1 to 8192 bytes\n",
        .open = open_row,
        .list = list,
    };

    return loop_main(&loop, argc, argv);
}
