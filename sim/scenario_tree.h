/*
 * A YAML document as a tree in which every node knows its place in the source, and errors that
 * point at such a place. Built from libfyaml's events, because this way duplicate keys, merge
 * keys, aliases and their growth are ours to check: depth, size, nodes and keys are capped.
 * Not here: what the keys mean (scenario_keys.h).
 */
#ifndef SIM_SCENARIO_TREE_H
#define SIM_SCENARIO_TREE_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum tree_limits {
    TREE_BYTES_MAX = 4 << 20,
    TREE_DEPTH_MAX = 32,
    TREE_NODES_MAX = 200000, /* with every alias written out */
    TREE_KEYS_MAX = 1024,    /* of one mapping */
    TREE_ANCHORS_MAX = 1024,
    TREE_ERRORS_MAX = 20,
};

struct tree_source {
    const char *name; /* a file, or "--set traffic.x" */
    const char *text;
    size_t len;
    bool is_file; /* errors give line and column */
};

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAP };

struct tree {
    enum tree_kind kind;
    const char *text; /* scalars */
    bool plain;       /* written without quotes */
    const struct tree_source *source;
    uint32_t line, column, width; /* from 1; the width is what carets underline */
    struct tree *key;             /* of a value in a mapping */
    struct tree *next;            /* sibling */
    struct tree *first, *last;    /* children */
    uint32_t count;
};

/** Where errors go and how many there were. */
struct diag {
    FILE *out;
    uint32_t errors;
    bool no_memory;
};

/** FILE:LINE:COL: error: MESSAGE, the line, carets. After TREE_ERRORS_MAX only counted. */
void diag_error(struct diag *, const struct tree *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void diag_warning(struct diag *, const struct tree *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/**
 * "; did you mean 'x'?" or "", for error messages.
 * @param words  candidates, NULL at the end
 * @param space  at least 128 bytes, holds the result
 */
const char *diag_nearest(const char *word, const char *const *words, char *space);
/** The candidate itself, or NULL when none is near. */
const char *nearest_word(const char *word, const char *const *words);

/** Parse a source; NULL after an error, which was said on `diag`. */
struct tree *tree_read(struct arena *, const struct tree_source *, struct diag *);
/** The value of a key of a mapping; NULL if there is none or `map` is NULL or no mapping. */
struct tree *tree_get(const struct tree *map, const char *key);
/** Null, ~, or nothing at all. */
bool tree_is_null(const struct tree *);
/**
 * Put `value` at a dotted path, making mappings on the way; list items are named by number.
 * Everything behind "thresholds." and "sweep.axes." is one key, as those contain dots.
 */
bool tree_set(struct arena *, struct tree *root, const char *path, struct tree *value,
              struct diag *);

#endif
