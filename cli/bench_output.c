#include "cli/bench_output.h"

#include "cli/bench.h"
#include "cli/verb.h"

#include "bench/gate/whole_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_JSON = 0x2000, KEY_BASE_OUTPUT };

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0, "write bench.json into FILE ('-': standard output)", 0},
    {"json", KEY_JSON, NULL, 0, "bench.json on standard output instead of a table", 0},
    {"base-output", KEY_BASE_OUTPUT, "FILE", 0, "bench.json of the other one of two in turns", 0},
    {0},
};

unsigned bench_number(struct argp_state *state, const char *text, unsigned least, unsigned most)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (!*text || *end || *text == '-' || n < least || n > most)
        argp_error(state, "'%s' is not a number from %u to %u", text, least, most);
    return (unsigned)n;
}

static bool to_stdout(const struct bench_output *o)
{
    return o->file && strcmp(o->file, "-") == 0;
}

static void check(const struct bench_output *o, struct argp_state *state)
{
    int takers = to_stdout(o) + o->json + export_options_stdout(&o->exports);

    if (takers > 1)
        argp_error(state, "standard output is asked for twice; try: a file for one of them");
    if (o->base && (strcmp(o->base, "-") == 0 || (o->file && strcmp(o->base, o->file) == 0)))
        argp_error(state, "--base-output needs a file of its own; try: --base-output base.json");
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct bench_output *o = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->exports;
        return 0;
    case 'o':
        o->file = value;
        return 0;
    case KEY_JSON:
        o->json = true;
        return 0;
    case KEY_BASE_OUTPUT:
        o->base = value;
        return 0;
    case ARGP_KEY_END:
        check(o, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&export_argp, 0, NULL, 0}, {0}};

const struct argp bench_output_argp = {options, parse, NULL, NULL, children, NULL, NULL};

int bench_output_try(const struct bench_output *o)
{
    char why[MEASUREMENT_WHY_MAX];

    if (o->base && whole_file_try(o->base, why) != OK)
        return say_error(EXIT_FAILED, "another place for --base-output", "%s", why);
    if (o->file && whole_file_try(o->file, why) != OK)
        return say_error(EXIT_FAILED, "another place for --output", "%s", why);
    for (size_t i = 0; i < o->exports.count; i++)
        if (whole_file_try(o->exports.wanted[i].path, why) != OK)
            return say_error(EXIT_FAILED, "another place for --export", "%s", why);
    return EXIT_DONE;
}

int bench_output_write(const struct bench_output *o, const struct measurement_set *set,
                       const struct measurement_set *base)
{
    char why[MEASUREMENT_WHY_MAX];

    if (o->base && measurement_write(base, o->base, why) != OK)
        return say_error(EXIT_FAILED, "another place for --base-output", "%s", why);
    if (o->file && measurement_write(set, o->file, why) != OK)
        return say_error(EXIT_FAILED, "another place for --output", "%s", why);
    if (o->json && measurement_write(set, "-", why) != OK)
        return say_error(EXIT_FAILED, "another place for the output", "%s", why);
    if (!o->json && !to_stdout(o) && !export_options_stdout(&o->exports))
        bench_table(set);
    if (o->file && !to_stdout(o))
        fprintf(stderr, "wrote %s\nnext: ikelab compare %s %s\n", o->file,
                o->base ? o->base : "BASE.json", o->file);
    return export_options_write(&o->exports, set, NULL);
}

enum err bench_in_turns(struct measurement_set set[2])
{
    char name[96];
    enum err error;

    snprintf(name, sizeof name, "%.40s-%ld", set[0].context.started, (long)getpid());
    error = measurement_text(&set[0].context.turns, name);
    return error == OK ? measurement_text(&set[1].context.turns, name) : error;
}
