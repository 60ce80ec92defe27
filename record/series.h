/*
 * series.csv: what metrics_sample writes. Keeps the counters as they stood at the last sample.
 * Private to record; the rows are listed in record/metrics.h.
 */
#ifndef RECORD_SERIES_H
#define RECORD_SERIES_H

#include "record/metrics.h"

struct series;

/** @param sink  NULL: samples write nothing. @return NULL when out of memory */
struct series *series_create(const struct metrics *, FILE *sink);
void series_destroy(struct series *);
/** A handshake completed in the interval that is running. */
void series_setup(struct series *, nsec setup);
enum err series_flush(struct series *) MUST_USE;

#endif
