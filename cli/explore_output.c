#include "cli/explore_output.h"

#include "cli/explore_file.h"
#include "cli/verb.h"
#include "explore/chart.h"

#include <stdlib.h>

static const char *verdict(const struct family_result *r)
{
    if (r->of_last.violation.invariant)
        return "violated";
    return r->stopped || r->full ? "not finished" : "good";
}

/* @return a new reference; NULL: there is no violation */
static json_t *violation_json(const struct family_result *r, const struct explore_replay *replay)
{
    const struct violation *v = &r->of_last.violation;
    char *chart;
    json_t *out;

    if (!v->invariant)
        return NULL;
    chart = chart_text(&r->last, &r->of_last);
    out = json_pack("{s:s, s:s, s:i, s:I, s:s}", "invariant", v->invariant, "text", v->text,
                    "steps", (int)r->of_last.path_len, "seed", (json_int_t)r->last.seed, "chart",
                    chart ? chart : "out of memory");
    free(chart);
    if (replay->path[0])
        json_object_set_new(
            out, "replay",
            json_pack("{s:s, s:I, s:s*}", "file", replay->path, "seed",
                      (json_int_t)replay->made.seed, "violates",
                      replay->made.trial.violated ? replay->made.trial.invariant : NULL));
    return out;
}

static void add_json(struct explore_output *x, const struct family *f,
                     const struct family_result *r, const struct explore_replay *replay,
                     double seconds)
{
    json_t *one = json_pack(
        "{s:s, s:s, s:i, s:I, s:I, s:I, s:I, s:i, s:f}", "family", f->name, "verdict", verdict(r),
        "searches", (int)r->searches, "states", (json_int_t)r->states, "transitions",
        (json_int_t)r->transitions, "orderings", (json_int_t)(r->orderings & INT64_MAX), "ends",
        (json_int_t)r->ends, "farthest_steps", (int)r->depth, "wall_s", seconds);
    json_t *violation = violation_json(r, replay);

    if (violation)
        json_object_set_new(one, "violation", violation);
    json_array_append_new(x->results, one);
}

static void print_row(const struct family *f, const struct family_result *r, double seconds)
{
    printf("%-14s %9llu %11llu %20llu %8llu %6u %7.1f  %s\n", f->name,
           (unsigned long long)r->states, (unsigned long long)r->transitions,
           (unsigned long long)r->orderings, (unsigned long long)r->ends, r->depth, seconds,
           verdict(r));
    fflush(stdout);
}

static int print_violation(const struct family *f, const struct family_result *r)
{
    printf("\n%s: %s violated after %u steps (seed %llu): %s\n\n", f->name,
           r->of_last.violation.invariant, r->of_last.path_len, (unsigned long long)r->last.seed,
           r->of_last.violation.text);
    return chart_print(stdout, &r->last, &r->of_last) ? EXIT_FAILED : EXIT_THRESHOLD;
}

static void print_replay(const struct explore_replay *replay)
{
    const struct trial *t = &replay->made.trial;

    if (t->violated)
        printf("\nreplay: ikelab run %s\n        violates %s (verified with seed %llu)\n",
               replay->path, t->invariant, (unsigned long long)replay->made.seed);
    else
        printf(
            "\nreplay: ikelab run %s\n        violates nothing that a run checks, with %d seeds\n",
            replay->path, REPLAY_SEEDS);
}

void explore_head(const struct explore_output *x)
{
    if (!x->json)
        printf("%-14s %9s %11s %20s %8s %6s %7s\n", "family", "states", "transitions", "orderings",
               "ends", "steps", "wall s");
}

int explore_say(struct explore_output *x, const struct family *f, const struct family_result *r,
                double seconds)
{
    bool violated = r->of_last.violation.invariant != NULL;
    struct explore_replay replay = {.path = ""};
    int code = EXIT_DONE;

    if (!x->json)
        print_row(f, r, seconds);
    if (violated && !x->json)
        code = print_violation(f, r);
    if (violated && code != EXIT_FAILED)
        code = explore_replay(x, f, r, &replay);
    if (x->json)
        add_json(x, f, r, &replay, seconds);
    else if (replay.path[0])
        print_replay(&replay);
    if (code == EXIT_FAILED)
        return code;
    return violated ? EXIT_THRESHOLD : r->stopped || r->full ? EXIT_UNCLEAR : EXIT_DONE;
}
