/* The `ikelab` program: finds the verb and hands over. What verbs do is in their own files. */
#include "cli/verb.h"

#include "base/err.h"
#include "build_info.h"
#include "crypto/engine.h"
#include "crypto/provider.h"
#include "sim/scenario_tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct verb *const verbs[] = {
    &verb_run,     &verb_sweep,   &verb_lint,    &verb_explain,    &verb_schema, &verb_list,
    &verb_bench,   &verb_compare, &verb_history, &verb_report,     &verb_live,   &verb_import,
    &verb_explore, &verb_dissect, &verb_doctor,  &verb_completion,
};

enum { VERB_COUNT = sizeof verbs / sizeof *verbs };

const struct verb *verb_at(size_t index)
{
    return index < VERB_COUNT ? verbs[index] : NULL;
}

int say_error(int code, const char *hint, const char *format, ...)
{
    va_list args;

    fputs("ikelab: error: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\ntry: %s\n", hint);
    return code;
}

static void help(FILE *out)
{
    fputs(
        "usage: ikelab VERB [OPTION...] [ARGUMENT...]\n\n"
        "A laboratory for IKE and IPsec: simulates fleets of peers that run the real protocol.\n\n"
        "examples:\n"
        "  ikelab list                                  the scenarios there are\n"
        "  ikelab lint scenarios/road-warriors.yaml     check a scenario\n"
        "  ikelab explain links.core.loss.gemodel       what a key means\n\n"
        "verbs:\n",
        out);
    for (size_t i = 0; i < VERB_COUNT; i++)
        fprintf(out, "  %-10s %s\n", verbs[i]->name, verbs[i]->help);
    fputs("\n`ikelab VERB --help` tells the options of a verb.\n"
          "exit: 0 done, 1 failed, 2 wrong use or scenario, 3 threshold failed, 4 cannot tell\n",
          out);
}

static int unknown_verb(const char *name)
{
    const char *names[VERB_COUNT + 1] = {NULL};
    const char *near;
    char hint[64];

    for (size_t i = 0; i < VERB_COUNT; i++)
        names[i] = verbs[i]->name;
    near = nearest_word(name, names);
    snprintf(hint, sizeof hint, "ikelab %s", near ? near : "--help");
    return say_error(EXIT_WRONG_USE, hint, "there is no verb '%s'", name);
}

static int run_verb(const struct verb *verb, int argc, char **argv)
{
    char name[64];

    snprintf(name, sizeof name, "ikelab %s", verb->name);
    argv[0] = name;
    return verb->run(argc, argv);
}

static int dispatch(int argc, char **argv)
{
    if (crypto_engine_wrong())
        return say_error(EXIT_WRONG_USE, CRYPTO_ENGINE_HINT,
                         CRYPTO_ENGINE_VARIABLE ": there is no '%s'", crypto_engine_wrong());
    if (argc < 2) {
        help(stderr);
        return say_error(EXIT_WRONG_USE, "ikelab --help", "no verb given");
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        help(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        printf("ikelab %s (%.12s%s)\n", BUILD_VERSION, BUILD_COMMIT,
               BUILD_DIRTY ? ", changed" : "");
        printf("ESP by %s\n", crypto_packets_by());
        printf("X25519 of simulated peers by %s\n", crypto_x25519_by());
        return EXIT_DONE;
    }
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (strcmp(argv[1], verbs[i]->name) == 0)
            return run_verb(verbs[i], argc - 1, argv + 1);
    return unknown_verb(argv[1]);
}

int main(int argc, char **argv)
{
    int code;

    argp_err_exit_status = EXIT_WRONG_USE;
    code = dispatch(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("ikelab: error: cannot write to standard output\ntry: another place, or free some "
              "space\n",
              stderr);
        return code ? code : EXIT_FAILED;
    }
    return code;
}
