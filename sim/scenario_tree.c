#include "sim/scenario_tree.h"

#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

struct anchor {
    const char *name;
    struct tree *node;
};

struct builder {
    struct fy_parser *parser;
    struct arena *arena;
    struct diag *diag;
    const struct tree_source *source;
    struct anchor *anchors;
    uint32_t anchor_count;
    uint32_t nodes;
    bool failed;
};

/* A place without a node: for errors of the parser itself. */
static struct tree place(const struct tree_source *source, int line, int column)
{
    return (struct tree){.source = source,
                         .line = line < 0 ? 1 : (uint32_t)line + 1,
                         .column = column < 0 ? 1 : (uint32_t)column + 1,
                         .width = 1};
}

static void fail(struct builder *b, const struct tree *at, const char *message)
{
    if (!b->failed)
        diag_error(b->diag, at, "%s", message);
    b->failed = true;
}

static struct tree *new_node(struct builder *b, enum tree_kind kind, struct fy_event *event)
{
    const struct fy_mark *start = fy_event_start_mark(event);
    const struct fy_mark *end = fy_event_end_mark(event);
    struct tree *n = arena_take(b->arena, sizeof *n);

    if (!n) {
        b->diag->no_memory = b->failed = true;
        return NULL;
    }
    *n = place(b->source, start ? start->line : 0, start ? start->column : 0);
    n->kind = kind;
    if (kind == TREE_SCALAR && start && end && end->line == start->line &&
        end->column > start->column)
        n->width = (uint32_t)(end->column - start->column);
    if (++b->nodes > TREE_NODES_MAX) {
        fail(b, n, "too many nodes: a scenario may hold 200000, with every alias written out");
        return NULL;
    }
    return n;
}

static void append(struct tree *parent, struct tree *child)
{
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
    parent->count++;
}

static struct tree *copy_node(struct builder *b, const struct tree *from, const struct tree *alias)
{
    struct tree *n = arena_take(b->arena, sizeof *n);

    if (!n) {
        b->diag->no_memory = b->failed = true;
        return NULL;
    }
    *n = *from;
    n->next = n->first = n->last = NULL;
    n->count = 0;
    if (++b->nodes > TREE_NODES_MAX) {
        fail(b, alias, "too many nodes: aliases written out may make 200000 of them, no more");
        return NULL;
    }
    for (const struct tree *c = from->first; c; c = c->next) {
        struct tree *child = copy_node(b, c, alias);

        if (!child)
            return NULL;
        append(n, child);
    }
    return n;
}

static void remember_anchor(struct builder *b, struct fy_token *token, struct tree *node)
{
    size_t len = 0;
    const char *name = token ? fy_token_get_text(token, &len) : NULL;

    if (!name)
        return;
    if (b->anchor_count == TREE_ANCHORS_MAX) {
        fail(b, node, "too many anchors: a scenario may have 1024");
        return;
    }
    name = arena_text(b->arena, name, len);
    if (!name) {
        b->diag->no_memory = b->failed = true;
        return;
    }
    b->anchors[b->anchor_count++] = (struct anchor){name, node};
}

static struct tree *read_alias(struct builder *b, struct fy_event *event)
{
    struct tree *here = new_node(b, TREE_SCALAR, event);
    const char *name = fy_token_get_text0(event->alias.anchor);

    if (!here)
        return NULL;
    if (here->column > 1) { /* the library's mark is behind the asterisk */
        here->column--;
        here->width++;
    }
    for (uint32_t i = b->anchor_count; name && i-- > 0;)
        if (strcmp(b->anchors[i].name, name) == 0)
            return copy_node(b, b->anchors[i].node, here);
    fail(b, here, "alias of an anchor that is not complete by here");
    return NULL;
}

static struct tree *read_scalar(struct builder *b, struct fy_event *event)
{
    struct tree *n = new_node(b, TREE_SCALAR, event);
    size_t len = 0;
    const char *text = fy_token_get_text(event->scalar.value, &len);

    if (!n)
        return NULL;
    if (text && memchr(text, 0, len)) {
        fail(b, n, "a text may not hold a NUL character");
        return NULL;
    }
    n->text = arena_text(b->arena, text ? text : "", text ? len : 0);
    n->plain = fy_token_scalar_style(event->scalar.value) == FYSS_PLAIN;
    if (!n->text) {
        b->diag->no_memory = b->failed = true;
        return NULL;
    }
    remember_anchor(b, event->scalar.anchor, n);
    return n;
}

static struct tree *read_node(struct builder *b, struct fy_event *event, uint32_t depth);

static struct fy_event *next_event(struct builder *b)
{
    return b->failed ? NULL : fy_parser_parse(b->parser);
}

static struct tree *read_child(struct builder *b, struct fy_event *event, uint32_t depth)
{
    struct tree *child = read_node(b, event, depth + 1);

    fy_parser_event_free(b->parser, event);
    return child;
}

static bool read_list(struct builder *b, struct tree *list, uint32_t depth)
{
    struct fy_event *event;

    while ((event = next_event(b))) {
        struct tree *item;

        if (event->type == FYET_SEQUENCE_END) {
            fy_parser_event_free(b->parser, event);
            return true;
        }
        item = read_child(b, event, depth);
        if (!item)
            return false;
        append(list, item);
    }
    return false;
}

static bool read_map(struct builder *b, struct tree *map, uint32_t depth)
{
    struct fy_event *event;

    while ((event = next_event(b))) {
        struct tree *key, *value;

        if (event->type == FYET_MAPPING_END) {
            fy_parser_event_free(b->parser, event);
            return true;
        }
        key = read_child(b, event, depth);
        if (!key)
            return false;
        if (key->kind != TREE_SCALAR) {
            fail(b, key, "a key must be a plain word");
            return false;
        }
        if (map->count == TREE_KEYS_MAX) {
            fail(b, key, "too many keys: one mapping may have 1024");
            return false;
        }
        event = next_event(b);
        value = event ? read_child(b, event, depth) : NULL;
        if (!value)
            return false;
        value->key = key;
        append(map, value);
    }
    return false;
}

static bool is_merge(const struct tree *value)
{
    return value->key->plain && strcmp(value->key->text, "<<") == 0;
}

static void check_duplicates(struct builder *b, const struct tree *map)
{
    for (const struct tree *a = map->first; a; a = a->next)
        for (const struct tree *c = map->first; c != a; c = c->next)
            if (strcmp(a->key->text, c->key->text) == 0) {
                diag_error(b->diag, a->key, "duplicate key '%s'; it is on line %u already",
                           a->key->text, c->key->line);
                break;
            }
}

/* Take the pairs of `from` that `map` does not have. */
static void merge_from(struct builder *b, struct tree *map, struct tree *from)
{
    for (struct tree *v = from->first, *next; v; v = next) {
        next = v->next;
        if (tree_get(map, v->key->text))
            continue;
        if (map->count == TREE_KEYS_MAX) {
            fail(b, v->key, "too many keys: one mapping may have 1024");
            return;
        }
        v->next = NULL;
        append(map, v);
    }
}

/* YAML's merge key: what is written out wins over what is merged, earlier merges over later. */
static void merge_keys(struct builder *b, struct tree *map)
{
    struct tree *merge = NULL;

    for (struct tree **at = &map->first, *last = NULL; *at;) {
        struct tree *v = *at;

        if (!is_merge(v)) {
            last = v;
            at = &v->next;
            continue;
        }
        *at = v->next;
        if (map->last == v)
            map->last = last;
        map->count--;
        merge = v; /* duplicates were refused, there is but one */
        merge->next = NULL;
    }
    if (!merge)
        return;
    if (merge->kind == TREE_MAP) {
        merge_from(b, map, merge);
        return;
    }
    for (struct tree *item = merge->first; item; item = item->next)
        if (item->kind == TREE_MAP)
            merge_from(b, map, item);
    if (merge->kind != TREE_LIST || (merge->first && merge->first->kind != TREE_MAP))
        diag_error(b->diag, merge->key, "'<<' takes a mapping or a list of mappings");
}

static struct tree *read_collection(struct builder *b, struct fy_event *event, uint32_t depth)
{
    bool map = event->type == FYET_MAPPING_START;
    struct fy_token *anchor = map ? event->mapping_start.anchor : event->sequence_start.anchor;
    struct tree *n = new_node(b, map ? TREE_MAP : TREE_LIST, event);

    if (!n)
        return NULL;
    if (depth >= TREE_DEPTH_MAX) {
        fail(b, n, "nested too deeply: a scenario may have 32 levels");
        return NULL;
    }
    if (!(map ? read_map(b, n, depth) : read_list(b, n, depth)))
        return NULL;
    if (map) {
        check_duplicates(b, n);
        merge_keys(b, n);
    }
    remember_anchor(b, anchor, n);
    return n;
}

static struct tree *read_node(struct builder *b, struct fy_event *event, uint32_t depth)
{
    struct fy_token *tag = event->type == FYET_SCALAR           ? event->scalar.tag
                           : event->type == FYET_MAPPING_START  ? event->mapping_start.tag
                           : event->type == FYET_SEQUENCE_START ? event->sequence_start.tag
                                                                : NULL;
    struct tree at;

    if (tag) {
        const struct fy_mark *mark = fy_token_start_mark(tag);

        at = place(b->source, mark ? mark->line : 0, mark ? mark->column : 0);
        fail(b, &at, "tags are not used in scenarios; remove it");
        return NULL;
    }
    if (event->type == FYET_ALIAS)
        return read_alias(b, event);
    if (event->type == FYET_SCALAR)
        return read_scalar(b, event);
    if (event->type == FYET_MAPPING_START || event->type == FYET_SEQUENCE_START)
        return read_collection(b, event, depth);
    at = place(b->source, 0, 0);
    fail(b, &at, "a value was expected");
    return NULL;
}

/*
 * The parser's own errors, such as a bracket that is not closed. The library prints them; we keep
 * the first line, "NAME:LINE:COLUMN: error: MESSAGE". (Its collected errors leak in 0.7.12.)
 */
struct printed {
    char text[512];
    size_t len;
};

static void keep_printed(struct fy_diag *diag, void *user, const char *text, size_t len)
{
    struct printed *p = user;
    size_t room = sizeof p->text - 1 - p->len;

    (void)diag;
    len = len < room ? len : room;
    memcpy(p->text + p->len, text, len);
    p->len += len;
}

static struct fy_diag *printing_diag(struct printed *printed)
{
    struct fy_diag_cfg config;

    fy_diag_cfg_default(&config);
    config.fp = NULL;
    config.output_fn = keep_printed;
    config.user = printed;
    config.colorize = false;
    return fy_diag_create(&config);
}

/* The number that ends at `end`, and where it begins; 1 if there is none. */
static int number_before(const char *text, const char *end, const char **start)
{
    const char *p = end;

    while (p > text && p[-1] >= '0' && p[-1] <= '9')
        p--;
    *start = p;
    return p < end && end - p < 9 ? atoi(p) : 1;
}

static void report_parser(struct builder *b, struct printed *printed)
{
    char *message = strstr(printed->text, ": error: ");
    const char *start;
    struct tree at;
    int line, column;

    if (!message) {
        at = place(b->source, 0, 0);
        fail(b, &at, "not YAML");
        return;
    }
    column = number_before(printed->text, message, &start);
    line = number_before(printed->text, start > printed->text ? start - 1 : start, &start);
    message += strlen(": error: ");
    message[strcspn(message, "\n")] = 0;
    at = place(b->source, line - 1, column - 1);
    fail(b, &at, message);
}

static struct tree *read_document(struct builder *b)
{
    struct tree *root = NULL;
    struct fy_event *event;
    uint32_t documents = 0;

    while ((event = next_event(b))) {
        if (event->type == FYET_DOCUMENT_START && documents++ == 1) {
            const struct fy_mark *mark = fy_event_start_mark(event);
            struct tree at = place(b->source, mark ? mark->line : 0, mark ? mark->column : 0);

            fail(b, &at, "a second document; a scenario file holds one");
        } else if (event->type == FYET_MAPPING_START || event->type == FYET_SEQUENCE_START ||
                   event->type == FYET_SCALAR || event->type == FYET_ALIAS) {
            root = read_node(b, event, 0);
        }
        fy_parser_event_free(b->parser, event);
    }
    return b->failed ? NULL : root;
}

static bool check_source(const struct tree_source *source, struct diag *diag)
{
    struct tree at = place(source, 0, 0);
    const char *nul = memchr(source->text, 0, source->len);

    if (source->len > TREE_BYTES_MAX) {
        diag_error(diag, &at, "the file is larger than 4 MiB");
        return false;
    }
    if (!nul)
        return true;
    for (const char *c = source->text; c < nul; c++)
        at.line += *c == '\n';
    diag_error(diag, &at, "the file holds a NUL byte; a scenario is UTF-8 text");
    return false;
}

struct tree *tree_read(struct arena *arena, const struct tree_source *source, struct diag *diag)
{
    struct printed printed = {.len = 0};
    struct fy_parse_cfg config = {0};
    struct builder b = {.arena = arena, .diag = diag, .source = source};
    struct tree *root = NULL, at = place(source, 0, 0);

    if (!check_source(source, diag))
        return NULL;
    b.anchors = calloc(TREE_ANCHORS_MAX, sizeof *b.anchors);
    config.diag = printing_diag(&printed);
    b.parser = config.diag ? fy_parser_create(&config) : NULL;
    if (!b.parser || !b.anchors || fy_parser_set_string(b.parser, source->text, source->len) != 0) {
        diag->no_memory = true;
        diag->errors++;
        goto out;
    }
    root = read_document(&b);
    if (!b.failed && fy_parser_get_stream_error(b.parser))
        report_parser(&b, &printed);
    if (b.failed)
        root = NULL;
    else if (!root)
        diag_error(diag, &at, "the file is empty; see `ikelab explain ikelab`");
out:
    if (diag->no_memory)
        diag->errors++;
    if (b.parser)
        fy_parser_destroy(b.parser);
    if (config.diag)
        fy_diag_destroy(config.diag);
    free(b.anchors);
    return root;
}

struct tree *tree_get(const struct tree *map, const char *key)
{
    if (!map || map->kind != TREE_MAP)
        return NULL;
    for (struct tree *v = map->first; v; v = v->next)
        if (strcmp(v->key->text, key) == 0)
            return v;
    return NULL;
}

bool tree_is_null(const struct tree *n)
{
    return n->kind == TREE_SCALAR && n->plain &&
           (n->text[0] == 0 || strcmp(n->text, "~") == 0 || strcmp(n->text, "null") == 0);
}

/* One step of a path: up to the next dot, or all of it where keys contain dots. */
static size_t step_length(const char *path, const char *rest)
{
    size_t done = (size_t)(rest - path);

    if ((done == 11 && strncmp(path, "thresholds.", 11) == 0) ||
        (done == 11 && strncmp(path, "sweep.axes.", 11) == 0))
        return strlen(rest);
    return strcspn(rest, ".");
}

static struct tree *child_at(struct tree *parent, const char *step)
{
    char *end;
    unsigned long index = strtoul(step, &end, 10);
    struct tree *c = parent->first;

    if (parent->kind == TREE_MAP)
        return tree_get(parent, step);
    if (*end || end == step)
        return NULL;
    while (c && index--)
        c = c->next;
    return c;
}

/* Give `old` the content of `value`, but its own key and siblings. */
static void replace(struct tree *old, const struct tree *value)
{
    struct tree *key = old->key, *next = old->next;

    *old = *value;
    old->key = key;
    old->next = next;
}

static struct tree *add_child(struct arena *arena, struct tree *parent, const char *step,
                              const struct tree *value)
{
    struct tree *child = arena_take(arena, sizeof *child);
    struct tree *key = arena_take(arena, sizeof *key);

    if (!child || !key)
        return NULL;
    *key = (struct tree){.kind = TREE_SCALAR,
                         .text = step,
                         .source = value->source,
                         .line = 1,
                         .column = 1,
                         .width = value->column > 1 ? value->column - 1 : 1};
    *child = (struct tree){.kind = TREE_MAP,
                           .source = value->source,
                           .line = value->line,
                           .column = value->column,
                           .width = 1,
                           .key = key};
    append(parent, child);
    return child;
}

bool tree_set(struct arena *arena, struct tree *root, const char *path, struct tree *value,
              struct diag *diag)
{
    struct tree *at = root;

    for (const char *rest = path;;) {
        size_t len = step_length(path, rest);
        const char *step = arena_text(arena, rest, len);
        struct tree *child;

        if (!step) {
            diag->no_memory = true;
            return false;
        }
        if (len == 0 || at->kind == TREE_SCALAR) {
            diag_error(diag, value,
                       "no such place: %.*s is no mapping or the path is not "
                       "KEY.KEY...",
                       (int)(rest - path), path);
            return false;
        }
        child = child_at(at, step);
        if (!child && at->kind == TREE_LIST) {
            diag_error(diag, value, "there is no item '%s': the list has items 0 to %u", step,
                       at->count ? at->count - 1 : 0);
            return false;
        }
        if (!child)
            child = add_child(arena, at, step, value);
        if (!child) {
            diag->no_memory = true;
            return false;
        }
        if (!rest[len]) {
            replace(child, value);
            return true;
        }
        /* `delay` alone may be followed by a mapping in its place: {random: 1%} for 0%. */
        if (tree_is_null(child) && child->kind == TREE_SCALAR)
            child->kind = TREE_MAP;
        at = child;
        rest += len + 1;
    }
}
