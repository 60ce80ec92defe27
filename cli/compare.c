/* ikelab compare BASE NEW: is NEW slower, faster, the same, or can these measurements not tell? */
#define _GNU_SOURCE
#include "cli/compare.h"

#include "cli/export_options.h"
#include "cli/verb.h"

#include "base/assert.h"

#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    KEY_JSON = 256,
    KEY_FAIL_IF,
    KEY_ONLY,
    KEY_EFFECT,
    KEY_TOLERANCE,
    KEY_RAW,
    KEY_FORCE,
    KEY_COLOR
};

enum colour { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };

struct arguments {
    struct compare_report report;
    struct measurement_set base, now;
    const char *paths[2];
    const char *fail_if[COMPARE_FAIL_IF_MAX];
    char defaults[2][32];
    struct export_options exports;
    enum colour colour;
    bool json;
};

static const struct argp_option options[] = {
    {"fail-if", KEY_FAIL_IF, "EXPR", 0,
     "exit 3 if so: slower>2%, slower>5%@esp/*, instructions>1%, virtual; may be repeated "
     "(default slower>2%, and instructions>1% where they were counted)",
     0},
    {"only", KEY_ONLY, "GLOB", 0, "compare only the benchmarks of these names", 0},
    {"effect", KEY_EFFECT, "PERCENT", 0, "smallest change that counts (default 2%)", 0},
    {"tolerance", KEY_TOLERANCE, "PERCENT", 0,
     "what 'no change' must exclude (default 10%); where noise hides that much: cannot tell", 0},
    {"raw", KEY_RAW, NULL, 0, "do not divide by the bounds measured beside the samples", 0},
    {"force", KEY_FORCE, NULL, 0, "compare measurements of different machines", 0},
    {"mixed", KEY_FORCE, NULL, OPTION_ALIAS, NULL, 0},
    {"json", KEY_JSON, NULL, 0, "print one JSON object", 0},
    {"color", KEY_COLOR, "WHEN", 0, "auto, always or never (default auto)", 0},
    {0},
};

static double percent(struct argp_state *state, const char *text)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || strcmp(end, "%") != 0 || !(value > 0 && value <= 100))
        argp_error(state, "'%s' is not a percentage above 0, as in 2%%", text);
    return value / 100;
}

static enum colour colour(struct argp_state *state, const char *text)
{
    static const char *const words[] = {"auto", "always", "never"};

    for (int i = 0; i < 3; i++)
        if (strcmp(text, words[i]) == 0)
            return (enum colour)i;
    argp_error(state, "--color is auto, always or never, not '%s'", text);
    return COLOUR_AUTO;
}

static void add_fail_if(struct argp_state *state, struct arguments *a, const char *text)
{
    if (a->report.fail_if_count == COMPARE_FAIL_IF_MAX)
        argp_error(state, "more than %d --fail-if", COMPARE_FAIL_IF_MAX);
    a->fail_if[a->report.fail_if_count++] = text;
}

static error_t parse_positional(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;

    if (key == ARGP_KEY_ARG) {
        if (state->arg_num >= 2)
            argp_error(state, "'%s' is a third file; try: ikelab compare BASE NEW", value);
        a->paths[state->arg_num] = value;
        return 0;
    }
    if (key != ARGP_KEY_END)
        return ARGP_ERR_UNKNOWN;
    if (a->json && export_options_stdout(&a->exports))
        argp_error(state, "--json and an export to standard output together");
    if (state->arg_num < 2)
        argp_error(state, "two files or run folders are needed; try: ikelab compare BASE NEW");
    return 0;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    struct compare_options *o = &a->report.options;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->exports;
        return 0;
    case KEY_FAIL_IF:
        add_fail_if(state, a, value);
        return 0;
    case KEY_ONLY:
        o->only = value;
        return 0;
    case KEY_EFFECT:
        o->effect = percent(state, value);
        /* Counts do not vary: half of what counts for a time counts for them, as by default. */
        o->instruction_effect = o->effect / 2;
        return 0;
    case KEY_TOLERANCE:
        o->tolerance = percent(state, value);
        return 0;
    case KEY_RAW:
        o->raw = true;
        return 0;
    case KEY_FORCE:
        o->mixed = true;
        return 0;
    case KEY_JSON:
        a->json = true;
        return 0;
    case KEY_COLOR:
        a->colour = colour(state, value);
        return 0;
    default:
        return parse_positional(key, value, state);
    }
}

/* Smaller than what a verdict can be about, it would never be found and silently pass. */
static int check_limit(const struct fail_if *f, const struct compare_options *o)
{
    char hint[96];

    if (f->what != FAIL_IF_SLOWER || f->more_than > o->effect - 1e-6)
        return EXIT_DONE;
    snprintf(hint, sizeof hint, "--fail-if 'slower>%.4g%%', or a smaller --effect",
             100 * o->effect);
    return say_error(EXIT_WRONG_USE, hint, "--fail-if '%s' is below the effect that counts, %.4g%%",
                     f->text, 100 * o->effect);
}

static int read_fail_if(struct arguments *a)
{
    struct compare_report *r = &a->report;
    char why[MEASUREMENT_WHY_MAX];

    for (size_t i = 0; i < r->fail_if_count; i++) {
        int code;

        if (fail_if_read(a->fail_if[i], &r->fail_if[i], why) != OK)
            return say_error(EXIT_WRONG_USE, "ikelab compare --fail-if 'slower>2%@esp/*' BASE NEW",
                             "%s", why);
        code = check_limit(&r->fail_if[i], &r->options);
        if (code != EXIT_DONE)
            return code;
    }
    return EXIT_DONE;
}

static int read_set(const char *path, struct measurement_set *set)
{
    char why[MEASUREMENT_WHY_MAX];
    enum err error = measurement_read(path, set, why);

    if (error == OK)
        return EXIT_DONE;
    return say_error(EXIT_FAILED,
                     error == ERR_SYNTAX ? "a file of `ikelab bench`, a folder of `ikelab run`, or "
                                           "a folder of such run folders"
                                         : "ikelab compare --help",
                     "%s", why);
}

static bool names_any(const struct fail_if *f, const struct comparison_set *set)
{
    for (size_t i = 0; i < set->row_count; i++)
        if (fnmatch(f->glob, set->rows[i].base->name, 0) == 0)
            return true;
    return f->what == FAIL_IF_VIRTUAL;
}

static int judge(struct compare_report *r)
{
    for (size_t i = 0; i < r->fail_if_count; i++) {
        if (!names_any(&r->fail_if[i], &r->set))
            return say_error(EXIT_WRONG_USE, "a pattern of names in the table, as in 'esp/*'",
                             "--fail-if '%s' names no benchmark that both sets have",
                             r->fail_if[i].text);
        r->answers[i] = fail_if_judge(&r->fail_if[i], &r->set, &r->options);
        if (r->answers[i] > r->answer)
            r->answer = r->answers[i];
    }
    return EXIT_DONE;
}

static void add_default(struct arguments *a, const char *what, double percent)
{
    struct compare_report *r = &a->report;
    size_t i = r->fail_if_count;
    char why[MEASUREMENT_WHY_MAX];
    enum err error;

    snprintf(a->defaults[i], sizeof a->defaults[i], "%s>%.4g%%", what, percent);
    error = fail_if_read(a->defaults[i], &r->fail_if[i], why);
    ASSERT(error == OK);
    r->fail_if_count++;
}

/* What was measured is gated, each in its way, unless the user says what is. */
static void default_gates(struct arguments *a)
{
    const struct compare_options *o = &a->report.options;
    const struct comparison_set *set = &a->report.set;
    bool timed = false, counted = false;

    if (a->report.fail_if_count > 0)
        return;
    for (size_t i = 0; i < set->row_count; i++) {
        timed |= !comparison_only_counted(&set->rows[i]);
        counted |= !isnan(comparison_instructions(&set->rows[i]));
    }
    if (timed)
        add_default(a, "slower", 100 * o->effect);
    if (counted)
        add_default(a, "instructions", 100 * o->instruction_effect);
}

static int compare_sets(struct arguments *a)
{
    struct compare_report *r = &a->report;
    char why[MEASUREMENT_WHY_MAX] = "out of memory";
    enum err error = compare(&a->base, &a->now, &r->options, &r->set, why);

    if (error == ERR_USAGE)
        return say_error(EXIT_WRONG_USE, "ikelab compare --force BASE NEW", "%s", why);
    if (error == ERR_MISSING)
        return say_error(EXIT_WRONG_USE,
                         r->options.only ? "ikelab compare BASE NEW, without --only"
                                         : "two files of the same benchmarks",
                         "%s", why);
    if (error != OK)
        return say_error(EXIT_FAILED, "ikelab compare --only GLOB BASE NEW", "%s", why);
    default_gates(a);
    return judge(r);
}

static void warn(const char *side, const struct measurement_set *set)
{
    const char *line = set->context.warnings;

    if (set->context.partial)
        fprintf(stderr, "warning: %s ended early and is not whole\n", side);
    while (*line) {
        size_t n = strcspn(line, "\n");

        fprintf(stderr, "warning: %s: %.*s\n", side, (int)n, line);
        line += n + (line[n] == '\n');
    }
}

static bool coloured(enum colour when)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

    if (when != COLOUR_AUTO)
        return when == COLOUR_ALWAYS;
    return isatty(STDOUT_FILENO) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

static int report(const struct arguments *a)
{
    static const int codes[] = {[FAIL_IF_OK] = EXIT_DONE,
                                [FAIL_IF_UNCLEAR] = EXIT_UNCLEAR,
                                [FAIL_IF_HOLDS] = EXIT_THRESHOLD};
    int failed;

    warn("BASE", &a->base);
    warn("NEW", &a->now);
    if (a->json)
        compare_print_json(stdout, &a->report);
    else if (!export_options_stdout(&a->exports))
        compare_print(stdout, &a->report, coloured(a->colour));
    failed = export_options_write(&a->exports, &a->now, &a->report.set);
    if (failed != EXIT_DONE)
        return failed;
    return codes[a->report.answer];
}

static int run(int argc, char **argv)
{
    static const struct argp_child children[] = {{&export_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .children = children,
        .args_doc = "BASE NEW",
        .doc = "Compare two measurements, each a file of `ikelab bench`, a run folder, or a folder "
               "of run folders (one sample each). Says of each benchmark: slower, faster, no "
               "change, cannot tell.\vexit: 0 nothing of --fail-if, 3 some of it, 4 cannot tell, "
               "2 wrong use, 1 unreadable\nexample: ikelab compare main.json new.json --fail-if "
               "'slower>5%@esp/*' --fail-if 'instructions>1%'",
    };
    struct arguments a = {.report.options = compare_defaults};
    int code;

    if (argp_parse(&argp, argc, argv, 0, NULL, &a) != 0)
        return EXIT_WRONG_USE;
    code = read_fail_if(&a);
    if (code == EXIT_DONE)
        code = read_set(a.paths[0], &a.base);
    if (code == EXIT_DONE)
        code = read_set(a.paths[1], &a.now);
    if (code == EXIT_DONE)
        code = compare_sets(&a);
    if (code == EXIT_DONE)
        code = report(&a);
    comparison_reset(&a.report.set);
    measurement_reset(&a.base);
    measurement_reset(&a.now);
    return code;
}

const struct verb verb_compare = {"compare", "is NEW slower than BASE, faster, or the same?", run};
