/*
 * `ikelab report A [B]`: pictures. Of one run folder its report.html again, or a Mermaid diagram;
 * of two both side by side; of a sweep its sweep.html; of one bench file its rows beside their
 * bounds; of two measurements the comparison. --export says the same in the formats of other tools,
 * so that run folders and live results have exports too.
 */
#include "bench/gate/bench_file.h"
#include "bench/gate/compare.h"
#include "cli/compare.h"
#include "cli/export_options.h"
#include "cli/report_script.h"
#include "cli/verb.h"

#include <argp.h>
#include <string.h>
#include <unistd.h>

enum { KEY_FORCE = 256, KEY_RAW, KEY_MIXED, KEY_MERMAID, KEY_SPI };

struct arguments {
    const char *inputs[2];
    size_t count;
    const char *output;
    struct export_options exports;
    struct compare_options compare;
    const char *spi;
    bool force, mermaid;
};

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0,
     "the page (default: compare.html, of one file bench.html, of two run folders runs.html)", 0},
    {"force", KEY_FORCE, NULL, 0, "replace FILE", 0},
    {"raw", KEY_RAW, NULL, 0, "never divide by the bounds measured beside", 0},
    {"mixed", KEY_MIXED, NULL, 0, "compare what different machines measured", 0},
    {"mermaid", KEY_MERMAID, NULL, 0,
     "of a run folder, its first 200 messages as a Mermaid sequence diagram, to standard output",
     0},
    {"spi", KEY_SPI, "HEX", 0, "with --mermaid: of this IKE SA and its child SAs, or of this SPI",
     0},
    {0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case 'o':
        a->output = value;
        break;
    case KEY_FORCE:
        a->force = true;
        break;
    case KEY_RAW:
        a->compare.raw = true;
        break;
    case KEY_MIXED:
        a->compare.mixed = true;
        break;
    case KEY_MERMAID:
        a->mermaid = true;
        break;
    case KEY_SPI:
        a->spi = value;
        break;
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->exports;
        break;
    case ARGP_KEY_ARG:
        if (a->count == 2)
            argp_error(state, "one or two measurements, not more");
        a->inputs[a->count++] = value;
        break;
    case ARGP_KEY_END:
        if (a->count == 0)
            argp_error(state, "of what? try: ikelab report runs/latest");
        if (a->mermaid && (a->count != 1 || a->output || a->exports.count > 0))
            argp_error(state, "--mermaid takes one run folder and nothing else; try: "
                              "ikelab report --mermaid runs/latest > first.mmd");
        if (a->spi && !a->mermaid)
            argp_error(state,
                       "--spi belongs to --mermaid; try: ikelab report --mermaid --spi %s "
                       "runs/latest",
                       a->spi);
        if (a->output && strcmp(a->output, "-") == 0 && export_options_stdout(&a->exports))
            argp_error(state, "standard output is asked for twice; try: a file for one of them");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static json_t *set_json(const struct measurement_set *set)
{
    json_t *out = bench_file_json(set);

    json_object_set_new(out, "source", bench_file_words(set->source));
    return out;
}

/* What reports/compare.py draws: sets as in their files, and the comparison unless there is one
 * set only. Takes `comparison`. */
static json_t *page_json(const struct measurement_set *base, const struct measurement_set *now,
                         json_t *comparison)
{
    json_t *out = json_object();

    json_object_set_new(out, "base", base ? set_json(base) : json_null());
    json_object_set_new(out, "now", set_json(now));
    json_object_set_new(out, "comparison", comparison ? comparison : json_null());
    return out;
}

static int make_page(const char *path, json_t *page)
{
    bool good = report_script_run(
        &(struct report_script){.name = "compare.py", .arguments = {path}, .input = page});

    json_decref(page);
    return good ? EXIT_DONE : EXIT_FAILED;
}

static int read_set(const char *path, struct measurement_set *set)
{
    char why[MEASUREMENT_WHY_MAX];
    enum err error = measurement_read(path, set, why);

    if (error == OK)
        return EXIT_DONE;
    return say_error(error == ERR_IO ? EXIT_FAILED : EXIT_WRONG_USE,
                     "a bench.json, a run folder, a folder of run folders or what "
                     "`ikelab live --json` printed",
                     "%s", why);
}

/* Exports alone need no page. */
static bool wants_page(const struct arguments *a)
{
    return a->output || a->exports.count == 0;
}

static int report_one(const struct arguments *a, const struct measurement_set *set)
{
    int code = export_options_write(&a->exports, set, NULL);

    if (code != EXIT_DONE || !wants_page(a))
        return code;
    return make_page(a->output, page_json(NULL, set, NULL));
}

/* A run folder has the events from which its own report is drawn. */
static bool is_run_folder(const char *path)
{
    char events[4096];

    snprintf(events, sizeof events, "%.4000s/events.jsonl", path);
    return access(events, R_OK) == 0;
}

/* Two runs: message by message, and what the machine took for them. With an option of the
 * comparison it is that alone. */
static bool side_by_side(const struct arguments *a)
{
    return a->count == 2 && a->exports.count == 0 && !a->compare.raw && !a->compare.mixed &&
           is_run_folder(a->inputs[0]) && is_run_folder(a->inputs[1]);
}

static int draw_runs(const struct arguments *a, json_t *page)
{
    bool good = report_script_run(
        &(struct report_script){.name = "pair.py",
                                .arguments = {a->inputs[0], a->inputs[1], a->output},
                                .input = page,
                                .dissects = true});

    json_decref(page);
    return good ? EXIT_DONE : EXIT_FAILED;
}

static int report_two(const struct arguments *a, const struct measurement_set *base,
                      const struct measurement_set *now)
{
    struct comparison_set verdicts = {0};
    char why[MEASUREMENT_WHY_MAX];
    enum err error = compare(base, now, &a->compare, &verdicts, why);
    int code;

    if (side_by_side(a) && error != ERR_MEMORY)
        code =
            draw_runs(a, page_json(base, now, error ? NULL : compare_json(&verdicts, &a->compare)));
    else if (error != OK)
        code = say_error(error == ERR_MEMORY ? EXIT_FAILED : EXIT_WRONG_USE,
                         error == ERR_USAGE ? "--mixed, knowing that the machine is part of the "
                                              "change"
                                            : "two measurements of the same benchmarks",
                         "%s", why);
    else
        code = export_options_write(&a->exports, now, &verdicts);
    if (code == EXIT_DONE && wants_page(a) && !side_by_side(a))
        code = make_page(a->output, page_json(base, now, compare_json(&verdicts, &a->compare)));
    comparison_reset(&verdicts);
    return code;
}

static int report_sets(const struct arguments *a)
{
    struct measurement_set sets[2] = {{0}, {0}};
    int code = EXIT_DONE;

    for (size_t i = 0; i < a->count && code == EXIT_DONE; i++)
        code = read_set(a->inputs[i], &sets[i]);
    if (code == EXIT_DONE && a->count == 1)
        code = report_one(a, &sets[0]);
    else if (code == EXIT_DONE)
        code = report_two(a, &sets[0], &sets[1]);
    measurement_reset(&sets[0]);
    measurement_reset(&sets[1]);
    return code;
}

static int script(const struct report_script *s)
{
    return report_script_run(s) ? EXIT_DONE : EXIT_FAILED;
}

static int remake(const char *folder)
{
    return script(
        &(struct report_script){.name = "report.py", .arguments = {folder}, .dissects = true});
}

static bool is_sweep(const char *path)
{
    char file[4096];

    snprintf(file, sizeof file, "%.4000s/sweep.json", path);
    return access(file, R_OK) == 0;
}

static int draw_mermaid(const struct arguments *a)
{
    if (!is_run_folder(a->inputs[0]))
        return say_error(EXIT_WRONG_USE, "ikelab report --mermaid runs/latest",
                         "%s is no run folder", a->inputs[0]);
    return script(
        &(struct report_script){.name = "mermaid.py",
                                .arguments = {a->inputs[0], a->spi ? "--spi" : NULL, a->spi},
                                .dissects = true});
}

static int run(int argc, char **argv)
{
    static const struct argp_child children[] = {{&export_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "A [B]",
        "Pictures, one offline page: of one run folder its report.html again, of two run folders "
        "both side by side, message by message; of a sweep its sweep.html, of a bench file its "
        "rows beside their bounds, of "
        "two measurements what changed from A to B and how sure that is.\v"
        "A and B are bench files, run folders, folders of run folders or results of `ikelab live "
        "--json`. With --export and without -o no page is made. A page has no exit code for what "
        "it shows: `ikelab compare` has. Of two run folders, --raw draws only what the machine "
        "took for them.\n\n"
        "Example: ikelab report main.json branch.json -o change.html",
        children,
        NULL,
        NULL};
    struct arguments a = {.compare = compare_defaults};

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (a.mermaid)
        return draw_mermaid(&a);
    if (a.count == 1 && !a.output && a.exports.count == 0 && is_run_folder(a.inputs[0]))
        return remake(a.inputs[0]);
    if (a.count == 1 && !a.output && a.exports.count == 0 && is_sweep(a.inputs[0]))
        return script(&(struct report_script){.name = "sweep.py", .arguments = {a.inputs[0]}});
    if (!a.output && a.exports.count == 0)
        a.output = a.count == 1 ? "bench.html" : side_by_side(&a) ? "runs.html" : "compare.html";
    if (a.output && strcmp(a.output, "-") != 0 && !a.force && access(a.output, F_OK) == 0)
        return say_error(EXIT_WRONG_USE, "--force, or another place with -o FILE",
                         "%s is there already", a.output);
    return report_sets(&a);
}

const struct verb verb_report = {"report", "draw a run, a bench file, or two measurements", run};
