/* What the files of `ikelab history` share: one question put to the history, shown three ways. */
#ifndef CLI_HISTORY_H
#define CLI_HISTORY_H

#include "bench/gate/trend.h"

#include <jansson.h>

struct history_view {
    const char *db;
    char class[HISTORY_CLASS_MAX]; /* "": all of them */
    bool mixed;
    struct step_options steps;
    struct trend_set trends;
};

void history_print(const struct history_view *);
/** The object of docs/history.md, a new reference; NULL when out of memory. */
json_t *history_json(const struct history_view *);
/** Hand the JSON to reports/history.py, which draws `output`. @return an exit code */
int history_plot(const struct history_view *, const char *output);

#endif
