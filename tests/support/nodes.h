/* What tests of dissect ask of a tree. */
#ifndef TESTS_NODES_H
#define TESTS_NODES_H

#include "base/assert.h"
#include "dissect/dissect.h"
#include "dissect/print.h"

/* Every node lies in its text, and in the node above if that is of the same text. */
static inline void nodes_check(const struct dissection *d, const struct node *n)
{
    size_t text = n->text ? d->texts[n->text - 1].bytes.len : d->input.datagram.len;

    ASSERT(n->text <= d->text_count);
    ASSERT(n->name && n->offset <= text && n->length <= text - n->offset);
    if (n->parent && n->parent->text == n->text)
        ASSERT(n->offset >= n->parent->offset &&
               n->offset + n->length <= n->parent->offset + n->parent->length);
    ASSERT(n->kind != NODE_ERROR || (n->value && n->meaning));
    for (const struct node *c = n->first; c; c = c->next) {
        ASSERT(c->parent == n);
        nodes_check(d, c);
    }
}

/* Both outputs can be written, and what is written is text. */
static inline void nodes_print(const struct dissection *d)
{
    struct text t;

    text_init(&t, NULL);
    print_tree(&t, d);
    print_json_frame(&t, d, false, true);
    ASSERT(t.error == OK && t.len > 0);
    for (size_t i = 0; i < t.len; i++)
        ASSERT((uint8_t)t.data[i] >= ' ' || t.data[i] == '\n');
    text_reset(&t);
}

static inline const struct node *node_find(const struct node *n, enum node_kind kind,
                                           const char *name)
{
    if (n->kind == kind && strcmp(n->name, name) == 0)
        return n;
    for (const struct node *c = n->first; c; c = c->next) {
        const struct node *found = node_find(c, kind, name);

        if (found)
            return found;
    }
    return NULL;
}

#endif
