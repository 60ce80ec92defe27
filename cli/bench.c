/* `ikelab bench handshake`: handshakes per second on one core beside the bound of the crypto. */
#include "cli/verb.h"

#include "bench/handshake.h"

#include <argp.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_JSON = 256, KEY_IKE, KEY_ESP, KEY_WINDOWS, KEY_PAIRS };

struct arguments {
    struct handshake_bench bench;
    const char *what;
    bool json;
};

static const struct argp_option options[] = {
    {"ike", KEY_IKE, "PROPOSAL", 0, "IKE proposal (default aes256gcm16-prfsha256-x25519)", 0},
    {"esp", KEY_ESP, "PROPOSAL", 0, "ESP proposal (default aes256gcm16)", 0},
    {"windows", KEY_WINDOWS, "N", 0, "measuring windows, the median counts (default 9)", 0},
    {"pairs", KEY_PAIRS, "N", 0, "handshakes in a window (default 1000)", 0},
    {"json", KEY_JSON, NULL, 0, "print one JSON object", 0},
    {0},
};

static uint32_t number(struct argp_state *state, const char *text, unsigned long most)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    if (*end || n == 0 || n > most)
        argp_error(state, "'%s' is not a number from 1 to %lu", text, most);
    return (uint32_t)n;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;

    switch (key) {
    case KEY_IKE:
        a->bench.ike_proposal = value;
        break;
    case KEY_ESP:
        a->bench.esp_proposal = value;
        break;
    case KEY_WINDOWS:
        a->bench.windows = number(state, value, MEASURE_WINDOWS_MAX);
        break;
    case KEY_PAIRS:
        a->bench.pairs = number(state, value, 100000);
        break;
    case KEY_JSON:
        a->json = true;
        break;
    case ARGP_KEY_ARG:
        if (strcmp(value, "handshake") != 0)
            argp_error(state, "there is no benchmark '%s'; try: ikelab bench handshake", value);
        a->what = value;
        break;
    case ARGP_KEY_END:
        if (!a->what)
            argp_error(state, "which benchmark? try: ikelab bench handshake");
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void print_text(const struct arguments *a, const struct handshake_result *r)
{
    double us = samples_median(&r->pair_us);

    printf("handshake  %s / %s, PSK, both ends on one core, whole messages\n",
           a->bench.ike_proposal, a->bench.esp_proposal);
    printf("  %.0f pairs/s   %.1f us a pair   cv %.1f %%   %u windows of %u\n", 1e6 / us, us,
           samples_cv(&r->pair_us), r->pair_us.count, a->bench.pairs);
    if (r->bound_us.count) {
        double bound = samples_median(&r->bound_us);

        printf("  %.0f pairs/s   %.1f us a pair   the same cryptography alone (bound)\n",
               1e6 / bound, bound);
        printf("  ratio %.3f   %.1f us a pair beside the cryptography\n", bound / us, us - bound);
    }
    if (samples_cv(&r->pair_us) > 5)
        printf("  noisy: the windows differ by more than 5 %%; try: again on an idle machine\n");
}

static void print_json(const struct arguments *a, const struct handshake_result *r)
{
    double us = samples_median(&r->pair_us);

    printf("{\"name\":\"handshake\",\"ike\":\"%s\",\"esp\":\"%s\",\"unit\":\"us\",\"pair_us\":%.3f,"
           "\"pairs_per_s\":%.1f,\"cv_percent\":%.2f",
           a->bench.ike_proposal, a->bench.esp_proposal, us, 1e6 / us, samples_cv(&r->pair_us));
    if (r->bound_us.count) {
        double bound = samples_median(&r->bound_us);

        printf(",\"bound_us\":%.3f,\"bound_pairs_per_s\":%.1f,\"ratio\":%.4f", bound, 1e6 / bound,
               bound / us);
    }
    printf("}\n");
}

static int run(int argc, char **argv)
{
    static const struct argp argp = {
        options,
        parse,
        "handshake",
        "Measure handshakes per second: both ends on one pinned core, CPU time, median of "
        "windows, beside the bound that the bare cryptography sets in the same run.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {.bench = {.ike_proposal = "aes256gcm16-prfsha256-x25519",
                                    .esp_proposal = "aes256gcm16",
                                    .windows = 9,
                                    .pairs = 1000}};
    struct handshake_result result;
    const char *why = "";

    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (!measure_pin())
        fprintf(stderr, "not pinned to one processor: the kernel refused; expect more noise\n");
    if (handshake_bench(&a.bench, &result, &why) != OK) {
        fprintf(stderr,
                "ikelab bench: %s\ntry: ikelab bench handshake --ike "
                "aes256gcm16-prfsha256-x25519 --esp aes256gcm16\n",
                why);
        return EXIT_FAILED;
    }
    if (a.json)
        print_json(&a, &result);
    else
        print_text(&a, &result);
    return EXIT_DONE;
}

const struct verb verb_bench = {
    "bench", "measure this machine beside the bound that the hardware sets", run};
