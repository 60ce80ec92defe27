/* The tree of an IKE message: header (RFC 7296 §3.1) and the chain of its payloads (§3.2). */
#include "dissect/internal.h"
#include "proto/wire/v1_message.h"

#include <stdio.h>

static const char *version_text(uint8_t version)
{
    return version == HEADER_VERSION_2 ? "2.0" : version == HEADER_VERSION_1 ? "1.0" : NULL;
}

static void flags_field(struct tree *t, struct bytes span, uint8_t flags)
{
    tree_number(t, "Flags", span, flags, NULL)->meaning = arena_format(
        t->arena, "%s, %s%s", flags & HEADER_FLAG_INITIATOR ? "Initiator" : "Responder",
        flags & HEADER_FLAG_RESPONSE ? "Response" : "Request",
        flags & HEADER_FLAG_VERSION ? ", higher version" : "");
}

/* RFC 2408 §3.1 */
static void v1_flags_field(struct tree *t, struct bytes span, uint8_t flags)
{
    tree_number(t, "Flags", span, flags, NULL)->meaning =
        arena_format(t->arena, "%s%s%s", flags & V1_FLAG_ENCRYPTION ? "Encryption" : "clear",
                     flags & V1_FLAG_COMMIT ? ", Commit" : "",
                     flags & V1_FLAG_AUTHENTICATION ? ", Authentication" : "");
}

void header_tree(struct tree *t, struct bytes message, const struct ike_header *h)
{
    bool v2 = header_major(h) == 2;
    enum registry exchanges = v2 ? REGISTRY_EXCHANGE : REGISTRY_V1_EXCHANGE;

    tree_open(t, NODE_GROUP, "IKE header", part(message, 0, HEADER_LEN),
              v2 ? "RFC 7296 §3.1" : "RFC 2408 §3.1");
    tree_hex(t, v2 ? "IKE SA Initiator's SPI" : "Initiator Cookie", part(message, 0, 8));
    tree_hex(t, v2 ? "IKE SA Responder's SPI" : "Responder Cookie", part(message, 8, 8));
    tree_number(t, "Next Payload", part(message, 16, 1), h->next_payload,
                v2 ? payload_name(h->next_payload) : v1_payload_name(h->next_payload));
    tree_number(t, "Version", part(message, 17, 1), h->version, version_text(h->version));
    tree_number(t, "Exchange Type", part(message, 18, 1), h->exchange,
                registry_name(exchanges, h->exchange));
    if (v2)
        flags_field(t, part(message, 19, 1), h->flags);
    else
        v1_flags_field(t, part(message, 19, 1), h->flags);
    tree_number(t, "Message ID", part(message, 20, 4), h->message_id, NULL);
    tree_number(t, "Length", part(message, 24, 4), h->length, NULL);
    tree_close(t);
}

/*
 * What is there of a message whose header says another length: the payloads up to the end of
 * whichever is shorter. The copy's length field is mended for the codec and then put back.
 */
static enum err read_there(struct bytes message, const struct ike_header *h,
                           struct message_view *view)
{
    size_t there = h->length < message.len ? h->length : message.len;
    uint8_t *field = (uint8_t *)(uintptr_t)message.data + HEADER_LENGTH_AT; /* our own copy */
    enum err e;

    store_be32(field, (uint32_t)there);
    e = message_read(bytes_of(message.data, there), view);
    store_be32(field, h->length);
    view->header.length = h->length;
    return e;
}

/* Where the first payload that was not read would begin. */
static struct bytes behind(struct bytes all, size_t start, const struct message_view *view)
{
    const struct payload_view *last = view->count ? &view->payloads[view->count - 1] : NULL;
    size_t at = last ? (size_t)(last->body.data + last->body.len - all.data) : start;

    return part_from(all, at);
}

void chain_tree(struct making *m, const struct message_view *view,
                const struct payload_context *context, enum err e, struct bytes all)
{
    size_t start = view->datagram.len && m->tree.text == 0 ? HEADER_LEN : 0;

    for (unsigned i = 0; i < view->count; i++) {
        const struct payload_view *p = &view->payloads[i];

        payload_tree(&m->tree, context, p);
        if (p->type != PAYLOAD_SK && p->type != PAYLOAD_SKF)
            continue;
        if (e == OK && view->header.length == all.len)
            encrypted_tree(m, view, context);
        else
            m->out->locked = true; /* not whole: nothing could authenticate it */
        tree_close(&m->tree);
    }
    if (e != OK && e != ERR_CRITICAL) /* that one stands at its payload */
        tree_error(&m->tree, behind(all, start, view), e);
}

void ike_tree(struct making *m, struct bytes message)
{
    struct message_view *view = arena_take(m->tree.arena, sizeof *view);
    struct payload_context context = {.header = &m->out->header, .crypto = m->d->crypto};
    struct ike_header *h = &m->out->header;
    enum err e;

    if (!view) {
        m->tree.failed = true;
        return;
    }
    if (m->out->input.addressed) {
        context.src = &m->out->input.src;
        context.dst = &m->out->input.dst;
    }
    e = header_read(message, h);
    if (e != OK) {
        tree_error(&m->tree, message, e);
        return;
    }
    m->out->has_header = true;
    header_tree(&m->tree, message, h);
    if (header_major(h) == 1) {
        ikev1_tree(m, message, &context);
        return;
    }
    if (header_major(h) != 2) {
        tree_error(&m->tree, part(message, 17, 1), ERR_VERSION);
        return;
    }
    if (h->length < HEADER_LEN) {
        tree_error(&m->tree, part(message, HEADER_LENGTH_AT, 4), ERR_LENGTH);
        return;
    }
    e = read_there(message, h, view);
    chain_tree(m, view, &context, e, message);
    if (h->length != message.len)
        tree_error(&m->tree, part(message, HEADER_LENGTH_AT, 4), ERR_LENGTH);
}
