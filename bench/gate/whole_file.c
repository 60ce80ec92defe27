#define _GNU_SOURCE
#include "bench/gate/whole_file.h"

#include "bench/gate/measurement.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_stdout(const struct whole_file *f)
{
    return strcmp(f->path, "-") == 0;
}

static enum err cannot(const struct whole_file *f, char *why)
{
    snprintf(why, MEASUREMENT_WHY_MAX, "cannot write %.300s: %m",
             is_stdout(f) ? "to standard output" : f->path);
    return ERR_IO;
}

/* Replacing /dev/null by a file would be a surprise to everyone else on the machine. */
static bool is_special(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

enum err whole_file_open(struct whole_file *f, const char *path, char *why)
{
    int len;

    *f = (struct whole_file){.path = path};
    if (is_stdout(f)) {
        f->out = stdout;
        return OK;
    }
    if (is_special(path)) {
        f->out = fopen(path, "we");
        return f->out ? OK : cannot(f, why);
    }
    len = snprintf(f->partial, sizeof f->partial, "%s.partial-%ld", path, (long)getpid());
    if (len < 0 || (size_t)len >= sizeof f->partial) {
        errno = ENAMETOOLONG;
        return cannot(f, why);
    }
    f->out = fopen(f->partial, "we");
    return f->out ? OK : cannot(f, why);
}

void whole_file_drop(struct whole_file *f)
{
    if (!f->out || is_stdout(f))
        return;
    fclose(f->out);
    f->out = NULL;
    if (f->partial[0])
        unlink(f->partial);
}

static bool put_in_place(struct whole_file *f)
{
    bool good = !ferror(f->out) && fflush(f->out) == 0;

    if (f->partial[0])
        good = good && fsync(fileno(f->out)) == 0 && rename(f->partial, f->path) == 0;
    return good;
}

enum err whole_file_commit(struct whole_file *f, char *why)
{
    enum err error = OK;

    if (!put_in_place(f)) {
        error = cannot(f, why);
        whole_file_drop(f);
        return error;
    }
    if (!is_stdout(f) && fclose(f->out) != 0)
        error = cannot(f, why);
    return error;
}

enum err whole_file_try(const char *path, char *why)
{
    struct whole_file f = {.path = path};
    struct stat st;
    enum err error;

    /* Beside these there is room; it is the rename that would fail. */
    if (!*path || (stat(path, &st) == 0 && S_ISDIR(st.st_mode))) {
        errno = *path ? EISDIR : ENOENT;
        return cannot(&f, why);
    }
    /* To open a pipe is to begin writing. */
    if (strcmp(path, "-") == 0 || is_special(path))
        return OK;
    error = whole_file_open(&f, path, why);
    if (error == OK)
        whole_file_drop(&f);
    return error;
}
