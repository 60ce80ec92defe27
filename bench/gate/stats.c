#include "bench/gate/stats.h"

#include "base/assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double *sorted_copy(const double *value, size_t count)
{
    double *copy = malloc(count * sizeof *copy);

    ASSERT(copy && count > 0);
    memcpy(copy, value, count * sizeof *copy);
    qsort(copy, count, sizeof *copy, by_value);
    return copy;
}

double stats_median(const double *value, size_t count)
{
    double *sorted = sorted_copy(value, count);
    double median = count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;

    free(sorted);
    return median;
}

double stats_cv(const double *value, size_t count)
{
    double sum = 0, squares = 0, mean;

    for (size_t i = 0; i < count; i++)
        sum += value[i];
    mean = sum / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (value[i] - mean) * (value[i] - mean);
    return count > 1 && mean > 0 ? 100 * sqrt(squares / (double)(count - 1)) / mean : 0;
}

double stats_mad(const double *value, size_t count)
{
    double median = stats_median(value, count), *away = malloc(count * sizeof *away), mad;

    ASSERT(away);
    for (size_t i = 0; i < count; i++)
        away[i] = fabs(value[i] - median);
    mad = 1.4826 * stats_median(away, count);
    free(away);
    return mad;
}
