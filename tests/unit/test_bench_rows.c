/* bench/row: every row of every family can be set up, run and taken down; names say where from. */
#include "bench/row.h"
#include "suite.h"

#include <ctype.h>
#include <math.h>
#include <regex.h>

/* SAs, nodes, events: more are too slow to make under the sanitizers. */
enum { TOO_MANY = 9999 };

static struct rows rows;

START_TEST(names_are_unique_paths)
{
    regex_t path;

    ck_assert_int_eq(
        regcomp(&path, "^[A-Za-z0-9_.+:-]+(/[A-Za-z0-9_.+:-]+)+$", REG_EXTENDED | REG_NOSUB), 0);
    for (unsigned i = 0; i < rows.count; i++) {
        const char *name = rows.row[i].name, *family = rows.row[i].family->name;
        size_t len = strlen(family);

        ck_assert_msg(regexec(&path, name, 0, NULL, 0) == 0, "%s", name);
        ck_assert_msg(strncmp(name, family, len) == 0 && name[len] == '/', "%s", name);
        for (unsigned k = 0; k < i; k++)
            ck_assert_str_ne(name, rows.row[k].name);
    }
    regfree(&path);
}
END_TEST

START_TEST(rows_say_what_they_are)
{
    for (unsigned i = 0; i < rows.count; i++) {
        const struct row *r = &rows.row[i];

        ck_assert_msg(r->unit && *r->unit, "%s", r->name);
        ck_assert_msg(r->bound_scale > 0 && r->threads > 0, "%s", r->name);
        ck_assert_msg(r->family->help && !strchr(r->family->help, '\n'), "%s", r->name);
        if (r->bound_program || isfinite(r->bound_value))
            ck_assert_msg(r->bound_name && *r->bound_name, "%s", r->name);
    }
}
END_TEST

/* A number in a name is how much there is of something, or a long key that is found slowly. */
static bool too_slow(const char *name)
{
    if (strstr(name, "rsa3072"))
        return true; /* rsa2048 goes the same way */
    while (*name) {
        char *end = (char *)name + 1;

        if (isdigit((unsigned char)*name) && strtoul(name, &end, 10) > TOO_MANY)
            return true;
        name = end;
    }
    return false;
}

/* A few SAs may fit into pages that other rows left behind, or that one run of two had more of. */
enum { FEW = 2, ENOUGH_FOR_PAGES = 200 };

static void try_row(struct row row)
{
    bool of_memory = strcmp(row.family->name, "memory") == 0;
    const char *why = "";
    double value = 0;
    void *state = row.family->open(&row, &why);

    ck_assert_msg(state != NULL, "%s: %s", row.name, why);
    ck_assert_msg(row.family->run(state, of_memory ? ENOUGH_FOR_PAGES : FEW, &value) == OK, "%s",
                  row.name);
    ck_assert_msg(isfinite(value) && (row.alone && !of_memory ? value >= 0 : value > 0), "%s: %g",
                  row.name, value);
    ck_assert_msg(row.bound_scale > 0, "%s", row.name);
    ck_assert_msg(!row.bound_program || row.bound_row[0], "%s", row.name);
    row.family->close(state);
}

START_TEST(every_row_opens_runs_and_closes)
{
    for (unsigned i = 0; i < rows.count; i++)
        if (!too_slow(rows.row[i].name))
            try_row(rows.row[i]);
}
END_TEST

START_TEST(there_are_rows)
{
    rows_all(&rows);
    ck_assert_uint_gt(rows.count, 0);
}
END_TEST

SUITE("bench_rows", there_are_rows, names_are_unique_paths, rows_say_what_they_are,
      every_row_opens_runs_and_closes)
