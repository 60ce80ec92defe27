#include "dissect/tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void tree_init(struct tree *t, struct arena *arena, const char *name, struct bytes span)
{
    *t = (struct tree){.arena = arena, .base = span.data};
    t->root = tree_add(t, NODE_GROUP, name, span, NULL);
    t->at = t->root;
}

struct bytes part(struct bytes body, size_t at, size_t len)
{
    if (!body.data || at > body.len || len > body.len - at)
        return BYTES_NONE;
    return bytes_of(body.data + at, len);
}

struct bytes part_from(struct bytes body, size_t at)
{
    return at > body.len ? BYTES_NONE : part(body, at, body.len - at);
}

static void attach(struct node *parent, struct node *n)
{
    n->parent = parent;
    if (parent->last)
        parent->last->next = n;
    else
        parent->first = n;
    parent->last = n;
}

struct node *tree_add(struct tree *t, enum node_kind kind, const char *name, struct bytes span,
                      const char *rfc)
{
    struct node *n = span.data ? arena_take(t->arena, sizeof *n) : NULL;

    if (!n) {
        t->failed |= span.data != NULL;
        t->spare = (struct node){.parent = t->at};
        return &t->spare;
    }
    n->kind = kind;
    n->name = name;
    n->text = t->text;
    n->offset = (size_t)(span.data - t->base);
    n->length = span.len;
    n->rfc = rfc ? rfc : t->at ? t->at->rfc : NULL;
    if (t->at)
        attach(t->at, n);
    return n;
}

struct node *tree_open(struct tree *t, enum node_kind kind, const char *name, struct bytes span,
                       const char *rfc)
{
    struct node *n = tree_add(t, kind, name, span, rfc);

    if (n != &t->spare)
        t->at = n;
    return n;
}

void tree_close(struct tree *t)
{
    if (t->at->parent)
        t->at = t->at->parent;
}

struct node *tree_number(struct tree *t, const char *name, struct bytes span, uint64_t number,
                         const char *meaning)
{
    struct node *n = tree_value(t, name, span, "%llu", (unsigned long long)number);

    n->numeric = true;
    n->number = number;
    n->meaning = meaning;
    return n;
}

struct node *tree_hex(struct tree *t, const char *name, struct bytes span)
{
    struct node *n = tree_add(t, NODE_FIELD, name, span, NULL);
    char *hex = span.data ? arena_take(t->arena, 2 * span.len + 1) : NULL;

    if (hex)
        bytes_hex(span, hex);
    t->failed |= span.data && !hex;
    n->value = hex;
    return n;
}

const char *printable(struct arena *arena, struct bytes b)
{
    char *out = arena_take(arena, 4 * b.len + 1), *at = out;

    if (!out)
        return NULL;
    for (size_t i = 0; i < b.len; i++) {
        uint8_t c = b.data[i];

        if (c >= ' ' && c < 0x7f && c != '\\')
            *at++ = (char)c;
        else
            at += snprintf(at, 5, "\\x%02x", c);
    }
    *at = 0;
    return out;
}

struct node *tree_text(struct tree *t, const char *name, struct bytes span)
{
    struct node *n = tree_add(t, NODE_FIELD, name, span, NULL);

    if (span.data) {
        n->value = printable(t->arena, span);
        t->failed |= !n->value;
    }
    return n;
}

struct node *tree_value(struct tree *t, const char *name, struct bytes span, const char *format,
                        ...)
{
    struct node *n = tree_add(t, NODE_FIELD, name, span, NULL);
    char *text = NULL;
    va_list args;
    int len;

    if (!span.data)
        return n;
    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len >= 0)
        text = arena_take(t->arena, (size_t)len + 1);
    if (text) {
        va_start(args, format);
        vsnprintf(text, (size_t)len + 1, format, args);
        va_end(args);
    }
    t->failed |= !text;
    n->value = text;
    return n;
}

struct node *tree_note(struct tree *t, struct bytes span, const char *text)
{
    struct node *n = tree_add(t, NODE_NOTE, "note", span, NULL);

    n->value = text;
    return n;
}

struct node *tree_error(struct tree *t, struct bytes span, enum err e)
{
    struct node *n = tree_add(t, NODE_ERROR, "error", span, NULL);

    n->value = err_text(e);
    n->meaning = err_name(e);
    t->errors++;
    return n;
}
