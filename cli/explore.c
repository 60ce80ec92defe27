/* ikelab explore FAMILY...: every order in which two endpoints can collide, searched to the end. */
#include "cli/verb.h"
#include "explore/chart.h"
#include "explore/family.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    OPTION_ALL = 1000,
    OPTION_JSON,
    OPTION_FAULTS,
    OPTION_SEEDS,
    OPTION_STATES,
    OPTION_THIRD,
    OPTION_PLANT
};

enum { FAMILIES_MAX = 16 };

struct explore {
    struct family_options options;
    const struct family *families[FAMILIES_MAX];
    struct family read[FAMILIES_MAX]; /* those that are not built in */
    unsigned count;
    bool json, terminal;
    const char *unknown; /* a word that is no family */
    const char *bad;     /* a plant that is none */
    const struct family *running;
    uint64_t states; /* of families that are done */
    json_t *results;
};

static volatile sig_atomic_t stopping;

static void catch (int signal)
{
    (void)signal;
    stopping = 1;
}

/* ---- options ---- */

static void take_all(struct explore *x)
{
    const struct family *f;

    x->count = 0;
    while ((f = family_at(x->count)) != NULL)
        x->families[x->count++] = f;
}

static void take_family(struct explore *x, const char *name)
{
    const struct family *f = family_named(name);

    if (x->count == FAMILIES_MAX)
        return;
    if (!f && family_read(name, &x->read[x->count]) == OK)
        f = &x->read[x->count];
    if (f)
        x->families[x->count++] = f;
    else
        x->unknown = name;
}

static void take_plant(struct explore *x, const char *name)
{
    bool a = strncmp(name, "a:", 2) == 0;
    const struct ike_quirk_row *row = ike_quirk_named(a ? name + 2 : name);

    if (row && a)
        x->options.quirks_a |= row->quirk;
    else if (row)
        x->options.quirks |= row->quirk;
    else
        x->bad = name;
}

static unsigned long number(struct argp_state *state, const char *text, unsigned long least,
                            unsigned long most)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (*end || end == text || *text == '-' || n < least || n > most)
        argp_error(state, "'%s' is not a number from %lu to %lu", text, least, most);
    return n;
}

static error_t parse(int option, char *argument, struct argp_state *state)
{
    struct explore *x = state->input;

    switch (option) {
    case OPTION_ALL:
        take_all(x);
        return 0;
    case OPTION_JSON:
        x->json = true;
        return 0;
    case OPTION_FAULTS:
        x->options.faults = (unsigned)number(state, argument, 0, 3);
        return 0;
    case OPTION_SEEDS:
        x->options.seeds = (unsigned)number(state, argument, 1, 1000);
        return 0;
    case OPTION_THIRD:
        x->options.third = true;
        return 0;
    case OPTION_STATES:
        x->options.states_max = (uint32_t)number(state, argument, 1, 100000000);
        return 0;
    case OPTION_PLANT:
        take_plant(x, argument);
        return 0;
    case ARGP_KEY_ARG:
        take_family(x, argument);
        return 0;
    case ARGP_KEY_END:
        if (!x->count && !x->unknown)
            argp_error(state, "no family given");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"all", OPTION_ALL, NULL, 0, "All families", 0},
    {"faults", OPTION_FAULTS, "N", 0,
     "Losses, doubled messages and late timers of one run together, 0 to 3 (1)", 0},
    {"seeds", OPTION_SEEDS, "N", 0, "Search with the nonces of N seeds (4)", 0},
    {"third", OPTION_THIRD, NULL, 0, "Beside the two requests of a case one more, every one", 0},
    {"states", OPTION_STATES, "N", 0, "Give up a search after N states (1000000)", 0},
    {"plant", OPTION_PLANT, "FAULT", OPTION_HIDDEN, "B behaves wrongly; tests must find it", 0},
    {"json", OPTION_JSON, NULL, 0, "One JSON object on standard output", 0},
    {0}};

static char *list_families(int key, const char *text, void *input)
{
    char *out = NULL;
    size_t len;
    FILE *to;
    const struct family *f;

    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC || !(to = open_memstream(&out, &len)))
        return (char *)text;
    fputs("Families:\n", to);
    for (unsigned i = 0; (f = family_at(i)) != NULL; i++)
        fprintf(to, "  %-14s %s\n", f->name, f->about);
    fputs(
        "\nOr up to four requests of a case of your own, as a:rekey_ike,b:delete_child. Requests:\n"
        "rekey_child, new_child, delete_child, rekey_ike, terminate, probe, send_packet.\n"
        "\nExit: 0 nothing violated, 3 violated, 4 not searched to the end.",
        to);
    fclose(to);
    return out;
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "FAMILY...\na:REQUEST,b:REQUEST[,...]...",
    .doc = "Two endpoints collide in every order of deliveries, timers and requests there is, and "
           "invariants are checked in every state. Prints the shortest way to a violation.\v ",
    .help_filter = list_families,
};

/* ---- run ---- */

static bool asked_to_stop(void *context, uint64_t states)
{
    const struct explore *x = context;

    if (x->terminal)
        fprintf(stderr, "\r%-14s %10llu states", x->running->name,
                (unsigned long long)(x->states + states));
    return stopping;
}

static void clear_progress(const struct explore *x)
{
    if (x->terminal)
        fputs("\r\033[K", stderr);
}

static const char *verdict(const struct family_result *r)
{
    if (r->of_last.violation.invariant)
        return "violated";
    return r->stopped || r->full ? "not finished" : "good";
}

/* @return NULL without memory; to be freed */
static char *chart_text(const struct family_result *r)
{
    char *text = NULL;
    size_t len;
    FILE *to = open_memstream(&text, &len);

    if (!to)
        return NULL;
    if (chart_print(to, &r->last, &r->of_last))
        fputs("out of memory", to);
    fclose(to);
    return text;
}

static void add_json(struct explore *x, const struct family *f, const struct family_result *r,
                     double seconds)
{
    const struct violation *v = &r->of_last.violation;
    char *chart = NULL;
    json_t *one = json_pack(
        "{s:s, s:s, s:i, s:I, s:I, s:I, s:I, s:i, s:f}", "family", f->name, "verdict", verdict(r),
        "searches", (int)r->searches, "states", (json_int_t)r->states, "transitions",
        (json_int_t)r->transitions, "orderings", (json_int_t)(r->orderings & INT64_MAX), "ends",
        (json_int_t)r->ends, "farthest_steps", (int)r->depth, "wall_s", seconds);

    if (v->invariant) {
        chart = chart_text(r);
        json_object_set_new(one, "violation",
                            json_pack("{s:s, s:s, s:i, s:I, s:s}", "invariant", v->invariant,
                                      "text", v->text, "steps", (int)r->of_last.path_len, "seed",
                                      (json_int_t)r->last.seed, "chart", chart ? chart : ""));
    }
    free(chart);
    json_array_append_new(x->results, one);
}

static void print_row(const struct family *f, const struct family_result *r, double seconds)
{
    printf("%-14s %9llu %11llu %20llu %8llu %6u %7.1f  %s\n", f->name,
           (unsigned long long)r->states, (unsigned long long)r->transitions,
           (unsigned long long)r->orderings, (unsigned long long)r->ends, r->depth, seconds,
           verdict(r));
    fflush(stdout);
}

static double seconds_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int print_violation(const struct family *f, const struct family_result *r)
{
    printf("\n%s: %s violated after %u steps (seed %llu): %s\n\n", f->name,
           r->of_last.violation.invariant, r->of_last.path_len, (unsigned long long)r->last.seed,
           r->of_last.violation.text);
    return chart_print(stdout, &r->last, &r->of_last) ? EXIT_FAILED : EXIT_THRESHOLD;
}

static int worse(int a, int b)
{
    static const int order[] = {EXIT_DONE, EXIT_UNCLEAR, EXIT_THRESHOLD, EXIT_FAILED};
    int rank[2] = {0, 0};

    for (int i = 0; i < 4; i++) {
        rank[0] = order[i] == a ? i : rank[0];
        rank[1] = order[i] == b ? i : rank[1];
    }
    return rank[0] > rank[1] ? a : b;
}

static int search_family(struct explore *x, const struct family *f)
{
    static struct family_result r; /* large */
    double began = seconds_now(), seconds;

    x->running = f;
    if (family_search(f, &x->options, &r))
        return say_error(EXIT_FAILED, "--states with a smaller number", "out of memory");
    clear_progress(x);
    seconds = seconds_now() - began;
    x->states += r.states;
    if (x->json)
        add_json(x, f, &r, seconds);
    else
        print_row(f, &r, seconds);
    if (r.of_last.violation.invariant)
        return x->json ? EXIT_THRESHOLD : print_violation(f, &r);
    return r.stopped || r.full ? EXIT_UNCLEAR : EXIT_DONE;
}

static int search_all(struct explore *x)
{
    int code = EXIT_DONE;

    if (!x->json)
        printf("%-14s %9s %11s %20s %8s %6s %7s\n", "family", "states", "transitions", "orderings",
               "ends", "steps", "wall s");
    for (unsigned i = 0; i < x->count && code != EXIT_FAILED && !stopping; i++)
        code = worse(code, search_family(x, x->families[i]));
    if (x->json) {
        json_t *all = json_pack("{s:i, s:i, s:i, s:b, s:o}", "schema_version", 1, "faults",
                                (int)x->options.faults, "seeds", (int)x->options.seeds, "partial",
                                (int)stopping, "families", json_incref(x->results));

        json_dumpf(all, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(all);
    }
    return stopping ? 128 + SIGINT : code;
}

static int explore_run(int argc, char **argv)
{
    struct explore x = {.options = {.seeds = 4, .faults = 1, .states_max = 1000000}};
    int code;

    if (argp_parse(&argp, argc, argv, 0, NULL, &x))
        return EXIT_WRONG_USE;
    if (x.unknown)
        return say_error(EXIT_WRONG_USE, "ikelab explore --help", "there is no family '%s'",
                         x.unknown);
    if (x.bad)
        return say_error(EXIT_WRONG_USE, "ikelab explain ike.quirks", "there is no fault '%s'",
                         x.bad);
    x.terminal = isatty(STDERR_FILENO);
    x.options.stop = asked_to_stop;
    x.options.context = &x;
    x.results = json_array();
    signal(SIGINT, catch);
    signal(SIGTERM, catch);
    code = search_all(&x);
    json_decref(x.results);
    return code;
}

const struct verb verb_explore = {"explore", "search every order in which rekeys can collide",
                                  explore_run};
