/* Values of the scenario's plain types, and sections made of them, as the table says. */
#include "base/assert.h"
#include "sim/scenario_read.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 64 };

void *reader_take(struct scenario_reader *r, size_t size)
{
    void *out = arena_take(r->arena, size ? size : 1);

    if (!out)
        r->diag.no_memory = true;
    return out;
}

bool is_text(const struct tree *n)
{
    return n->kind == TREE_SCALAR && !tree_is_null(n);
}

const char *text_of(struct scenario_reader *r, const struct tree *n, const char *accepted)
{
    if (is_text(n))
        return n->text;
    diag_error(&r->diag, n, "%s where %s is expected",
               n->kind == TREE_MAP    ? "a mapping"
               : n->kind == TREE_LIST ? "a list"
                                      : "nothing",
               accepted);
    return NULL;
}

bool is_ignored(const struct tree *value)
{
    return strncmp(value->key->text, "x-", 2) == 0;
}

bool is_name(const char *text)
{
    size_t len = strlen(text);

    if (len == 0 || len > SCENARIO_NAME_MAX || !isalnum((unsigned char)text[0]))
        return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && *text != '-' && *text != '_')
            return false;
    return true;
}

int32_t group_named(struct scenario_reader *r, const struct tree *at, const char *name)
{
    const struct scenario *s = r->scenario;
    const char *names[SCENARIO_GROUPS_MAX + 1] = {NULL};
    char space[128];

    for (uint32_t i = 0; i < s->group_count; i++) {
        names[i] = s->groups[i].name;
        if (strcmp(names[i], name) == 0)
            return (int32_t)i;
    }
    diag_error(&r->diag, at, "no group '%.64s' in nodes%s", name, diag_nearest(name, names, space));
    return SCENARIO_NONE;
}

/* "a, b or c" for messages. */
static const char *word_list(struct scenario_reader *r, const char *const *words)
{
    const char *list = words[0];

    for (size_t i = 1; words[i] && list; i++)
        list = arena_format(r->arena, "%s%s%s", list, words[i + 1] ? ", " : " or ", words[i]);
    return list ? list : "";
}

/* `null` is a word of some keys, though YAML reads it as nothing; and what is `yes` to YAML 1.2 is
 * `true` to older readers, which may have written the file. */
static const char *word_of(struct scenario_reader *r, const struct key *key, const struct tree *n,
                           const char *accepted)
{
    static const char *const meant[][2] = {{"null", "null"}, {"true", "yes"}, {"false", "no"}};

    for (int i = 0; key->words[i] && n->kind == TREE_SCALAR; i++)
        for (size_t k = 0; k < sizeof meant / sizeof *meant; k++)
            if (strcmp(n->text, meant[k][0]) == 0 && strcmp(key->words[i], meant[k][1]) == 0)
                return key->words[i];
    return text_of(r, n, accepted);
}

static int word_index(struct scenario_reader *r, const struct key *key, const struct tree *n)
{
    const char *accepted = word_list(r, key->words);
    const char *text = word_of(r, key, n, accepted);
    char space[128];

    if (!text)
        return -1;
    for (int i = 0; key->words[i]; i++)
        if (strcmp(key->words[i], text) == 0)
            return i;
    diag_error(&r->diag, n, "'%.64s' is no value of '%s', which takes %s%s", text, key->name,
               accepted, diag_nearest(text, key->words, space));
    return -1;
}

static void out_of_range(struct scenario_reader *r, const struct key *key, const struct tree *n,
                         enum dimension dimension)
{
    char low[UNIT_TEXT_MAX], high[UNIT_TEXT_MAX];

    unit_write(dimension, key->min, low);
    unit_write(dimension, key->max, high);
    if (key->max)
        diag_error(&r->diag, n, "'%s' must lie between %s and %s", key->name, low, high);
    else
        diag_error(&r->diag, n, "'%s' must be at least %s", key->name, low);
}

static void number_read(struct scenario_reader *r, const struct key *key, const struct tree *n,
                        void *field)
{
    enum dimension dimension = key_dimension(key->type);
    const char *text = text_of(r, n, unit_accepted(dimension)), *wrong;
    bool narrow = key->type == KEY_COUNT || key->type == KEY_SIZE32;
    uint64_t v;

    if (!text)
        return;
    wrong = n->plain || dimension != DIMENSION_COUNT ? unit_read(dimension, text, &v)
                                                     : "is a text, not a number";
    if (wrong) {
        diag_error(&r->diag, n, "'%.64s' %s; '%s' takes %s", text, wrong, key->name,
                   unit_accepted(dimension));
        return;
    }
    if (v < key->min || (key->max && v > key->max) || (narrow && v > UINT32_MAX)) {
        if (narrow && !key->max && v > UINT32_MAX)
            diag_error(&r->diag, n, "'%s' is too large: at most 4294967295", key->name);
        else
            out_of_range(r, key, n, dimension);
        return;
    }
    if (narrow)
        *(uint32_t *)field = (uint32_t)v;
    else
        *(uint64_t *)field = v;
}

static void padding_read(struct scenario_reader *r, const struct key *key, const struct tree *n,
                         uint32_t *field)
{
    struct key size = *key;

    size.type = KEY_SIZE32;
    if (n->kind == TREE_SCALAR && strcmp(n->text, "mtu") == 0)
        *field = TFC_TO_MTU;
    else
        number_read(r, &size, n, field);
}

static void bool_read(struct scenario_reader *r, const struct key *key, const struct tree *n,
                      bool *field)
{
    const char *text = text_of(r, n, "true or false");

    if (!text)
        return;
    if (n->plain && strcmp(text, "true") == 0)
        *field = true;
    else if (n->plain && strcmp(text, "false") == 0)
        *field = false;
    else
        diag_error(&r->diag, n, "'%.64s' is no value of '%s', which takes true or false", text,
                   key->name);
}

static void name_read(struct scenario_reader *r, const struct key *key, const struct tree *n,
                      const char **field)
{
    const char *text = text_of(r, n, "a name");

    if (!text)
        return;
    if (is_name(text))
        *field = text;
    else
        diag_error(&r->diag, n,
                   "'%.64s' is no name; '%s' takes up to 32 letters, digits, '-' and '_'", text,
                   key->name);
}

static void free_text_read(struct scenario_reader *r, const struct key *key, const struct tree *n,
                           const char **field)
{
    const char *text = text_of(r, n, "a text");

    if (!text)
        return;
    if (text[0] == 0 || strlen(text) > key->max)
        diag_error(&r->diag, n, "'%s' takes a text of 1 to %u bytes", key->name,
                   (unsigned)key->max);
    else
        *field = text;
}

/* A list, or one item in its place. */
static const struct tree *items(const struct tree *n, uint32_t *count)
{
    *count = n->kind == TREE_LIST ? n->count : 1;
    return n->kind == TREE_LIST ? n->first : n;
}

static void texts_read(struct scenario_reader *r, const struct key *key, const struct tree *n,
                       const char *const **field)
{
    uint32_t count;
    const struct tree *item = items(n, &count);
    const char **list = reader_take(r, count * sizeof *list);

    if (!list)
        return;
    if (count == 0) {
        diag_error(&r->diag, n, "'%s' takes at least one, such as %s", key->name, key->example);
        return;
    }
    for (uint32_t i = 0; i < count; i++, item = item->next) {
        int word = key->words ? word_index(r, key, item) : 0;

        list[i] = key->words ? (word < 0 ? NULL : key->words[word]) : text_of(r, item, "a text");
        if (!list[i])
            return;
    }
    *field = list;
    memcpy(field + 1, &count, sizeof count);
}

static bool prefix_parse(const char *text, struct ip_prefix *out, bool *host_bits)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    uint8_t bytes[16] = {0};
    uint64_t length;

    *host_bits = false;
    if (len >= sizeof address)
        return false;
    memcpy(address, text, len);
    address[len] = 0;
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, address, bytes) == 1) {
        out->addr = ip_addr_v4(load_be32(bytes));
        length = 32;
    } else if (inet_pton(AF_INET6, address, bytes) == 1) {
        out->addr = ip_addr_v6(bytes);
        length = 128;
    } else {
        return false;
    }
    if (slash) {
        uint64_t most = length;

        if (unit_read(DIMENSION_COUNT, slash + 1, &length) || length > most)
            return false;
    }
    out->length = (uint8_t)length;
    for (uint64_t bit = length; bit < (out->addr.family == 4 ? 32 : 128); bit++)
        *host_bits |= bytes[bit / 8] & 0x80 >> bit % 8;
    return true;
}

static bool prefix_read(struct scenario_reader *r, const struct key *key, const struct tree *n,
                        struct ip_prefix *out)
{
    bool whole = key->type == KEY_ADDRESS;
    const char *accepted =
        whole ? "an address such as 198.51.100.1" : "a prefix such as 10.0.0.0/16";
    const char *text = text_of(r, n, accepted);
    struct ip_prefix p;
    bool host_bits;

    if (!text)
        return false;
    if (!prefix_parse(text, &p, &host_bits) || (whole && strchr(text, '/'))) {
        diag_error(&r->diag, n, "'%.64s' is no %s; '%s' takes %s", text,
                   whole ? "address" : "prefix", key->name, accepted);
        return false;
    }
    if (!whole && host_bits) {
        diag_error(&r->diag, n, "'%.64s' has bits behind its length; '%s' takes %s", text,
                   key->name, accepted);
        return false;
    }
    *out = p;
    return true;
}

static void prefixes_read(struct scenario_reader *r, const struct key *key, const struct tree *n,
                          const struct ip_prefix **field)
{
    uint32_t count;
    const struct tree *item = items(n, &count);
    struct ip_prefix *list = reader_take(r, count * sizeof *list);

    if (!list)
        return;
    if (count > SELECTORS_MAX) {
        diag_error(&r->diag, n, "'%s' takes at most %d prefixes", key->name, SELECTORS_MAX);
        return;
    }
    for (uint32_t i = 0; i < count; i++, item = item->next)
        if (!prefix_read(r, key, item, &list[i]))
            return;
    *field = list;
    memcpy(field + 1, &count, sizeof count);
}

static void ports_read(struct scenario_reader *r, const struct key *key, const struct tree *n,
                       uint16_t *field)
{
    const char *text = text_of(r, n, "a range of ports such as 1024-65535");
    const char *hyphen = text ? strchr(text, '-') : NULL;
    uint64_t first = 0, last = 0;
    char begin[8] = "";

    if (!text)
        return;
    if (hyphen && (size_t)(hyphen - text) < sizeof begin)
        memcpy(begin, text, (size_t)(hyphen - text));
    if (!hyphen || unit_read(DIMENSION_COUNT, begin, &first) ||
        unit_read(DIMENSION_COUNT, hyphen + 1, &last) || first < 1 || last > 65535 ||
        first > last) {
        diag_error(&r->diag, n,
                   "'%.64s' is no range of ports; '%s' takes FIRST-LAST within "
                   "1-65535, such as 1024-65535",
                   text, key->name);
        return;
    }
    field[0] = (uint16_t)first;
    field[1] = (uint16_t)last;
}

/* Exactly one model; what another level of the file said is gone. */
static void loss_read(struct scenario_reader *r, const struct tree *n, struct loss_words *loss)
{
    const struct tree *only = NULL;

    memset(loss, 0, sizeof *loss);
    loss->loss_bad = PROBABILITY_ONE;
    loss->p23 = PROBABILITY_ONE;
    loss->p31 = UINT64_MAX;
    section_read(r, SECTION_LOSS, n, loss);
    if (n->kind != TREE_MAP)
        return;
    for (const struct tree *v = n->first; v; v = v->next) {
        if (is_ignored(v))
            continue;
        if (only)
            diag_error(&r->diag, v->key, "'loss' takes one model: it has '%s' already",
                       only->key->text);
        only = v;
    }
    if (!only)
        return;
    loss->model = strcmp(only->key->text, "random") == 0    ? LOSS_RANDOM
                  : strcmp(only->key->text, "gemodel") == 0 ? LOSS_GEMODEL
                                                            : LOSS_STATE;
    if (loss->p31 == UINT64_MAX)
        loss->p31 = PROBABILITY_ONE - loss->p13;
    if (loss->model == LOSS_STATE &&
        (loss->p31 + loss->p32 > PROBABILITY_ONE || loss->p13 + loss->p14 > PROBABILITY_ONE))
        diag_error(&r->diag, only, "p13 + p14 and p31 + p32 must not pass 100%% each");
}

void value_read(struct scenario_reader *r, const struct key *key, const struct tree *n, void *field)
{
    int index;

    if (key_dimension(key->type) != DIMENSION_COUNT_OF) {
        uint64_t unused;

        number_read(r, key, n, key->offset == SIZE_MAX ? &unused : field);
        return;
    }
    switch (key->type) {
    case KEY_BOOL:
        bool_read(r, key, n, key->offset == SIZE_MAX ? &(bool){false} : field);
        return;
    case KEY_PADDING:
        padding_read(r, key, n, field);
        return;
    case KEY_WORD:
    case KEY_CHOICE:
        index = word_index(r, key, n);
        if (index >= 0 && key->type == KEY_WORD)
            *(uint32_t *)field = (uint32_t)index;
        else if (index >= 0)
            *(bool *)field = index == 1;
        return;
    case KEY_NAME:
        name_read(r, key, n, field);
        return;
    case KEY_TEXT:
        free_text_read(r, key, n, field);
        return;
    case KEY_TEXTS:
        texts_read(r, key, n, field);
        return;
    case KEY_ADDRESS:
    case KEY_PREFIX:
        (void)prefix_read(r, key, n, field);
        return;
    case KEY_PREFIXES:
        prefixes_read(r, key, n, field);
        return;
    case KEY_PORTS:
        ports_read(r, key, n, field);
        return;
    case KEY_SECTION:
        section_read(r, key->section, n, field);
        return;
    case KEY_LOSS:
        loss_read(r, n, field);
        return;
    default: /* presets go first; the others have a grammar of their own */
        return;
    }
}

static void unknown_key(struct scenario_reader *r, enum section_id id, const struct tree *value)
{
    const char *names[NAMES_MAX] = {NULL};
    const char *near, *text = value->key->text;
    size_t count = 0;

    for (const struct section *s = &scenario_sections[id];; s = &scenario_sections[s->include]) {
        for (size_t i = 0; i < s->count && count < NAMES_MAX - 1; i++)
            names[count++] = s->keys[i].name;
        if (!s->include)
            break;
    }
    near = nearest_word(text, names);
    if (near)
        diag_error(&r->diag, value->key, "unknown key '%.64s' in %s; did you mean '%s'?", text,
                   scenario_sections[id].what, near);
    else
        diag_error(&r->diag, value->key, "unknown key '%.64s' in %s, which takes %s", text,
                   scenario_sections[id].what, word_list(r, names));
}

static void check_required(struct scenario_reader *r, enum section_id id, const struct tree *map)
{
    const struct section *s = &scenario_sections[id];

    for (size_t i = 0; i < s->count; i++) {
        const struct key *key = &s->keys[i];

        if (key->required && !tree_get(map, key->name))
            diag_error(&r->diag, map->key ? map->key : map, "%s needs '%s'%s%s", s->what, key->name,
                       key->example ? ", such as " : "", key->example ? key->example : "");
    }
}

void section_read(struct scenario_reader *r, enum section_id id, const struct tree *map, void *base)
{
    size_t offset;

    if (map->kind != TREE_MAP) {
        if (!tree_is_null(map) || map->kind != TREE_SCALAR)
            diag_error(&r->diag, map, "%s is a mapping with keys such as '%s'",
                       scenario_sections[id].what, scenario_sections[id].keys[0].name);
        else
            check_required(r, id, map);
        return;
    }
    preset_read(r, id, map, base);
    for (const struct tree *v = map->first; v; v = v->next) {
        const struct key *key = section_key(id, v->key->text, &offset);

        if (key)
            value_read(r, key, v, (char *)base + (key->offset == SIZE_MAX ? 0 : offset));
        else if (!is_ignored(v))
            unknown_key(r, id, v);
    }
    check_required(r, id, map);
}

/* A default or preset is text of ours: it cannot be wrong. */
static void text_value(struct scenario_reader *r, const struct key *key, const char *text,
                       void *field)
{
    static const struct tree_source source = {.name = "default", .text = "", .len = 0};
    const struct tree n = {.kind = TREE_SCALAR,
                           .text = text,
                           .plain = true,
                           .source = &source,
                           .line = 1,
                           .column = 1,
                           .width = 1};
    uint32_t errors = r->diag.errors;

    value_read(r, key, &n, field);
    ASSERT(r->diag.errors == errors || r->diag.no_memory);
}

void section_defaults(struct scenario_reader *r, enum section_id id, void *base)
{
    const struct section *s = &scenario_sections[id];

    if (s->include)
        section_defaults(r, s->include, (char *)base + s->include_offset);
    for (size_t i = 0; i < s->count; i++) {
        const struct key *key = &s->keys[i];
        void *field = (char *)base + key->offset;
        enum dimension dimension = key_dimension(key->type);

        if (key->offset == SIZE_MAX)
            continue;
        if (key->type == KEY_SECTION && key->section != SECTION_CPU &&
            key->section != SECTION_RAMP && key->section != SECTION_GEMODEL &&
            key->section != SECTION_STATE)
            section_defaults(r, key->section, field);
        else if (key->otherwise && key->otherwise[0] != '=')
            text_value(r, key, key->otherwise, field);
        else if (key->otherwise && dimension != DIMENSION_COUNT_OF &&
                 dimension != DIMENSION_BITRATE)
            *(uint64_t *)field = UINT64_MAX; /* computed when all is read */
    }
}

void preset_read(struct scenario_reader *r, enum section_id id, const struct tree *map, void *base)
{
    const struct tree *n = tree_get(map, "preset");
    struct tree_source *source = reader_take(r, sizeof *source);
    size_t offset;
    const struct key *key = section_key(id, "preset", &offset);
    struct tree *values;

    if (!n || !key || !source || word_index(r, key, n) < 0)
        return;
    *source = (struct tree_source){.name = "preset", .text = preset_values(id, n->text)};
    ASSERT(source->text);
    source->len = strlen(source->text);
    values = tree_read(r->arena, source, &r->diag);
    ASSERT(values || r->diag.no_memory);
    for (struct tree *v = values ? values->first : NULL; v; v = v->next) {
        key = section_key(id, v->key->text, &offset);
        ASSERT(key);
        text_value(r, key, v->text, (char *)base + offset);
    }
}
