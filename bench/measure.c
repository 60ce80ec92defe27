#define _GNU_SOURCE
#include "bench/measure.h"

#include "base/assert.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t measure_cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

bool measure_pin(void)
{
    cpu_set_t set;
    int cpu = sched_getcpu();

    if (cpu < 0)
        return false;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

void samples_add(struct samples *s, double value)
{
    ASSERT(s->count < MEASURE_WINDOWS_MAX);
    s->value[s->count++] = value;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double samples_median(const struct samples *s)
{
    struct samples sorted = *s;

    ASSERT(s->count > 0);
    qsort(sorted.value, sorted.count, sizeof sorted.value[0], by_value);
    if (sorted.count % 2)
        return sorted.value[sorted.count / 2];
    return (sorted.value[sorted.count / 2 - 1] + sorted.value[sorted.count / 2]) / 2;
}

double samples_cv(const struct samples *s)
{
    double sum = 0, squares = 0, mean;

    for (unsigned i = 0; i < s->count; i++)
        sum += s->value[i];
    mean = sum / s->count;
    for (unsigned i = 0; i < s->count; i++)
        squares += (s->value[i] - mean) * (s->value[i] - mean);
    return s->count > 1 && mean > 0 ? 100 * sqrt(squares / (s->count - 1)) / mean : 0;
}

/* The directory of the running binary, where the build puts the bound programs too. */
static bool beside_binary(const char *name, char *path, size_t cap)
{
    ssize_t n = readlink("/proc/self/exe", path, cap - 1);
    char *slash;

    if (n <= 0)
        return false;
    path[n] = '\0';
    slash = strrchr(path, '/');
    if (!slash || (size_t)(slash + 1 - path) + strlen(name) + 1 > cap)
        return false;
    strcpy(slash + 1, name);
    return access(path, X_OK) == 0;
}

enum err bound_start(struct bound *b, const char *name)
{
    char path[PATH_MAX];
    int in[2], out[2];

    if (!beside_binary(name, path, sizeof path))
        return ERR_NOT_FOUND;
    if (pipe(in) != 0)
        return ERR_IO;
    if (pipe(out) != 0) {
        close(in[0]);
        close(in[1]);
        return ERR_IO;
    }
    b->pid = fork();
    if (b->pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        close(in[0]);
        close(in[1]);
        close(out[0]);
        close(out[1]);
        execl(path, name, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    b->to = fdopen(in[1], "w");
    b->from = fdopen(out[0], "r");
    return b->pid > 0 && b->to && b->from ? OK : ERR_IO;
}

enum err bound_measure(struct bound *b, uint64_t count, uint64_t *ns)
{
    unsigned long long answer;

    if (fprintf(b->to, "pair/x25519/psk %llu\n", (unsigned long long)count) < 0 ||
        fflush(b->to) != 0 || fscanf(b->from, "%llu", &answer) != 1)
        return ERR_IO;
    *ns = answer;
    return OK;
}

void bound_stop(struct bound *b)
{
    fclose(b->to);
    fclose(b->from);
    while (waitpid(b->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}
