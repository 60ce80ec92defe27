/*
 * The format is line by line ("Callgrind Format Specification" of valgrind's manual): "ob=PATH"
 * says whose code the next costs are (paths in full: strings are not compressed); a line that
 * begins with a position is a cost, but the one after "calls=" is that of the callee, which stands
 * elsewhere as its own.
 */
#define _GNU_SOURCE
#include "bench/callgrind.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    const char *program;
    bool own, callee;
    double all, self;
    bool totals;
};

static void cost(struct reading *r, const char *line)
{
    const char *value = strchr(line, ' ');

    if (r->callee)
        r->callee = false;
    else if (r->own && value)
        r->self += strtod(value, NULL);
}

static void take(struct reading *r, const char *line)
{
    if (strncmp(line, "ob=", 3) == 0) {
        r->own = strcmp(line + 3, r->program) == 0;
    } else if (strncmp(line, "calls=", 6) == 0) {
        r->callee = true;
    } else if (strncmp(line, "totals:", 7) == 0) {
        r->all = strtod(line + 7, NULL);
        r->totals = true;
    } else if (isdigit((unsigned char)*line) || strchr("+-*", *line)) {
        cost(r, line);
    }
}

enum err callgrind_read(const char *path, const char *program, double *all, double *own)
{
    struct reading r = {.program = program};
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t cap = 0;

    if (!file)
        return ERR_IO;
    while (getline(&line, &cap, file) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (*line)
            take(&r, line);
    }
    free(line);
    fclose(file);
    *all = r.all;
    *own = r.self;
    return r.totals ? OK : ERR_SYNTAX;
}
