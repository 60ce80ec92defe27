/* A path of a search as a sequence chart: A left, B right, time downwards. */
#ifndef EXPLORE_CHART_H
#define EXPLORE_CHART_H

#include "explore/search.h"

#include <stdio.h>

/** @retval ERR_MEMORY */
enum err chart_print(FILE *, const struct search_options *, const struct search_result *) MUST_USE;
/** The same as text. @return to be freed; NULL without memory */
char *chart_text(const struct search_options *, const struct search_result *) MUST_USE;
/** "m3 rekey_child request 2": what a message is called in charts. */
void chart_name_message(const struct story_line *, char *out, size_t cap);

#endif
