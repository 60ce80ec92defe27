/* ikelab explore FAMILY...|FILE: every order in which two endpoints can collide, searched to the
 * end. */
#include "cli/explore_output.h"
#include "cli/scenario_options.h"
#include "cli/verb.h"

#include <ctype.h>
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
    OPTION_PLANT,
    OPTION_FAMILY,
    OPTION_SCENARIO,
    OPTION_FORCE
};

enum { FAMILIES_MAX = 16 };

struct explore {
    struct family_options options;
    struct explore_output output;
    struct scenario_options overrides;
    const struct family *families[FAMILIES_MAX];
    struct family read[FAMILIES_MAX + 1]; /* not built in; one more is read, to be refused */
    unsigned count;
    const char *file; /* a scenario to search; NULL: the built-in configuration */
    bool terminal;
    const char *unknown; /* a word that is no family */
    const char *longer;  /* one with too many requests */
    const char *bad;     /* a plant that is none */
    const struct family *running;
    uint64_t states; /* of families that are done */
};

static volatile sig_atomic_t stopping;

static void catch (int signal)
{
    (void)signal;
    stopping = 1;
}

/* ---- options ---- */

/* Each once, however often it is named. */
static void add_family(struct explore *x, struct argp_state *state, const struct family *f)
{
    for (unsigned i = 0; i < x->count; i++)
        if (strcmp(x->families[i]->name, f->name) == 0)
            return;
    if (x->count == FAMILIES_MAX)
        argp_error(state, "more than %d families", FAMILIES_MAX);
    else
        x->families[x->count++] = f;
}

static void take_all(struct explore *x, struct argp_state *state)
{
    const struct family *f;

    for (unsigned i = 0; (f = family_at(i)) != NULL; i++)
        add_family(x, state, f);
}

static void take_family(struct explore *x, struct argp_state *state, const char *name)
{
    const struct family *f = family_named(name);
    enum err e = OK;

    if (!f) {
        e = family_read(name, &x->read[x->count]);
        f = &x->read[x->count];
    }
    if (e == OK)
        add_family(x, state, f);
    else if (e == ERR_FULL)
        x->longer = name;
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

/* As `ikelab explain` tells files from keys. */
static bool is_file(const char *word)
{
    return strchr(word, '/') || strstr(word, ".yaml");
}

static void take_word(struct explore *x, struct argp_state *state, const char *word)
{
    if (!is_file(word))
        take_family(x, state, word);
    else if (x->file)
        argp_error(state, "one scenario at a time");
    else
        x->file = word;
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
        take_all(x, state);
        return 0;
    case OPTION_JSON:
        x->output.json = true;
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
    case OPTION_FAMILY:
        take_family(x, state, argument);
        return 0;
    case OPTION_SCENARIO:
        x->output.file = argument;
        return 0;
    case OPTION_FORCE:
        x->output.force = true;
        return 0;
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &x->overrides;
        return 0;
    case ARGP_KEY_ARG:
        take_word(x, state, argument);
        return 0;
    case ARGP_KEY_END:
        if (!x->count && !x->unknown && !x->longer && !x->file)
            argp_error(state, "no family given, and no scenario");
        if (x->overrides.count && !x->file)
            argp_error(state, "--set and --seed are about a scenario, and none is given");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"all", OPTION_ALL, NULL, 0, "All families", 0},
    {"family", OPTION_FAMILY, "FAMILY", 0,
     "Of a scenario: these requests instead of what it asks for; may be given often", 0},
    {"scenario", OPTION_SCENARIO, "FILE", 0,
     "Where a violation is written as a scenario that replays it (runs/replay-FAMILY.yaml)", 0},
    {"force", OPTION_FORCE, NULL, 0, "Overwrite that file", 0},
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
        "\nA FILE is a scenario with one initiator and one responder: they have its `ike:` and\n"
        "`child:`, and its `events:` are asked for at any time; without such events, what its\n"
        "rekey times and liveness checks would ask for. --seed is the first that a replay is\n"
        "tried with.\n\n"
        "Examples:\n"
        "  ikelab explore --all\n"
        "  ikelab explore a:rekey_ike,b:delete_child,b:probe --faults 0\n"
        "  ikelab explore mine.yaml --set child.esp_proposals=aes256gcm16-x25519\n"
        "  ikelab explore mine.yaml --family child-child --scenario found.yaml\n"
        "\nExit: 0 nothing violated, 3 violated, 4 not searched to the end.",
        to);
    fclose(to);
    return out;
}

static const struct argp_child children[] = {{&scenario_argp, 0, "Of a scenario:", 0}, {0}};

static const struct argp argp = {
    .options = options,
    .children = children,
    .parser = parse,
    .args_doc = "FAMILY...\na:REQUEST,b:REQUEST[,...]...\nFILE",
    .doc = "Two endpoints collide in every order of deliveries, timers and requests there is, and "
           "invariants are checked in every state. Prints the shortest way to a violation, and "
           "writes a scenario that replays it in `ikelab run`.\v ",
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

static double seconds_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
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
    return explore_say(&x->output, f, &r, seconds);
}

static int search_all(struct explore *x)
{
    int code = EXIT_DONE;

    explore_head(&x->output);
    for (unsigned i = 0; i < x->count && code != EXIT_FAILED && !stopping; i++)
        code = worse(code, search_family(x, x->families[i]));
    if (x->output.json) {
        json_t *all = json_pack("{s:i, s:i, s:i, s:b, s:O}", "schema_version", 1, "faults",
                                (int)x->options.faults, "seeds", (int)x->options.seeds, "partial",
                                (int)stopping, "families", x->output.results);

        json_dumpf(all, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(all);
    }
    return stopping ? 128 + SIGINT : code;
}

/* Control characters as blanks: the command stands in a comment, which a line feed would end. */
static void write_argument(const char *argument, FILE *to)
{
    fputc(' ', to);
    for (const char *c = argument; *c; c++)
        fputc(iscntrl((unsigned char)*c) ? ' ' : *c, to);
}

/* What led here, without what says where the answer goes. @return to be freed */
static char *command_of(int argc, char **argv)
{
    char *out = NULL;
    size_t len;
    FILE *to = open_memstream(&out, &len);

    if (!to)
        return NULL;
    fputs("ikelab explore", to);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--scenario") == 0)
            i++;
        else if (strncmp(argv[i], "--scenario=", 11) != 0 && strcmp(argv[i], "--json") != 0 &&
                 strcmp(argv[i], "--force") != 0)
            write_argument(argv[i], to);
    }
    fclose(to);
    return out;
}

/* ---- a scenario ---- */

static int search_file(struct explore *x)
{
    static struct subject subject; /* large */
    struct refusal refused;
    struct scenario s;
    int code = scenario_open(x->file, &x->overrides, &s);
    enum err e;

    if (code != EXIT_DONE)
        return code;
    e = subject_init(&subject, &s, &refused);
    if (e == ERR_USAGE)
        code = say_error(EXIT_WRONG_USE, refused.hint, "%s", refused.why);
    else if (e)
        code = say_error(EXIT_FAILED, "a smaller scenario", "%s", err_text(e));
    else if (!x->count && !subject.family.case_count)
        code = say_error(EXIT_WRONG_USE, "--family child-child",
                         "%s asks for nothing: it has no events such as rekey_child, no rekey_time "
                         "and no dpd_delay at both ends",
                         s.name);
    if (code == EXIT_DONE) {
        if (subject.left_out[0])
            fprintf(stderr, "not searched: %s\n", subject.left_out);
        if (!x->count)
            x->families[x->count++] = &subject.family;
        x->options.ends = &subject.ends;
        x->output.subject = &subject;
        x->output.seed = s.seed;
        code = search_all(x);
    }
    scenario_reset(&s);
    return code;
}

/* ---- the verb ---- */

/* A long search that cannot say what it found is no use. */
static bool is_in_the_way(const struct explore_output *o)
{
    return o->file && !o->force && access(o->file, F_OK) == 0;
}

static int explore(struct explore *x)
{
    if (x->unknown)
        return say_error(EXIT_WRONG_USE, "ikelab explore --help", "there is no family '%s'",
                         x->unknown);
    if (x->longer)
        return say_error(EXIT_WRONG_USE, "two families with fewer",
                         "'%s' has more than %d requests", x->longer, TRIGGERS_MAX);
    if (x->bad)
        return say_error(EXIT_WRONG_USE, "ikelab explain ike.quirks", "there is no fault '%s'",
                         x->bad);
    if (is_in_the_way(&x->output))
        return say_error(EXIT_WRONG_USE, "another name, or --force", "%s exists", x->output.file);
    return x->file ? search_file(x) : search_all(x);
}

static int explore_run(int argc, char **argv)
{
    struct explore x = {.options = {.seeds = 4, .faults = 1, .states_max = 1000000},
                        .output = {.seed = 1}};
    int code;

    x.output.command = command_of(argc, argv);
    if (argp_parse(&argp, argc, argv, 0, NULL, &x))
        return EXIT_WRONG_USE;
    x.terminal = isatty(STDERR_FILENO);
    x.options.stop = asked_to_stop;
    x.options.context = &x;
    x.output.results = json_array();
    signal(SIGINT, catch);
    signal(SIGTERM, catch);
    code = explore(&x);
    json_decref(x.output.results);
    scenario_options_reset(&x.overrides);
    free(x.output.command);
    return code;
}

const struct verb verb_explore = {"explore", "search every order in which rekeys can collide",
                                  explore_run};
