#include "cli/explore_file.h"

#include "cli/verb.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAMES_TRIED = 1000 };

/* What a scenario may be called: "replay-a-rekey_ike-b-probe" of "a:rekey_ike,b:probe". */
static void name_of(const char *family, char out[SCENARIO_NAME_MAX + 1])
{
    snprintf(out, SCENARIO_NAME_MAX + 1, "replay-%s", family);
    for (char *c = out; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_')
            *c = '-';
}

static bool holds(const char *path, const struct text *text)
{
    FILE *file = fopen(path, "rb");
    char *old = file ? malloc(text->len + 1) : NULL;
    bool same = old && fread(old, 1, text->len + 1, file) == text->len &&
                memcmp(old, text->data, text->len) == 0;

    free(old);
    if (file)
        fclose(file);
    return same;
}

/* The first of FILE.yaml, FILE-2.yaml ... that is free, or holds this already. */
static bool choose_path(struct explore_output *x, const char *file, const struct text *text,
                        char out[EXPLORE_PATH_MAX])
{
    unsigned first = x->file ? x->written++ : 0;
    size_t len = strlen(file);
    const char *end = len > 5 && strcmp(file + len - 5, ".yaml") == 0 ? file + len - 5 : file + len;

    for (unsigned n = first + 1; n <= NAMES_TRIED; n++) {
        if (n == 1)
            snprintf(out, EXPLORE_PATH_MAX, "%s", file);
        else
            snprintf(out, EXPLORE_PATH_MAX, "%.*s-%u%s", (int)(end - file), file, n, end);
        if (x->force || access(out, F_OK) != 0 || holds(out, text))
            return true;
    }
    return false;
}

static bool write_file(const char *path, const struct text *text)
{
    FILE *file = fopen(path, "wb");
    bool good = file && fwrite(text->data, 1, text->len, file) == text->len;

    if (file && fclose(file) != 0)
        good = false;
    return good;
}

static int put(struct explore_output *x, const char *name, const struct text *text, char *path)
{
    char file[EXPLORE_PATH_MAX - 16];

    if (x->file)
        snprintf(file, sizeof file, "%s", x->file);
    else
        snprintf(file, sizeof file, "runs/%s.yaml", name);
    if (!x->file && mkdir("runs", 0777) != 0 && errno != EEXIST)
        return say_error(EXIT_FAILED, "--scenario FILE", "cannot make the folder runs: %s",
                         strerror(errno));
    if (choose_path(x, file, text, path) && write_file(path, text))
        return EXIT_DONE;
    say_error(EXIT_FAILED, "--scenario FILE", "cannot write %s: %s", path, strerror(errno));
    path[0] = '\0';
    return EXIT_FAILED;
}

static const char *why_not(enum err e)
{
    if (e == ERR_STATE)
        return "on one clock its timers fire in another order, which leads elsewhere";
    if (e == ERR_UNSUPPORTED)
        return "its ends are configured anew while they run";
    return e == ERR_FULL ? "it does not come to rest" : err_text(e);
}

int explore_replay(struct explore_output *x, const struct family *f, const struct family_result *r,
                   struct explore_replay *out)
{
    char name[SCENARIO_NAME_MAX + 1];
    struct replay_options o = {.subject = x->subject,
                               .name = name,
                               .found_by = x->command,
                               .first_seed = x->seed,
                               .search = &r->last,
                               .result = &r->of_last};
    struct text text;
    int code = EXIT_DONE;
    enum err e;

    out->path[0] = '\0';
    name_of(f->name, name);
    text_init(&text, NULL);
    e = replay_make(&o, &text, &out->made);
    if (e == OK)
        code = put(x, name, &text, out->path);
    else
        fprintf(stderr, "no scenario replays this: %s\n", why_not(e));
    text_reset(&text);
    return e == ERR_MEMORY ? EXIT_FAILED : code;
}
