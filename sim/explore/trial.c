#include "sim/explore/trial.h"

#include "sim/outcome.h"

#include <stdlib.h>

enum { MARGIN_S = 60 };

static void read_outcome(const struct run_outcome *o, struct trial *out)
{
    *out = (struct trial){.violated = o->violated};
    if (!o->violated)
        return;
    out->at = o->violation.at;
    snprintf(out->invariant, sizeof out->invariant, "%s", o->violation.invariant);
    snprintf(out->text, sizeof out->text, "%s", o->violation.text);
}

enum err trial_run(const char *name, const char *text, struct trial *out)
{
    struct run_outcome *outcome = calloc(1, sizeof *outcome);
    struct scenario s;
    struct run_options run = {.scenario = &s};
    char why[256];
    enum err e = outcome ? scenario_load_text(name, text, &s, stderr) : ERR_MEMORY;

    if (e == OK) {
        e = run_scenario(&run, outcome, why, sizeof why);
        if (e == OK)
            read_outcome(outcome, out);
        run_outcome_reset(outcome);
        scenario_reset(&s);
    }
    free(outcome);
    return e == ERR_USAGE ? ERR_SYNTAX : e;
}

nsec trial_patience(const struct scenario_group *g)
{
    return nsec_add(outcome_ladder(&g->ike.retransmit), MARGIN_S * NSEC_PER_S);
}
