#define _GNU_SOURCE
#include "bench/machine.h"

#include "bench/gate/stats.h"
#include "bench/worker.h"
#include "record/provenance.h"
#include "record/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { IDLE = 3, IO_WAIT = 4, STOLEN = 7 }; /* fields of /proc/stat */
enum { NOISY_PERCENT = 5, STOLEN_PERCENT = 2, NAMES_MAX = 3 };

static const double busy_per_core = 0.5;

enum err machine_warn(struct measurement_context *c, const char *format, ...)
{
    char *line = NULL, *joined = NULL;
    va_list args;
    int n;

    va_start(args, format);
    n = vasprintf(&line, format, args);
    va_end(args);
    if (n >= 0)
        n = asprintf(&joined, "%s%s%s", c->warnings, *c->warnings ? "\n" : "", line);
    free(line);
    if (n < 0)
        return ERR_MEMORY;
    free(c->warnings);
    c->warnings = joined;
    return OK;
}

/* The first line of a small file, "" if it cannot be read. */
static void first_line(const char *path, char *out, size_t cap)
{
    FILE *file = fopen(path, "re");

    *out = '\0';
    if (file && !fgets(out, (int)cap, file))
        *out = '\0';
    if (file)
        fclose(file);
    out[strcspn(out, "\n")] = '\0';
}

static enum err libraries(const struct provenance *p, char **place)
{
    struct text t;
    enum err error;

    text_init(&t, NULL);
    text_char(&t, '{');
    for (size_t i = 0; i < sizeof p->libraries / sizeof *p->libraries && p->libraries[i][0]; i++) {
        text_raw(&t, i ? "," : "");
        text_json(&t, p->libraries[i][0]);
        text_char(&t, ':');
        text_json(&t, p->libraries[i][1]);
    }
    text_char(&t, '}');
    error = t.error == OK ? measurement_text(place, t.data) : t.error;
    text_reset(&t);
    return error;
}

static enum err frequency(struct measurement_context *c)
{
    char governor[64], no_turbo[8];
    enum err error = OK;

    first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", governor, sizeof governor);
    first_line("/sys/devices/system/cpu/intel_pstate/no_turbo", no_turbo, sizeof no_turbo);
    if (*governor)
        error = measurement_text(&c->governor, governor);
    if (error == OK && *governor && strcmp(governor, "performance") != 0)
        error = machine_warn(c,
                             "the frequency governor is '%s'; try: cpupower frequency-set "
                             "--governor performance",
                             governor);
    if (error == OK && strcmp(no_turbo, "0") == 0)
        error =
            machine_warn(c, "turbo is on: the clock depends on heat and neighbours; try: echo 1 "
                            "> /sys/devices/system/cpu/intel_pstate/no_turbo");
    return error;
}

static enum err load(struct measurement_context *c)
{
    double one = 0;

    if (getloadavg(&one, 1) != 1)
        return OK;
    c->load = one;
    if (c->cores == 0 || one <= busy_per_core * c->cores)
        return OK;
    return machine_warn(
        c,
        "the load was %.1f on %u cores when it began; try: wait until other work is "
        "done",
        one, c->cores);
}

enum err machine_doubt_build(struct measurement_context *c)
{
    const struct provenance *p = provenance();
    enum err error = OK;

    if (strcmp(p->build_type, "Release") != 0)
        error = machine_warn(c,
                             "this is a '%s' build: its times mean nothing; try: ./run "
                             "--build-only, then build/release/ikelab",
                             p->build_type);
    if (error == OK && worker_extra_percent() > 0)
        error = machine_warn(c, "a test build: every row does %u %% more than it says",
                             worker_extra_percent());
    return error;
}

enum err machine_describe(struct measurement_context *c)
{
    const struct provenance *p = provenance();
    const struct {
        char **place;
        const char *value;
    } texts[] = {
        {&c->version, p->version}, {&c->commit, p->commit}, {&c->compiler, p->compiler},
        {&c->flags, p->flags},     {&c->cpu, p->cpu},       {&c->kernel, p->kernel},
    };
    time_t now = time(NULL);
    struct tm tm;
    char started[32];
    enum err error = OK;

    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
    for (size_t i = 0; i < sizeof texts / sizeof *texts && error == OK; i++)
        error = measurement_text(texts[i].place, texts[i].value);
    if (error == OK)
        error = measurement_text(&c->started, started);
    if (error == OK)
        error = libraries(p, &c->libraries);
    c->dirty = p->dirty;
    c->cores = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
    if (error == OK)
        error = frequency(c);
    return error == OK ? load(c) : error;
}

static double cpu_s(int who)
{
    struct rusage u;

    if (getrusage(who, &u) != 0)
        return 0;
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* "cpu  user nice system idle iowait irq softirq steal ..." */
struct machine_ticks machine_now(void)
{
    struct machine_ticks ticks = {0};
    char line[512], *at;

    first_line("/proc/stat", line, sizeof line);
    if (strncmp(line, "cpu ", 4) != 0)
        return ticks;
    at = line + 4;
    for (int field = 0; field < 8; field++) {
        uint64_t n = strtoull(at, &at, 10);

        ticks.all += n;
        if (field == STOLEN)
            ticks.stolen = n;
        else if (field != IDLE && field != IO_WAIT)
            ticks.busy += n;
    }
    ticks.own_s = cpu_s(RUSAGE_SELF) + cpu_s(RUSAGE_CHILDREN);
    return ticks;
}

double machine_others(struct machine_ticks start)
{
    struct machine_ticks end = machine_now();
    double ticks_per_s = (double)sysconf(_SC_CLK_TCK);
    double all_s = (double)(end.all - start.all) / ticks_per_s;
    double busy_s = (double)(end.busy - start.busy) / ticks_per_s;
    double cores = (double)sysconf(_SC_NPROCESSORS_ONLN);

    if (!(all_s > 0))
        return NAN;
    return fmax(0, busy_s - (end.own_s - start.own_s)) / all_s * cores;
}

/* "a, b, c and 4 more" */
static void noisy_rows(const struct measurement_set *set, char *out, size_t cap, unsigned *count)
{
    size_t len = 0;

    *out = '\0';
    *count = 0;
    for (size_t i = 0; i < set->row_count; i++) {
        const struct measurement *m = &set->rows[i];

        if (m->sample_count < 2 || stats_cv(m->samples, m->sample_count) <= NOISY_PERCENT)
            continue;
        if (++*count <= NAMES_MAX && len < cap)
            len += (size_t)snprintf(out + len, cap - len, "%s%s", len ? ", " : "", m->name);
    }
    if (*count > NAMES_MAX && len < cap)
        snprintf(out + len, cap - len, " and %u more", *count - NAMES_MAX);
}

enum err machine_judge(struct machine_ticks start, struct measurement_set *set)
{
    struct machine_ticks end = machine_now();
    uint64_t all = end.all - start.all, stolen = end.stolen - start.stolen;
    char names[512];
    unsigned noisy;
    enum err error = OK;

    if (all > 0 && 100 * stolen > STOLEN_PERCENT * all)
        error = machine_warn(&set->context,
                             "the hypervisor gave %.1f %% of the time to others; try: again at "
                             "another hour, or with more --repetitions",
                             100.0 * (double)stolen / (double)all);
    noisy_rows(set, names, sizeof names, &noisy);
    if (error == OK && noisy > 0)
        error = machine_warn(&set->context,
                             "samples differ by more than %d %% in %s; try: an idle machine, or "
                             "more --repetitions",
                             NOISY_PERCENT, names);
    return error;
}
