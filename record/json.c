#include "record/json.h"
#include "base/assert.h"

void json_init(struct json *j, struct text *text, int depth)
{
    *j = (struct json){.text = text, .depth = depth, .first = true, .top = true};
}

static void line(struct json *j)
{
    text_char(j->text, '\n');
    for (int i = 0; i < j->depth; i++)
        text_raw(j->text, "  ");
}

void json_key(struct json *j, const char *key)
{
    if (!j->first)
        text_char(j->text, ',');
    line(j);
    j->first = false;
    if (key) {
        text_json(j->text, key);
        text_raw(j->text, ": ");
    }
}

static void json_open(struct json *j, const char *key, char bracket)
{
    if (!j->top)
        json_key(j, key);
    j->top = false;
    text_char(j->text, bracket);
    j->depth++;
    j->first = true;
}

static void json_close(struct json *j, char bracket)
{
    ASSERT(j->depth > 0);
    j->depth--;
    if (!j->first)
        line(j);
    text_char(j->text, bracket);
    j->first = false;
}

void json_object_begin(struct json *j, const char *key)
{
    json_open(j, key, '{');
}

void json_object_end(struct json *j)
{
    json_close(j, '}');
}

void json_array_begin(struct json *j, const char *key)
{
    json_open(j, key, '[');
}

void json_array_end(struct json *j)
{
    json_close(j, ']');
}

void json_text(struct json *j, const char *key, const char *value)
{
    json_key(j, key);
    if (value)
        text_json(j->text, value);
    else
        text_raw(j->text, "null");
}

void json_u64(struct json *j, const char *key, uint64_t v)
{
    json_key(j, key);
    text_u64(j->text, v);
}

void json_bool(struct json *j, const char *key, bool v)
{
    json_key(j, key);
    text_raw(j->text, v ? "true" : "false");
}

void json_fixed(struct json *j, const char *key, struct fixed v)
{
    json_key(j, key);
    text_fixed(j->text, v);
}

void json_hex64(struct json *j, const char *key, uint64_t v)
{
    json_key(j, key);
    text_char(j->text, '"');
    text_hex64(j->text, v);
    text_char(j->text, '"');
}
