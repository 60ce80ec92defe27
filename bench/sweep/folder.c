#define _GNU_SOURCE
#include "bench/sweep/folder.h"

#include "bench/gate/measurement.h"
#include "bench/gate/virtual.h"
#include "bench/gate/whole_file.h"
#include "bench/sweep/sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err cannot(const char *what, const char *path, char *why)
{
    snprintf(why, SWEEP_WHY_MAX, "cannot %s %.4000s: %m", what, path);
    return ERR_IO;
}

/* mkdir -p */
static enum err make(const char *path, char *why)
{
    char part[PLAN_TEXT_MAX];

    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part) {
        errno = ENAMETOOLONG;
        return cannot("create", path, why);
    }
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0777) != 0 && errno != EEXIST)
            return cannot("create", part, why);
        *slash = '/';
    }
    return mkdir(part, 0777) == 0 || errno == EEXIST ? OK : cannot("create", path, why);
}

static enum err take_lock(const char *path, int *lock, char *why)
{
    *lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*lock < 0)
        return cannot("open", path, why);
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0)
        return OK;
    snprintf(why, SWEEP_WHY_MAX, "another sweep is writing into %.4000s now", path);
    return errno == EWOULDBLOCK ? ERR_STATE : cannot("lock", path, why);
}

static bool is_empty(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    bool empty = folder != NULL;

    while (folder && (entry = readdir(folder)))
        empty &= strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (folder)
        closedir(folder);
    return empty;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

/* What a sweep made; plan.json goes last, so that until then it is known for a sweep's. */
static enum err clear(const char *path, char *why)
{
    static const char *const ours[] = {"cell-*-r*", "sweep.json", "sweep.csv", "sweep.html",
                                       "plan.json"};
    char full[2 * PLAN_TEXT_MAX];

    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        DIR *folder = opendir(path);
        const struct dirent *entry;
        enum err e = folder ? OK : cannot("read", path, why);

        while (e == OK && (entry = readdir(folder))) {
            if (fnmatch(ours[i], entry->d_name, 0) != 0)
                continue;
            snprintf(full, sizeof full, "%s/%s", path, entry->d_name);
            if (nftw(full, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
                e = cannot("remove", full, why);
        }
        if (folder)
            closedir(folder);
        if (e != OK)
            return e;
    }
    return OK;
}

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = NULL;
    size_t cap = 0;

    if (file && getdelim(&text, &cap, '\0', file) < 0) {
        free(text);
        text = NULL;
    }
    if (file)
        fclose(file);
    return text;
}

static enum err write_plan(const char *path, const struct text *text, char *why)
{
    struct whole_file file;
    enum err e = whole_file_open(&file, path, why);

    if (e != OK)
        return e;
    fputs(text->data, file.out);
    return whole_file_commit(&file, why);
}

/* In words, for the one who changed it and does not think of it. */
static enum err say_change(const char *folder, const char *where, char *why)
{
    bool scenario = strncmp(where, "scenario_sha256", 15) == 0;

    snprintf(why, SWEEP_WHY_MAX, "%.4000s holds a sweep of %s (%.300s)", folder,
             scenario                              ? "this scenario as it was before a change"
             : strncmp(where, "scenario:", 9) == 0 ? "another scenario"
             : strncmp(where, "version", 7) == 0   ? "another version of ikelab"
             : strncmp(where, "commit", 6) == 0    ? "another version of ikelab"
                                                   : "other settings",
             where);
    return ERR_USAGE;
}

static enum err match(const struct sweep_plan *p, const char *path, const struct text *plan,
                      bool force, char *why)
{
    char *before = read_whole(path), where[400];
    bool equal;
    enum err e = OK;

    if (!before && is_empty(p->folder))
        return write_plan(path, plan, why);
    if (!before) {
        snprintf(why, SWEEP_WHY_MAX, "%.4000s is not empty, and not the folder of a sweep",
                 p->folder);
        return ERR_USAGE;
    }
    equal = virtual_equal(before, plan->data, where, sizeof where);
    free(before);
    if (equal && !force)
        return OK;
    if (!force)
        return say_change(p->folder, where, why);
    e = clear(p->folder, why);
    return e == OK ? write_plan(path, plan, why) : e;
}

enum err sweep_folder_open(const struct sweep_plan *p, bool force, int *lock, char *why)
{
    char path[PLAN_TEXT_MAX + 16];
    struct text plan;
    enum err e = make(p->folder, why);

    *lock = -1;
    if (e == OK)
        e = take_lock(p->folder, lock, why);
    text_init(&plan, NULL);
    plan_json(p, &plan);
    snprintf(path, sizeof path, "%s/plan.json", p->folder);
    if (e == OK)
        e = plan.error != OK ? plan.error : match(p, path, &plan, force, why);
    text_reset(&plan);
    if (e != OK && *lock >= 0) {
        close(*lock);
        *lock = -1;
    }
    return e;
}
