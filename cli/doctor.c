/* ikelab doctor: what Ikelab finds on this machine, and what could be better. */
#include "cli/doctor_look.h"
#include "cli/verb.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum { KEY_JSON = 1, DOCTOR_SCHEMA_VERSION = 1 };

static const char *const levels[] = {
    [DOCTOR_OK] = "ok", [DOCTOR_WARNING] = "warning", [DOCTOR_FAILED] = "failed"};

static void print_text(const struct doctor_finding *all, size_t count, enum doctor_level worst)
{
    for (size_t i = 0; i < count; i++) {
        printf("%-8s %-12s %s\n", levels[all[i].level], all[i].name, all[i].text);
        if (all[i].hint[0])
            printf("%-21s try: %s\n", "", all[i].hint);
    }
    if (worst == DOCTOR_FAILED)
        printf("Something that ikelab run needs is not there.\n");
    else if (worst == DOCTOR_WARNING)
        printf("Everything that ikelab run needs is there.\n");
    else
        printf("All is well.\n");
}

/* @return false: out of memory, or it cannot be written */
static bool print_json(const struct doctor_finding *all, size_t count, enum doctor_level worst)
{
    json_t *checks = json_array();
    json_t *whole = json_pack("{s:i, s:s, s:O}", "schema_version", DOCTOR_SCHEMA_VERSION, "verdict",
                              levels[worst], "checks", checks);
    bool good = whole != NULL;

    for (size_t i = 0; i < count && good; i++) {
        json_t *one = json_pack("{s:s, s:s, s:s}", "name", all[i].name, "level",
                                levels[all[i].level], "text", all[i].text);

        if (one && all[i].hint[0])
            good = json_object_set_new(one, "try", json_string(all[i].hint)) == 0;
        good = json_array_append_new(checks, one) == 0 && good;
    }
    if (good)
        good = json_dumpf(whole, stdout, JSON_INDENT(1)) == 0 && putchar('\n') == '\n';
    json_decref(whole);
    json_decref(checks);
    return good;
}

static error_t parse(int option, char *argument, struct argp_state *state)
{
    (void)argument;
    if (option != KEY_JSON)
        return ARGP_ERR_UNKNOWN;
    *(bool *)state->input = true;
    return 0;
}

static int doctor_run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"json", KEY_JSON, NULL, 0, "print one JSON object", 0}, {0}};
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .doc =
            "Tell what this build and this machine are to Ikelab: what computes ESP and key "
            "exchanges, memory, tools that are there or missing, what live peers need. A warning "
            "is about speed or about one purpose; failed is what `ikelab run` cannot do without."
            "\vExit codes: 0 everything that ikelab run needs is there, 1 something is not, 2 "
            "wrong use."};
    struct doctor_finding all[DOCTOR_FINDINGS_MAX];
    enum doctor_level worst = DOCTOR_OK;
    bool json = false;
    size_t count;

    if (argp_parse(&argp, argc, argv, 0, NULL, &json))
        return EXIT_WRONG_USE;
    count = doctor_look(all, DOCTOR_FINDINGS_MAX);
    for (size_t i = 0; i < count; i++)
        if (all[i].level > worst)
            worst = all[i].level;
    if (!json)
        print_text(all, count, worst);
    else if (!print_json(all, count, worst))
        return say_error(EXIT_FAILED, "ikelab doctor, without --json", "out of memory");
    return worst == DOCTOR_FAILED ? EXIT_FAILED : EXIT_DONE;
}

const struct verb verb_doctor = {"doctor", "tell what this machine and build can do", doctor_run};
