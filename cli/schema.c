/* ikelab schema: the JSON Schema of scenario files, for editors. */
#include "cli/verb.h"
#include "sim/scenario_schema.h"

#include <stdio.h>

static int schema_run(int argc, char **argv)
{
    static const struct argp argp = {
        .doc = "Print the JSON Schema of scenario files. An editor uses it with a first line such "
               "as \"# yaml-language-server: $schema=scenario.schema.json\".",
    };
    struct text out;
    enum err e;

    if (argp_parse(&argp, argc, argv, 0, NULL, NULL))
        return EXIT_WRONG_USE;
    text_init(&out, stdout);
    scenario_schema(&out);
    e = text_flush(&out);
    text_reset(&out);
    return e ? EXIT_FAILED : EXIT_DONE;
}

const struct verb verb_schema = {"schema", "print the JSON Schema of scenario files", schema_run};
