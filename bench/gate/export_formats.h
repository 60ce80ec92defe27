/* The writers behind the table of export.c, one file a family. */
#ifndef BENCH_GATE_EXPORT_FORMATS_H
#define BENCH_GATE_EXPORT_FORMATS_H

#include "bench/gate/compare.h"
#include "bench/gate/measurement.h"
#include "record/text.h"

#define EXPORT_WRITER(name)                                                                        \
    void name(const struct measurement_set *, const struct comparison_set *, struct text *)

/* Times and rates; bytes are neither. */
bool gbench_takes(const struct measurement *);
EXPORT_WRITER(gbench_write);

/* One direction a file: the name of the tool in the workflow says which. */
bool gab_smaller_takes(const struct measurement *);
bool gab_bigger_takes(const struct measurement *);
EXPORT_WRITER(gab_smaller_write);
EXPORT_WRITER(gab_bigger_write);
EXPORT_WRITER(bmf_write);

EXPORT_WRITER(gobench_write);
EXPORT_WRITER(junit_write);
EXPORT_WRITER(openmetrics_write);
EXPORT_WRITER(markdown_write);
EXPORT_WRITER(csv_write);

#endif
