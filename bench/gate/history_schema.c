/* The tables of the history and how a file of an older version gets them. docs/history.md explains
 * each column. */
#include "bench/gate/history_db.h"

typedef enum err migration(struct history *, struct history_problem *);

/* `benchmark` says what a run measured, `sample` what came out of it, one row a repetition. A count
 * of instructions is a metric of its own with one repetition. */
static const char version_1[] =
    "CREATE TABLE machine("
    " id INTEGER PRIMARY KEY, class TEXT NOT NULL, cpu TEXT NOT NULL, cores INTEGER NOT NULL,"
    " governor TEXT NOT NULL, kernel TEXT NOT NULL, compiler TEXT NOT NULL, flags TEXT NOT NULL,"
    " libs_json TEXT NOT NULL,"
    " UNIQUE(class, cpu, cores, governor, kernel, compiler, flags, libs_json)) STRICT;"
    "CREATE TABLE run("
    " id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, source TEXT NOT NULL,"
    " started TEXT NOT NULL, commit_sha TEXT NOT NULL,"
    " dirty INTEGER NOT NULL CHECK(dirty IN (0, 1)), version TEXT NOT NULL,"
    " machine_id INTEGER NOT NULL REFERENCES machine, command TEXT NOT NULL,"
    " scenario_sha256 TEXT NOT NULL, seed INTEGER NOT NULL,"
    " partial INTEGER NOT NULL CHECK(partial IN (0, 1)), config_json TEXT NOT NULL) STRICT;"
    "CREATE INDEX run_started ON run(started, id);"
    "CREATE TABLE metric("
    " id INTEGER PRIMARY KEY, name TEXT NOT NULL, unit TEXT NOT NULL,"
    " better TEXT NOT NULL CHECK(better IN ('lower', 'higher')),"
    " UNIQUE(name, unit, better)) STRICT;"
    "CREATE TABLE benchmark("
    " run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, bench TEXT NOT NULL,"
    " metric_id INTEGER NOT NULL REFERENCES metric, bound_name TEXT, note TEXT,"
    " PRIMARY KEY(run_id, bench, metric_id)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX benchmark_bench ON benchmark(bench, metric_id);"
    "CREATE TABLE sample("
    " run_id INTEGER NOT NULL, bench TEXT NOT NULL, metric_id INTEGER NOT NULL,"
    " repetition INTEGER NOT NULL CHECK(repetition >= 0), value REAL NOT NULL, bound REAL,"
    " PRIMARY KEY(run_id, bench, metric_id, repetition),"
    " FOREIGN KEY(run_id, bench, metric_id) REFERENCES benchmark ON DELETE CASCADE)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE histogram("
    " run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, bench TEXT NOT NULL,"
    " metric_id INTEGER NOT NULL REFERENCES metric, buckets BLOB NOT NULL,"
    " PRIMARY KEY(run_id, bench, metric_id)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE verdict("
    " run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,"
    " baseline_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE, bench TEXT NOT NULL,"
    " metric_id INTEGER NOT NULL REFERENCES metric, effect REAL, lo REAL, hi REAL, p REAL,"
    " verdict TEXT NOT NULL,"
    " PRIMARY KEY(run_id, baseline_id, bench, metric_id)) STRICT, WITHOUT ROWID;";

static enum err make_version_1(struct history *h, struct history_problem *problem)
{
    return history_exec(h, version_1, problem);
}

/* [n] makes version n + 1 of version n. What is published is not changed any more: add a line. */
static migration *const migrations[HISTORY_VERSION] = {make_version_1};

/* Another process may have done it while this one waited for its turn, so the version is read
 * inside the transaction. */
static enum err next_version(struct history *h, int64_t *version, struct history_problem *problem)
{
    char stamp[128];
    enum err error = history_exec(h, "BEGIN IMMEDIATE", problem);

    if (error != OK)
        return error;
    error = history_number(h, "PRAGMA user_version", version, problem);
    if (error == OK && *version < HISTORY_VERSION) {
        error = migrations[*version](h, problem);
        snprintf(stamp, sizeof stamp, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                 HISTORY_ID, (int)++*version);
        if (error == OK)
            error = history_exec(h, stamp, problem);
    }
    if (error == OK)
        error = history_exec(h, "COMMIT", problem);
    if (error != OK)
        (void)sqlite3_exec(h->db, "ROLLBACK", NULL, NULL, NULL);
    return error;
}

enum err history_migrate(struct history *h, struct history_problem *problem)
{
    int64_t version = 0;
    enum err error = history_number(h, "PRAGMA user_version", &version, problem);

    while (error == OK && version < HISTORY_VERSION)
        error = next_version(h, &version, problem);
    return error;
}
