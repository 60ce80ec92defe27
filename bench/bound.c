#define _GNU_SOURCE
#include "bench/bound.h"

#include "base/assert.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The build puts the bound programs beside ikelab. */
static bool find_program(const char *name, char *path, size_t cap)
{
    const char *given = getenv(BOUNDS_VARIABLE);
    char own[PATH_MAX];
    int n;

    if (!given && !bounds_folder(own, sizeof own))
        return false;
    n = snprintf(path, cap, "%s/%s", given ? given : own, name);
    return n > 0 && (size_t)n < cap && access(path, X_OK) == 0;
}

bool bounds_folder(char *path, size_t cap)
{
    ssize_t n = readlink("/proc/self/exe", path, cap - 1);
    char *slash;

    if (n <= 0)
        return false;
    path[n] = '\0';
    slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    return slash != NULL;
}

/* The running one, started if need be; NULL when the program is not there. */
static struct bound *running(struct bounds *all, const char *program, unsigned instance)
{
    char path[PATH_MAX];
    const char *argv[] = {path, NULL};
    struct bound *b;

    for (unsigned i = 0; i < all->count; i++)
        if (strcmp(all->bound[i].program, program) == 0 && all->bound[i].instance == instance)
            return &all->bound[i];
    ASSERT(all->count < sizeof all->bound / sizeof *all->bound);
    if (!find_program(program, path, sizeof path))
        return NULL;
    b = &all->bound[all->count];
    *b = (struct bound){.program = program, .instance = instance};
    if (child_start(&b->child, argv, instance) != OK)
        return NULL;
    all->count++;
    return b;
}

/* "NS BY"; false when it does not know the row, or is gone. */
static bool answered(struct bound *b, uint64_t *ns, char *by, size_t cap)
{
    char line[128], *end;

    if (!fgets(line, sizeof line, b->child.from))
        return false;
    *ns = strtoull(line, &end, 10);
    if (end == line || *end != ' ')
        return false;
    snprintf(by, cap, "%.*s", (int)strcspn(end + 1, "\n"), end + 1);
    return true;
}

/* All instances get the question before the first is asked for its answer. */
static bool ask(struct bound_use *use, uint64_t count, uint64_t *ns)
{
    struct bound *const *bound = use->bound;
    const struct row *row = use->row;
    unsigned asked = 0;
    uint64_t one;
    bool good;

    *ns = 0;
    while (asked < row->threads &&
           fprintf(bound[asked]->child.to, "%s %llu\n", row->bound_row, (unsigned long long)count) >
               0 &&
           fflush(bound[asked]->child.to) == 0)
        asked++;
    good = asked == row->threads;
    /* Whoever was asked is heard, or its answer would be taken for that to the next question. */
    for (unsigned i = 0; i < asked; i++) {
        good &= answered(bound[i], &one, use->by, sizeof use->by);
        *ns = good && one > *ns ? one : *ns;
    }
    return good;
}

static bool fill(struct bound_use *use, uint64_t window_ns)
{
    uint64_t ns, count;

    for (count = 1;; count *= 4) {
        if (!ask(use, count, &ns))
            return false;
        if (ns > window_ns / 4 || count > UINT64_C(1) << 40)
            break;
    }
    use->count = (uint64_t)((double)count * (double)window_ns / (double)(ns ? ns : 1)) + 1;
    return true;
}

enum err bound_open(struct bounds *all, const struct row *row, uint64_t window_ns,
                    struct bound_use *use, const char **why)
{
    ASSERT(row->threads >= 1 && row->threads <= BOUND_THREADS_MAX);
    use->row = row;
    for (unsigned i = 0; i < row->threads; i++) {
        use->bound[i] = running(all, row->bound_program, i);
        if (!use->bound[i]) {
            *why = row->bound_missing ? row->bound_missing : "its bound program is not beside ikelab";
            return ERR_NOT_FOUND;
        }
    }
    use->count = row->bound_operations;
    if (use->count)
        return OK;
    *why = "its bound program does not answer";
    return fill(use, window_ns) ? OK : ERR_IO;
}

enum err bound_measure(struct bound_use *use, double *ns)
{
    uint64_t took;

    if (!ask(use, use->count, &took))
        return ERR_IO;
    *ns = (double)took / (double)use->count / use->row->threads * use->row->bound_scale;
    return OK;
}

void bounds_stop(struct bounds *all)
{
    for (unsigned i = 0; i < all->count; i++)
        (void)child_end(&all->bound[i].child);
    all->count = 0;
}
