/*
 * Vector files that are not part of the project: read from $IKELAB_VECTORS, by default the folder
 * ../shared/vectors beside the source tree. Without them a program is skipped and says so.
 */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include "suite.h"

#include <jansson.h>
#include <unistd.h>

static inline const char *vectors_path(const char *name, char *out, size_t cap)
{
    const char *root = getenv("IKELAB_VECTORS");

    snprintf(out, cap, "%s/%s", root ? root : "../shared/vectors", name);
    return out;
}

/** Ends the program as skipped when the folder of vectors is not there. */
static inline void vectors_needed(void)
{
    char path[512];

    if (access(vectors_path("", path, sizeof path), R_OK) != 0)
        skip_all("no vectors: set IKELAB_VECTORS to the folder that holds them");
}

/** The parsed file; the caller gives it back with json_decref. */
static inline json_t *vectors_load(const char *name)
{
    char path[512];
    json_error_t error;
    json_t *root = json_load_file(vectors_path(name, path, sizeof path), 0, &error);

    ck_assert_msg(root != NULL, "%s:%d: %s", path, error.line, error.text);
    return root;
}

/** The text of a member; a missing one fails the test. */
static inline const char *vector_text(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    ck_assert_msg(text != NULL, "no member %s", member);
    return text;
}

#endif
