#include "bench/row.h"

#include "base/assert.h"
#include "bench/measure.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct row *rows_add(struct rows *rows, const struct family *family, const char *format, ...)
{
    struct row *row = &rows->row[rows->count];
    va_list args;
    int n;

    ASSERT(rows->count < ROW_MAX);
    *row = (struct row){.family = family,
                        .unit = "ns",
                        .bound_scale = 1,
                        .bound_value = NAN,
                        .threads = 1,
                        .counted_operations = 100};
    va_start(args, format);
    n = vsnprintf(row->name, sizeof row->name, format, args);
    va_end(args);
    ASSERT(n > 0 && (size_t)n < sizeof row->name);
    rows->count++;
    return row;
}

void rows_all(struct rows *rows)
{
    rows->count = 0;
    crypto_rows(rows);
    codec_rows(rows);
    handshake_rows(rows);
    esp_rows(rows);
    sim_rows(rows);
    memory_rows(rows);
}

const struct row *rows_find(const struct rows *rows, const char *name)
{
    for (unsigned i = 0; i < rows->count; i++)
        if (strcmp(rows->row[i].name, name) == 0)
            return &rows->row[i];
    return NULL;
}

/* Never inlined: valgrind is told this name (and what a compiler may append to it). */
__attribute__((noinline)) void measured(void (*work)(void *), void *state, uint64_t *ns)
{
    uint64_t start = measure_cpu_ns();

    work(state);
    *ns += measure_cpu_ns() - start;
}
