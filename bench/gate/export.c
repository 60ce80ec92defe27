#include "bench/gate/export.h"

#include "bench/gate/export_formats.h"
#include "bench/gate/whole_file.h"

#include <string.h>

const struct export_format export_formats[] = {
    {"gbench", "Google Benchmark's compare.py", gbench_takes, gbench_write},
    {"gab-smaller", "github-action-benchmark, customSmallerIsBetter", gab_smaller_takes,
     gab_smaller_write},
    {"gab-bigger", "github-action-benchmark, customBiggerIsBetter", gab_bigger_takes,
     gab_bigger_write},
    {"bmf", "Bencher, adapter json", NULL, bmf_write},
    {"gobench", "benchstat, benchcmp", NULL, gobench_write},
    {"junit", "every CI that shows test results", NULL, junit_write},
    {"openmetrics", "GitLab, Prometheus, Grafana", NULL, openmetrics_write},
    {"markdown", "GitHub and GitLab comments", NULL, markdown_write},
    {"csv", "spreadsheets, pandas, R", NULL, csv_write},
    {0},
};

const struct export_format *export_find(const char *name)
{
    for (const struct export_format *f = export_formats; f->name; f++)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}

bool export_takes(const struct export_format *format, const struct measurement *m)
{
    return !format->takes || format->takes(m);
}

static bool takes_any(const struct export_format *format, const struct measurement_set *set)
{
    for (size_t i = 0; i < set->row_count; i++)
        if (export_takes(format, &set->rows[i]))
            return true;
    return false;
}

enum err export_write(const struct export_format *format, const struct measurement_set *set,
                      const struct comparison_set *verdicts, FILE *out, char *why)
{
    struct text text;
    enum err error;

    /* The readers take an empty file for a broken one, and much later. */
    if (!takes_any(format, set)) {
        snprintf(why, MEASUREMENT_WHY_MAX, "%.300s has no row that %s can hold", set->source,
                 format->name);
        return ERR_USAGE;
    }
    text_init(&text, out);
    format->write(set, verdicts, &text);
    error = text_flush(&text);
    if (error == ERR_IO)
        snprintf(why, MEASUREMENT_WHY_MAX, "cannot write %s: %m", format->name);
    else if (error != OK)
        snprintf(why, MEASUREMENT_WHY_MAX, "cannot write %s: %s", format->name, err_text(error));
    text_reset(&text);
    return error;
}

enum err export_file(const struct export_format *format, const struct measurement_set *set,
                     const struct comparison_set *verdicts, const char *path, char *why)
{
    struct whole_file file;
    enum err error = whole_file_open(&file, path, why);

    if (error != OK)
        return error;
    error = export_write(format, set, verdicts, file.out, why);
    if (error != OK) {
        whole_file_drop(&file);
        return error;
    }
    return whole_file_commit(&file, why);
}
