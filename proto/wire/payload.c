#include "proto/wire/payload.h"

#include "base/assert.h"

enum { CRITICAL_BIT = 0x80 };

bool payload_supported(uint8_t type)
{
    return (type >= PAYLOAD_SA && type <= PAYLOAD_EAP) || type == PAYLOAD_SKF;
}

static void view_add(struct message_view *view, struct reader *r,
                     const struct payload_view *payload)
{
    if (view->count == PAYLOADS_MAX) {
        reader_fail(r, ERR_FULL);
        return;
    }
    view->payloads[view->count++] = *payload;
    /* RFC 7296 §2.5: the whole message is refused, naming the payload type. */
    if (payload->critical && !payload_supported(payload->type) && view->unsupported == 0)
        view->unsupported = payload->type;
}

/* RFC 7296 §3.2: Next Payload (8) | C (1) RESERVED (7) | Payload Length (16) | body */
uint8_t payload_step(struct reader *r, uint8_t type, struct payload_view *payload)
{
    const uint8_t *header = reader_take(r, PAYLOAD_HEADER_LEN);
    size_t len;

    *payload = (struct payload_view){.type = type};
    if (!header)
        return PAYLOAD_NONE;
    payload->critical = (header[1] & CRITICAL_BIT) != 0;
    len = load_be16(header + 2);
    if (len < PAYLOAD_HEADER_LEN || len - PAYLOAD_HEADER_LEN > reader_left(r)) {
        reader_fail(r, ERR_LENGTH);
        return PAYLOAD_NONE;
    }
    payload->body = reader_bytes(r, len - PAYLOAD_HEADER_LEN);
    return header[0];
}

/* The walk ends whatever the types say. */
static uint8_t chain_step(struct reader *r, uint8_t type, struct message_view *view)
{
    struct payload_view payload;
    uint8_t next = payload_step(r, type, &payload);

    if (r->error == OK)
        view_add(view, r, &payload);
    return next;
}

static bool is_encrypted(uint8_t type)
{
    return type == PAYLOAD_SK || type == PAYLOAD_SKF;
}

static enum err chain_read(struct reader *r, uint8_t type, struct message_view *view, bool inner)
{
    while (type != PAYLOAD_NONE && r->error == OK) {
        bool encrypted = is_encrypted(type);
        uint8_t next;

        if (encrypted && inner)
            return ERR_SYNTAX;
        next = chain_step(r, type, view);
        if (encrypted) {
            /* RFC 7296 §3.14: SK is the last payload; its Next Payload is the first inside. */
            view->inner_type = next;
            break;
        }
        type = next;
    }
    if (reader_end(r) != OK)
        return reader_end(r);
    return view->unsupported ? ERR_CRITICAL : OK;
}

enum err message_read(struct bytes datagram, struct message_view *view)
{
    struct reader r;
    enum err e = header_read(datagram, &view->header);

    view->datagram = datagram;
    view->inner_type = view->unsupported = 0;
    view->count = 0;
    if (e != OK)
        return e;
    /* RFC 7296 §2.5: the minor version and reserved flags are ignored. */
    if (header_major(&view->header) != 2)
        return ERR_VERSION;
    if (view->header.length != datagram.len)
        return ERR_LENGTH;
    reader_init(&r, bytes_of(datagram.data + HEADER_LEN, datagram.len - HEADER_LEN));
    return chain_read(&r, view->header.next_payload, view, false);
}

enum err payload_chain_read(struct bytes chain, uint8_t first_type, struct message_view *view)
{
    struct reader r;

    view->header = (struct ike_header){0};
    view->datagram = chain;
    view->inner_type = view->unsupported = 0;
    view->count = 0;
    reader_init(&r, chain);
    return chain_read(&r, first_type, view, true);
}

static const struct payload_view *find_from(const struct message_view *view, unsigned i,
                                            uint8_t type)
{
    for (; i < view->count; i++)
        if (view->payloads[i].type == type)
            return &view->payloads[i];
    return NULL;
}

const struct payload_view *message_find(const struct message_view *view, uint8_t type)
{
    return find_from(view, 0, type);
}

const struct payload_view *message_next(const struct message_view *view,
                                        const struct payload_view *after)
{
    return find_from(view, (unsigned)(after - view->payloads) + 1, after->type);
}

unsigned message_count(const struct message_view *view, uint8_t type)
{
    unsigned count = 0;

    for (unsigned i = 0; i < view->count; i++)
        count += view->payloads[i].type == type;
    return count;
}

void message_begin(struct message_writer *mw, struct buf out, const struct ike_header *h)
{
    struct ike_header blank = *h;

    *mw = (struct message_writer){0};
    blank.next_payload = PAYLOAD_NONE;
    blank.length = 0;
    writer_init(&mw->w, out.data, out.cap);
    header_write(&mw->w, &blank);
    if (mw->w.error == OK)
        mw->next = mw->w.start + 16; /* Next Payload lies behind the two SPIs. */
}

void payload_chain_begin(struct message_writer *mw, struct buf out, uint8_t *first_type)
{
    *mw = (struct message_writer){.next = first_type};
    *first_type = PAYLOAD_NONE;
    writer_init(&mw->w, out.data, out.cap);
}

struct writer *payload_begin(struct message_writer *mw, uint8_t type)
{
    uint8_t *header = writer_reserve(&mw->w, PAYLOAD_HEADER_LEN);

    ASSERT(!mw->open || mw->w.error != OK);
    if (header) {
        memset(header, 0, PAYLOAD_HEADER_LEN);
        *mw->next = type;
        mw->next = header;
        mw->open = header;
    }
    return &mw->w;
}

void payload_critical(struct message_writer *mw)
{
    if (mw->w.error == OK)
        mw->open[1] |= CRITICAL_BIT;
}

void payload_end(struct message_writer *mw)
{
    if (mw->w.error != OK)
        return;
    ASSERT(mw->open);
    writer_close_u16(&mw->w, mw->open + 2, PAYLOAD_HEADER_LEN);
    mw->open = NULL;
}

void payload_add(struct message_writer *mw, uint8_t type, struct bytes body)
{
    writer_bytes(payload_begin(mw, type), body);
    payload_end(mw);
}

enum err message_end(struct message_writer *mw, struct bytes *message)
{
    *message = BYTES_NONE;
    if (mw->w.error != OK)
        return mw->w.error;
    ASSERT(!mw->open);
    store_be32(mw->w.start + HEADER_LENGTH_AT, (uint32_t)writer_len(&mw->w));
    *message = bytes_of(mw->w.start, writer_len(&mw->w));
    return OK;
}

enum err payload_chain_end(struct message_writer *mw, struct bytes *chain)
{
    *chain = BYTES_NONE;
    if (mw->w.error != OK)
        return mw->w.error;
    ASSERT(!mw->open);
    *chain = bytes_of(mw->w.start, writer_len(&mw->w));
    return OK;
}
