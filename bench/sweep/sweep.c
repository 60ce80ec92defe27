#include "bench/sweep/sweep.h"

#include "bench/sweep/folder.h"
#include "bench/sweep/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct sweep {
    const struct sweep_options *o;
    struct sweep_result *out;
    struct plan_words words; /* of the job that starts */
    uint64_t next;
    uint64_t start;
    enum err error;
};

static uint64_t wall_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static void count(struct sweep_state *state, const struct outcome *o)
{
    state->failed += o->state == OUTCOME_FAILED;
    state->threshold += o->state == OUTCOME_THRESHOLD;
}

static bool next_job(void *context, const char *const **argv, uint64_t *job)
{
    struct sweep *s = context;
    uint64_t all = s->out->state.all;

    while (s->next < all && s->out->runs[s->next].state != OUTCOME_MISSING)
        s->next++;
    if (s->next == all || s->error != OK)
        return false;
    *job = s->next++;
    s->error = plan_words(s->o->plan, *job, &s->words);
    *argv = s->words.word;
    return s->error == OK;
}

/* What counts is the folder: an exit status tells thresholds and failures only of this time. */
static void job_done(void *context, uint64_t job, int status, const char *said)
{
    struct sweep *s = context;
    struct outcome *o = &s->out->runs[job];
    enum err e = outcome_read(s->o->plan, job, o);

    if (e != OK)
        s->error = e;
    if (o->state == OUTCOME_MISSING && *s->o->interrupted)
        return; /* it was asked to end */
    if (o->state == OUTCOME_MISSING) {
        o->state = OUTCOME_FAILED;
        s->o->trouble(s->o->context, job, status, said);
    }
    s->out->state.done++;
    count(&s->out->state, o);
}

static void tick(void *context)
{
    struct sweep *s = context;

    s->out->state.wall_ns = wall_ns() - s->start;
    s->o->progress(s->o->context, &s->out->state);
}

static enum err read_kept(const struct sweep_plan *p, struct sweep_result *out)
{
    enum err e = OK;

    for (uint64_t i = 0; i < out->state.all && e == OK; i++) {
        e = outcome_read(p, i, &out->runs[i]);
        out->state.kept += out->runs[i].state != OUTCOME_MISSING;
        count(&out->state, &out->runs[i]);
    }
    return e;
}

static enum err run_missing(struct sweep *s, char *why)
{
    struct pool_options pool = {.jobs = s->o->jobs,
                                .interrupted = s->o->interrupted,
                                .next = next_job,
                                .done = job_done,
                                .tick = tick,
                                .context = s};
    enum err e;

    s->start = wall_ns();
    e = pool_run(&pool);
    if (e == ERR_IO)
        snprintf(why, SWEEP_WHY_MAX, "cannot start %s: %m", s->o->plan->program);
    if (s->error == ERR_SPACE)
        snprintf(why, SWEEP_WHY_MAX, "the settings of a run do not fit a command line");
    return s->error != OK ? s->error : e;
}

enum err sweep_run(const struct sweep_options *o, struct sweep_result *out, char *why)
{
    struct sweep s = {.o = o, .out = out};
    int lock;
    enum err e = sweep_folder_open(o->plan, o->force, &lock, why);

    *out = (struct sweep_result){.state.all = plan_runs(o->plan)};
    if (e != OK)
        return e;
    snprintf(why, SWEEP_WHY_MAX, "out of memory");
    out->runs = calloc(out->state.all, sizeof *out->runs);
    e = out->runs ? read_kept(o->plan, out) : ERR_MEMORY;
    if (e == OK)
        e = run_missing(&s, why);
    close(lock);
    return e;
}

void sweep_reset(const struct sweep_plan *p, struct sweep_result *r)
{
    for (uint64_t i = 0; r->runs && i < plan_runs(p); i++)
        outcome_reset(&r->runs[i]);
    free(r->runs);
    *r = (struct sweep_result){0};
}
