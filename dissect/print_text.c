#include "dissect/print.h"

#include "proto/wire/registry.h"

enum { VALUE_SHOWN = 64 /* characters of a long value */ };

const char *exchange_text(const struct ike_header *h, char room[16])
{
    const char *name = header_major(h) == 2   ? exchange_name(h->exchange)
                       : header_major(h) == 1 ? registry_name(REGISTRY_V1_EXCHANGE, h->exchange)
                                              : NULL;

    if (name)
        return name;
    snprintf(room, 16, "%u", h->exchange);
    return room;
}

static void endpoint(struct text *t, const struct ip_endpoint *e)
{
    char room[IP_ENDPOINT_TEXT];

    text_raw(t, e->port ? ip_endpoint_format(e, room) : ip_addr_format(&e->addr, room));
}

static void place_in_time(struct text *t, const struct dissect_input *in)
{
    text_format(t, "%u", in->frame);
    if (in->timed)
        text_format(t, "  %llu.%09llu", (unsigned long long)(in->at / NSEC_PER_S),
                    (unsigned long long)(in->at % NSEC_PER_S));
    if (in->interface_name) {
        text_raw(t, "  ");
        text_raw(t, in->interface_name);
    }
    if (in->addressed) {
        text_raw(t, "  ");
        endpoint(t, &in->src);
        text_raw(t, " > ");
        endpoint(t, &in->dst);
    }
}

void print_summary(struct text *t, const struct dissection *d)
{
    char room[16];

    place_in_time(t, &d->input);
    text_raw(t, "  ");
    if (d->has_header && header_major(&d->header) == 2)
        text_format(t, "%s %s %u  ", exchange_text(&d->header, room),
                    header_is_response(&d->header) ? "response" : "request", d->header.message_id);
    else if (d->has_header && header_major(&d->header) == 1)
        text_format(t, "%s %08x  ", exchange_text(&d->header, room), d->header.message_id);
    else if (d->has_header)
        text_format(t, "IKEv%u exchange %s  ", header_major(&d->header),
                    exchange_text(&d->header, room));
    text_raw(t, d->summary);
    text_raw(t, d->input.cut ? "  [cut by the capture]\n" : "\n");
}

static void source_ranges(struct text *t, const struct dissection *d, const struct node *n)
{
    const struct decrypted *text = &d->texts[n->text - 1];

    text_raw(t, "  from");
    for (unsigned i = 0; i < text->source_count; i++)
        text_format(t, "%s frame %u bytes %zu+%zu", i ? "," : "", text->sources[i].frame,
                    text->sources[i].offset, text->sources[i].length);
}

static void value_of(struct text *t, const struct node *n)
{
    size_t len = n->value ? strlen(n->value) : 0;

    if (!n->value)
        return;
    text_raw(t, n->kind == NODE_PAYLOAD || n->kind == NODE_GROUP ? " " : ": ");
    text_bytes(t, n->value, len < VALUE_SHOWN ? len : VALUE_SHOWN);
    if (len > VALUE_SHOWN)
        text_format(t, "... (%zu bytes)", n->length);
}

static void node_line(struct text *t, const struct dissection *d, const struct node *n, int depth)
{
    bool heads = n->kind == NODE_PAYLOAD || n->kind == NODE_GROUP;
    char place[48];

    if (n->text > 0)
        snprintf(place, sizeof place, "d%u:%zu+%zu", n->text, n->offset, n->length);
    else
        snprintf(place, sizeof place, "%zu+%zu", n->offset, n->length);
    text_format(t, "%14s  %*s", place, 2 * depth, "");
    if (n->kind == NODE_ERROR)
        text_format(t, "ERROR: %s (%s)", n->value, n->meaning);
    else if (n->kind == NODE_NOTE)
        text_format(t, "[%s]", n->value);
    else {
        text_raw(t, n->name);
        value_of(t, n);
        if (n->meaning)
            text_format(t, " (%s)", n->meaning);
    }
    if (heads && n->text > 0 && n->parent && n->parent->text != n->text)
        source_ranges(t, d, n);
    if (heads && n->rfc)
        text_format(t, "  %s", n->rfc);
    text_char(t, '\n');
}

/* A tree is a few levels deep by construction: datagram, payload, text, payload, group, field. */
static void children(struct text *t, const struct dissection *d, const struct node *parent,
                     int depth)
{
    for (const struct node *n = parent->first; n; n = n->next) {
        node_line(t, d, n, depth);
        children(t, d, n, depth + 1);
    }
}

void print_tree(struct text *t, const struct dissection *d)
{
    print_summary(t, d);
    children(t, d, d->root, 0);
    text_char(t, '\n');
}
