/* The option of every verb that has measurements in hand: --export FORMAT=FILE, repeatable. */
#ifndef CLI_EXPORT_OPTIONS_H
#define CLI_EXPORT_OPTIONS_H

#include "bench/gate/export.h"

#include <argp.h>

enum { EXPORTS_MAX = 16 };

struct export_options {
    struct {
        const struct export_format *format;
        const char *path; /* borrowed; "-": standard output */
    } wanted[EXPORTS_MAX];
    size_t count;
};

/** For `children` of a verb's argp; its input is a struct export_options. */
extern const struct argp export_argp;
/** Whether one of them takes standard output, so that the verb prints nothing else there. */
bool export_options_stdout(const struct export_options *);
/**
 * Write all that were asked for; rows that a format cannot hold are named on stderr.
 * @param verdicts  of a comparison whose `now` is `set`, or NULL
 * @return an exit code
 */
int export_options_write(const struct export_options *, const struct measurement_set *set,
                         const struct comparison_set *verdicts);

#endif
