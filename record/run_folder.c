#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE
#include "record/run_folder.h"
#include "base/assert.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { FILES_MAX = 32, SUFFIX_MAX = 100000 };

struct open_file {
    FILE *file;
    char *name;
};

struct run_folder {
    char partial[RUN_FOLDER_PATH_MAX];
    char target[RUN_FOLDER_PATH_MAX];
    char error[RUN_FOLDER_ERROR_MAX];
    struct open_file files[FILES_MAX];
    size_t file_count;
    bool made, committed, chosen, force; /* chosen: the user gave the path */
};

static enum err fail(struct run_folder *f, enum err e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The first error is the cause; later ones are its consequences. */
static enum err fail(struct run_folder *f, enum err e, const char *format, ...)
{
    va_list args;

    if (f->error[0])
        return e;
    va_start(args, format);
    vsnprintf(f->error, sizeof f->error, format, args);
    va_end(args);
    return e;
}

static const char *advice(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return "free some space, or choose another place with -o DIR, or capture less "
               "(capture.max_size)";
    case EFBIG:
        return "raise the file size limit (ulimit -f), or capture less (capture.max_size)";
    case EACCES:
    case EPERM:
    case EROFS:
        return "choose a place you may write to with -o DIR";
    case ENOMEM:
        return RUN_FOLDER_TRY_SMALLER;
    case ENAMETOOLONG:
        return "choose a shorter path with -o DIR";
    default:
        return "choose another place with -o DIR";
    }
}

static enum err fail_io(struct run_folder *f, const char *what, const char *path, int error)
{
    if (error == ENOMEM)
        return fail(f, ERR_MEMORY, "out of memory: cannot %s %s; try: %s", what, path,
                    advice(error));
    return fail(f, ERR_IO, "cannot %s %s: %s; try: %s", what, path, strerror(error), advice(error));
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int remove_tree(const char *path)
{
    return nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* mkdir -p of everything above the last component. */
static int make_parents(const char *path)
{
    char parent[RUN_FOLDER_PATH_MAX];

    if (strlen(path) >= sizeof parent) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(parent, path, strlen(path) + 1);
    for (char *slash = strchr(parent + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(parent, 0777) != 0 && errno != EEXIST)
            return -1;
        *slash = '/';
    }
    return 0;
}

static bool exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

static bool is_empty_folder(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return false;
    /* rmdir refuses a folder with anything in it, so this cannot lose data. */
    return rmdir(path) == 0 && mkdir(path, st.st_mode & 07777) == 0;
}

static bool is_run_folder(const char *path)
{
    char result[RUN_FOLDER_PATH_MAX + 16];

    snprintf(result, sizeof result, "%s/result.json", path);
    return exists(result);
}

/* An existing target: empty is fine, an earlier run with force is, anything else is not ours. */
static enum err check_target(struct run_folder *f)
{
    if (!exists(f->target) || is_empty_folder(f->target))
        return OK;
    if (!f->force)
        return fail(f, ERR_USAGE,
                    "%s exists and is not empty; try: another -o DIR, or --force to "
                    "replace the earlier run in it",
                    f->target);
    if (!is_run_folder(f->target))
        return fail(f, ERR_USAGE,
                    "%s is not the folder of an earlier run (it has no result.json), "
                    "so --force does not replace it; try: another -o DIR",
                    f->target);
    return OK;
}

static void choose_default(struct run_folder *f, const struct run_folder_options *o, unsigned n)
{
    char name[256];
    size_t len = strlen(o->name);

    len = len < sizeof name ? len : sizeof name - 1;
    memcpy(name, o->name, len);
    name[len] = 0;
    for (char *c = name; *c; c++) {
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", *c))
            *c = '-';
    }
    if (name[0] == '.' || name[0] == 0)
        name[0] = '-';
    snprintf(f->target, sizeof f->target, "runs/%s-%llu", name, (unsigned long long)o->seed);
    if (n > 1)
        snprintf(f->target + strlen(f->target), 16, "-%u", n);
}

static enum err settle_target(struct run_folder *f, const struct run_folder_options *o)
{
    char real[PATH_MAX];
    size_t len;

    if (!o->path) {
        for (unsigned n = 1; n < SUFFIX_MAX; n++) {
            choose_default(f, o, n);
            if (!exists(f->target))
                return OK;
        }
        return fail(f, ERR_IO, "runs/ is full of runs of %s; try: -o DIR", o->name);
    }
    if (snprintf(f->target, sizeof f->target, "%s", realpath(o->path, real) ? real : o->path) >=
        RUN_FOLDER_PATH_MAX - 32)
        return fail_io(f, "create", o->path, ENAMETOOLONG);
    for (len = strlen(f->target); len > 1 && f->target[len - 1] == '/'; len--)
        f->target[len - 1] = 0;
    if (len == 0)
        return fail(f, ERR_USAGE, "-o needs the name of a folder; try: -o out/first");
    return check_target(f);
}

enum err run_folder_create(const struct run_folder_options *o, struct run_folder **out)
{
    struct run_folder *f = calloc(1, sizeof *f);
    enum err e;

    *out = f;
    if (!f)
        return ERR_MEMORY;
    f->force = o->force;
    f->chosen = o->path != NULL;
    e = settle_target(f, o);
    if (e != OK)
        return e;
    if (snprintf(f->partial, sizeof f->partial, "%s.partial-%ld", f->target, (long)getpid()) >=
        (int)sizeof f->partial)
        return fail_io(f, "create", f->target, ENAMETOOLONG);
    if (make_parents(f->partial) != 0)
        return fail_io(f, "create", f->partial, errno);
    remove_tree(f->partial); /* of a dead process that had our number */
    if (mkdir(f->partial, 0777) != 0)
        return fail_io(f, "create", f->partial, errno);
    f->made = true;
    return OK;
}

const char *run_folder_path(struct run_folder *f, const char *name, char *out, size_t cap)
{
    snprintf(out, cap, "%s/%s", f->committed ? f->target : f->partial, name);
    return out;
}

const char *run_folder_target(const struct run_folder *f)
{
    return f->target;
}

const char *run_folder_error(const struct run_folder *f)
{
    return f->error;
}

FILE *run_folder_open(struct run_folder *f, const char *name)
{
    char path[RUN_FOLDER_PATH_MAX + 256];
    struct open_file *slot;

    ASSERT(f->made && !f->committed && f->file_count < FILES_MAX);
    slot = &f->files[f->file_count];
    run_folder_path(f, name, path, sizeof path);
    slot->name = strdup(path);
    if (slot->name && make_parents(path) == 0)
        slot->file = fopen(path, "wxe");
    if (!slot->file) {
        fail_io(f, "create", path, errno);
        free(slot->name);
        slot->name = NULL;
        return NULL;
    }
    f->file_count++;
    return slot->file;
}

enum err run_folder_executable(struct run_folder *f, const char *name)
{
    char path[RUN_FOLDER_PATH_MAX + 256];

    if (chmod(run_folder_path(f, name, path, sizeof path), 0755) != 0)
        return fail_io(f, "make executable", path, errno);
    return OK;
}

/* Why a stream that failed earlier did: stdio keeps the fact, not the reason. */
static int earlier_error(const struct run_folder *f)
{
    struct statvfs fs;

    if (statvfs(f->partial, &fs) == 0 && fs.f_bavail == 0)
        return ENOSPC;
    return EIO;
}

static enum err close_file(struct run_folder *f, struct open_file *slot)
{
    bool failed = ferror(slot->file);
    int error = 0;
    enum err e = OK;

    errno = 0;
    if (fflush(slot->file) != 0)
        error = errno;
    if (fclose(slot->file) != 0 && !error)
        error = errno;
    if (failed || error)
        e = fail_io(f, "write", slot->name, error ? error : earlier_error(f));
    free(slot->name);
    *slot = (struct open_file){0};
    return e;
}

static enum err close_files(struct run_folder *f)
{
    enum err e = OK;

    for (size_t i = 0; i < f->file_count; i++) {
        enum err closed = close_file(f, &f->files[i]);

        e = e != OK ? e : closed;
    }
    f->file_count = 0;
    return e;
}

/* Put the earlier run aside, the new one in place, then forget the earlier one. */
static enum err replace_target(struct run_folder *f)
{
    char aside[RUN_FOLDER_PATH_MAX + 32];

    snprintf(aside, sizeof aside, "%s.replaced-%ld", f->target, (long)getpid());
    if (rename(f->target, aside) != 0)
        return fail_io(f, "replace", f->target, errno);
    if (rename(f->partial, f->target) != 0) {
        int error = errno;

        if (rename(aside, f->target) != 0)
            return fail(f, ERR_IO, "cannot replace %s: %s; the earlier run is now in %s", f->target,
                        strerror(error), aside);
        return fail_io(f, "replace", f->target, error);
    }
    if (remove_tree(aside) != 0)
        return fail_io(f, "remove the earlier run in", aside, errno);
    return OK;
}

static enum err move_into_place(struct run_folder *f)
{
    size_t stem = strlen(f->target);

    if (rename(f->partial, f->target) == 0)
        return OK;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return fail_io(f, "create", f->target, errno);
    if (f->chosen)
        return f->force && is_run_folder(f->target) ? replace_target(f)
                                                    : fail_io(f, "create", f->target, ENOTEMPTY);
    /* Another run took the default name meanwhile. */
    for (unsigned n = 2; n < SUFFIX_MAX; n++) {
        snprintf(f->target + stem, sizeof f->target - stem, "-%u", n);
        if (rename(f->partial, f->target) == 0)
            return OK;
    }
    return fail_io(f, "create", f->target, ENOTEMPTY);
}

/* A new link beside and a rename over the old one: runs/latest is never absent. */
static enum err point_latest(struct run_folder *f)
{
    char link[64];

    snprintf(link, sizeof link, "runs/latest.%ld", (long)getpid());
    unlink(link);
    if (symlink(strrchr(f->target, '/') + 1, link) != 0)
        return fail_io(f, "create", "runs/latest", errno);
    if (rename(link, "runs/latest") != 0) {
        int error = errno;

        unlink(link);
        return fail_io(f, "create", "runs/latest", error);
    }
    return OK;
}

enum err run_folder_commit(struct run_folder *f)
{
    enum err e;

    ASSERT(f->made && !f->committed);
    e = close_files(f);
    if (e == OK && f->error[0])
        e = ERR_IO; /* an open or chmod failed before */
    if (e == OK)
        e = move_into_place(f);
    if (e != OK) {
        remove_tree(f->partial);
        f->made = false;
        return e;
    }
    f->committed = true;
    return f->chosen ? OK : point_latest(f);
}

void run_folder_destroy(struct run_folder *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->file_count; i++) {
        fclose(f->files[i].file);
        free(f->files[i].name);
    }
    if (f->made && !f->committed)
        remove_tree(f->partial);
    free(f);
}
