/* `ikelab bench live`: a real gateway measured from outside, run after run. */
#include "cli/bench.h"
#include "cli/bench_output.h"
#include "cli/verb.h"

#include "bench/live.h"
#include "bench/machine.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_REPETITIONS = 256, KEY_WARM_UP, COMMAND_MAX = 1024, ARGS_MAX = 128 };

struct arguments {
    unsigned repetitions, warm_up;
    struct bench_output output;
    const char *live[ARGS_MAX]; /* path, words, --json, NULL */
    unsigned live_count;
};

static const struct argp_option options[] = {
    {"repetitions", KEY_REPETITIONS, "N", 0, "runs that count, one sample each (default 10)", 0},
    {"warm-up", KEY_WARM_UP, "N", 0, "runs before them that do not count (default 1)", 0},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->output;
        break;
    case KEY_REPETITIONS:
        a->repetitions = bench_number(state, value, 1, ROUNDS_REPETITIONS_MAX);
        break;
    case KEY_WARM_UP:
        a->warm_up = bench_number(state, value, 0, ROUNDS_REPETITIONS_MAX);
        break;
    case ARGP_KEY_ARG:
        if (a->live_count + 3 > ARGS_MAX)
            argp_error(state, "too many words for ikelab live; try: fewer");
        a->live[a->live_count++] = value;
        break;
    case ARGP_KEY_END:
        if (a->live_count == 1)
            argp_error(state, "no live run given; try: ikelab bench live -- initiate --remote "
                              "192.0.2.1 --local-id ci@example.org --psk-file FILE --count 100");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void progress(unsigned done, unsigned all)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\rrun %u of %u%s", done, all, done == all ? "\r              \r" : "");
}

static bool live_program(char *path, size_t cap)
{
    ssize_t n = readlink("/proc/self/exe", path, cap - sizeof "-live");

    if (n <= 0)
        return false;
    strcpy(path + n, "-live");
    return access(path, X_OK) == 0;
}

static enum err describe(const struct arguments *a, struct measurement_context *c)
{
    char command[COMMAND_MAX];
    size_t len = (size_t)snprintf(command, sizeof command, "ikelab bench live --repetitions %u --",
                                  a->repetitions);

    for (unsigned i = 1; i + 1 < a->live_count && len < sizeof command; i++)
        len += (size_t)snprintf(command + len, sizeof command - len, " %s", a->live[i]);
    return measurement_text(&c->command, command);
}

/* The machine is described before the first run, and this taken over into what the runs told. */
static enum err judge(const struct arguments *a, struct machine_ticks start,
                      struct measurement_set *machine, struct measurement_set *set)
{
    bool partial = set->context.partial;
    struct measurement_context held = set->context;
    enum err error;

    set->context = machine->context;
    set->context.partial = partial;
    machine->context = held;
    error = describe(a, &set->context);
    return error == OK ? machine_judge(start, set) : error;
}

static int measure(const struct arguments *a, struct measurement_set *machine,
                   struct measurement_set *set)
{
    struct live_rounds o = {.argv = a->live,
                            .warm_up = a->warm_up,
                            .repetitions = a->repetitions,
                            .interrupted = &bench_interrupted,
                            .progress = progress};
    struct machine_ticks start = machine_now();
    char why[MEASUREMENT_WHY_MAX] = "out of memory";
    enum err error = machine_describe(&machine->context);
    int code = EXIT_DONE;

    if (error == OK)
        error = live_rounds_run(&o, set, why);
    if (set->row_count > 0 && judge(a, start, machine, set) == OK)
        code = bench_output_write(&a->output, set);
    if (error == ERR_INTERRUPTED)
        return 128 + bench_interrupted;
    if (error != OK)
        return say_error(error == ERR_USAGE ? EXIT_WRONG_USE : EXIT_FAILED,
                         "the same words after `ikelab live`, to see what happens", "%s", why);
    return code;
}

int bench_live(int argc, char **argv)
{
    static const struct argp_child children[] = {{&bench_output_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "-- ARGS",
        "Repeat `ikelab live ARGS` and write what each run told as samples: handshakes a second, "
        "set-up times, and with --load packets and round-trip times through the tunnel. The SAs "
        "of a run are deleted before the next one begins.\v"
        "example:\n"
        "  ikelab bench live -o new.json -- initiate --remote 192.0.2.1 --local-id ci@example.org "
        "--psk-file psk --count 500\n",
        children,
        NULL,
        NULL};
    char path[PATH_MAX], name[] = "ikelab bench live";
    struct arguments a = {.repetitions = 10, .warm_up = 1, .live = {path}, .live_count = 1};
    struct measurement_set machine = {0}, set = {0};
    int code;

    argv[0] = name;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &a);
    if (!live_program(path, sizeof path))
        return say_error(EXIT_FAILED, "./run --build-only", "%s: %m", path);
    a.live[a.live_count++] = "--json";
    code = bench_output_try(&a.output);
    if (code != EXIT_DONE)
        return code;
    bench_catch_signals();
    if (measurement_init(&machine, "live") != OK)
        return say_error(EXIT_FAILED, "a machine with more memory", "out of memory");
    code = measure(&a, &machine, &set);
    measurement_reset(&machine);
    measurement_reset(&set);
    return code;
}
