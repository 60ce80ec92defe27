/* Finding keys of the table, by name and by path. */
#include "sim/scenario_keys.h"

#include <stdio.h>
#include <string.h>

const struct key *section_key(enum section_id id, const char *name, size_t *offset)
{
    const struct section *s = &scenario_sections[id];

    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->keys[i].name, name) == 0) {
            *offset = s->keys[i].offset;
            return &s->keys[i];
        }
    if (s->include) {
        const struct key *key = section_key(s->include, name, offset);

        *offset += s->include_offset;
        return key;
    }
    return NULL;
}

enum dimension key_dimension(enum key_type type)
{
    switch (type) {
    case KEY_COUNT:
    case KEY_COUNT64:
        return DIMENSION_COUNT;
    case KEY_TIME:
        return DIMENSION_TIME;
    case KEY_BITRATE:
        return DIMENSION_BITRATE;
    case KEY_SIZE:
    case KEY_SIZE32:
        return DIMENSION_SIZE;
    case KEY_PROBABILITY:
        return DIMENSION_PROBABILITY;
    case KEY_FREQUENCY:
        return DIMENSION_FREQUENCY;
    case KEY_MILLI:
        return DIMENSION_MILLI;
    default:
        return DIMENSION_COUNT_OF;
    }
}

void keys_visit(void (*visit)(void *context, const struct key_path *), void *context)
{
    for (int id = 0; id < SECTION_COUNT; id++) {
        const struct section *s = &scenario_sections[id];

        for (size_t i = 0; i < s->count; i++) {
            struct key_path path = {.key = &s->keys[i], .section = (enum section_id)id};

            snprintf(path.path, sizeof path.path, "%s%s%s", s->path, s->path[0] ? "." : "",
                     s->keys[i].name);
            visit(context, &path);
        }
    }
}

enum match { MATCH_NONE, MATCH_NAME, MATCH_END, MATCH_SHORT, MATCH_WHOLE };

struct search {
    const char *wanted;
    enum match best;
    size_t count;
    struct key_path *out;
};

/* Component by component; a star stands for any one. With `skip` stars may also be left out. */
static bool path_match(const char *pattern, const char *path, bool skip)
{
    for (;;) {
        size_t a = strcspn(pattern, "."), b = strcspn(path, ".");
        bool star = a == 1 && *pattern == '*';

        if (skip && star) {
            pattern += a + (pattern[a] == '.');
            continue;
        }
        if (!star && (a != b || strncmp(pattern, path, a) != 0))
            return false;
        if (!pattern[a] || !path[b])
            return !pattern[a] && !path[b];
        pattern += a + 1;
        path += b + 1;
    }
}

static bool is_end(const char *pattern, const char *path)
{
    size_t a = strlen(pattern), b = strlen(path);

    return a > b && pattern[a - b - 1] == '.' && strcmp(pattern + a - b, path) == 0;
}

static enum match match_of(const struct key_path *path, const char *wanted)
{
    if (path_match(path->path, wanted, false))
        return MATCH_WHOLE;
    if (path_match(path->path, wanted, true))
        return MATCH_SHORT;
    if (is_end(path->path, wanted))
        return strchr(wanted, '.') ? MATCH_END : MATCH_NAME;
    return MATCH_NONE;
}

static void visit_search(void *context, const struct key_path *path)
{
    struct search *s = context;
    enum match match = match_of(path, s->wanted);

    if (match == MATCH_NONE || match < s->best)
        return;
    if (match > s->best) {
        s->best = match;
        s->count = 0;
        *s->out = *path;
    }
    s->count++;
}

/* "nodes.gw.ike.auth" is "ike.auth", "links.core.up.delay" is "links.core.delay",
 * "events.0.at" is "events.at". */
static void normalise(const char *path, char *out, size_t size)
{
    const char *second = strchr(path, '.');
    const char *third = second ? strchr(second + 1, '.') : NULL;

    snprintf(out, size, "%s", path);
    if (!third)
        return;
    if (strncmp(path, "nodes.", 6) == 0 &&
        (strncmp(third, ".ike.", 5) == 0 || strncmp(third, ".child.", 7) == 0))
        snprintf(out, size, "%s", third + 1);
    else if (strncmp(path, "links.", 6) == 0 &&
             (strncmp(third, ".up.", 4) == 0 || strncmp(third, ".down.", 6) == 0))
        snprintf(out, size, "%.*s%s", (int)(third - path), path, strchr(third + 1, '.'));
    else if (strncmp(path, "links.", 6) == 0 && strncmp(third, ".packets.", 9) == 0 &&
             strchr(third + 9, '.'))
        snprintf(out, size, "links.*.packets%s", strchr(third + 9, '.'));
    else if (strncmp(path, "events.", 7) == 0)
        snprintf(out, size, "events%s", third);
    else if (strncmp(path, "lesson.questions.", 17) == 0 && strchr(third + 1, '.'))
        snprintf(out, size, "lesson.questions%s", strchr(third + 1, '.'));
}

size_t key_find(const char *path, struct key_path *out)
{
    char wanted[256];
    struct search s = {.wanted = wanted, .out = out};

    normalise(path, wanted, sizeof wanted);
    keys_visit(visit_search, &s);
    return s.count;
}
