/*
 * `ikelab bench live`: a real gateway measured from outside, run after run; or two, in turns.
 */
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

struct words {
    const char *word[ARGS_MAX]; /* path, words of `ikelab live`, --json, NULL */
    unsigned count;
};

struct arguments {
    unsigned repetitions, warm_up;
    struct bench_output output;
    struct words live[LIVE_SUBJECTS];
    unsigned subjects;
};

static const struct argp_option options[] = {
    {"repetitions", KEY_REPETITIONS, "N", 0,
     "runs that count, one sample each, of either gateway (default 10)", 0},
    {"warm-up", KEY_WARM_UP, "N", 0, "runs before them that do not count (default 1)", 0},
    {0},
};

static void check(const struct arguments *a, struct argp_state *state)
{
    for (unsigned i = 0; i < a->subjects; i++)
        if (a->live[i].count == 1)
            argp_error(state, "no live run given; try: ikelab bench live -- initiate --remote "
                              "192.0.2.1 --local-id ci@example.org --psk-file FILE --count 100");
    if (a->output.base && a->subjects == 1)
        argp_error(state, "--base-output goes with two live runs; try: -- ARGS -- BASE_ARGS");
    if (!a->output.base && a->subjects == 2)
        argp_error(state, "two live runs need two files; try: --base-output base.json");
}

/* `--` between two live runs; the one before the first is argp's. */
static void take_word(struct arguments *a, const char *word, struct argp_state *state)
{
    struct words *w = &a->live[a->subjects - 1];

    if (strcmp(word, "--") == 0) {
        if (a->subjects == LIVE_SUBJECTS)
            argp_error(state, "more than two live runs; try: one, or two in turns");
        a->subjects++;
        return;
    }
    if (w->count + 3 > ARGS_MAX)
        argp_error(state, "too many words for ikelab live; try: fewer");
    w->word[w->count++] = word;
}

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
        take_word(a, value, state);
        break;
    case ARGP_KEY_END:
        check(a, state);
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

static enum err describe(const struct arguments *a, unsigned subject, struct measurement_context *c)
{
    const struct words *w = &a->live[subject];
    char command[COMMAND_MAX];
    size_t len = (size_t)snprintf(command, sizeof command, "ikelab bench live --repetitions %u --",
                                  a->repetitions);

    for (unsigned i = 1; i + 1 < w->count && len < sizeof command; i++)
        len += (size_t)snprintf(command + len, sizeof command - len, " %s", w->word[i]);
    return measurement_text(&c->command, command);
}

/* The machine is described before the first run, and this taken over into what the runs told. */
static enum err judge(const struct arguments *a, unsigned subject, struct machine_ticks start,
                      struct measurement_set *machine, struct measurement_set *set)
{
    bool partial = set->context.partial;
    struct measurement_context held = set->context;
    enum err error;

    set->context = machine->context;
    set->context.partial = partial;
    machine->context = held;
    error = describe(a, subject, &set->context);
    return error == OK ? machine_judge(start, set) : error;
}

static enum err judge_all(const struct arguments *a, struct machine_ticks start,
                          struct measurement_set *machine, struct measurement_set *set)
{
    for (unsigned i = 0; i < a->subjects; i++) {
        enum err error =
            set[i].row_count > 0 ? judge(a, i, start, &machine[i], &set[i]) : ERR_NOT_FOUND;

        if (error != OK)
            return error;
    }
    return a->subjects == 2 ? bench_in_turns(set) : OK;
}

static int measure(const struct arguments *a, struct measurement_set *machine,
                   struct measurement_set *set)
{
    struct live_rounds o = {.argv = {a->live[0].word, a->subjects == 2 ? a->live[1].word : NULL},
                            .warm_up = a->warm_up,
                            .repetitions = a->repetitions,
                            .interrupted = &bench_interrupted,
                            .progress = progress};
    struct machine_ticks start = machine_now();
    char why[MEASUREMENT_WHY_MAX] = "out of memory";
    enum err error = OK;
    int code = EXIT_DONE;

    for (unsigned i = 0; i < a->subjects && error == OK; i++)
        error = machine_describe(&machine[i].context);
    if (error == OK)
        error = live_rounds_run(&o, set, why);
    if (judge_all(a, start, machine, set) == OK)
        code = bench_output_write(&a->output, &set[0], &set[1]);
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
        "-- ARGS [-- BASE_ARGS]",
        "Repeat `ikelab live ARGS` and write what each run told as samples: handshakes a second, "
        "set-up times, and with --load packets and round-trip times through the tunnel. The SAs "
        "of a run are deleted before the next one begins. With BASE_ARGS a second gateway takes "
        "turns with the first, so that both meet the same machine.\v"
        "examples:\n"
        "  ikelab bench live -o new.json -- initiate --remote 192.0.2.1 --local-id ci@example.org "
        "--psk-file psk --count 500\n"
        "  ikelab bench live -o new.json --base-output base.json -- initiate --remote 192.0.2.1 "
        "... -- initiate --remote 192.0.2.2 ...\n",
        children,
        NULL,
        NULL};
    char path[PATH_MAX], name[] = "ikelab bench live";
    struct arguments a = {.repetitions = 10, .warm_up = 1, .subjects = 1};
    struct measurement_set machine[LIVE_SUBJECTS] = {{0}}, set[LIVE_SUBJECTS] = {{0}};
    enum err error = OK;
    int code;

    for (unsigned i = 0; i < LIVE_SUBJECTS; i++)
        a.live[i] = (struct words){{path}, 1};
    argv[0] = name;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &a);
    if (!live_program(path, sizeof path))
        return say_error(EXIT_FAILED, "./run --build-only", "%s: %m", path);
    for (unsigned i = 0; i < LIVE_SUBJECTS; i++)
        a.live[i].word[a.live[i].count++] = "--json";
    code = bench_output_try(&a.output);
    if (code != EXIT_DONE)
        return code;
    bench_catch_signals();
    for (unsigned i = 0; i < LIVE_SUBJECTS && error == OK; i++)
        error = measurement_init(&machine[i], "live");
    if (error == OK)
        code = measure(&a, machine, set);
    else
        code = say_error(EXIT_FAILED, "a machine with more memory", "out of memory");
    for (unsigned i = 0; i < LIVE_SUBJECTS; i++) {
        measurement_reset(&machine[i]);
        measurement_reset(&set[i]);
    }
    return code;
}
