#include "proto/wire/sk.h"

#include "base/assert.h"

void sk_begin(struct message_writer *mw, const struct sk_sizes *sizes)
{
    ASSERT(!mw->sk && sizes->block_len > 0);
    payload_begin(mw, PAYLOAD_SK);
    mw->sk = mw->open;
    mw->open = NULL; /* inner payloads open and close on their own; sk_end closes this one */
    mw->sk_iv = mw->w.at;
    mw->iv_len = sizes->iv_len;
    mw->icv_len = sizes->icv_len;
    mw->block_len = sizes->block_len;
    writer_zeros(&mw->w, sizes->iv_len);
}

/* RFC 7296 §3.14: Padding | Pad Length (8); together with the payloads a multiple of the block. */
static void pad(struct message_writer *mw)
{
    size_t len = (size_t)(mw->w.at - (mw->sk_iv + mw->iv_len)) + 1;
    size_t padding = (mw->block_len - len % mw->block_len) % mw->block_len;

    writer_zeros(&mw->w, padding);
    writer_u8(&mw->w, (uint8_t)padding);
}

enum err sk_end(struct message_writer *mw, struct sk_area *area, struct bytes *message)
{
    uint8_t *text, *icv;

    *area = (struct sk_area){0};
    *message = BYTES_NONE;
    if (mw->w.error != OK)
        return mw->w.error;
    ASSERT(mw->sk && !mw->open);
    text = mw->sk_iv + mw->iv_len;
    pad(mw);
    icv = mw->w.at;
    writer_zeros(&mw->w, mw->icv_len);
    writer_close_u16(&mw->w, mw->sk + 2, PAYLOAD_HEADER_LEN);
    if (mw->w.error != OK)
        return mw->w.error;
    area->aad = bytes_of(mw->w.start, (size_t)(mw->sk_iv - mw->w.start));
    area->iv = mw->sk_iv;
    area->text = text;
    area->text_len = (size_t)(icv - text);
    area->icv = icv;
    return message_end(mw, message);
}

/* The areas behind `front` bytes of the body of the last payload. */
enum err sk_layout(const struct message_view *view, const struct sk_sizes *sizes, size_t front,
                   struct sk_area *area)
{
    struct bytes body = view->payloads[view->count - 1].body;
    size_t fixed = front + sizes->iv_len + sizes->icv_len;
    uint8_t *at;

    *area = (struct sk_area){0};
    /* At least the Pad Length stands between IV and ICV. */
    if (body.len < fixed + 1 || (body.len - fixed) % sizes->block_len != 0)
        return ERR_LENGTH;
    /* Opening works in place: our contract asks for a writable datagram. */
    at = (uint8_t *)(uintptr_t)body.data + front;
    area->aad = bytes_of(view->datagram.data, (size_t)(at - view->datagram.data));
    area->iv = at;
    area->text = at + sizes->iv_len;
    area->text_len = body.len - fixed;
    area->icv = area->text + area->text_len;
    return OK;
}

enum err sk_read(const struct message_view *view, const struct sk_sizes *sizes,
                 struct sk_area *area)
{
    *area = (struct sk_area){0};
    if (view->count == 0 || view->payloads[view->count - 1].type != PAYLOAD_SK)
        return ERR_MISSING;
    return sk_layout(view, sizes, 0, area);
}

enum err sk_strip(const struct sk_area *area, struct bytes *inner)
{
    size_t pad_len = area->text[area->text_len - 1];

    *inner = BYTES_NONE;
    if (pad_len + 1 > area->text_len)
        return ERR_PADDING;
    *inner = bytes_of(area->text, area->text_len - pad_len - 1);
    return OK;
}
