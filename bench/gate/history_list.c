/* What the history tells run by run and sample by sample, without judging it. */
#include "bench/gate/history_db.h"

#include <stdlib.h>
#include <string.h>

static enum err end(struct history *h, sqlite3_stmt *statement, int step, struct history_problem *p)
{
    enum err error = step == SQLITE_DONE ? OK : history_failed(h, p);

    sqlite3_finalize(statement);
    return error;
}

enum err history_runs(struct history *h, void (*each)(void *, const struct history_run *),
                      void *context, struct history_problem *p)
{
    sqlite3_stmt *list =
        history_prepare(h,
                        "SELECT r.id, started, commit_sha, class, command, source, dirty, partial,"
                        " (SELECT count(DISTINCT bench) FROM benchmark WHERE run_id = r.id),"
                        " (SELECT count(*) FROM sample WHERE run_id = r.id)"
                        " FROM run r JOIN machine m ON m.id = machine_id ORDER BY started, r.id",
                        p);
    int step = SQLITE_ERROR;

    while (list && (step = sqlite3_step(list)) == SQLITE_ROW) {
        struct history_run run = {
            .run = sqlite3_column_int64(list, 0),
            .started = history_text(list, 1),
            .commit = history_text(list, 2),
            .class = history_text(list, 3),
            .command = history_text(list, 4),
            .source = history_text(list, 5),
            .dirty = sqlite3_column_int(list, 6),
            .partial = sqlite3_column_int(list, 7),
            .benchmarks = (size_t)sqlite3_column_int64(list, 8),
            .samples = (size_t)sqlite3_column_int64(list, 9),
        };

        each(context, &run);
    }
    return end(h, list, step, p);
}

static void csv_text(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, out);
        return;
    }
    putc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            putc('"', out);
        putc(*text, out);
    }
    putc('"', out);
}

/* The fewest digits that give the same number back. */
static void csv_number(FILE *out, sqlite3_stmt *row, int column)
{
    double value = sqlite3_column_double(row, column);
    char text[40];

    if (sqlite3_column_type(row, column) == SQLITE_NULL)
        return;
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    fputs(text, out);
}

static void csv_row(FILE *out, sqlite3_stmt *row)
{
    for (int column = 0; column < 10; column++) {
        if (column > 0)
            putc(',', out);
        if (column < 8)
            csv_text(out, history_text(row, column));
        else
            csv_number(out, row, column);
    }
    fputs("\r\n", out);
}

enum err history_csv(struct history *h, FILE *out, struct history_problem *p)
{
    sqlite3_stmt *list = history_prepare(
        h,
        "SELECT r.id, commit_sha, started, class, bench, k.name, unit, repetition, value, bound"
        " FROM run r JOIN machine m ON m.id = machine_id JOIN sample s ON s.run_id = r.id"
        " JOIN metric k ON k.id = metric_id"
        " ORDER BY started, r.id, bench, k.id, repetition",
        p);
    int step = SQLITE_ERROR;
    enum err error;

    fputs("run,commit,started,machine,benchmark,metric,unit,repetition,value,bound\r\n", out);
    while (list && (step = sqlite3_step(list)) == SQLITE_ROW && !ferror(out))
        csv_row(out, list);
    error = end(h, list, step == SQLITE_ROW ? SQLITE_DONE : step, p);
    if (error == OK && (fflush(out) != 0 || ferror(out)))
        return history_problem(p, ERR_IO, "a place with room", "cannot write the CSV: %m");
    return error;
}

enum err history_class(struct history *h, const char *own, char *out, struct history_problem *p)
{
    sqlite3_stmt *find =
        history_prepare(h,
                        "SELECT class FROM run JOIN machine m ON m.id = machine_id"
                        " ORDER BY class = ? DESC, started DESC, run.id DESC LIMIT 1",
                        p);
    int step = SQLITE_ERROR;

    *out = '\0';
    if (find) {
        (void)sqlite3_bind_text(find, 1, own, -1, SQLITE_STATIC);
        step = sqlite3_step(find);
    }
    if (step == SQLITE_ROW) {
        snprintf(out, HISTORY_CLASS_MAX, "%s", history_text(find, 0));
        step = SQLITE_DONE;
    }
    return end(h, find, step, p);
}
