/* Files into the settings tree: the one named, and those it includes. */
#include "sim/import/swanctl_read.h"

#include <errno.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

/* What is no regular file (a pipe, a terminal) could be read for ever. NULL and errno. */
static struct tree_source *read_file(struct settings *s, const char *path)
{
    struct tree_source *source = settings_take(s, sizeof *source);
    struct stat status;
    FILE *file = fopen(path, "rbe");
    char *text = NULL;
    size_t len = 0;
    bool bad = true;

    if (!file)
        return NULL;
    if (fstat(fileno(file), &status) == 0 && !S_ISREG(status.st_mode)) {
        errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    } else if (status.st_size > SETTINGS_BYTES_MAX) {
        errno = EFBIG;
    } else {
        text = settings_take(s, (size_t)status.st_size + 1);
        len = text ? fread(text, 1, (size_t)status.st_size, file) : 0;
        bad = !text || ferror(file);
    }
    fclose(file);
    if (bad || !source)
        return NULL;
    *source = (struct tree_source){
        .name = arena_text(s->arena, path, strlen(path)), .text = text, .len = len};
    source->is_file = true;
    s->files++;
    return source->name ? source : NULL;
}

static const char *pattern_of(struct settings *s, const struct settings_entry *e)
{
    const char *from = e->at.source->name, *slash = strrchr(from, '/');

    if (e->value[0] == '/' || !slash)
        return e->value;
    return arena_format(s->arena, "%.*s/%s", (int)(slash - from), from, e->value);
}

static bool include_one(struct settings *s, struct settings_entry *e, const char *path,
                        struct settings_section *section, unsigned depth, unsigned includes)
{
    const struct tree_source *source;

    if (s->files >= SETTINGS_FILES_MAX) {
        settings_note(s, e, "more than %d files; not read further", SETTINGS_FILES_MAX);
        return true;
    }
    source = read_file(s, path);
    if (!source) {
        if (!s->diag.no_memory)
            settings_note(s, e, "cannot be read: %s", strerror(errno));
        return !s->diag.no_memory;
    }
    e->carried = true;
    return settings_read_text(s, source, section, depth, includes + 1);
}

bool settings_include(struct settings *s, struct settings_entry *e,
                      struct settings_section *section, unsigned depth, unsigned includes)
{
    const char *pattern;
    glob_t found;
    bool good = true;

    if (!s->follow) {
        settings_note(s, e, "included files are not read here");
        return true;
    }
    if (includes == SETTINGS_INCLUDES_MAX) {
        settings_note(s, e, "more than %d files include each other; not read further",
                      SETTINGS_INCLUDES_MAX);
        return true;
    }
    pattern = pattern_of(s, e);
    if (!pattern) {
        s->diag.no_memory = true;
        return false;
    }
    if (glob(pattern, 0, NULL, &found) != 0) {
        settings_note(s, e, "there is no such file");
        return true;
    }
    for (size_t i = 0; i < found.gl_pathc && good; i++)
        good = include_one(s, e, found.gl_pathv[i], section, depth, includes);
    globfree(&found);
    return good;
}

static bool init(struct settings *s, FILE *errors)
{
    *s = (struct settings){.arena = arena_create(), .diag = {.out = errors}};
    if (!s->arena)
        return false;
    s->root = settings_take(s, sizeof *s->root);
    if (!s->root)
        return false;
    s->root->name = "";
    return true;
}

static enum err result_of(const struct settings *s)
{
    if (s->diag.no_memory)
        return ERR_MEMORY;
    return s->diag.errors ? ERR_USAGE : OK;
}

enum err settings_load(const char *path, struct settings *out, FILE *errors)
{
    const struct tree_source *source;

    if (!init(out, errors))
        return ERR_MEMORY;
    out->follow = true;
    source = read_file(out, path);
    if (!source) {
        if (out->diag.no_memory)
            return ERR_MEMORY;
        fprintf(errors, "%s: error: %s\n", path, strerror(errno));
        return ERR_IO;
    }
    out->root->at = (struct settings_place){source, 1, 1, 1};
    (void)settings_read_text(out, source, out->root, 0, 0);
    return result_of(out);
}

enum err settings_parse(const char *name, const char *text, size_t len, struct settings *out,
                        FILE *errors)
{
    struct tree_source *source;

    if (!init(out, errors))
        return ERR_MEMORY;
    source = settings_take(out, sizeof *source);
    if (!source)
        return ERR_MEMORY;
    *source = (struct tree_source){.name = name, .text = text, .len = len, .is_file = true};
    out->root->at = (struct settings_place){source, 1, 1, 1};
    (void)settings_read_text(out, source, out->root, 0, 0);
    return result_of(out);
}

void settings_reset(struct settings *s)
{
    arena_destroy(s->arena);
    *s = (struct settings){0};
}
