/* ikelab import FILE: a scenario from the configuration of a strongSwan host. */
#include "cli/verb.h"
#include "sim/import/swanctl_import.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct import {
    struct swanctl_options options;
    const char *file, *output;
    bool force;
};

static int say_failed(enum err e)
{
    if (e == ERR_USAGE)
        fputs("try: docs/import.md says what of a swanctl.conf can be imported\n", stderr);
    else if (e == ERR_IO)
        fputs("try: ikelab import /etc/swanctl/swanctl.conf\n", stderr);
    else
        return say_error(EXIT_FAILED, "a smaller file", "out of memory");
    return EXIT_WRONG_USE;
}

/* The file appears when the scenario is whole; one that is there is not written over. */
static int put_out(const struct import *x, const struct text *scenario)
{
    FILE *out = stdout;
    bool good;

    if (x->options.with_secrets)
        (void)umask(077); /* as the file they come from: for its owner only */
    if (x->output)
        out = fopen(x->output, x->force ? "we" : "wxe");
    if (!out && errno == EEXIST)
        return say_error(EXIT_WRONG_USE, "another name, or --force", "'%s' exists", x->output);
    if (!out)
        return say_error(EXIT_FAILED, "another place with -o FILE.yaml", "cannot write '%s': %s",
                         x->output, strerror(errno));
    good = fwrite(scenario->data, 1, scenario->len, out) == scenario->len;
    if (x->output)
        good &= fclose(out) == 0;
    if (good || !x->output)
        return EXIT_DONE; /* of standard output main() knows */
    if (!x->force)
        (void)remove(x->output); /* made here; with --force it may be a device */
    return say_error(EXIT_FAILED, "a disk with room", "cannot write '%s'", x->output);
}

static int import_file(const struct import *x)
{
    struct swanctl_summary summary;
    struct text scenario;
    enum err e;
    int code;

    text_init(&scenario, NULL);
    e = swanctl_import(x->file, &x->options, &scenario, &summary, stderr);
    code = e ? say_failed(e) : put_out(x, &scenario);
    if (code == EXIT_DONE)
        fprintf(stderr, "%s: %u connection%s, %u settings carried over, %u in comments\n", x->file,
                summary.connections, summary.connections == 1 ? "" : "s", summary.carried,
                summary.noted);
    text_reset(&scenario);
    return code;
}

static error_t parse(int option, char *argument, struct argp_state *state)
{
    struct import *x = state->input;
    char *end;
    unsigned long n;

    switch (option) {
    case 'o':
        x->output = argument;
        return 0;
    case 'f':
        x->force = true;
        return 0;
    case 'w':
        x->options.with_secrets = true;
        return 0;
    case 'c':
        n = strtoul(argument, &end, 10);
        if (*end || argument[0] == '-' || n < 1 || n > SWANCTL_CLIENTS_MAX)
            argp_error(state, "--clients takes a number from 1 to %d", SWANCTL_CLIENTS_MAX);
        x->options.clients = (uint32_t)n;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            return ARGP_ERR_UNKNOWN;
        x->file = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "no swanctl.conf given");
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int import_run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"output", 'o', "FILE", 0, "Write the scenario there instead of to standard output", 0},
        {"force", 'f', NULL, 0, "Write over a file that exists", 0},
        {"clients", 'c', "N", 0, "Road warriors of a connection (default: 10)", 0},
        {"with-secrets", 'w', NULL, 0,
         "Copy pre-shared keys; otherwise a test secret stands for them", 0},
        {0},
    };
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "FILE",
        .doc = "Make a scenario of a strongSwan swanctl.conf. What it cannot carry over becomes a "
               "comment with its line and the reason; docs/import.md lists it all.",
    };
    struct import x = {.options = {.clients = SWANCTL_CLIENTS}};

    if (argp_parse(&argp, argc, argv, 0, NULL, &x))
        return EXIT_WRONG_USE;
    return import_file(&x);
}

const struct verb verb_import = {"import", "make a scenario of a swanctl.conf", import_run};
