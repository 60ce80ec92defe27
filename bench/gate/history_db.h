/* What the files of the history share, and nobody else may see: SQLite. */
#ifndef BENCH_GATE_HISTORY_DB_H
#define BENCH_GATE_HISTORY_DB_H

#include "bench/gate/history.h"

#include <sqlite3.h>

struct history {
    sqlite3 *db;
    char *path; /* as messages name it */
};

/** Tell what SQLite says went wrong. @return the error of it */
enum err history_failed(const struct history *, struct history_problem *);
/** A problem of ours; `hint` is a constant. @return `error` */
enum err history_problem(struct history_problem *, enum err error, const char *hint,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Statements without results. */
enum err history_exec(struct history *, const char *sql, struct history_problem *) MUST_USE;
/** NULL on error; to be given to sqlite3_finalize. */
sqlite3_stmt *history_prepare(struct history *, const char *sql, struct history_problem *);
/** One number: the first column of the first row, 0 without a row. */
enum err history_number(struct history *, const char *sql, int64_t *out,
                        struct history_problem *) MUST_USE;

/** Bring the tables up to HISTORY_VERSION, each version in a transaction of its own. */
enum err history_migrate(struct history *, struct history_problem *) MUST_USE;

/** A column's text; "" for NULL. Lasts until the next step. */
const char *history_text(sqlite3_stmt *, int column);

#endif
