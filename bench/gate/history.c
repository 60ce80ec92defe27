/* Opening a history, telling what is wrong with it, replacing it. */
#define _GNU_SOURCE
#include "bench/gate/history_db.h"

#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum err history_problem(struct history_problem *p, enum err error, const char *hint,
                         const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(p->text, sizeof p->text, format, args);
    va_end(args);
    p->hint = hint;
    return error;
}

enum err history_failed(const struct history *h, struct history_problem *p)
{
    int code = sqlite3_errcode(h->db), system = sqlite3_system_errno(h->db);
    const char *what = sqlite3_errmsg(h->db);

    switch (code) {
    case SQLITE_NOMEM:
        return history_problem(p, ERR_MEMORY, "a smaller file", "%.300s: out of memory", h->path);
    case SQLITE_NOTADB:
        return history_problem(p, ERR_SYNTAX, "another file with --db FILE",
                               "%.300s: not an SQLite database", h->path);
    case SQLITE_CORRUPT:
        return history_problem(p, ERR_SYNTAX, "move it away, then: ikelab history rebuild FILE...",
                               "%.300s: damaged: %s", h->path, what);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return history_problem(p, ERR_IO, "again when the other one is done",
                               "%.300s: another process has kept it for %d s", h->path,
                               HISTORY_WAIT_MS / 1000);
    case SQLITE_FULL:
        return history_problem(p, ERR_IO, "free some space, or another place with --db FILE",
                               "%.300s: no room on the disk; nothing was added", h->path);
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        return history_problem(
            p, ERR_IO, "a file on a disk with room that can be written, with --db FILE",
            "%.300s: %s%s%s", h->path, what, system ? ": " : "", system ? strerror(system) : "");
    default:
        return history_problem(p, ERR_IO, "ikelab history check", "%.300s: %s", h->path, what);
    }
}

enum err history_exec(struct history *h, const char *sql, struct history_problem *p)
{
    return sqlite3_exec(h->db, sql, NULL, NULL, NULL) == SQLITE_OK ? OK : history_failed(h, p);
}

sqlite3_stmt *history_prepare(struct history *h, const char *sql, struct history_problem *p)
{
    sqlite3_stmt *statement = NULL;

    if (sqlite3_prepare_v2(h->db, sql, -1, &statement, NULL) != SQLITE_OK)
        (void)history_failed(h, p);
    return statement;
}

enum err history_number(struct history *h, const char *sql, int64_t *out, struct history_problem *p)
{
    sqlite3_stmt *statement = history_prepare(h, sql, p);
    int step = statement ? sqlite3_step(statement) : SQLITE_ERROR;
    enum err error = OK;

    *out = step == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    if (step != SQLITE_ROW && step != SQLITE_DONE)
        error = history_failed(h, p);
    sqlite3_finalize(statement);
    return error;
}

const char *history_text(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);

    return text ? (const char *)text : "";
}

/* Whose file it is. Nothing has been written to it yet, and nothing will be if it is not ours. */
static enum err identify(struct history *h, struct history_problem *p)
{
    int64_t id = 0, version = 0, things = 0;
    enum err error = history_number(h, "PRAGMA application_id", &id, p);

    if (error == OK)
        error = history_number(h, "PRAGMA user_version", &version, p);
    if (error == OK)
        error = history_number(h, "SELECT count(*) FROM sqlite_schema", &things, p);
    if (error != OK)
        return error;
    if (id != HISTORY_ID && (things > 0 || version != 0))
        return history_problem(p, ERR_SYNTAX, "another file with --db FILE",
                               "%.300s: an SQLite database, but not a history of Ikelab", h->path);
    if (version < 0 || version > HISTORY_VERSION)
        return history_problem(p, ERR_VERSION,
                               "the ikelab that wrote it, or another file with --db FILE",
                               "%.300s: its tables are of version %lld; this program knows %d",
                               h->path, (long long)version, HISTORY_VERSION);
    return OK;
}

/* Unlike other statements this one may come back at once when another process has just done the
 * same, whatever the time to wait is. */
static enum err write_ahead(struct history *h, struct history_problem *p)
{
    for (int waited = 0;; waited += 10) {
        int code = sqlite3_exec(h->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);

        if (code == SQLITE_OK)
            return OK;
        if (code != SQLITE_BUSY || waited >= HISTORY_WAIT_MS)
            return history_failed(h, p);
        sqlite3_sleep(10);
    }
}

static enum err settle(struct history *h, struct history_problem *p)
{
    (void)sqlite3_busy_timeout(h->db, HISTORY_WAIT_MS);
    return history_exec(h, "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL", p);
}

/* On a medium that cannot be written there is no place for the files that SQLite keeps beside a
 * database with a write-ahead log. Without a log the file alone is everything. */
static enum err open_frozen(struct history *h, struct history_problem *p)
{
    char *log = NULL, *escaped = sqlite3_mprintf("file:"), *uri;
    int code = SQLITE_CANTOPEN;

    if (asprintf(&log, "%s-wal", h->path) < 0)
        return history_problem(p, ERR_MEMORY, "a shorter path", "out of memory");
    for (const char *c = h->path; *c && escaped; c++) {
        char *longer = sqlite3_mprintf(strchr("%?#", *c) ? "%s%%%02X" : "%s%c", escaped, *c);

        sqlite3_free(escaped);
        escaped = longer;
    }
    uri = escaped ? sqlite3_mprintf("%s?immutable=1", escaped) : NULL;
    if (uri && access(log, F_OK) != 0) {
        sqlite3_close(h->db);
        code = sqlite3_open_v2(uri, &h->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL);
    }
    sqlite3_free(uri);
    sqlite3_free(escaped);
    free(log);
    if (code != SQLITE_OK)
        return history_failed(h, p);
    return identify(h, p);
}

/* Whether there is a place for it; SQLite would only say that it cannot open it. */
static enum err look(const char *path, enum history_use use, struct history_problem *p)
{
    struct stat st;
    char *copy;
    bool folder;

    if (stat(path, &st) == 0) {
        if (S_ISREG(st.st_mode))
            return OK;
        return history_problem(p, ERR_SYNTAX, "another file with --db FILE", "%.300s: not a file",
                               path);
    }
    if (use == HISTORY_READ)
        return history_problem(p, ERR_NOT_FOUND, "ikelab history add FILE... makes one",
                               "%.300s: %m", path);
    copy = strdup(path);
    folder = copy && stat(dirname(copy), &st) == 0 && S_ISDIR(st.st_mode);
    free(copy);
    if (folder)
        return OK;
    return history_problem(p, ERR_NOT_FOUND,
                           "mkdir its folder first, or another place with --db FILE",
                           "%.300s: there is no folder for it", path);
}

static enum err ready(struct history *h, enum history_use use, struct history_problem *p)
{
    int64_t version = 0;
    enum err error = settle(h, p);

    if (error == OK)
        error = identify(h, p);
    if (error == ERR_IO && use == HISTORY_READ)
        return open_frozen(h, p);
    if (error == OK && use == HISTORY_WRITE)
        error = write_ahead(h, p);
    if (error == OK)
        error = history_number(h, "PRAGMA user_version", &version, p);
    return error == OK && version < HISTORY_VERSION ? history_migrate(h, p) : error;
}

static enum err open_file(const char *path, int flags, struct history **out,
                          struct history_problem *p)
{
    struct history *h = calloc(1, sizeof *h);

    *out = h;
    if (!h || !(h->path = strdup(*path ? path : "a scratch database"))) {
        (void)history_problem(p, ERR_MEMORY, "a machine with memory", "out of memory");
        return ERR_MEMORY;
    }
    if (sqlite3_open_v2(path, &h->db, SQLITE_OPEN_READWRITE | flags, NULL) != SQLITE_OK)
        return history_failed(h, p);
    return OK;
}

static enum err opened(enum err error, struct history **out)
{
    if (error == OK)
        return OK;
    history_close(*out);
    *out = NULL;
    return error;
}

enum err history_open(const char *path, enum history_use use, struct history **out,
                      struct history_problem *p)
{
    enum err error = look(path, use, p);

    *out = NULL;
    if (error != OK)
        return error;
    error = open_file(path, use == HISTORY_WRITE ? SQLITE_OPEN_CREATE : 0, out, p);
    if (error == OK)
        error = ready(*out, use, p);
    return opened(error, out);
}

enum err history_open_scratch(struct history **out, struct history_problem *p)
{
    enum err error = open_file("", SQLITE_OPEN_CREATE, out, p);

    if (error == OK)
        error = settle(*out, p);
    if (error == OK)
        error = history_migrate(*out, p);
    return opened(error, out);
}

void history_close(struct history *h)
{
    if (!h)
        return;
    (void)sqlite3_close(h->db);
    free(h->path);
    free(h);
}

/* SQLite's own copy of whole databases: one transaction of the one that is written, so others see
 * the old content or the new one. */
enum err history_replace(struct history *h, struct history *from, struct history_problem *p)
{
    sqlite3_backup *copy = sqlite3_backup_init(h->db, "main", from->db, "main");

    if (!copy)
        return history_failed(h, p);
    (void)sqlite3_backup_step(copy, -1);
    return sqlite3_backup_finish(copy) == SQLITE_OK ? OK : history_failed(h, p);
}

/* The first row that a statement gives is what is wrong. */
static enum err nothing_from(struct history *h, const char *sql, const char *what,
                             struct history_problem *p)
{
    sqlite3_stmt *statement = history_prepare(h, sql, p);
    int step = statement ? sqlite3_step(statement) : SQLITE_ERROR;
    enum err error = OK;

    if (step == SQLITE_ROW)
        error = history_problem(p, ERR_SYNTAX, "move it away, then: ikelab history rebuild FILE...",
                                "%.200s: %s %.200s", h->path, what, history_text(statement, 0));
    else if (step != SQLITE_DONE)
        error = history_failed(h, p);
    sqlite3_finalize(statement);
    return error;
}

enum err history_check(struct history *h, struct history_problem *p)
{
    enum err error = nothing_from(
        h, "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
        "damaged:", p);

    if (error == OK)
        error = nothing_from(h, "SELECT \"table\" FROM pragma_foreign_key_check",
                             "a reference leads nowhere in table", p);
    if (error == OK)
        error = nothing_from(h,
                             "SELECT bench FROM benchmark b WHERE NOT EXISTS (SELECT 1 FROM sample"
                             " s WHERE (s.run_id, s.bench, s.metric_id) ="
                             " (b.run_id, b.bench, b.metric_id))",
                             "no samples of", p);
    if (error == OK)
        error = nothing_from(h, "SELECT id FROM run WHERE id NOT IN (SELECT run_id FROM benchmark)",
                             "nothing was measured in run", p);
    return error;
}
