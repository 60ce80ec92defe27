/* Sections as they count: settings that come later win, and those of sections referred to are
 * taken up where the section itself has none. */
#include "sim/import/swanctl_read.h"

#include <string.h>

struct settings_view *view_child(const struct settings_view *view, const char *name)
{
    for (struct settings_view *c = view ? view->children : NULL; c; c = c->next)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

struct settings_entry *view_get(const struct settings_view *view, const char *key)
{
    for (const struct settings_pick *p = view ? view->first : NULL; p; p = p->next)
        if (strcmp(p->entry->key, key) == 0) {
            if (p->entry->value[0])
                return p->entry;
            p->entry->carried = true; /* strongSwan's default is what it asks for */
            return NULL;
        }
    return NULL;
}

static struct settings_view *add_view(struct settings *s, struct settings_view *parent,
                                      const struct settings_section *section)
{
    struct settings_view *view = settings_take(s, sizeof *view);

    if (!view)
        return NULL;
    view->name = section->name;
    view->at = section->at;
    if (parent) {
        *(parent->last_child ? &parent->last_child->next : &parent->children) = view;
        parent->last_child = view;
    }
    return view;
}

static void pick(struct settings *s, struct settings_view *view,
                 const struct settings_section *section, struct settings_entry *e)
{
    struct settings_pick *p;

    for (p = view->first; p; p = p->next)
        if (p->entry == e) {
            return; /* referred to twice */
        } else if (strcmp(p->entry->key, e->key) == 0) {
            struct settings_entry *loser = p->from == section ? p->entry : e;

            loser->overridden = true;
            if (loser == p->entry)
                p->entry = e;
            return;
        }
    p = settings_take(s, sizeof *p);
    if (!p)
        return;
    *p = (struct settings_pick){.entry = e, .from = section};
    *(view->last ? &view->last->next : &view->first) = p;
    view->last = p;
}

/* "connections.a" from the top of the file. */
static struct settings_section *section_at(const struct settings *s, const char *path)
{
    struct settings_section *section = s->root;

    while (section) {
        size_t len = strcspn(path, ".");

        section = section_child(section, path, len);
        if (!path[len])
            return section;
        path += len + 1;
    }
    return NULL;
}

static void merge(struct settings *s, struct settings_view *view,
                  const struct settings_section *section, unsigned depth);

static void merge_reference(struct settings *s, struct settings_view *view,
                            struct settings_entry *e, unsigned depth)
{
    const struct settings_section *to = section_at(s, e->value);

    if (!to)
        settings_note(s, e, "there is no section '%.64s'", e->value);
    else if (depth == SETTINGS_DEPTH_MAX)
        settings_note(s, e, "refers to itself, or through more than %d sections",
                      SETTINGS_DEPTH_MAX);
    else
        merge(s, view, to, depth + 1);
    e->carried |= to != NULL;
}

static void merge(struct settings *s, struct settings_view *view,
                  const struct settings_section *section, unsigned depth)
{
    if (s->diag.errors || s->diag.no_memory)
        return;
    if (s->merges++ == SETTINGS_MERGES_MAX) {
        settings_error(s, &section->at, "references add up to more than %d sections",
                       SETTINGS_MERGES_MAX);
        return;
    }
    for (struct settings_entry *e = section->first; e; e = e->next)
        if (e->kind == SETTINGS_VALUE)
            pick(s, view, section, e);
    for (const struct settings_section *c = section->children; c; c = c->next) {
        struct settings_view *child = view_child(view, c->name);

        if (!child)
            child = add_view(s, view, c);
        if (child && depth < SETTINGS_DEPTH_MAX)
            merge(s, child, c, depth + 1);
    }
    for (struct settings_entry *e = section->first; e; e = e->next)
        if (e->kind == SETTINGS_REFERENCE)
            merge_reference(s, view, e, depth);
}

struct settings_view *settings_view(struct settings *s, const char *name)
{
    const struct settings_section *section = section_child(s->root, name, strlen(name));
    struct settings_view *view = section ? add_view(s, NULL, section) : NULL;

    if (view)
        merge(s, view, section, 0);
    return s->diag.errors || s->diag.no_memory ? NULL : view;
}
