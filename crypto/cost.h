/*
 * Prices for the meter: what a piece of work would cost in CPU time on a measured machine. The
 * table is data (scenarios/costs/NAME.json); pricing is integer arithmetic, because it decides
 * when simulated things happen.
 */
#ifndef CRYPTO_COST_H
#define CRYPTO_COST_H

#include "base/err.h"
#include "base/meter.h"
#include "base/time.h"

#include <stddef.h>
#include <stdio.h>

struct cost_price {
    uint32_t per_op_ns;
    uint32_t per_byte_ps; /* picoseconds */
};

/** Where a table comes from; without it the numbers mean nothing. */
struct cost_provenance {
    char date[32];       /* YYYY-MM-DD */
    char cpu[128];       /* model as the system names it */
    char library[64];    /* crypto library and version */
    char compiler[64];   /* of the program that measured */
    char method[512];    /* how the crypto operations were measured */
    char handling[1024]; /* where the prices of protocol handling come from */
};

struct cost_table {
    char name[64];
    struct cost_provenance provenance;
    struct cost_price price[METER_COUNT];
};

/**
 * Read a table. Every operation of the meter must be priced and nothing else may be.
 * @param[out] message  on error: "file:line: what is wrong", one line
 * @retval ERR_IO      the file cannot be read
 * @retval ERR_MEMORY
 * @retval ERR_SYNTAX  it is no cost table; `out` is zeroed
 */
enum err cost_load(struct cost_table *out, const char *path, char *message, size_t cap) MUST_USE;

/** Write the table as cost_load reads it. @retval ERR_IO the stream failed */
enum err cost_write(const struct cost_table *table, FILE *out) MUST_USE;

/** The price of what `delta` holds, rounded down; the end of time if it does not fit. */
nsec cost_of(const struct cost_table *table, const struct meter *delta);

#endif
