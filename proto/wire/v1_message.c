#include "proto/wire/v1_message.h"

enum { PRIVATE_TYPES = 128 };

bool v1_payload_allowed(uint8_t type)
{
    if (type == V1_PAYLOAD_PROPOSAL || type == V1_PAYLOAD_TRANSFORM)
        return false;
    return type >= PRIVATE_TYPES || v1_payload_name(type) != NULL;
}

/* RFC 2408 §5.3: RESERVED of the generic header is checked to be 0. */
static bool reserved_zero(const struct payload_view *p)
{
    return (p->body.data - PAYLOAD_HEADER_LEN)[1] == 0;
}

static void chain_read(struct reader *r, uint8_t type, struct message_view *view)
{
    while (type != V1_PAYLOAD_NONE) {
        struct payload_view payload;
        uint8_t next = payload_step(r, type, &payload);

        if (r->error == OK && !reserved_zero(&payload))
            reader_fail(r, ERR_SYNTAX);
        if (r->error == OK && view->count == PAYLOADS_MAX)
            reader_fail(r, ERR_FULL);
        if (r->error != OK)
            return;
        if (!v1_payload_allowed(type) && view->unsupported == 0)
            view->unsupported = type;
        view->payloads[view->count++] = payload;
        type = next;
    }
}

/* Zeros that round a message in the clear up to a multiple of 4 octets. RFC 2408 §3.6 does so with
 * attributes only, but Openswan and libreswan do it with messages. */
static void rounding_skip(struct reader *r, struct bytes datagram)
{
    while (reader_left(r) > 0 && reader_left(r) < 4 && datagram.len % 4 == 0)
        if (reader_u8(r) != 0)
            reader_fail(r, ERR_TRAILING);
}

enum err v1_message_read(struct bytes datagram, struct message_view *view)
{
    struct reader r;
    enum err e = header_read(datagram, &view->header);

    view->datagram = datagram;
    view->inner_type = view->unsupported = 0;
    view->count = 0;
    if (e != OK)
        return e;
    if (header_major(&view->header) != 1)
        return ERR_VERSION;
    if (view->header.length != datagram.len)
        return ERR_LENGTH;
    if (v1_encrypted(&view->header)) {
        view->inner_type = view->header.next_payload;
        return OK;
    }
    reader_init(&r, bytes_of(datagram.data + HEADER_LEN, datagram.len - HEADER_LEN));
    chain_read(&r, view->header.next_payload, view);
    rounding_skip(&r, datagram);
    e = reader_end(&r);
    return e == OK && view->unsupported ? ERR_UNSUPPORTED : e;
}

enum err v1_text(const struct message_view *view, size_t block_len, struct bytes *text)
{
    *text = BYTES_NONE;
    if (!v1_encrypted(&view->header))
        return ERR_MISSING;
    if (view->datagram.len == HEADER_LEN || (view->datagram.len - HEADER_LEN) % block_len != 0)
        return ERR_LENGTH;
    *text = bytes_of(view->datagram.data + HEADER_LEN, view->datagram.len - HEADER_LEN);
    return OK;
}

enum err v1_inner_read(struct bytes text, uint8_t first_type, struct message_view *inner,
                       struct bytes *chain)
{
    struct reader r;

    inner->header = (struct ike_header){0};
    inner->datagram = text;
    inner->inner_type = inner->unsupported = 0;
    inner->count = 0;
    *chain = BYTES_NONE;
    reader_init(&r, text);
    chain_read(&r, first_type, inner);
    if (r.error != OK)
        return r.error;
    if (inner->count == 0 || reader_left(&r) > V1_PADDING_MAX)
        return ERR_PADDING;
    *chain = bytes_of(text.data, (size_t)(r.at - text.data));
    return inner->unsupported ? ERR_UNSUPPORTED : OK;
}

enum err v1_message_end(struct message_writer *mw, size_t block_len, struct v1_area *area,
                        struct bytes *message)
{
    size_t chain = writer_len(&mw->w) - HEADER_LEN;

    *area = (struct v1_area){0};
    *message = BYTES_NONE;
    if (mw->w.error != OK)
        return mw->w.error;
    writer_zeros(&mw->w, (block_len - chain % block_len) % block_len);
    if (message_end(mw, message) != OK)
        return mw->w.error;
    *area = (struct v1_area){mw->w.start + HEADER_LEN, message->len - HEADER_LEN, chain};
    return OK;
}
