/* rounds_count: instructions per operation, counted by callgrind inside measured() only. */
#define _GNU_SOURCE
#include "bench/rounds.h"

#include "bench/callgrind.h"
#include "bench/child.h"

#include <dirent.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Counts depend on what valgrind's processor offers: it has no AVX-512 and no VAES. */
static const char fallback[] = "fallback path";

static void remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *e;

    while (dir && (e = readdir(dir)))
        if (e->d_name[0] != '.')
            (void)unlinkat(dirfd(dir), e->d_name, 0);
    if (dir)
        closedir(dir);
    (void)rmdir(folder);
}

static enum err keep(struct measurement_set *set, const struct row *row, double instructions,
                     double own)
{
    struct measurement *m = (struct measurement *)measurement_find(set, row->name);
    enum err error = OK;

    if (!m) {
        /* Only counted, not timed: the count is its one sample. */
        m = measurement_add(set, row->name, "instructions", BETTER_LOWER);
        error = m ? measurement_sample(m, instructions, NAN) : ERR_MEMORY;
    }
    if (error == OK) {
        m->instructions = instructions;
        m->instructions_own = own;
        error = measurement_text(&m->instructions_note, fallback);
    }
    return error;
}

/* The rows whose instructions can be counted, in the order of their dumps. */
static unsigned counted_rows(const struct rounds_options *o, const struct row **out)
{
    unsigned count = 0;

    for (unsigned i = 0; i < o->row_count; i++)
        if (o->rows[i]->counted)
            out[count++] = o->rows[i];
    return count;
}

/* One question at a time: the nth dump is that of the nth row. Rows that failed become NULL. */
static enum err ask(const struct rounds_options *o, unsigned program, struct child *c,
                    const struct row **rows, unsigned count)
{
    struct rounds_progress progress = {.repetition = 1, .repetitions = 1, .rows = count};
    char line[512];

    for (unsigned i = 0; i < count; i++) {
        const char *value;

        if (*o->interrupted)
            return ERR_INTERRUPTED;
        if (fprintf(c->to, "%s\n", rows[i]->name) < 0 || fflush(c->to) != 0 ||
            !fgets(line, sizeof line, c->from))
            return *o->interrupted ? ERR_INTERRUPTED : ERR_IO;
        progress.done = i + 1;
        progress.row = rows[i]->name;
        o->progress(o->context, &progress);
        value = strchr(line, '\t');
        if (!value || value[1] != '!')
            continue;
        line[strcspn(line, "\n")] = '\0';
        o->trouble(o->context, &(struct rounds_trouble){o->program[program], rows[i]->name,
                                                        strrchr(line, '\t') + 1, true});
        rows[i] = NULL;
    }
    return OK;
}

static enum err run_counted(const struct rounds_options *o, unsigned program, const char *folder,
                            const struct row **rows, unsigned count, char *why)
{
    char out_file[PATH_MAX + 32];
    const char *argv[] = {"valgrind",
                          "-q",
                          "--tool=callgrind",
                          "--collect-atstart=no",
                          "--toggle-collect=measured*",
                          "--dump-after=row_counted*",
                          "--compress-strings=no",
                          out_file,
                          o->program[program],
                          "bench",
                          "--worker",
                          "--count",
                          NULL};
    struct child child;
    enum err error;
    int status;

    snprintf(out_file, sizeof out_file, "--callgrind-out-file=%s/out", folder);
    error = child_start(&child, argv, 0);
    if (error == OK)
        error = ask(o, program, &child, rows, count);
    if (error == ERR_INTERRUPTED)
        child_dismiss(&child);
    status = child_end(&child);
    if (error == ERR_INTERRUPTED || (error == OK && status == 0))
        return error;
    if (status == 127) {
        snprintf(why, MEASUREMENT_WHY_MAX, "valgrind, which counts instructions, is not there");
        return ERR_NOT_FOUND;
    }
    snprintf(why, MEASUREMENT_WHY_MAX, "counting under valgrind ended with status %d", status);
    return ERR_IO;
}

static enum err keep_all(const struct row *const *rows, unsigned count, const char *folder,
                         const char *program, struct measurement_set *set, char *why)
{
    for (unsigned i = 0; i < count; i++) {
        double all, own, operations = rows[i] ? (double)rows[i]->counted_operations : 1;
        char dump[PATH_MAX + 16];
        enum err error;

        if (!rows[i])
            continue;
        snprintf(dump, sizeof dump, "%s/out.%u", folder, i + 1);
        error = callgrind_read(dump, program, &all, &own);
        if (error == OK)
            error = keep(set, rows[i], all / operations, own / operations);
        if (error != OK) {
            snprintf(why, MEASUREMENT_WHY_MAX, "%.300s: %s", dump, err_text(error));
            return error;
        }
    }
    return OK;
}

static enum err make_folder(char folder[PATH_MAX], char *why)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(folder, PATH_MAX, "%s/ikelab-count-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (mkdtemp(folder))
        return OK;
    snprintf(why, MEASUREMENT_WHY_MAX, "%.300s: %m", folder);
    return ERR_IO;
}

enum err rounds_count_ready(char *why)
{
    const char *const argv[] = {"valgrind", "--version", NULL};
    struct child child;
    char folder[PATH_MAX], line[64];
    enum err error = child_start(&child, argv, 0);

    while (error == OK && fgets(line, sizeof line, child.from))
        ;
    if (child_end(&child) != 0 || error != OK) {
        snprintf(why, MEASUREMENT_WHY_MAX, "valgrind, which counts instructions, is not there");
        return ERR_NOT_FOUND;
    }
    error = make_folder(folder, why);
    if (error == OK)
        remove_folder(folder);
    return error;
}

enum err rounds_count(const struct rounds_options *o, unsigned program, struct measurement_set *set,
                      char *why)
{
    const struct row *rows[ROW_MAX];
    unsigned count = counted_rows(o, rows);
    char folder[PATH_MAX], *path = realpath(o->program[program], NULL);
    enum err error;

    if (!path) {
        snprintf(why, MEASUREMENT_WHY_MAX, "%.300s: %m", o->program[program]);
        return ERR_IO;
    }
    error = make_folder(folder, why);
    if (error != OK) {
        free(path);
        return error;
    }
    error = run_counted(o, program, folder, rows, count, why);
    if (error == OK)
        error = keep_all(rows, count, folder, path, set, why);
    remove_folder(folder);
    free(path);
    return error;
}
