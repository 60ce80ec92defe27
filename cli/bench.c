/*
 * `ikelab bench`: this machine beside the bound that the hardware sets, repeated in processes of
 * their own, as a table and as bench.json. `ikelab bench live` is in bench_live.c.
 */
#include "cli/bench.h"
#include "cli/bench_output.h"
#include "cli/verb.h"

#include "bench/bound.h"
#include "bench/child.h"
#include "bench/machine.h"
#include "bench/worker.h"

#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    KEY_QUICK = 256,
    KEY_LIST,
    KEY_REPETITIONS,
    KEY_WINDOW,
    KEY_INSTRUCTIONS,
    KEY_AGAINST,
    KEY_SEED,
    KEY_WORKER,
    KEY_COUNT,
};

enum {
    REPETITIONS = 20,
    WINDOW_MS = 100,
    WINDOW_QUICK_MS = 25,
    WINDOW_MAX_MS = 10000,
    PATTERNS_MAX = 32,
    COMMAND_MAX = 1024,
};

struct arguments {
    const char *patterns[PATTERNS_MAX];
    unsigned pattern_count;
    const char *against; /* its path in full */
    char against_path[PATH_MAX];
    struct bench_output output; /* of this program's measurements */
    unsigned repetitions, window_ms;
    uint64_t seed;
    bool quick, list, instructions, worker, count;
};

static const struct argp_option options[] = {
    {"quick", KEY_QUICK, NULL, 0, "the rows that matter most, in short windows: under 2 minutes",
     0},
    {"list", KEY_LIST, NULL, 0, "print the rows there are and end", 0},
    {"repetitions", KEY_REPETITIONS, "N", 0,
     "samples of each row, each from a process of its own (default 20; 0 with --instructions: only "
     "count)",
     0},
    {"window", KEY_WINDOW, "MS", 0, "CPU time of one sample (default 100, with --quick 25)", 0},
    {"instructions", KEY_INSTRUCTIONS, NULL, 0,
     "count instructions per operation too (under valgrind: the crypto library takes its fallback "
     "path there)",
     0},
    {"against", KEY_AGAINST, "IKELAB", 0,
     "measure this other ikelab in turns with this one, for a fair comparison", 0},
    {"seed", KEY_SEED, "N", 0, "of the random order of rows (default 1)", 0},
    {"worker", KEY_WORKER, NULL, OPTION_HIDDEN, NULL, 0},
    {"count", KEY_COUNT, NULL, OPTION_HIDDEN, NULL, 0},
    {0},
};

/* A path in full: a bare name would be looked for in PATH when it is run. */
static void find_against(struct arguments *a, struct argp_state *state, const char *given)
{
    struct stat st;

    if (!realpath(given, a->against_path) || stat(a->against_path, &st) != 0 ||
        !S_ISREG(st.st_mode) || access(a->against_path, X_OK) != 0)
        argp_error(state, "--against %s: no such program; try: --against build/release/ikelab",
                   given);
    a->against = a->against_path;
}

static void check(const struct arguments *a, struct argp_state *state)
{
    if (a->output.base && !a->against)
        argp_error(state, "--base-output goes with --against; try: --against PATH_OF_IKELAB");
    if (a->against && !a->output.base)
        argp_error(state, "--against needs a file for the other one; try: --base-output base.json");
    if (a->repetitions == 0 && !a->instructions)
        argp_error(state, "nothing to do without repetitions; try: --repetitions 10");
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->output;
        break;
    case KEY_QUICK:
        a->quick = true;
        break;
    case KEY_LIST:
        a->list = true;
        break;
    case KEY_REPETITIONS:
        a->repetitions = bench_number(state, value, 0, ROUNDS_REPETITIONS_MAX);
        break;
    case KEY_WINDOW:
        a->window_ms = bench_number(state, value, 1, WINDOW_MAX_MS);
        break;
    case KEY_INSTRUCTIONS:
        a->instructions = true;
        break;
    case KEY_AGAINST:
        find_against(a, state, value);
        break;
    case KEY_SEED:
        a->seed = bench_number(state, value, 0, UINT_MAX);
        break;
    case KEY_WORKER:
        a->worker = true;
        break;
    case KEY_COUNT:
        a->count = true;
        break;
    case ARGP_KEY_ARG:
        if (a->pattern_count == PATTERNS_MAX)
            argp_error(state, "more than %d patterns; try: a pattern with *", PATTERNS_MAX);
        a->patterns[a->pattern_count++] = value;
        break;
    case ARGP_KEY_END:
        check(a, state);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* ---- which rows ---- */

/* A family's name, a row's name, or a pattern of shell. */
static bool matches(const struct row *row, const char *pattern)
{
    return strcmp(pattern, row->family->name) == 0 || fnmatch(pattern, row->name, 0) == 0;
}

/* A row named in full is measured even where --quick would leave it out; a list has all there are.
 */
static bool wanted(const struct arguments *a, const struct row *row)
{
    bool named = a->pattern_count == 0 && (row->wanted == ROW_ALWAYS || a->list);

    for (unsigned i = 0; i < a->pattern_count; i++) {
        if (strcmp(a->patterns[i], row->name) == 0)
            return true;
        named |= (row->wanted != ROW_BY_NAME || a->list) && matches(row, a->patterns[i]);
    }
    return named && (!a->quick || row->quick);
}

/* A word that names nothing is a slip of the pen, whatever the others name. */
static int check_patterns(const struct arguments *a, const struct rows *all)
{
    for (unsigned i = 0; i < a->pattern_count; i++) {
        unsigned k = 0;

        while (k < all->count && !matches(&all->row[k], a->patterns[i]))
            k++;
        if (k == all->count)
            return say_error(EXIT_WRONG_USE, "ikelab bench --list", "no row has the name '%s'",
                             a->patterns[i]);
    }
    return EXIT_DONE;
}

static unsigned choose(const struct arguments *a, const struct rows *all, const struct row **out)
{
    unsigned count = 0;

    for (unsigned i = 0; i < all->count; i++)
        if (wanted(a, &all->row[i]))
            out[count++] = &all->row[i];
    return count;
}

static int list(const struct rows *all, const struct row *const *rows, unsigned count)
{
    static const char *const when[] = {
        [ROW_ALWAYS] = "", [ROW_IF_ASKED] = "  if asked", [ROW_BY_NAME] = "  by name"};
    const struct family *family = NULL;

    for (unsigned i = 0; i < count; i++) {
        if (rows[i]->family != family) {
            family = rows[i]->family;
            printf("%s%s: %s\n", i ? "\n" : "", family->name, family->help);
        }
        printf("  %-52s %s%s%s%s\n", rows[i]->name, rows[i]->unit, rows[i]->quick ? "  quick" : "",
               rows[i]->counted ? "  counted" : "", when[rows[i]->wanted]);
    }
    printf(
        "\n%u of %u rows; quick: part of --quick, counted: part of --instructions,\n"
        "if asked: where a word names it or its family, by name: where its whole name is given\n",
        count, all->count);
    return EXIT_DONE;
}

/* ---- measuring ---- */

struct own_rows {
    const char *program;
    bool failed;
};

/* @param own  what became of this program's rows: a base may be too old for some */
static void trouble(void *own, const struct rounds_trouble *t)
{
    struct own_rows *rows = own;

    bench_progress_end();
    fprintf(stderr, "%s: %s: %s\n", t->program, t->row, t->why);
    rows->failed |= t->failed && strcmp(t->program, rows->program) == 0;
}

static enum err this_program(char *path, size_t cap)
{
    ssize_t n = readlink("/proc/self/exe", path, cap - 1);

    if (n <= 0)
        return ERR_IO;
    path[n] = '\0';
    return OK;
}

/* Two programs that are measured in turns ask the same bound programs, those of this one. */
static void one_reference(void)
{
    char folder[PATH_MAX];

    if (bounds_folder(folder, sizeof folder))
        (void)setenv(BOUNDS_VARIABLE, folder, 0);
}

static enum err describe(const struct arguments *a, const char *command,
                         struct measurement_set *set)
{
    enum err error = measurement_init(set, "bench");

    if (error == OK)
        error = machine_describe(&set->context);
    if (error == OK)
        error = measurement_text(&set->context.command, command);
    set->context.seed = a->seed;
    return error;
}

/* What the other program says of itself: "ikelab 0.1.0 (2e5bb38a, changed)". */
static enum err ask_version(const char *program, char *line, size_t cap)
{
    const char *const argv[] = {program, "--version", NULL};
    struct child child;
    enum err error = child_start(&child, argv, 0);

    *line = '\0';
    if (error == OK && !fgets(line, (int)cap, child.from))
        *line = '\0';
    line[strcspn(line, "\n")] = '\0';
    (void)child_end(&child);
    return bench_interrupted ? ERR_INTERRUPTED : error;
}

/* How it was built is not known: not as this one was. */
static enum err describe_base(const struct arguments *a, const char *command,
                              struct measurement_set *set, char *why)
{
    struct measurement_context *c = &set->context;
    char line[256], version[64], commit[64];
    enum err error = describe(a, command, set);

    if (error == OK)
        error = ask_version(a->against, line, sizeof line);
    if (error != OK)
        return error;
    if (sscanf(line, "ikelab %63s (%63[^,)]", version, commit) != 2) {
        snprintf(why, MEASUREMENT_WHY_MAX, "%.200s is no ikelab: its --version says '%.100s'",
                 a->against, line);
        return ERR_USAGE;
    }
    c->dirty = strstr(line, ", changed") != NULL;
    error = measurement_text(&c->version, version);
    if (error == OK)
        error = measurement_text(&c->commit, commit);
    if (error == OK)
        error = measurement_text(&c->compiler, "unknown");
    return error == OK ? measurement_text(&c->flags, "unknown") : error;
}

static enum err measure(const struct arguments *a, const struct rounds_options *o,
                        struct measurement_set *set, char *why)
{
    struct machine_ticks start = machine_now();
    unsigned programs = a->against ? 2 : 1;
    enum err error = a->instructions ? rounds_count_ready(why) : OK;

    if (bench_interrupted)
        error = ERR_INTERRUPTED;
    if (error == OK && a->repetitions > 0)
        error = rounds_run(o, set, why);
    for (unsigned i = 0; i < programs && error == OK && a->instructions; i++) {
        error = rounds_count(o, i, &set[i], why);
        set[i].context.partial |= error != OK;
    }
    bench_progress_end();
    for (unsigned i = 0; i < programs; i++) {
        set[i].context.others = machine_others(start);
        if (machine_judge(start, &set[i]) != OK)
            error = ERR_MEMORY;
    }
    return a->against && error == OK ? bench_in_turns(set) : error;
}

static bool anything(const struct arguments *a, const struct measurement_set *set)
{
    return set[0].row_count > 0 && (!a->against || set[1].row_count > 0);
}

/* Whatever ended the measuring: what was measured until then is kept. */
static int keep(const struct arguments *a, const struct measurement_set *set)
{
    if (!anything(a, set))
        return say_error(EXIT_FAILED, "ikelab bench --list", "no row could be measured");
    return bench_output_write(&a->output, &set[0], &set[1]);
}

static int failed(enum err error, const char *why)
{
    if (error == ERR_NOT_FOUND)
        return say_error(EXIT_FAILED, "apt-get install valgrind, or without --instructions", "%s",
                         why);
    if (error == ERR_USAGE)
        return say_error(EXIT_WRONG_USE, "--against build/release/ikelab", "%s", why);
    return say_error(EXIT_FAILED, "fewer rows, or without --against and --instructions", "%s", why);
}

static int measure_and_keep(const struct arguments *a, const struct row *const *rows,
                            unsigned count, const char *command)
{
    char own[PATH_MAX], why[MEASUREMENT_WHY_MAX] = "out of memory";
    struct measurement_set set[ROUNDS_PROGRAMS] = {0};
    struct rounds_options o = {.rows = rows,
                               .row_count = count,
                               .program = {own, a->against},
                               .repetitions = a->repetitions,
                               .window_ns = (uint64_t)a->window_ms * 1000000,
                               .seed = a->seed,
                               .interrupted = &bench_interrupted,
                               .progress = bench_progress,
                               .trouble = trouble};
    struct own_rows rows_of_ours = {.program = own};
    enum err error = this_program(own, sizeof own);
    int code = EXIT_DONE;

    o.context = &rows_of_ours;
    bench_catch_signals();
    one_reference();
    if (error == OK)
        error = describe(a, command, &set[0]);
    if (error == OK)
        error = machine_doubt_build(&set[0].context);
    if (error == OK && a->against)
        error = describe_base(a, command, &set[1], why);
    if (error == OK)
        error = measure(a, &o, set, why);
    if (error == OK || anything(a, set))
        code = keep(a, set);
    else if (error == ERR_INTERRUPTED)
        fputs("stopped early: nothing was measured yet\n", stderr);
    if (error == ERR_INTERRUPTED)
        code = 128 + bench_interrupted;
    else if (error != OK)
        code = failed(error, why);
    if (code == EXIT_DONE && rows_of_ours.failed)
        code = say_error(EXIT_FAILED, "what is said of it above, or other rows",
                         "a row could not be measured; the others are there");
    measurement_reset(&set[0]);
    measurement_reset(&set[1]);
    return code;
}

/* The command as it can be typed again. */
static void command_line(int argc, char **argv, char *out, size_t cap)
{
    size_t len = 0;

    for (int i = 0; i < argc && len < cap; i++)
        len += (size_t)snprintf(out + len, cap - len, "%s%s", i ? " " : "", argv[i]);
}

static int run(int argc, char **argv)
{
    static const struct argp_child children[] = {{&bench_output_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "[FAMILY | ROW | PATTERN]...\nlive [OPTION...] -- ARGS",
        "Measure what Ikelab's own code takes, each row beside the bound that the hardware sets in "
        "the same run: CPU time of one pinned core, every sample from a process of its own, rows "
        "in random order.\v"
        "Without a name every row is measured; `ikelab bench live --help` tells how to measure "
        "your own gateway.\n\n"
        "examples:\n"
        "  ikelab bench --quick -o bench.json\n"
        "  ikelab bench handshake 'esp/*/1400/*'\n"
        "  ikelab bench --quick --against ../base/build/release/ikelab --base-output base.json "
        "-o new.json\n",
        children,
        NULL,
        NULL};
    static struct rows all;
    static const struct row *rows[ROW_MAX];
    struct arguments a = {.repetitions = REPETITIONS, .seed = 1};
    char command[COMMAND_MAX];
    unsigned count;
    int code;

    if (argc > 1 && strcmp(argv[1], "live") == 0)
        return bench_live(argc - 1, argv + 1);
    command_line(argc, argv, command, sizeof command);
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (!a.window_ms)
        a.window_ms = a.quick ? WINDOW_QUICK_MS : WINDOW_MS;
    if (a.worker) {
        struct worker_options o = {(uint64_t)a.window_ms * 1000000, stdin, stdout, a.count};

        return worker_run(&o) == OK ? EXIT_DONE : EXIT_FAILED;
    }
    rows_all(&all);
    count = choose(&a, &all, rows);
    code = check_patterns(&a, &all);
    if (code != EXIT_DONE)
        return code;
    if (count == 0 && a.quick)
        return say_error(EXIT_WRONG_USE, "the same without --quick",
                         "no row of that name is part of --quick");
    if (count == 0)
        return say_error(EXIT_WRONG_USE, "ikelab bench --list",
                         "rows that need a big machine are measured only if each is given by "
                         "its whole name");
    if (a.list)
        return list(&all, rows, count);
    code = bench_output_try(&a.output);
    if (code != EXIT_DONE)
        return code;
    return measure_and_keep(&a, rows, count, command);
}

const struct verb verb_bench = {
    "bench", "measure this machine beside the bound that the hardware sets", run};
