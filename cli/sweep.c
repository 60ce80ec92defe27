/* `ikelab sweep FILE`: run every combination of the values in the scenario's `sweep:`. */
#define _GNU_SOURCE
#include "bench/sweep/output.h"
#include "bench/sweep/pool.h"
#include "cli/report_script.h"
#include "cli/scenario_options.h"
#include "cli/sweep_talk.h"
#include "cli/verb.h"

#include <argp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_FORCE = 256, KEY_JSON, KEY_NO_REPORT, KEY_CAPTURE, KEY_PLANT };

struct arguments {
    const char *file, *folder, *plant;
    struct scenario_options scenario;
    unsigned jobs; /* 0: as many as processors */
    bool force, json, quiet, no_report, capture;
};

static const struct argp_option options[] = {
    {"jobs", 'j', "N", 0, "runs at a time (default: one a processor)", 0},
    {"output", 'o', "DIR", 0, "folder of the sweep (default: runs/NAME-sweep)", 0},
    {"force", KEY_FORCE, NULL, 0, "replace the sweep that is there", 0},
    {"json", KEY_JSON, NULL, 0, "print sweep.json on standard output", 0},
    {"quiet", 'q', NULL, 0, "no progress, no table", 0},
    {"capture", KEY_CAPTURE, NULL, 0,
     "keep the whole run folder of each run, with events and capture; else its numbers only", 0},
    {"no-report", KEY_NO_REPORT, NULL, 0, "do not make sweep.html", 0},
    {"plant", KEY_PLANT, "DEFECT", OPTION_HIDDEN, "plant a defect that a checker must find", 0},
    {0},
};

static unsigned jobs_of(struct argp_state *state, const char *text)
{
    char *end;
    unsigned long jobs = strtoul(text, &end, 10);

    if (end == text || *end || jobs < 1 || jobs > POOL_JOBS_MAX)
        argp_error(state, "-j takes a number from 1 to %d, not '%s'", POOL_JOBS_MAX, text);
    return (unsigned)jobs;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case 'j':
        a->jobs = jobs_of(state, value);
        break;
    case 'o':
        a->folder = value;
        break;
    case 'q':
        a->quiet = true;
        break;
    case KEY_FORCE:
        a->force = true;
        break;
    case KEY_JSON:
        a->json = true;
        break;
    case KEY_CAPTURE:
        a->capture = true;
        break;
    case KEY_NO_REPORT:
        a->no_report = true;
        break;
    case KEY_PLANT:
        a->plant = value;
        break;
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->scenario;
        break;
    case ARGP_KEY_ARG:
        if (a->file)
            argp_error(state, "one scenario at a time");
        a->file = value;
        break;
    case ARGP_KEY_END:
        if (!a->file)
            argp_error(state, "which scenario? try: ikelab sweep scenarios/road-warriors.yaml "
                              "--set 'sweep.axes.links.core.delay=[2ms, 20ms]'");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static volatile sig_atomic_t caught;

static void catch (int number)
{
    caught = number;
    /* A second one ends the program where it stands. */
    signal(number, SIG_DFL);
}

/* What a plan borrows beside the scenario. */
struct plan_room {
    char program[4096], folder[4096];
    struct plan_axis *axes;
    struct plan_metric *metrics;
    struct plan_setting *settings;
};

static bool fill_room(const struct arguments *a, const struct scenario *s, struct plan_room *room)
{
    const struct sweep *w = &s->sweep;
    ssize_t n = readlink("/proc/self/exe", room->program, sizeof room->program - 1);

    room->axes = calloc(w->axis_count + 1, sizeof *room->axes);
    room->metrics = calloc(w->metric_count + 1, sizeof *room->metrics);
    room->settings = calloc(a->scenario.count + 1, sizeof *room->settings);
    if (n <= 0 || !room->axes || !room->metrics || !room->settings)
        return false;
    snprintf(room->folder, sizeof room->folder, "runs/%.64s-sweep", s->name);
    for (uint32_t i = 0; i < w->axis_count; i++)
        room->axes[i] = (struct plan_axis){w->axes[i].key, w->axes[i].values, w->axes[i].numbers,
                                           w->axes[i].unit, w->axes[i].value_count};
    for (uint32_t i = 0; i < w->metric_count; i++)
        room->metrics[i] = (struct plan_metric){w->metrics[i].path, w->metrics[i].unit};
    return true;
}

static void free_room(struct plan_room *room)
{
    free(room->axes);
    free(room->metrics);
    free(room->settings);
}

/* Runs get their seed by themselves, and need nothing to be told of the sweep they belong to. */
static bool is_of_runs(const char *key)
{
    return strcmp(key, "seed") != 0 && strcmp(key, "sweep") != 0 && strncmp(key, "sweep.", 6) != 0;
}

static struct sweep_plan make_plan(const struct arguments *a, const struct scenario *s,
                                   struct plan_room *room)
{
    struct sweep_plan p = {.program = room->program,
                           .scenario_file = a->file,
                           .scenario_name = s->name,
                           .scenario_sha256 = s->sha256,
                           .folder = a->folder ? a->folder : room->folder,
                           .plant = a->plant,
                           .thresholds_ignored = s->sweep.thresholds_ignored,
                           .capture = a->capture || s->capture.written,
                           .settings = room->settings,
                           .axes = room->axes,
                           .axis_count = s->sweep.axis_count,
                           .metrics = room->metrics,
                           .metric_count = s->sweep.metric_count,
                           .seed = s->seed,
                           .repeat = s->sweep.repeat};

    for (size_t i = 0; i < a->scenario.count; i++)
        if (is_of_runs(a->scenario.overrides[i].key))
            room->settings[p.setting_count++] =
                (struct plan_setting){a->scenario.overrides[i].key, a->scenario.overrides[i].value};
    return p;
}

/* What would be silently of no effect, or go wrong in every run. */
static int check_plan(const struct sweep_plan *p)
{
    if (p->axis_count == 0 && p->repeat == 1)
        return say_error(EXIT_WRONG_USE,
                         "--set 'sweep.axes.links.core.delay=[2ms, 20ms]', or --set sweep.repeat=5",
                         "%s has no 'sweep'", p->scenario_file);
    for (size_t i = 0; i < p->axis_count; i++)
        for (size_t k = 0; k < p->setting_count; k++)
            if (strcmp(p->axes[i].key, p->settings[k].key) == 0)
                return say_error(
                    EXIT_WRONG_USE, "--set 'sweep.axes.KEY=[VALUE]' to change its values",
                    "--set %s is an axis of the sweep, which sets it", p->settings[k].key);
    if (p->axis_count + p->setting_count >= OVERRIDES_MAX)
        return say_error(EXIT_WRONG_USE, "fewer axes, or the rest of --set in the file",
                         "axes and --set are %d at most together", OVERRIDES_MAX - 1);
    if (p->seed > (uint64_t)INT64_MAX - p->repeat)
        return say_error(EXIT_WRONG_USE, "a smaller --seed", "the last seed would be too large");
    return EXIT_DONE;
}

static int say_why(const struct sweep_plan *p, enum err e, const char *why)
{
    switch (e) {
    case ERR_USAGE:
        return say_error(EXIT_WRONG_USE, "another place with -o DIR, or --force to replace a sweep",
                         "%s", why);
    case ERR_STATE:
        return say_error(EXIT_FAILED, "to wait for it, or another place with -o DIR", "%s", why);
    case ERR_IO:
        return say_error(EXIT_FAILED, "a place you may write to, with room, by -o DIR", "%s", why);
    default:
        return say_error(EXIT_FAILED, "fewer axes, or fewer values", "%s: %s", p->folder, why);
    }
}

static int print_json(const struct sweep_plan *p, const struct sweep_result *r)
{
    struct text text;
    int code = EXIT_DONE;

    text_init(&text, stdout);
    sweep_json(p, r, &text);
    if (text_flush(&text) != OK || fflush(stdout) != 0)
        code =
            say_error(EXIT_FAILED, "the same is in sweep.json", "cannot write to standard output");
    text_reset(&text);
    return code;
}

static bool draw(const struct sweep_plan *p)
{
    return report_script_run(
        &(struct report_script){.name = "sweep.py", .arguments = {p->folder}, .silent = true});
}

static int finish(const struct arguments *a, const struct sweep_plan *p,
                  const struct sweep_result *r, enum err e)
{
    char why[SWEEP_WHY_MAX];
    enum err written = sweep_write(p, r, why);
    bool report = written == OK && !a->no_report && draw(p);
    int code = written == OK ? EXIT_DONE : say_why(p, written, why);

    if (code == EXIT_DONE && a->json)
        code = print_json(p, r);
    else if (code == EXIT_DONE && !a->quiet)
        sweep_talk_table(p, r, report);
    if (code != EXIT_DONE)
        return code;
    if (e == ERR_INTERRUPTED) {
        sweep_talk_stopped(&r->state);
        return 128 + (int)caught;
    }
    if (r->state.failed)
        return EXIT_FAILED;
    return r->state.threshold && !p->thresholds_ignored ? EXIT_THRESHOLD : EXIT_DONE;
}

static int sweep(const struct arguments *a, const struct sweep_plan *p)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct sweep_talk talk = {.plan = p, .quiet = a->quiet, .terminal = isatty(STDERR_FILENO)};
    struct sweep_result result = {0};
    struct sweep_options o = {.plan = p,
                              .jobs = a->jobs                      ? a->jobs
                                      : processors < 1             ? 1
                                      : processors > POOL_JOBS_MAX ? POOL_JOBS_MAX
                                                                   : (unsigned)processors,
                              .force = a->force,
                              .interrupted = &caught,
                              .progress = sweep_talk_progress,
                              .trouble = sweep_talk_trouble,
                              .context = &talk};
    char why[SWEEP_WHY_MAX] = "";
    enum err e = sweep_run(&o, &result, why);
    int code;

    sweep_talk_end(&talk);
    if (e == OK || e == ERR_INTERRUPTED)
        code = finish(a, p, &result, e);
    else
        code = say_why(p, e, why);
    sweep_reset(p, &result);
    return code;
}

static int run(int argc, char **argv)
{
    static const struct argp_child children[] = {{&scenario_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "FILE",
        "Run every combination of the values in the `sweep:` of FILE, each with so many seeds as "
        "it "
        "says, and put the numbers side by side: sweep.json, sweep.csv, sweep.html.\v"
        "Runs are processes of their own. What is whole is not run again: after Ctrl-C the same "
        "command goes on.\n\n"
        "Exit codes: 0 ok, 1 a run failed, 2 usage or scenario error, 3 a threshold failed in a "
        "run (not with `sweep: {thresholds: ignore}`), 130 stopped by Ctrl-C.\n\n"
        "Example: ikelab sweep scenarios/road-warriors.yaml --set crypto=modelled "
        "--set 'sweep.axes.links.core.loss.random=[0%, 1%, 2%]'",
        children,
        NULL,
        NULL};
    struct arguments a = {0};
    struct plan_room room = {.axes = NULL};
    struct scenario scenario;
    int code;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    code = scenario_open_sweep(a.file, &a.scenario, &scenario);
    if (code == EXIT_DONE) {
        signal(SIGINT, catch);
        signal(SIGTERM, catch);
        if (fill_room(&a, &scenario, &room)) {
            struct sweep_plan plan = make_plan(&a, &scenario, &room);

            code = check_plan(&plan);
            if (code == EXIT_DONE)
                code = sweep(&a, &plan);
        } else {
            code = say_error(EXIT_FAILED, "fewer axes", "out of memory");
        }
        free_room(&room);
        scenario_reset(&scenario);
    }
    scenario_options_reset(&a.scenario);
    return code;
}

const struct verb verb_sweep = {"sweep", "run a scenario with every combination of some values",
                                run};
