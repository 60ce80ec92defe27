/* What a run says in a terminal: the numbers of result.json, a few lines. */
#ifndef CLI_SUMMARY_H
#define CLI_SUMMARY_H

#include "record/result.h"

#include <stdio.h>

/** @param folder  where everything lies; @param report  report.html was made */
void summary_print(FILE *to, const struct result *, const char *folder, bool report);

#endif
