/* ikelab list [DIR]: the scenarios there are, each with the first line of its comment. */
#include "cli/verb.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_yaml(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + len - 5, ".yaml") == 0;
}

/* The first comment line that is not for an editor. */
static void describe(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "r");
    char line[256];

    out[0] = 0;
    while (file && !out[0] && fgets(line, sizeof line, file) && line[0] == '#') {
        line[strcspn(line, "\r\n")] = 0;
        if (!strstr(line, "yaml-language-server"))
            snprintf(out, size, "%s", line + 1 + strspn(line + 1, " #"));
    }
    if (file)
        fclose(file);
}

/* scenarios/ here, or what an installation has. */
static const char *usual_folder(char *space, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", space, size - 1);
    char *slash;

    space[n > 0 ? n : 0] = '\0';
    slash = strrchr(space, '/');
    if (access("scenarios", R_OK) == 0 || !slash)
        return "scenarios";
    snprintf(slash, size - (size_t)(slash - space), "/../share/ikelab/scenarios");
    return access(space, R_OK) == 0 ? space : "scenarios";
}

static error_t parse(int option, char *argument, struct argp_state *state)
{
    if (option != ARGP_KEY_ARG || state->arg_num > 0)
        return ARGP_ERR_UNKNOWN;
    *(const char **)state->input = argument;
    return 0;
}

static int list_run(int argc, char **argv)
{
    static const struct argp argp = {
        .parser = parse,
        .args_doc = "[DIR]",
        .doc = "List the scenarios in DIR, by default scenarios/, or those that were installed.",
    };
    struct dirent **entries;
    char path[4096], text[256], space[2048];
    const char *folder = usual_folder(space, sizeof space);
    int count;

    if (argp_parse(&argp, argc, argv, 0, NULL, &folder))
        return EXIT_WRONG_USE;
    count = scandir(folder, &entries, is_yaml, alphasort);
    if (count < 0)
        return say_error(EXIT_WRONG_USE, "ikelab list DIR, from the folder that holds scenarios/",
                         "%s: %m", folder);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        describe(path, text, sizeof text);
        printf("%-34s %s\n", path, text);
        free(entries[i]);
    }
    free(entries);
    return EXIT_DONE;
}

const struct verb verb_list = {"list", "list the scenarios there are", list_run};
