#include "dissect/internal.h"

#include "base/assert.h"
#include "dissect/fragments.h"
#include "dissect/v1_session.h"
#include "proto/esp/encap.h"

#include <stdlib.h>

struct dissector *dissector_create(struct dissect_keys *keys)
{
    struct dissector *d = calloc(1, sizeof *d);

    if (!d)
        return NULL;
    d->keys = keys;
    d->crypto = crypto_openssl_create(&d->meter);
    d->fragments = fragment_store_create();
    d->sessions = v1_sessions_create();
    if (d->crypto && d->fragments && d->sessions)
        return d;
    dissector_destroy(d);
    return NULL;
}

void dissector_destroy(struct dissector *d)
{
    if (!d)
        return;
    crypto_destroy(d->crypto);
    fragment_store_destroy(d->fragments);
    v1_sessions_destroy(d->sessions);
    free(d);
}

void text_enter(struct making *m, const char *name, struct decrypted text)
{
    ASSERT(m->out->text_count < TEXTS_MAX);
    m->out->texts[m->out->text_count++] = text;
    m->tree.text = m->out->text_count;
    m->tree.base = text.bytes.data;
    tree_open(&m->tree, NODE_GROUP, name, text.bytes, NULL);
}

void text_leave(struct making *m)
{
    unsigned outer;

    tree_close(&m->tree);
    outer = m->tree.at->text;
    m->tree.text = outer;
    m->tree.base = outer ? m->out->texts[outer - 1].bytes.data : m->out->input.datagram.data;
}

struct text_source source_of(const struct making *m, const uint8_t *at, size_t len)
{
    return (struct text_source){m->out->input.frame, (size_t)(at - m->out->input.datagram.data),
                                len};
}

/* Of each source what the span has of it. */
static unsigned cut_sources(const struct decrypted *outer, size_t at, size_t len,
                            struct text_source *out)
{
    unsigned count = 0;
    size_t start = 0;

    for (unsigned i = 0; i < outer->source_count; i++) {
        struct text_source s = outer->sources[i];
        size_t end = start + s.length, from = at > start ? at : start;
        size_t to = at + len < end ? at + len : end;

        if (from < to)
            out[count++] = (struct text_source){s.frame, s.offset + from - start, to - from};
        start = end;
    }
    return count;
}

struct decrypted decrypted_from(struct making *m, struct bytes text, struct bytes cipher)
{
    const struct decrypted *outer = m->tree.text ? &m->out->texts[m->tree.text - 1] : NULL;
    unsigned most = outer ? outer->source_count : 1;
    struct decrypted d = {text, arena_take(m->tree.arena, most * sizeof *d.sources), most};

    if (!d.sources)
        m->tree.failed = true;
    else if (outer)
        d.source_count =
            cut_sources(outer, (size_t)(cipher.data - outer->bytes.data), cipher.len, d.sources);
    else
        *d.sources = source_of(m, cipher.data, cipher.len);
    return d;
}

static void keepalive_tree(struct making *m)
{
    tree_hex(&m->tree, "NAT-keepalive", m->out->input.datagram)->rfc = "RFC 3948 §2.3";
    m->out->summary = "NAT-keepalive";
}

static void message_tree(struct making *m)
{
    struct bytes b = m->out->input.datagram;

    if (m->out->input.marked) {
        struct bytes marker = part(b, 0, ENCAP_MARKER_LEN);

        tree_hex(&m->tree, "Non-ESP Marker", marker)->rfc = "RFC 3948 §2.2";
        b = marker.data ? part_from(b, ENCAP_MARKER_LEN) : b;
    }
    ike_tree(m, b);
    m->out->summary = ike_summary(m->tree.arena, m->out);
}

enum err dissect(struct dissector *d, struct arena *arena, const struct dissect_input *input,
                 struct dissection *out)
{
    struct making m = {.d = d, .out = out};
    uint8_t *copy = arena_take(arena, input->datagram.len ? input->datagram.len : 1);

    *out = (struct dissection){.input = *input};
    if (!copy)
        return ERR_MEMORY;
    if (input->datagram.len > 0)
        memcpy(copy, input->datagram.data, input->datagram.len);
    out->input.datagram = bytes_of(copy, input->datagram.len);
    if (input->interface_name) {
        out->input.interface_name = printable(arena, bytes_text(input->interface_name));
        if (!out->input.interface_name)
            return ERR_MEMORY;
    }
    tree_init(&m.tree, arena, "datagram", out->input.datagram);
    out->root = m.tree.root;
    if (m.tree.failed)
        return ERR_MEMORY;
    if (input->kind == DISSECT_KEEPALIVE)
        keepalive_tree(&m);
    else if (input->kind == DISSECT_ESP)
        esp_tree(&m, out->input.datagram);
    else
        message_tree(&m);
    out->errors = m.tree.errors;
    return m.tree.failed || !out->summary ? ERR_MEMORY : OK;
}
