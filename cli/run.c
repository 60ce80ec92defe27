/* `ikelab run FILE`: simulate a scenario, write the run folder, say what came out. */
#define _GNU_SOURCE
#include "sim/run.h"
#include "cli/memory_check.h"
#include "cli/report_script.h"
#include "cli/scenario_options.h"
#include "cli/summary.h"
#include "cli/verb.h"
#include "sim/footprint.h"

#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_FORCE = 256, KEY_JSON, KEY_NO_REPORT, KEY_NUMBERS_ONLY, KEY_PLANT, KEY_FORCE_MEMORY };

struct arguments {
    const char *file, *folder, *plant;
    struct scenario_options scenario;
    bool force, force_memory, json, quiet, no_report, numbers_only;
};

static const struct argp_option options[] = {
    {"output", 'o', "DIR", 0, "run folder (default: runs/NAME-SEED)", 0},
    {"force", KEY_FORCE, NULL, 0, "replace an existing run folder", 0},
    {"force-memory", KEY_FORCE_MEMORY, NULL, 0, "run although memory will be short", 0},
    {"json", KEY_JSON, NULL, 0, "print result.json on standard output", 0},
    {"quiet", 'q', NULL, 0, "no progress, no summary", 0},
    {"no-report", KEY_NO_REPORT, NULL, 0, "do not make report.html", 0},
    {"numbers-only", KEY_NUMBERS_ONLY, NULL, 0,
     "only result.json, scalars.csv and histograms.json: no events, series, capture, report", 0},
    {"plant", KEY_PLANT, "DEFECT", OPTION_HIDDEN, "plant a defect that a checker must find", 0},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case 'o':
        a->folder = value;
        break;
    case 'q':
        a->quiet = true;
        break;
    case KEY_FORCE:
        a->force = true;
        break;
    case KEY_FORCE_MEMORY:
        a->force_memory = true;
        break;
    case KEY_JSON:
        a->json = true;
        break;
    case KEY_NO_REPORT:
        a->no_report = true;
        break;
    case KEY_NUMBERS_ONLY:
        a->numbers_only = a->no_report = true;
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
            argp_error(state, "which scenario? try: ikelab run scenarios/road-warriors.yaml");
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

static void show_progress(void *context, const struct run_progress *p)
{
    double left = p->now > 0 ? (double)(p->stop - p->now) / (double)p->now : 0;

    (void)context;
    fprintf(stderr,
            "\r\033[K%5.1f of %.1f s simulated  %llu handshakes  %.2f M events/s  ETA %.0f s",
            (double)p->now / 1e9, (double)p->stop / 1e9, (unsigned long long)p->handshakes,
            p->wall_ns ? (double)p->events * 1e3 / (double)p->wall_ns : 0.0,
            left * (double)p->wall_ns / 1e9);
    fflush(stderr);
}

/* Plain lines, a few seconds apart, where no terminal listens. */
static void log_progress(void *context, const struct run_progress *p)
{
    uint64_t *last = context;

    if (p->wall_ns - *last < UINT64_C(5000000000))
        return;
    *last = p->wall_ns;
    fprintf(stderr, "%.1f of %.1f s simulated, %llu handshakes\n", (double)p->now / 1e9,
            (double)p->stop / 1e9, (unsigned long long)p->handshakes);
}

static int complain(struct run_folder *folder)
{
    const char *io = folder ? run_folder_error(folder) : "";

    if (io[0])
        fprintf(stderr, "ikelab: %s\n", io);
    else
        fprintf(stderr, "ikelab: out of memory\ntry: %s\n", RUN_FOLDER_TRY_SMALLER);
    return EXIT_FAILED;
}

/* What the script says on success is said in the summary. */
static bool make_report(struct run_folder *folder)
{
    char target[RUN_FOLDER_PATH_MAX];

    run_folder_path(folder, "", target, sizeof target);
    return report_script_run(&(struct report_script){
        .name = "report.py", .arguments = {target}, .silent = true, .dissects = true});
}

/* The command that does this run again, for the report of a violation. */
static void print_replay(const struct arguments *a, const struct scenario *s)
{
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);

    exe[n > 0 ? n : 0] = '\0';
    fprintf(stderr, "replay: '%s' run '%s' --seed %llu", exe, a->file, (unsigned long long)s->seed);
    for (size_t i = 0; i < a->scenario.count; i++)
        if (strcmp(a->scenario.overrides[i].key, "seed") != 0)
            fprintf(stderr, " --set '%s=%s'", a->scenario.overrides[i].key,
                    a->scenario.overrides[i].value);
    if (a->plant)
        fprintf(stderr, " --plant %s", a->plant);
    fprintf(stderr, "\n");
}

static void print_violation(const struct run_outcome *o)
{
    fprintf(stderr, "ikelab: invariant %s violated at %llu.%09llu s at %s: %s\n",
            o->violation.invariant, (unsigned long long)(o->violation.at / NSEC_PER_S),
            (unsigned long long)(o->violation.at % NSEC_PER_S), o->violation_node,
            o->violation.text);
}

static int verdict(const struct arguments *a, const struct scenario *s, const struct run_outcome *o,
                   enum err e)
{
    if (o->violated) {
        print_violation(o);
        print_replay(a, s);
        return EXIT_FAILED;
    }
    if (e == ERR_INTERRUPTED) {
        fprintf(stderr, "stopped early; the results are marked partial\n");
        return 128 + (int)caught;
    }
    return o->thresholds_pass ? EXIT_DONE : EXIT_THRESHOLD;
}

static int print_json(const struct result *result)
{
    struct text text;
    int code = EXIT_DONE;

    text_init(&text, stdout);
    result_json(result, &text);
    if (text_flush(&text) != OK || fflush(stdout) != 0) {
        fprintf(stderr, "ikelab: cannot write to standard output\n"
                        "try: the same numbers are in the run folder's result.json\n");
        code = EXIT_FAILED;
    }
    text_reset(&text);
    return code;
}

static int simulate(const struct arguments *a, const struct scenario *s, struct run_folder *folder)
{
    bool terminal = isatty(STDERR_FILENO);
    uint64_t last = 0;
    struct run_options run = {.scenario = s,
                              .folder = a->numbers_only ? NULL : folder,
                              .plant = a->plant ? plant_named(a->plant) : PLANT_NONE,
                              .interrupted = &caught,
                              .progress = a->quiet   ? NULL
                                          : terminal ? show_progress
                                                     : log_progress,
                              .context = &last};
    struct run_outcome outcome;
    struct text effective, lesson;
    bool report = false;
    char why[512];
    int code;
    enum err e = run_scenario(&run, &outcome, why, sizeof why);

    if (terminal && !a->quiet)
        fprintf(stderr, "\r\033[K");
    if (e != OK && e != ERR_INTERRUPTED) {
        const char *io = run_folder_error(folder);

        fprintf(stderr, "ikelab: the run failed: %s\n", io[0] ? io : why);
        if (e == ERR_IO && !io[0])
            fprintf(stderr,
                    "writing into %s failed; nothing is left there\n"
                    "try: free some space, or another place with -o DIR\n",
                    run_folder_target(folder));
        if (e == ERR_MEMORY && !io[0])
            fprintf(stderr, "try: %s\n", RUN_FOLDER_TRY_SMALLER);
        run_outcome_reset(&outcome);
        return EXIT_FAILED;
    }
    text_init(&effective, NULL);
    scenario_dump_json(s, &effective, 2);
    outcome.result.scenario_effective = effective.error == OK ? effective.data : NULL;
    text_init(&lesson, NULL);
    if (s->lesson.situation)
        scenario_lesson_json(&s->lesson, &lesson, 1, true);
    outcome.result.lesson = lesson.error == OK ? lesson.data : NULL;
    code = EXIT_DONE;
    if (effective.error != OK || lesson.error != OK || result_write(&outcome.result, folder) != OK)
        code = complain(folder);
    if (code == EXIT_DONE && !a->no_report)
        report = make_report(folder);
    if (code == EXIT_DONE && run_folder_commit(folder) != OK)
        code = complain(folder);
    if (code == EXIT_DONE && a->json)
        code = print_json(&outcome.result);
    else if (code == EXIT_DONE && !a->quiet)
        summary_print(stdout, &outcome.result, run_folder_target(folder), report);
    if (code == EXIT_DONE)
        code = verdict(a, s, &outcome, e);
    run_outcome_reset(&outcome);
    text_reset(&effective);
    text_reset(&lesson);
    return code;
}

static int run(int argc, char **argv)
{
    static const struct argp_child children[] = {{&scenario_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "FILE",
        "Simulate the scenario in FILE and write a run folder: result.json, report.html, "
        "capture.pcapng with a Wireshark profile, events.jsonl and more.\v"
        "Exit codes: 0 ok, 1 failure or violated invariant, 2 usage or scenario error, 3 a "
        "threshold failed, 130 stopped by Ctrl-C.\n\n"
        "Example: ikelab run scenarios/road-warriors.yaml --set crypto=modelled --seed 2",
        children,
        NULL,
        NULL};
    struct arguments a = {0};
    struct run_folder *folder;
    struct scenario scenario;
    int code;
    enum err e;

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (a.plant && plant_named(a.plant) == PLANT_COUNT) {
        fprintf(stderr, "ikelab: there is no defect '%s'\ntry: clear-packet, black-hole, ...\n",
                a.plant);
        return EXIT_WRONG_USE;
    }
    footprint_map_arrays();
    code = scenario_open(a.file, &a.scenario, &scenario);
    if (code != EXIT_DONE) {
        scenario_options_reset(&a.scenario);
        return code;
    }
    if (!a.force_memory)
        code = memory_check(&scenario, &a.scenario);
    if (code != EXIT_DONE) {
        scenario_reset(&scenario);
        scenario_options_reset(&a.scenario);
        return code;
    }
    signal(SIGINT, catch);
    signal(SIGTERM, catch);
    e = run_folder_create(
        &(struct run_folder_options){
            .path = a.folder, .name = scenario.name, .seed = scenario.seed, .force = a.force},
        &folder);
    if (e == OK) {
        code = simulate(&a, &scenario, folder);
    } else {
        complain(folder);
        code = e == ERR_USAGE ? EXIT_WRONG_USE : EXIT_FAILED;
    }
    run_folder_destroy(folder);
    scenario_reset(&scenario);
    scenario_options_reset(&a.scenario);
    return code;
}

const struct verb verb_run = {"run", "simulate a scenario and write a run folder with a report",
                              run};
