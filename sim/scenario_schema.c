#include "sim/scenario_schema.h"

#include "record/json.h"

#include <string.h>

static void schema_section(struct json *, enum section_id);

/* Numbers of dimension count and milli are JSON numbers, all others are texts with a unit. */
static void schema_number(struct json *j, const struct key *key)
{
    enum dimension dimension = key_dimension(key->type);

    if (dimension == DIMENSION_COUNT || dimension == DIMENSION_MILLI) {
        bool whole = dimension == DIMENSION_COUNT;

        json_text(j, "type", whole ? "integer" : "number");
        json_fixed(j, "minimum", (struct fixed){.value = key->min, .decimals = whole ? 0 : 3});
        if (key->max)
            json_fixed(j, "maximum", (struct fixed){.value = key->max, .decimals = whole ? 0 : 3});
        return;
    }
    json_array_begin(j, "type");
    json_text(j, NULL, "string");
    if (dimension == DIMENSION_PROBABILITY)
        json_text(j, NULL, "number");
    json_array_end(j);
    json_text(j, "pattern", unit_pattern(dimension));
    if (dimension == DIMENSION_PROBABILITY) {
        json_u64(j, "minimum", 0);
        json_u64(j, "maximum", 1);
    }
}

static void schema_words(struct json *j, const struct key *key)
{
    json_array_begin(j, "enum");
    for (const char *const *w = key->words; *w; w++) {
        json_text(j, NULL, *w);
        if (strcmp(*w, "null") == 0) /* without quotes it is no text in YAML */
            json_text(j, NULL, NULL);
        if (strcmp(*w, "yes") == 0 || strcmp(*w, "no") == 0) /* nor is this in YAML 1.1 */
            json_bool(j, NULL, strcmp(*w, "yes") == 0);
    }
    json_array_end(j);
}

/* One word or a list of them. */
static void schema_word_list(struct json *j, const struct key *key)
{
    json_array_begin(j, "oneOf");
    json_object_begin(j, NULL);
    schema_words(j, key);
    json_object_end(j);
    json_object_begin(j, NULL);
    json_text(j, "type", "array");
    json_u64(j, "minItems", 1);
    json_object_begin(j, "items");
    schema_words(j, key);
    json_object_end(j);
    json_object_end(j);
    json_array_end(j);
}

/* One or a list of it. */
static void schema_list(struct json *j, const char *item)
{
    json_array_begin(j, "type");
    json_text(j, NULL, item);
    json_text(j, NULL, "array");
    json_array_end(j);
    json_object_begin(j, "items");
    json_text(j, "type", item);
    json_object_end(j);
}

/* Names with a section each. */
static void schema_map(struct json *j, enum section_id section)
{
    json_text(j, "type", "object");
    json_object_begin(j, "patternProperties");
    json_object_begin(j, "^x-");
    json_object_end(j);
    json_object_begin(j, "^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$");
    schema_section(j, section);
    json_object_end(j);
    json_object_end(j);
    json_bool(j, "additionalProperties", false);
}

/* A section, or one word in its place. */
static void schema_or_word(struct json *j, const char *word, enum section_id section)
{
    json_array_begin(j, "oneOf");
    json_object_begin(j, NULL);
    json_text(j, "const", word);
    json_object_end(j);
    json_object_begin(j, NULL);
    schema_section(j, section);
    json_object_end(j);
    json_array_end(j);
}

static void schema_value(struct json *j, const struct key *key)
{
    if (key_dimension(key->type) != DIMENSION_COUNT_OF) {
        schema_number(j, key);
        return;
    }
    switch (key->type) {
    case KEY_BOOL:
        json_text(j, "type", "boolean");
        return;
    case KEY_WORD:
    case KEY_CHOICE:
    case KEY_PRESET:
        schema_words(j, key);
        return;
    case KEY_TEXTS:
        if (key->words)
            schema_word_list(j, key);
        else
            schema_list(j, "string");
        return;
    case KEY_PREFIXES:
    case KEY_MEMBERS:
    case KEY_LINKS:
    case KEY_PACKET_SIZE:
    case KEY_TIMES:
        schema_list(j, "string");
        return;
    case KEY_SECTION:
    case KEY_LOSS:
    case KEY_DIRECTION:
        schema_section(j, key->section);
        return;
    case KEY_MAP:
        schema_map(j, key->section);
        return;
    case KEY_LIST:
        json_text(j, "type", "array");
        json_object_begin(j, "items");
        schema_section(j, key->section);
        json_object_end(j);
        return;
    case KEY_CAPTURE:
        schema_or_word(j, "none", key->section);
        return;
    case KEY_ARRIVALS:
        schema_or_word(j, "all_at_once", key->section);
        return;
    case KEY_SIDES:
        json_text(j, "type", "array");
        json_u64(j, "minItems", 2);
        json_u64(j, "maxItems", 2);
        return;
    case KEY_ONE_PER:
    case KEY_THRESHOLDS:
    case KEY_AXES:
        json_text(j, "type", "object");
        return;
    default: /* names, texts, addresses, ports, the start of a flow */
        json_text(j, "type", "string");
        return;
    }
}

static void schema_keys(struct json *j, enum section_id id)
{
    const struct section *s = &scenario_sections[id];

    for (size_t i = 0; i < s->count; i++) {
        json_object_begin(j, s->keys[i].name);
        json_text(j, "description", s->keys[i].doc);
        schema_value(j, &s->keys[i]);
        json_object_end(j);
    }
    if (s->include)
        schema_keys(j, s->include);
}

static void schema_section(struct json *j, enum section_id id)
{
    const struct section *s = &scenario_sections[id];
    bool any = false;

    json_text(j, "type", "object");
    json_object_begin(j, "properties");
    schema_keys(j, id);
    json_object_end(j);
    for (size_t i = 0; i < s->count; i++)
        any |= s->keys[i].required;
    if (any) {
        json_array_begin(j, "required");
        for (size_t i = 0; i < s->count; i++)
            if (s->keys[i].required)
                json_text(j, NULL, s->keys[i].name);
        json_array_end(j);
    }
    json_object_begin(j, "patternProperties");
    json_object_begin(j, "^x-");
    json_object_end(j);
    json_object_end(j);
    json_bool(j, "additionalProperties", false);
}

void scenario_schema(struct text *out)
{
    struct json j;

    json_init(&j, out, 0);
    json_object_begin(&j, NULL);
    json_text(&j, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_text(&j, "title", "Ikelab scenario, version 1");
    schema_section(&j, SECTION_SCENARIO);
    json_object_end(&j);
    text_char(out, '\n');
}

/* Where a key may be written, besides its first place. */
static void other_places(struct text *out, enum section_id id)
{
    if (id == SECTION_IKE || id == SECTION_CHILD || id == SECTION_LOOKUP)
        text_format(out, "also in       nodes.*.%s\n", scenario_sections[id].path);
    else if (id == SECTION_WORDS)
        text_raw(out, "also in       links.*.up and links.*.down, for one direction\n");
}

static void accepted(struct text *out, const struct key *key)
{
    enum dimension dimension = key_dimension(key->type);
    char low[UNIT_TEXT_MAX], high[UNIT_TEXT_MAX];

    if (dimension != DIMENSION_COUNT_OF) {
        text_raw(out, unit_accepted(dimension));
        unit_write(dimension, key->min, low);
        unit_write(dimension, key->max, high);
        if (key->max)
            text_format(out, "; %s to %s", low, high);
        else if (key->min > 1)
            text_format(out, "; at least %s", low);
    } else if (key->words) {
        for (const char *const *w = key->words; *w; w++)
            text_format(out, "%s%s", w == key->words ? "" : ", ", *w);
    } else if (key->type == KEY_BOOL) {
        text_raw(out, "true or false");
    } else if (key->type == KEY_MAP) {
        text_raw(out, "names, each with its own keys");
    } else if (key->type == KEY_LIST) {
        text_raw(out, "a list, each item with its own keys");
    } else if (key->type == KEY_LOSS) {
        text_raw(out, "exactly one of the keys within");
    } else if (key->section && key->section != SECTION_NONE) {
        text_raw(out, "keys of its own");
    } else {
        text_format(out, "as in %s", key->example ? key->example : "the examples");
    }
}

static void keys_within(struct text *out, const struct key *key)
{
    enum section_id id = key->section;

    if (!id || id == SECTION_NONE)
        return;
    text_raw(out, "keys within  ");
    for (const struct section *s = &scenario_sections[id];; s = &scenario_sections[s->include]) {
        for (size_t i = 0; i < s->count; i++)
            text_format(out, " %s", s->keys[i].name);
        if (!s->include)
            break;
    }
    text_char(out, '\n');
}

void scenario_explain_key(struct text *out, const struct key_path *path)
{
    const struct key *key = path->key;

    text_format(out, "%s\n  %s\n\ntakes         ", path->path, key->doc);
    accepted(out, key);
    text_char(out, '\n');
    if (key->required)
        text_raw(out, "required      yes\n");
    else if (key->otherwise)
        text_format(out, "default       %s\n", key->otherwise + (key->otherwise[0] == '='));
    if (key->example)
        text_format(out, "example       %s: %s\n", key->name, key->example);
    if (key->tc)
        text_format(out, "like tc       tc qdisc add dev eth0 root %s\n", key->tc);
    if (key->roles) {
        static const char *const names[] = {"initiator", "responder", "nat", "router"};

        text_raw(out, "for role     ");
        for (unsigned i = 0; i < 4; i++)
            if (key->roles & 1u << i)
                text_format(out, " %s", names[i]);
        text_char(out, '\n');
    }
    other_places(out, path->section);
    keys_within(out, key);
}

static void reference_key(void *context, const struct key_path *path)
{
    struct text *out = context;
    const struct key *key = path->key;

    text_format(out, "| `%s` | ", path->path);
    accepted(out, key);
    text_format(out, " | %s | %s%s%s%s |\n",
                key->required              ? "required"
                : !key->otherwise          ? ""
                : key->otherwise[0] == '=' ? key->otherwise + 1
                                           : key->otherwise,
                key->doc, key->tc ? " `tc`: `" : "", key->tc ? key->tc : "", key->tc ? "`" : "");
}

void scenario_reference(struct text *out)
{
    text_raw(
        out,
        "# The scenario format\n\n"
        "Made by `ikelab explain --all` from the table in sim/scenario_keys.c; do not edit.\n\n"
        "A scenario is a YAML file. Every number with a dimension has a unit, unknown keys are\n"
        "errors, keys that begin with `x-` are ignored, anchors and merge keys (`<<`) work.\n"
        "`--set KEY=VALUE` puts a value at a path as written here. `*` stands for the name of\n"
        "a group, link or flow. The words of `ike:` and `child:` may stand in a group as well,\n"
        "those of a link also in its `up:` and `down:`.\n\n"
        "Presets approximate two daemons: libreswan repeats its first retransmission interval\n"
        "once (it gives up after 32 s, the preset after 31.5 s; 4.10: 60 s and 63.5 s).\n\n"
        "| key | takes | default | meaning |\n|---|---|---|---|\n");
    keys_visit(reference_key, out);
}
