/* A path of a search as a sequence chart: A left, B right, time downwards. */
#ifndef EXPLORE_CHART_H
#define EXPLORE_CHART_H

#include "explore/search.h"

#include <stdio.h>

/** @retval ERR_MEMORY */
enum err chart_print(FILE *, const struct search_options *, const struct search_result *) MUST_USE;

#endif
