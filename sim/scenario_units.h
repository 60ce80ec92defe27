/*
 * Numbers of a scenario with their units, as text to integers and back. A number with a dimension
 * always has a unit; what is finer than the base unit is refused, not rounded (but probabilities,
 * which are rounded to the nearest 1/2^32).
 */
#ifndef SIM_SCENARIO_UNITS_H
#define SIM_SCENARIO_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dimension {
    DIMENSION_COUNT,       /* 1000 */
    DIMENSION_MILLI,       /* 1.8: thousandths */
    DIMENSION_TIME,        /* 30s: ns */
    DIMENSION_BITRATE,     /* 100Mbit: bit/s */
    DIMENSION_SIZE,        /* 64MiB: bytes */
    DIMENSION_PROBABILITY, /* 0.5%: p * 2^32 */
    DIMENSION_FREQUENCY,   /* 100/s: per second * 10^6 */
    DIMENSION_COUNT_OF,
};

enum { UNIT_TEXT_MAX = 48 };

/** @return NULL and the value, or what is wrong, as the rest of a sentence that says what would be
 * accepted; *out is then untouched. */
const char *unit_read(enum dimension, const char *text, uint64_t *out);
/** The shortest text with a unit that reads back as the same value; `out` has UNIT_TEXT_MAX. */
void unit_write(enum dimension, uint64_t value, char *out);
/** "a time, such as 30s or 1.5ms", for error messages and the reference. */
const char *unit_accepted(enum dimension);
/** Regular expression (ECMA) of the texts unit_read accepts. */
const char *unit_pattern(enum dimension);

#endif
