/*
 * JSON objects and arrays onto a text, pretty-printed with stable layout: commas, line ends and
 * indentation are kept here, values come from record/text.
 */
#ifndef RECORD_JSON_H
#define RECORD_JSON_H

#include "record/text.h"

struct json {
    struct text *text;
    int depth;
    bool first; /* nothing written yet in the innermost object or array */
    bool top;   /* nothing written at all: the first bracket stands where the caller left off */
};

void json_init(struct json *, struct text *, int depth);
/** Open or close; `key` is NULL inside an array and at the top. (Not json_object: jansson has
 * that.) */
void json_object_begin(struct json *, const char *key);
void json_object_end(struct json *);
void json_array_begin(struct json *, const char *key);
void json_array_end(struct json *);
/** Start a value that the caller then writes onto the text itself. */
void json_key(struct json *, const char *key);
void json_text(struct json *, const char *key, const char *value); /* NULL: null */
void json_u64(struct json *, const char *key, uint64_t);
void json_bool(struct json *, const char *key, bool);
void json_fixed(struct json *, const char *key, struct fixed);
void json_hex64(struct json *, const char *key, uint64_t);

#endif
