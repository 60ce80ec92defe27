/* measurement_read: which of the known files `path` is. */
#define _GNU_SOURCE
#include "bench/gate/bench_file.h"
#include "bench/gate/run_file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_CAP = 4096, RESULT_SCHEMA_READ = 1 };

static enum err cannot(const char *path, char *why)
{
    snprintf(why, MEASUREMENT_WHY_MAX, "%.300s: %m", path);
    return ERR_IO;
}

/* A run folder does not say when it was made; its file does. */
static enum err date_of_file(const char *path, struct measurement_context *c)
{
    struct stat st;
    struct tm tm;
    char text[32];

    if (strcmp(c->started, "unknown") != 0 || stat(path, &st) != 0 || !gmtime_r(&st.st_mtime, &tm))
        return OK;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    c->dated_by_file = true;
    return measurement_text(&c->started, text);
}

static enum err read_root(const json_t *root, struct measurement_set *set, char *why)
{
    const json_t *version = json_object_get(root, "schema_version");

    if (!json_is_integer(version)) {
        snprintf(why, MEASUREMENT_WHY_MAX, "neither a bench.json nor a result.json");
        return ERR_SYNTAX;
    }
    if (json_integer_value(version) > RESULT_SCHEMA_READ) {
        snprintf(why, MEASUREMENT_WHY_MAX,
                 "its schema_version is %lld; this program knows %d (a newer ikelab wrote it)",
                 (long long)json_integer_value(version), RESULT_SCHEMA_READ);
        return ERR_SYNTAX;
    }
    if (json_object_get(root, "benchmarks"))
        return bench_file_read(root, set, why);
    return run_file_read(root, set, why);
}

enum err measurement_parse(FILE *file, const char *name, struct measurement_set *set, char *why)
{
    char inner[MEASUREMENT_WHY_MAX] = "out of memory";
    json_error_t where;
    json_t *root;
    enum err error = measurement_init(set, name);

    if (error != OK)
        return error;
    root = json_loadf(file, JSON_REJECT_DUPLICATES, &where);
    if (!root) {
        snprintf(why, MEASUREMENT_WHY_MAX, "%.200s:%d:%d: %.200s", name, where.line, where.column,
                 where.text);
        return ERR_SYNTAX;
    }
    error = read_root(root, set, inner);
    json_decref(root);
    if (error != OK)
        snprintf(why, MEASUREMENT_WHY_MAX, "%.200s: %.300s", name, inner);
    return error;
}

static enum err read_file(const char *path, struct measurement_set *set, char *why)
{
    FILE *file = fopen(path, "re");
    enum err error;

    if (!file)
        return cannot(path, why);
    error = measurement_parse(file, path, set, why);
    fclose(file);
    return error == OK ? date_of_file(path, &set->context) : error;
}

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static enum err read_run(const char *folder, const char *name, struct measurement_set *set,
                         char *why)
{
    char path[PATH_CAP];
    struct measurement_set one = {0};
    enum err error;

    snprintf(path, sizeof path, "%.3000s/%.255s/result.json", folder, name);
    if (access(path, F_OK) != 0)
        return OK; /* something else that lies there */
    error = read_file(path, &one, why);
    if (error == OK)
        error = measurement_join(set, &one, why);
    measurement_reset(&one);
    return error;
}

/* In order of names, whatever the order on disk; links (runs/latest) would count a run twice. */
static int no_link(const struct dirent *e)
{
    return e->d_name[0] != '.' && e->d_type != DT_LNK;
}

static enum err read_runs(const char *folder, struct measurement_set *set, char *why)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, no_link, alphasort);
    enum err error = measurement_init(set, folder);

    if (count < 0)
        return cannot(folder, why);
    for (int i = 0; i < count; i++) {
        if (error == OK)
            error = read_run(folder, entries[i]->d_name, set, why);
        free(entries[i]);
    }
    free(entries);
    if (error == OK && set->row_count == 0) {
        snprintf(why, MEASUREMENT_WHY_MAX, "%.300s holds no result.json, and no run folders",
                 folder);
        return ERR_SYNTAX;
    }
    return error == OK ? measurement_text(&set->source, folder) : error;
}

enum err measurement_read(const char *path, struct measurement_set *out, char *why)
{
    char result[PATH_CAP];

    *out = (struct measurement_set){0};
    snprintf(why, MEASUREMENT_WHY_MAX, "%.300s: out of memory", path);
    if (!is_folder(path))
        return read_file(path, out, why);
    snprintf(result, sizeof result, "%.3000s/result.json", path);
    if (access(result, F_OK) == 0)
        return read_file(result, out, why);
    return read_runs(path, out, why);
}
