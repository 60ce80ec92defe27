/* ikelab lint FILE...: check scenarios without running them. */
#include "cli/scenario_options.h"
#include "cli/verb.h"

#include <inttypes.h>

struct lint {
    struct scenario_options options;
    int code;
    unsigned files;
};

static void lint_file(struct lint *lint, const char *path)
{
    struct scenario s;
    int code = scenario_open_sweep(path, &lint->options, &s);

    lint->files++;
    if (code > lint->code)
        lint->code = code;
    if (code != EXIT_DONE)
        return;
    printf("%s: good: %s, %u nodes in %u groups, %u links, %u flows, %u thresholds", path, s.name,
           s.node_count, s.group_count, s.link_count, s.flow_count, s.threshold_count);
    if (s.sweep.axis_count)
        printf(", a sweep of %" PRIu64 " runs", sweep_cells(&s.sweep) * s.sweep.repeat);
    putchar('\n');
    scenario_reset(&s);
}

static error_t parse(int option, char *argument, struct argp_state *state)
{
    struct lint *lint = state->input;

    switch (option) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &lint->options;
        return 0;
    case ARGP_KEY_ARGS:
        for (; state->next < state->argc; state->next++)
            lint_file(lint, state->argv[state->next]);
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "no scenario file given");
        return EINVAL;
    default:
        (void)argument;
        return ARGP_ERR_UNKNOWN;
    }
}

static int lint_run(int argc, char **argv)
{
    static const struct argp_child children[] = {{&scenario_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        .parser = parse,
        .args_doc = "FILE...",
        .doc = "Check scenario files: every error with its line, what is accepted, and exit 2.",
        .children = children,
    };
    struct lint lint = {.code = EXIT_DONE};
    error_t failed = argp_parse(&argp, argc, argv, 0, NULL, &lint);

    scenario_options_reset(&lint.options);
    return failed ? EXIT_WRONG_USE : lint.code;
}

const struct verb verb_lint = {"lint", "check scenario files", lint_run};
