#include "bench/gate/virtual.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MAX_SHOWN = 160, VALUE_MAX_SHOWN = 40, DEPTH_MAX = 16 };

struct walk {
    const char *step[DEPTH_MAX]; /* keys down to here; NULL: a place in an array */
    size_t place[DEPTH_MAX];
    unsigned depth;
    char *where;
    size_t cap;
};

static void path_text(const struct walk *w, char *out)
{
    size_t at = 0;

    *out = '\0';
    for (unsigned i = 0; i < w->depth && at < PATH_MAX_SHOWN; i++) {
        const char *dot = i ? "." : "";
        int n = w->step[i] ? snprintf(out + at, PATH_MAX_SHOWN - at, "%s%s", dot, w->step[i])
                           : snprintf(out + at, PATH_MAX_SHOWN - at, "[%zu]", w->place[i]);

        at += (size_t)n;
    }
}

static void value_text(const json_t *value, char out[VALUE_MAX_SHOWN])
{
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

    snprintf(out, VALUE_MAX_SHOWN, "%s", text ? text : "nothing");
    free(text);
}

static bool differs(struct walk *w, const json_t *base, const json_t *now)
{
    char path[PATH_MAX_SHOWN], old[VALUE_MAX_SHOWN], new[VALUE_MAX_SHOWN];

    path_text(w, path);
    value_text(base, old);
    value_text(now, new);
    snprintf(w->where, w->cap, "%s: %s against %s", path, old, new);
    return true;
}

static bool step(struct walk *, const char *key, size_t place, const json_t *, const json_t *);

static bool objects_differ(struct walk *w, json_t *base, json_t *now)
{
    const char *key;
    json_t *value;

    json_object_foreach(base, key, value)
    {
        if (step(w, key, 0, value, json_object_get(now, key)))
            return true;
    }
    json_object_foreach(now, key, value)
    {
        if (!json_object_get(base, key))
            return step(w, key, 0, NULL, value);
    }
    return false;
}

static bool arrays_differ(struct walk *w, const json_t *base, const json_t *now)
{
    size_t old = json_array_size(base), new = json_array_size(now);

    for (size_t i = 0; i < old || i < new; i++)
        if (step(w, NULL, i, json_array_get(base, i), json_array_get(now, i)))
            return true;
    return false;
}

/* @return whether a difference was found and told */
static bool step(struct walk *w, const char *key, size_t place, const json_t *base,
                 const json_t *now)
{
    bool found = false;

    if (json_equal(base, now))
        return false;
    if (w->depth == DEPTH_MAX)
        return differs(w, base, now);
    w->step[w->depth] = key;
    w->place[w->depth++] = place;
    if (json_is_object(base) && json_is_object(now))
        found = objects_differ(w, (json_t *)base, (json_t *)now);
    if (json_is_array(base) && json_is_array(now))
        found = arrays_differ(w, base, now);
    if (!found)
        found = differs(w, base, now);
    w->depth--;
    return found;
}

bool virtual_equal(const char *base, const char *now, char *where, size_t cap)
{
    struct walk w = {.where = where, .cap = cap};
    json_t *old, *new;

    *where = '\0';
    if (strcmp(base, now) == 0)
        return true;
    old = json_loads(base, 0, NULL);
    new = json_loads(now, 0, NULL);
    if (!objects_differ(&w, old, new))
        differs(&w, old, new);
    json_decref(old);
    json_decref(new);
    return false;
}
