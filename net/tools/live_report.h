/* What a live run leaves behind: on standard output, on standard error, in a folder. */
#ifndef NET_TOOLS_LIVE_REPORT_H
#define NET_TOOLS_LIVE_REPORT_H

#include "net/tools/live_options.h"
#include "record/run_folder.h"

/** One object, shaped as result.json. */
void live_report_json(const struct live_words *, const struct live_outcome *);
/** A few lines and the histogram of set-up times. */
void live_report_text(const struct live_words *, const struct live_outcome *);
/** Talk: what was not as it should be, by reason. */
void live_report_drops(const struct live_words *, const struct live_outcome *);
/** result.json, scalars.csv and histograms.json. @retval ERR_IO, ERR_MEMORY */
enum err live_report_write(const struct live_words *, const struct live_outcome *,
                           struct run_folder *) MUST_USE;

#endif
