#include "cli/export_options.h"

#include "cli/verb.h"
#include "sim/scenario_tree.h"

#include <errno.h>
#include <string.h>

/* Away from the keys that verbs number from 256 on. */
enum { KEY_EXPORT = 0x1000 };

static const struct argp_option options[] = {
    {"export", KEY_EXPORT, "FORMAT=FILE", 0,
     "also write FILE in another tool's format (- is standard output; may be repeated): gbench, "
     "gab-smaller, gab-bigger, bmf, gobench, junit, openmetrics, markdown, csv",
     0},
    {0},
};

static bool is_stdout(const char *path)
{
    return strcmp(path, "-") == 0;
}

bool export_options_stdout(const struct export_options *o)
{
    for (size_t i = 0; i < o->count; i++)
        if (is_stdout(o->wanted[i].path))
            return true;
    return false;
}

static error_t unknown(struct argp_state *state, const char *name)
{
    const char *names[EXPORTS_MAX + 1] = {NULL};
    const char *near;

    for (size_t i = 0; export_formats[i].name && i < EXPORTS_MAX; i++)
        names[i] = export_formats[i].name;
    near = nearest_word(name, names);
    argp_error(state, "there is no export format '%s'; try: --export %s=FILE", name,
               near ? near : "csv");
    return EINVAL;
}

static error_t add(struct argp_state *state, const char *argument)
{
    struct export_options *o = state->input;
    const char *equals = strchr(argument, '=');
    char name[32] = "";

    if (!equals || !equals[1]) {
        argp_error(state, "--export takes FORMAT=FILE, such as --export csv=bench.csv");
        return EINVAL;
    }
    if (o->count == EXPORTS_MAX || (is_stdout(equals + 1) && export_options_stdout(o))) {
        argp_error(state, o->count == EXPORTS_MAX ? "too many exports"
                                                  : "one export to standard output at a time");
        return EINVAL;
    }
    snprintf(name, sizeof name, "%.*s", (int)(equals - argument), argument);
    o->wanted[o->count].format = export_find(name);
    o->wanted[o->count].path = equals + 1;
    return o->wanted[o->count++].format ? 0 : unknown(state, name);
}

static error_t parse(int option, char *argument, struct argp_state *state)
{
    return option == KEY_EXPORT ? add(state, argument) : ARGP_ERR_UNKNOWN;
}

const struct argp export_argp = {.options = options, .parser = parse};

static void say_left_out(const struct export_format *format, const struct measurement_set *set)
{
    const char *before = ": ";

    for (size_t i = 0; i < set->row_count; i++) {
        if (export_takes(format, &set->rows[i]))
            continue;
        if (*before == ':')
            fprintf(stderr, "%s leaves out", format->name);
        fprintf(stderr, "%s%s", before, set->rows[i].name);
        before = ", ";
    }
    if (*before != ':')
        fputc('\n', stderr);
}

int export_options_write(const struct export_options *o, const struct measurement_set *set,
                         const struct comparison_set *verdicts)
{
    char why[MEASUREMENT_WHY_MAX];

    for (size_t i = 0; i < o->count; i++) {
        const struct export_format *format = o->wanted[i].format;
        enum err error = export_file(format, set, verdicts, o->wanted[i].path, why);

        if (error == ERR_USAGE)
            return say_error(EXIT_WRONG_USE, "--export csv=FILE, which holds every row", "%s", why);
        if (error != OK)
            return say_error(EXIT_FAILED, "another place, or free some space", "%s", why);
        say_left_out(format, set);
    }
    return EXIT_DONE;
}
