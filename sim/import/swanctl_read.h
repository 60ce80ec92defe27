/*
 * The settings grammar of strongswan.conf(5), which swanctl.conf uses too, as a tree in which
 * every setting knows its place: sections, `key = value`, quoted strings, comments, `include`,
 * sections that refer to others. Nothing of it is trusted: depth, sizes and counts are capped.
 * Not here: what the settings mean (swanctl_import.h).
 */
#ifndef SIM_SWANCTL_READ_H
#define SIM_SWANCTL_READ_H

#include "base/arena.h"
#include "base/err.h"
#include "sim/scenario_tree.h"

#include <stdbool.h>
#include <stdint.h>

enum settings_limits {
    SETTINGS_BYTES_MAX = 1 << 20, /* of one file */
    SETTINGS_DEPTH_MAX = 16,      /* of sections, and of references to references */
    SETTINGS_ENTRIES_MAX = 5000,  /* with all included files */
    SETTINGS_SECTIONS_MAX = 2000,
    SETTINGS_FILES_MAX = 64,
    SETTINGS_INCLUDES_MAX = 8, /* files that include files */
    SETTINGS_NAME_MAX = 128,
    SETTINGS_VALUE_MAX = 4096,
    SETTINGS_MERGES_MAX = 5000, /* sections that references add up to */
};

/** A place in a file, for errors and comments; the width is what carets underline. */
struct settings_place {
    const struct tree_source *source;
    uint32_t line, column, width;
};

enum settings_kind { SETTINGS_VALUE, SETTINGS_INCLUDE, SETTINGS_REFERENCE };

/** `key = value`, `include value`, or `section : value`. What becomes of it is written into it. */
struct settings_entry {
    enum settings_kind kind;
    const char *key, *value; /* an empty value clears */
    struct settings_place at, value_at;
    bool carried;                     /* it is in the scenario */
    bool hidden;                      /* a secret: comments must not show it */
    bool overridden;                  /* another setting came first */
    const char *note;                 /* why it is not in the scenario, or not as it was */
    struct settings_entry *next;      /* in its section */
    struct settings_entry *next_read; /* of all, as they were read */
};

struct settings_section {
    const char *name;
    struct settings_place at;
    struct settings_entry *first, *last;
    struct settings_section *children, *last_child, *next;
};

struct settings {
    struct arena *arena;
    struct diag diag;
    bool follow; /* include files are read */
    struct settings_section *root;
    struct settings_entry *first, *last;
    uint32_t entries, sections, files, merges;
};

/**
 * Read a file and what it includes. The first error ends it and is said on `errors`; an included
 * file that cannot be read is no error but a note at the line that includes it.
 * @param[out] out  its arena owns everything; settings_reset it after errors as well
 * @retval ERR_USAGE, ERR_IO, ERR_MEMORY
 */
enum err settings_load(const char *path, struct settings *out, FILE *errors) MUST_USE;
/** The same from memory; include files are not read. `name` stands for the file in errors. */
enum err settings_parse(const char *name, const char *text, size_t len, struct settings *out,
                        FILE *errors) MUST_USE;
void settings_reset(struct settings *);

void settings_error(struct settings *, const struct settings_place *, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** A note at an entry; the same is said once. */
void settings_note(struct settings *, struct settings_entry *, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void *settings_take(struct settings *, size_t size);

/** A section as it counts: later settings win over earlier ones, own over those referred to. */
struct settings_pick {
    struct settings_entry *entry;
    const struct settings_section *from;
    struct settings_pick *next;
};

struct settings_view {
    const char *name;
    struct settings_place at;
    struct settings_pick *first, *last;
    struct settings_view *children, *last_child, *next;
};

/** The view of a section at the top of the file; NULL if there is none or there was an error. */
struct settings_view *settings_view(struct settings *, const char *name);
struct settings_view *view_child(const struct settings_view *, const char *name);
/** The setting of a name; NULL if there is none or it is cleared (which then counts as carried). */
struct settings_entry *view_get(const struct settings_view *, const char *key);
struct settings_section *section_child(const struct settings_section *, const char *name,
                                       size_t len);

/* What the files of the reader share: swanctl_files.c calls back into the grammar. */
bool settings_read_text(struct settings *, const struct tree_source *, struct settings_section *,
                        unsigned depth, unsigned includes);
bool settings_include(struct settings *, struct settings_entry *, struct settings_section *,
                      unsigned depth, unsigned includes);

#endif
