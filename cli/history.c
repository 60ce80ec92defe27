/*
 * `ikelab history`: what was measured, run after run, and where it stepped. What it knows is in one
 * SQLite file that is made from bench.json files and run folders (docs/history.md).
 */
#define _GNU_SOURCE
#include "cli/history.h"
#include "cli/verb.h"

#include "bench/gate/compare.h"
#include "bench/gate/whole_file.h"
#include "record/provenance.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    KEY_DB = 256,
    KEY_CLASS,
    KEY_ALL_CLASSES,
    KEY_FORCE,
    KEY_EFFECT,
    KEY_HOLD,
    KEY_JSON,
    KEY_CSV
};

/* Which actions an option belongs to. */
enum {
    TAKES_CLASS = 1,
    TAKES_STEPS = 2,
    TAKES_JSON = 4,
    TAKES_CSV = 8,
    TAKES_OUTPUT = 16,
};

struct arguments {
    const char *db, *class, *output;
    bool all_classes, force, json;
    unsigned given;
    struct step_options steps;
    char **words; /* without the action */
    int count;
};

struct action {
    const char *name;
    int (*run)(const struct arguments *);
    unsigned takes;
    int least, most;   /* words */
    const char *usage; /* after "ikelab history " */
};

static int code_of(enum err error)
{
    return error == ERR_NOT_FOUND || error == ERR_VERSION || error == ERR_USAGE ? EXIT_WRONG_USE
                                                                                : EXIT_FAILED;
}

static int say(enum err error, const struct history_problem *problem)
{
    return say_error(code_of(error), problem->hint, "%s", problem->text);
}

static int read_set(const char *path, struct measurement_set *set)
{
    char why[MEASUREMENT_WHY_MAX];
    enum err error = measurement_read(path, set, why);

    if (error == OK)
        return EXIT_DONE;
    return say_error(error == ERR_MEMORY ? EXIT_FAILED : EXIT_WRONG_USE,
                     "a bench.json, a run folder, or a folder of run folders", "%s", why);
}

static int add_file(struct history *h, const char *path)
{
    struct history_problem problem;
    struct history_added added;
    struct measurement_set set;
    enum err error = OK;
    int code = read_set(path, &set);

    if (code == EXIT_DONE)
        error = history_add(h, &set, &added, &problem);
    if (error != OK)
        code = say(error, &problem);
    else if (code == EXIT_DONE && added.known)
        printf("%s: already there as run %lld; nothing added\n", path, (long long)added.run);
    else if (code == EXIT_DONE)
        printf("%s: run %lld, %zu benchmark%s, %zu sample%s\n", path, (long long)added.run,
               added.benchmarks, added.benchmarks == 1 ? "" : "s", added.samples,
               added.samples == 1 ? "" : "s");
    measurement_reset(&set);
    return code;
}

/* Every file is a transaction of its own; one that is wrong does not keep out the others. */
static int add_files(struct history *h, const struct arguments *a)
{
    int worst = EXIT_DONE;

    for (int i = 0; i < a->count; i++) {
        int code = add_file(h, a->words[i]);

        if (code > worst)
            worst = code;
    }
    return worst;
}

static int add(const struct arguments *a)
{
    struct history_problem problem;
    struct history *h;
    enum err error = history_open(a->db, HISTORY_WRITE, &h, &problem);
    int code = error == OK ? add_files(h, a) : say(error, &problem);

    history_close(h);
    return code;
}

static int put_in_place(const struct arguments *a, struct history *fresh)
{
    struct history_problem problem;
    struct history *h;
    enum err error = history_open(a->db, HISTORY_WRITE, &h, &problem);

    if (error == OK)
        error = history_replace(h, fresh, &problem);
    history_close(h);
    return error == OK ? EXIT_DONE : say(error, &problem);
}

static int rebuild(const struct arguments *a)
{
    struct history_problem problem;
    struct history *fresh;
    enum err error = history_open_scratch(&fresh, &problem);
    int code = error == OK ? add_files(fresh, a) : say(error, &problem);

    if (code == EXIT_DONE)
        code = put_in_place(a, fresh);
    else if (error == OK)
        fprintf(stderr, "%s is as it was\n", a->db);
    history_close(fresh);
    return code;
}

static void own_class(char *out)
{
    const struct provenance *p = provenance();
    struct measurement_context c = {.cpu = (char *)p->cpu, .cores = p->cores};

    machine_class(&c, out, HISTORY_CLASS_MAX);
}

/* Which machine class is shown, and on whose word. */
static enum err choose_class(struct history *h, const struct arguments *a, struct history_view *v,
                             struct history_problem *problem)
{
    char own[HISTORY_CLASS_MAX];
    enum err error;

    v->class[0] = '\0';
    if (a->all_classes)
        return OK;
    if (a->class) {
        snprintf(v->class, sizeof v->class, "%s", a->class);
        return OK;
    }
    own_class(own);
    error = history_class(h, own, v->class, problem);
    if (error == OK && v->class[0] && strcmp(own, v->class) != 0)
        fprintf(stderr, "no run of this machine (%s); that of the newest run: %s\n", own, v->class);
    return error;
}

static enum err read_view(struct history *h, const struct arguments *a, struct history_view *v,
                          struct history_problem *problem)
{
    struct trend_query q = {
        .glob = a->count ? a->words[0] : NULL, .mixed = a->force, .steps = a->steps};
    enum err error = choose_class(h, a, v, problem);

    q.class = a->all_classes ? NULL : v->class;
    return error == OK ? trend_read(h, &q, &v->trends, problem) : error;
}

static int say_none(const struct arguments *a)
{
    if (a->count || a->class)
        return say_error(EXIT_WRONG_USE, "ikelab history --all-classes",
                         "no benchmark matches '%s'%s%s", a->count ? a->words[0] : "*",
                         a->class ? " in machine class " : "", a->class ? a->class : "");
    return say_error(EXIT_WRONG_USE, "ikelab history add FILE...", "%s: no runs yet", a->db);
}

/* Put the question and hand the answer to `then`. */
static int with_view(const struct arguments *a,
                     int (*then)(const struct arguments *, const struct history_view *))
{
    struct history_view v = {.db = a->db, .mixed = a->force, .steps = a->steps};
    struct history_problem problem;
    struct history *h;
    int code;
    enum err error = history_open(a->db, HISTORY_READ, &h, &problem);

    if (error == OK)
        error = read_view(h, a, &v, &problem);
    if (error != OK)
        code = say(error, &problem);
    else
        code = v.trends.count ? then(a, &v) : say_none(a);
    if (error == OK && v.trends.left_out)
        fprintf(stderr, "left out: %zu run%s of other machine classes; try: --all-classes\n",
                v.trends.left_out, v.trends.left_out == 1 ? "" : "s");
    trend_reset(&v.trends);
    history_close(h);
    return code;
}

static int print(const struct arguments *a, const struct history_view *v)
{
    json_t *object;

    if (!a->json) {
        history_print(v);
        return EXIT_DONE;
    }
    object = history_json(v);
    if (!object)
        return say_error(EXIT_FAILED, "fewer benchmarks: ikelab history GLOB", "out of memory");
    (void)json_dumpf(object, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    putchar('\n'); /* whether it could be written, main() asks */
    json_decref(object);
    return EXIT_DONE;
}

static int show(const struct arguments *a)
{
    return with_view(a, print);
}

static int draw(const struct arguments *a, const struct history_view *v)
{
    return history_plot(v, a->output);
}

static int plot(const struct arguments *a)
{
    if (!a->output)
        return say_error(EXIT_WRONG_USE, "ikelab history plot 'esp/*' -o esp.svg",
                         "plot needs a file to draw");
    return with_view(a, draw);
}

static void print_run(void *context, const struct history_run *r)
{
    (void)context;
    printf("%4lld  %-20s  %.12s%s  %3zu benchmarks  %5zu samples  %s%s  %s\n", (long long)r->run,
           r->started, r->commit, r->dirty ? "+" : "", r->benchmarks, r->samples,
           r->partial ? "PARTIAL  " : "", r->class, r->source);
}

/* Open for reading, do, close. */
static int with_history(const struct arguments *a,
                        enum err (*then)(struct history *, const struct arguments *,
                                         struct history_problem *))
{
    struct history_problem problem;
    struct history *h;
    enum err error = history_open(a->db, HISTORY_READ, &h, &problem);

    if (error == OK)
        error = then(h, a, &problem);
    history_close(h);
    return error == OK ? EXIT_DONE : say(error, &problem);
}

static enum err list_runs(struct history *h, const struct arguments *a,
                          struct history_problem *problem)
{
    (void)a;
    return history_runs(h, print_run, NULL, problem);
}

static int runs(const struct arguments *a)
{
    return with_history(a, list_runs);
}

static enum err check_all(struct history *h, const struct arguments *a,
                          struct history_problem *problem)
{
    enum err error = history_check(h, problem);

    if (error == OK)
        printf("%s: good\n", a->db);
    return error;
}

static int check(const struct arguments *a)
{
    return with_history(a, check_all);
}

/* The file is whole or not there. */
static enum err export_file(struct history *h, const char *path, struct history_problem *problem)
{
    struct whole_file file;
    enum err error = whole_file_open(&file, path, problem->text);

    problem->hint = "a place with room that can be written";
    if (error != OK)
        return error;
    error = history_csv(h, file.out, problem);
    if (error == OK)
        return whole_file_commit(&file, problem->text);
    whole_file_drop(&file);
    return error;
}

static enum err export_all(struct history *h, const struct arguments *a,
                           struct history_problem *problem)
{
    return export_file(h, a->count ? a->words[0] : "-", problem);
}

static int export(const struct arguments *a)
{
    if (!(a->given & TAKES_CSV))
        return say_error(EXIT_WRONG_USE, "ikelab history export --csv FILE",
                         "there is one form to export: --csv");
    return with_history(a, export_all);
}

/* The first is what happens without a name. */
static const struct action actions[] = {
    {"show", show, TAKES_CLASS | TAKES_STEPS | TAKES_JSON, 0, 1, "[show] [GLOB]"},
    {"add", add, 0, 1, 100000, "add FILE..."},
    {"runs", runs, 0, 0, 0, "runs"},
    {"export", export, TAKES_CSV, 0, 1, "export --csv [FILE]"},
    {"plot", plot, TAKES_CLASS | TAKES_STEPS | TAKES_OUTPUT, 0, 1, "plot [GLOB] -o FILE.svg"},
    {"check", check, 0, 0, 0, "check"},
    {"rebuild", rebuild, 0, 1, 100000, "rebuild FILE..."},
};

static const struct argp_option options[] = {
    {"db", KEY_DB, "FILE", 0, "the history (default: history.sqlite)", 0},
    {"class", KEY_CLASS, "TEXT", 0, "runs of this machine class (default: of this machine's)", 0},
    {"all-classes", KEY_ALL_CLASSES, NULL, 0, "every machine class, each in series of its own", 0},
    {"force", KEY_FORCE, NULL, 0, "with --all-classes: mix them in one series", 0},
    {"effect", KEY_EFFECT, "PERCENT", 0, "smallest change that is a step (default 2)", 0},
    {"hold", KEY_HOLD, "RUNS", 0, "runs that a level must last on both sides (default 3)", 0},
    {"json", KEY_JSON, NULL, 0, "show: print one JSON object", 0},
    {"csv", KEY_CSV, NULL, 0, "export: every sample in long form", 0},
    {"output", 'o', "FILE", 0, "plot: the SVG to draw", 0},
    {0},
};

static double percent(struct argp_state *state, const char *text)
{
    char *end;
    double value = strtod(text, &end);

    end += *end == '%';
    if (*end || end == text || !(value >= 0.01) || value > 100)
        argp_error(state, "--effect takes percent, from 0.01 to 100: '%s'", text);
    return value / 100;
}

static size_t number(struct argp_state *state, const char *text)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*end || end == text || value < 1 || value > STEPS_RUNS_MAX)
        argp_error(state, "--hold takes a number of runs from 1 to %d: '%s'", STEPS_RUNS_MAX, text);
    return (size_t)value;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case KEY_DB:
        a->db = value;
        return 0;
    case KEY_CLASS:
        a->class = value;
        a->given |= TAKES_CLASS;
        return 0;
    case KEY_ALL_CLASSES:
        a->all_classes = true;
        a->given |= TAKES_CLASS;
        return 0;
    case KEY_FORCE:
        a->force = true;
        a->given |= TAKES_CLASS;
        return 0;
    case KEY_EFFECT:
        a->steps.effect = percent(state, value);
        a->given |= TAKES_STEPS;
        return 0;
    case KEY_HOLD:
        a->steps.hold = number(state, value);
        a->given |= TAKES_STEPS;
        return 0;
    case KEY_JSON:
        a->json = true;
        a->given |= TAKES_JSON;
        return 0;
    case KEY_CSV:
        a->given |= TAKES_CSV;
        return 0;
    case 'o':
        a->output = value;
        a->given |= TAKES_OUTPUT;
        return 0;
    case ARGP_KEY_ARGS:
        a->words = state->argv + state->next;
        a->count = state->argc - state->next;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The first word may name the action; it is taken away then. */
static const struct action *take_action(struct arguments *a)
{
    for (size_t i = 0; a->count && i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(a->words[0], actions[i].name) != 0)
            continue;
        a->words++;
        a->count--;
        return &actions[i];
    }
    return &actions[0];
}

static int check_use(const struct arguments *a, const struct action *action)
{
    char hint[128];

    snprintf(hint, sizeof hint, "ikelab history %s", action->usage);
    if (a->count < action->least || a->count > action->most)
        return say_error(EXIT_WRONG_USE, hint, "history %s: %s", action->name,
                         a->count ? "too many words" : "which files?");
    if (a->given & ~action->takes)
        return say_error(EXIT_WRONG_USE, hint, "history %s: an option does not belong to it",
                         action->name);
    if (a->force && !a->all_classes)
        return say_error(EXIT_WRONG_USE, "--all-classes --force", "--force mixes machine classes");
    if (a->class && a->all_classes)
        return say_error(EXIT_WRONG_USE, "one of them", "--class and --all-classes exclude");
    return EXIT_DONE;
}

static int run(int argc, char **argv)
{
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "[show] [GLOB]\nadd FILE...\nruns\nexport --csv [FILE]\n"
                    "plot [GLOB] -o FILE.svg\ncheck\nrebuild FILE...",
        .doc = "Keep what was measured and show its trend: per benchmark the medians of the runs "
               "and the commits at which they stepped. FILE is a bench.json, a run folder or a "
               "folder of run folders; GLOB matches names of benchmarks.\v"
               "Runs of different machine classes are never compared unless --all-classes --force "
               "says so.\n\n"
               "Example: ikelab history add bench.json && ikelab history 'esp/*'",
    };
    struct arguments a = {.db = "history.sqlite", .steps = step_defaults};
    const struct action *action;
    int code;

    if (argp_parse(&argp, argc, argv, 0, NULL, &a))
        return EXIT_WRONG_USE;
    action = take_action(&a);
    code = check_use(&a, action);
    return code == EXIT_DONE ? action->run(&a) : code;
}

const struct verb verb_history = {"history", "keep what was measured and show its trend", run};
