#include "cli/scenario_options.h"

#include "cli/verb.h"

#include <stdlib.h>
#include <string.h>

static const struct argp_option options[] = {
    {"set", 's', "KEY=VALUE", 0, "Put a value (YAML) at a dotted path of the scenario", 0},
    {"seed", 'S', "N", 0, "The same as --set seed=N", 0},
    {0},
};

static error_t add(struct argp_state *state, const char *key, size_t len, const char *value)
{
    struct scenario_options *o = state->input;

    if (o->count == OVERRIDES_MAX) {
        argp_error(state, "--set may be given %d times", OVERRIDES_MAX);
        return EINVAL;
    }
    o->overrides[o->count].key = strndup(key, len);
    o->overrides[o->count].value = value;
    if (!o->overrides[o->count].key)
        return ENOMEM;
    o->count++;
    return 0;
}

static error_t parse(int option, char *argument, struct argp_state *state)
{
    const char *equals;

    switch (option) {
    case 's':
        equals = strchr(argument, '=');
        if (!equals || equals == argument) {
            argp_error(state, "--set takes KEY=VALUE, such as --set crypto=modelled");
            return EINVAL;
        }
        return add(state, argument, (size_t)(equals - argument), equals + 1);
    case 'S':
        return add(state, "seed", 4, argument);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp scenario_argp = {.options = options, .parser = parse};

void scenario_options_reset(struct scenario_options *o)
{
    for (size_t i = 0; i < o->count; i++)
        free((void *)(uintptr_t)o->overrides[i].key);
    o->count = 0;
}

static int advise(enum err e)
{
    if (e == OK)
        return EXIT_DONE;
    if (e == ERR_USAGE)
        fputs("try: ikelab explain KEY tells what a key takes\n", stderr);
    else if (e == ERR_IO)
        fputs("try: ikelab list shows the scenarios there are\n", stderr);
    else
        fputs("try: a smaller scenario\n", stderr);
    return e == ERR_MEMORY ? EXIT_FAILED : EXIT_WRONG_USE;
}

int scenario_open(const char *path, const struct scenario_options *o, struct scenario *out)
{
    return advise(scenario_load(path, o->overrides, o->count, out, stderr));
}

int scenario_open_sweep(const char *path, const struct scenario_options *o, struct scenario *out)
{
    int code = scenario_open(path, o, out);

    if (code != EXIT_DONE)
        return code;
    code = advise(sweep_check(out, o->overrides, o->count, stderr));
    if (code != EXIT_DONE)
        scenario_reset(out);
    return code;
}
