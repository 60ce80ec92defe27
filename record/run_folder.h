/*
 * The folder a run leaves behind, made whole or not at all: everything is written beside the
 * target as NAME.partial-PID and renamed at the end. After any error nothing remains that looks
 * complete.
 */
#ifndef RECORD_RUN_FOLDER_H
#define RECORD_RUN_FOLDER_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum run_folder_sizes { RUN_FOLDER_PATH_MAX = 4096, RUN_FOLDER_ERROR_MAX = 4600 };

/** What to try where memory is short. */
#define RUN_FOLDER_TRY_SMALLER                                                                     \
    "fewer clients (--set nodes.NAME.count=N), --set capture=none, --set crypto=modelled, or "     \
    "--numbers-only"

struct run_folder;

struct run_folder_options {
    const char *path; /* of -o, or NULL: runs/NAME-SEED, then runs/NAME-SEED-2, ... */
    const char *name; /* scenario's name; characters that do not suit a path become '-' */
    uint64_t seed;
    bool force; /* replace a non-empty `path` */
};

/**
 * Make the partial folder. The handle is also set on error, to carry the text of
 * run_folder_error; destroy it in either case.
 * @retval ERR_USAGE   `path` is a non-empty directory (or a file) and `force` is not set
 * @retval ERR_IO, ERR_MEMORY (then *out is NULL)
 */
enum err run_folder_create(const struct run_folder_options *, struct run_folder **out) MUST_USE;

/** Open a new file for writing, `name` relative to the folder; directories on the way are made.
 * The folder closes it at commit. NULL on error. */
FILE *run_folder_open(struct run_folder *, const char *name);
/** Make `name` executable (open.sh). */
enum err run_folder_executable(struct run_folder *, const char *name) MUST_USE;
/** Where `name` is now: inside the partial folder before commit, inside the target after it. */
const char *run_folder_path(struct run_folder *, const char *name, char *out, size_t cap);
/** The final folder, known from creation; with the default it is settled at commit. */
const char *run_folder_target(const struct run_folder *);

/**
 * Close every file, checking each for write errors, rename into place, point runs/latest at it
 * (default path only).
 * @retval ERR_IO  a write failed or the rename did; the partial folder is removed
 */
enum err run_folder_commit(struct run_folder *) MUST_USE;
/** Remove what was written, unless committed, and free. NULL is fine. */
void run_folder_destroy(struct run_folder *);
/** What went wrong, with path and what to try: "cannot write ...: No space left on device;
 * try: ...". Empty if nothing did. */
const char *run_folder_error(const struct run_folder *);

#endif
