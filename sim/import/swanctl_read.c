/* The grammar: characters to a tree of sections and settings. */
#include "sim/import/swanctl_read.h"

#include <stdarg.h>
#include <string.h>

struct parser {
    struct settings *s;
    const struct tree_source *source;
    const char *at, *end;
    uint32_t line, column;
    unsigned includes; /* how many files deep this one is included */
};

void *settings_take(struct settings *s, size_t size)
{
    void *out = arena_take(s->arena, size ? size : 1);

    if (!out)
        s->diag.no_memory = true;
    return out;
}

void settings_error(struct settings *s, const struct settings_place *at, const char *format, ...)
{
    struct tree place = {
        .source = at->source, .line = at->line, .column = at->column, .width = at->width};
    char message[512];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    diag_error(&s->diag, &place, "%s", message);
}

void settings_note(struct settings *s, struct settings_entry *entry, const char *format, ...)
{
    char text[512];
    va_list args;
    const char *all;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (entry->note && (strstr(entry->note, text) || strlen(entry->note) > 1024))
        return;
    all = entry->note ? arena_format(s->arena, "%s; %s", entry->note, text)
                      : arena_text(s->arena, text, strlen(text));
    if (all)
        entry->note = all;
    else
        s->diag.no_memory = true;
}

static bool failed(const struct parser *p)
{
    return p->s->diag.errors > 0 || p->s->diag.no_memory;
}

static int peek(const struct parser *p)
{
    return p->at < p->end ? (unsigned char)*p->at : EOF;
}

/* Columns count characters, as the caret does: continuation bytes of UTF-8 take none. */
static void advance(struct parser *p)
{
    unsigned char c = (unsigned char)*p->at++;

    if (c == '\n') {
        p->line++;
        p->column = 1;
    } else if ((c & 0xc0) != 0x80) {
        p->column++;
    }
}

static struct settings_place here(const struct parser *p)
{
    return (struct settings_place){p->source, p->line, p->column, 1};
}

static void end_place(const struct parser *p, struct settings_place *at)
{
    at->width = p->line == at->line && p->column > at->column ? p->column - at->column : 1;
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_control(int c)
{
    return c != EOF && (c < ' ' || c == 0x7f) && !is_blank(c) && c != '\n';
}

static bool is_name(int c)
{
    return c != EOF && c > ' ' && c != 0x7f && !strchr("#{}:,=\"", c);
}

static void skip_blanks(struct parser *p)
{
    while (is_blank(peek(p)))
        advance(p);
}

/* Blanks, comments and ends of lines. */
static void skip_lines(struct parser *p)
{
    for (;; advance(p)) {
        if (peek(p) == '#')
            while (peek(p) != EOF && peek(p) != '\n')
                advance(p);
        if (!is_blank(peek(p)) && peek(p) != '\n')
            return;
    }
}

/* A name; `::` stands for a colon in it. NULL and nothing said where none begins. */
static const char *read_name(struct parser *p, struct settings_place *at)
{
    char name[SETTINGS_NAME_MAX + 1];
    const char *out;
    size_t len = 0;

    *at = here(p);
    while (is_name(peek(p)) || (peek(p) == ':' && p->end - p->at > 1 && p->at[1] == ':')) {
        if (peek(p) == ':')
            advance(p);
        if (len == SETTINGS_NAME_MAX) {
            settings_error(p->s, at, "a name of more than %d bytes", SETTINGS_NAME_MAX);
            return NULL;
        }
        name[len++] = *p->at;
        advance(p);
    }
    end_place(p, at);
    if (len == 0)
        return NULL;
    out = arena_text(p->s->arena, name, len);
    if (!out)
        p->s->diag.no_memory = true;
    return out;
}

struct value {
    char text[SETTINGS_VALUE_MAX + 1];
    size_t len;
    struct settings_place at;
};

static bool put(struct parser *p, struct value *v, char c)
{
    if (v->len == SETTINGS_VALUE_MAX) {
        settings_error(p->s, &v->at, "a value of more than %d bytes", SETTINGS_VALUE_MAX);
        return false;
    }
    v->text[v->len++] = c;
    return true;
}

static char unescaped(int c)
{
    static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
    const char *found = strchr(from, c);

    return found && c ? to[found - from] : (char)c;
}

/* Behind a backslash; the end of a line vanishes with it. */
static bool read_escape(struct parser *p, struct value *v)
{
    int c;

    advance(p);
    if (peek(p) == '\r' && p->end - p->at > 1 && p->at[1] == '\n')
        advance(p);
    c = peek(p);
    if (c == EOF)
        return true; /* the string has no end: said there */
    advance(p);
    return c == '\n' || put(p, v, unescaped(c));
}

static bool read_quoted(struct parser *p, struct value *v)
{
    struct settings_place open = here(p);

    advance(p);
    while (peek(p) != '"') {
        struct settings_place at = here(p);
        int c = peek(p);

        if (c == EOF) {
            settings_error(p->s, &open, "this string has no closing quote");
            return false;
        }
        if (is_control(c)) {
            settings_error(p->s, &at, "a control character (0x%02x) in a string", (unsigned)c);
            return false;
        }
        if (c == '\\') {
            if (!read_escape(p, v))
                return false;
            continue;
        }
        if (!put(p, v, (char)c))
            return false;
        advance(p);
    }
    advance(p);
    return true;
}

static bool read_word(struct parser *p, struct value *v)
{
    for (int c = peek(p); c != EOF && !is_blank(c) && !strchr("\n#}\"", c); c = peek(p)) {
        struct settings_place at = here(p);

        if (c == 0 || is_control(c)) {
            settings_error(p->s, &at, "a control character (0x%02x) in a value", (unsigned)c);
            return false;
        }
        if (!put(p, v, (char)c))
            return false;
        advance(p);
    }
    return true;
}

/* Words and strings to the end of the line, joined by one blank. */
static bool read_value(struct parser *p, struct value *v)
{
    v->len = 0;
    skip_blanks(p);
    v->at = here(p);
    while (peek(p) != EOF && peek(p) != '\n' && peek(p) != '#' && peek(p) != '}') {
        if (v->len && !put(p, v, ' '))
            return false;
        if (peek(p) == 0 || !(peek(p) == '"' ? read_quoted(p, v) : read_word(p, v))) {
            struct settings_place at = here(p);

            if (!failed(p))
                settings_error(p->s, &at, "a control character (0x00) in a value");
            return false;
        }
        end_place(p, &v->at);
        skip_blanks(p);
    }
    return true;
}

static struct settings_entry *add_entry(struct parser *p, struct settings_section *section,
                                        const char *key, const struct settings_place *at)
{
    struct settings *s = p->s;
    struct settings_entry *e;

    if (s->entries++ == SETTINGS_ENTRIES_MAX) {
        settings_error(s, at, "more than %d settings", SETTINGS_ENTRIES_MAX);
        return NULL;
    }
    e = settings_take(s, sizeof *e);
    if (!e)
        return NULL;
    e->key = key;
    e->at = e->value_at = *at;
    *(section->last ? &section->last->next : &section->first) = e;
    section->last = e;
    *(s->last ? &s->last->next_read : &s->first) = e;
    s->last = e;
    return e;
}

struct settings_section *section_child(const struct settings_section *section, const char *name,
                                       size_t len)
{
    for (struct settings_section *c = section->children; c; c = c->next)
        if (strlen(c->name) == len && memcmp(c->name, name, len) == 0)
            return c;
    return NULL;
}

/* Sections of one name in one place are one section. */
static struct settings_section *open_section(struct parser *p, struct settings_section *parent,
                                             const char *name, const struct settings_place *at)
{
    struct settings_section *c = section_child(parent, name, strlen(name));

    if (c)
        return c;
    if (p->s->sections++ == SETTINGS_SECTIONS_MAX) {
        settings_error(p->s, at, "more than %d sections", SETTINGS_SECTIONS_MAX);
        return NULL;
    }
    c = settings_take(p->s, sizeof *c);
    if (!c)
        return NULL;
    c->name = name;
    c->at = *at;
    *(parent->last_child ? &parent->last_child->next : &parent->children) = c;
    parent->last_child = c;
    return c;
}

static void read_reference(struct parser *p, struct settings_section *section)
{
    struct settings_place at;
    const char *path;
    struct settings_entry *e;

    skip_lines(p);
    path = read_name(p, &at);
    if (!path) {
        if (!failed(p))
            settings_error(p->s, &at, "no section is named here; write '%s : other { ... }'",
                           section->name);
        return;
    }
    e = add_entry(p, section, section->name, &at);
    if (!e)
        return;
    e->kind = SETTINGS_REFERENCE;
    e->value = path;
    skip_lines(p);
}

static void read_items(struct parser *p, struct settings_section *section, unsigned depth,
                       const struct settings_place *open);

static void read_section(struct parser *p, struct settings_section *parent, const char *name,
                         const struct settings_place *at, unsigned depth)
{
    struct settings_section *section;
    struct settings_place place;
    int mark = ':';

    if (depth == SETTINGS_DEPTH_MAX) {
        settings_error(p->s, at, "sections lie more than %d deep", SETTINGS_DEPTH_MAX);
        return;
    }
    section = open_section(p, parent, name, at);
    for (; !failed(p) && peek(p) == mark; mark = ',') {
        advance(p);
        read_reference(p, section);
    }
    place = here(p);
    if (failed(p))
        return;
    if (peek(p) != '{') {
        settings_error(p->s, &place, "'{' is missing behind the section '%s'", name);
        return;
    }
    advance(p);
    read_items(p, section, depth + 1, at);
}

static void read_setting(struct parser *p, struct settings_section *section, const char *key,
                         const struct settings_place *at)
{
    static struct value v; /* large, and used up before the next is read */
    struct settings_entry *e;

    advance(p);
    if (!read_value(p, &v))
        return;
    e = add_entry(p, section, key, at);
    if (!e)
        return;
    e->value = arena_text(p->s->arena, v.text, v.len);
    e->value_at = v.at;
    if (!e->value)
        p->s->diag.no_memory = true;
    else if (strlen(e->value) != v.len)
        settings_error(p->s, &v.at, "a control character (0x00) in a value");
}

static void read_include(struct parser *p, struct settings_section *section,
                         const struct settings_place *at, unsigned depth)
{
    static struct value v;
    struct settings_entry *e;

    v.len = 0;
    v.at = here(p);
    if (!(peek(p) == '"' ? read_quoted(p, &v) : read_word(p, &v)))
        return;
    end_place(p, &v.at);
    e = add_entry(p, section, "include", at);
    if (!e)
        return;
    e->kind = SETTINGS_INCLUDE;
    e->value = arena_text(p->s->arena, v.text, v.len);
    e->value_at = v.at;
    if (!e->value)
        p->s->diag.no_memory = true;
    else
        (void)settings_include(p->s, e, section, depth, p->includes);
}

/* Behind a name: a value or a section, which may begin in another line. */
static void read_item(struct parser *p, struct settings_section *section, unsigned depth)
{
    struct settings_place at, behind;
    const char *name = read_name(p, &at);
    bool blank = is_blank(peek(p));

    if (!name) {
        if (!failed(p) && is_control(peek(p)))
            settings_error(p->s, &at, "a control character (0x%02x)", (unsigned)peek(p));
        else if (!failed(p))
            settings_error(p->s, &at, "'%c' where a setting or section begins", peek(p));
        return;
    }
    skip_blanks(p);
    behind = here(p);
    if (strcmp(name, "include") == 0 && blank && peek(p) != EOF && !strchr("=#}\n", peek(p))) {
        read_include(p, section, &at, depth);
        return;
    }
    skip_lines(p);
    if (peek(p) == '=')
        read_setting(p, section, name, &at);
    else if (peek(p) == '{' || peek(p) == ':')
        read_section(p, section, name, &at, depth);
    else if (is_control(peek(p)))
        settings_error(p->s, &behind, "a control character (0x%02x)", (unsigned)peek(p));
    else
        settings_error(p->s, &behind, "'=' or '{' is missing behind '%.64s'", name);
}

/* To the closing brace, or without `open` to the end of the file. */
static void read_items(struct parser *p, struct settings_section *section, unsigned depth,
                       const struct settings_place *open)
{
    while (!failed(p)) {
        struct settings_place at;

        skip_lines(p);
        at = here(p);
        if (peek(p) == EOF) {
            if (open)
                settings_error(p->s, open, "the section '%.64s' has no closing '}'", section->name);
            return;
        }
        if (peek(p) == '}' && open) {
            advance(p);
            return;
        }
        if (peek(p) == '}')
            settings_error(p->s, &at, "'}' closes nothing");
        else
            read_item(p, section, depth);
    }
}

bool settings_read_text(struct settings *s, const struct tree_source *source,
                        struct settings_section *section, unsigned depth, unsigned includes)
{
    struct parser p = {.s = s,
                       .source = source,
                       .at = source->text,
                       .end = source->text + source->len,
                       .line = 1,
                       .column = 1,
                       .includes = includes};

    /* The mark that some editors put in front of UTF-8 is no part of the first name. */
    if (source->len >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0)
        p.at += 3;
    read_items(&p, section, depth, NULL);
    return !failed(&p);
}
