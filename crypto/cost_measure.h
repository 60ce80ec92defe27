/*
 * Measure a cost table on this machine: every crypto operation of the meter through the real
 * provider. The prices of protocol handling are not measured here; they are set to what makes a
 * responder as expensive as a measured daemon (see cost_measure.c). Reads the thread's CPU clock:
 * never called within a run.
 */
#ifndef CRYPTO_COST_MEASURE_H
#define CRYPTO_COST_MEASURE_H

#include "crypto/cost.h"

/**
 * Some 560 windows of work. Everything but name, date and cpu of `out` is filled in.
 * @param window_ns  CPU time of one window; each price is the median of nine windows
 * @retval ERR_CRYPTO  the library failed; `out` is of no use
 */
enum err cost_measure(struct cost_table *out, nsec window_ns) MUST_USE;

#endif
