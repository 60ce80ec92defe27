#include "base/cursor.h"

#include "base/assert.h"

void reader_init(struct reader *r, struct bytes input)
{
    /* An empty view may have no address, and C does not even add 0 to that. */
    *r = (struct reader){.at = input.data, .end = input.len ? input.data + input.len : input.data};
}

size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

void reader_fail(struct reader *r, enum err e)
{
    ASSERT(e != OK);
    if (r->error == OK)
        r->error = e;
    r->at = r->end;
}

/* The one place that checks bounds: NULL after the first error. */
static const uint8_t *take(struct reader *r, size_t len)
{
    const uint8_t *at = r->at;

    if (r->error != OK)
        return NULL;
    if (reader_left(r) < len) {
        reader_fail(r, ERR_TRUNCATED);
        return NULL;
    }
    if (len > 0)
        r->at += len;
    return at;
}

uint8_t reader_u8(struct reader *r)
{
    const uint8_t *p = take(r, 1);

    return p ? *p : 0;
}

uint16_t reader_u16(struct reader *r)
{
    const uint8_t *p = take(r, 2);

    return p ? load_be16(p) : 0;
}

uint32_t reader_u32(struct reader *r)
{
    const uint8_t *p = take(r, 4);

    return p ? load_be32(p) : 0;
}

uint64_t reader_u64(struct reader *r)
{
    const uint8_t *p = take(r, 8);

    return p ? load_be64(p) : 0;
}

void reader_skip(struct reader *r, size_t len)
{
    (void)take(r, len);
}

struct bytes reader_bytes(struct reader *r, size_t len)
{
    const uint8_t *p = take(r, len);

    return p ? bytes_of(p, len) : BYTES_NONE;
}

struct bytes reader_rest(struct reader *r)
{
    return reader_bytes(r, reader_left(r));
}

struct reader reader_sub(struct reader *r, size_t len)
{
    struct reader sub = {0};
    struct bytes view = reader_bytes(r, len);

    reader_init(&sub, view);
    sub.error = r->error;
    return sub;
}

void reader_close(struct reader *r, const struct reader *sub)
{
    enum err e = reader_end(sub);

    if (e != OK)
        reader_fail(r, e);
}

enum err reader_end(const struct reader *r)
{
    if (r->error != OK)
        return r->error;
    return r->at == r->end ? OK : ERR_TRAILING;
}

void writer_init(struct writer *w, uint8_t *out, size_t cap)
{
    *w = (struct writer){.start = out, .at = out, .end = cap ? out + cap : out};
}

size_t writer_len(const struct writer *w)
{
    return (size_t)(w->at - w->start);
}

uint8_t *writer_reserve(struct writer *w, size_t len)
{
    uint8_t *at = w->at;

    if (w->error == OK && (size_t)(w->end - w->at) < len)
        w->error = ERR_SPACE;
    if (w->error != OK)
        return NULL;
    w->at += len;
    return at;
}

void writer_u8(struct writer *w, uint8_t v)
{
    uint8_t *p = writer_reserve(w, 1);

    if (p)
        *p = v;
}

void writer_u16(struct writer *w, uint16_t v)
{
    uint8_t *p = writer_reserve(w, 2);

    if (p)
        store_be16(p, v);
}

void writer_u32(struct writer *w, uint32_t v)
{
    uint8_t *p = writer_reserve(w, 4);

    if (p)
        store_be32(p, v);
}

void writer_u64(struct writer *w, uint64_t v)
{
    uint8_t *p = writer_reserve(w, 8);

    if (p)
        store_be64(p, v);
}

void writer_bytes(struct writer *w, struct bytes b)
{
    uint8_t *p = writer_reserve(w, b.len);

    if (p && b.len > 0)
        memcpy(p, b.data, b.len);
}

void writer_zeros(struct writer *w, size_t len)
{
    uint8_t *p = writer_reserve(w, len);

    if (p && len > 0)
        memset(p, 0, len);
}

uint8_t *writer_mark_u16(struct writer *w)
{
    return writer_reserve(w, 2);
}

void writer_close_u16(struct writer *w, uint8_t *mark, size_t extra)
{
    size_t len;

    if (w->error != OK)
        return;
    len = (size_t)(w->at - (mark + 2)) + extra;
    if (len > UINT16_MAX)
        w->error = ERR_SPACE;
    else
        store_be16(mark, (uint16_t)len);
}

enum err writer_end(const struct writer *w)
{
    return w->error;
}
