/*
 * Bounds-checked reading and writing of wire formats. Both remember their first error and do
 * nothing after it (a reader yields zeros), so a codec reads like the field list of its RFC with
 * one check at the end. Reading yields views into the input, never copies. The small steps are
 * inline: a message is some hundred of them.
 */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include "base/bytes.h"
#include "base/err.h"

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    enum err error;
};

static inline void reader_init(struct reader *r, struct bytes input)
{
    /* An empty view may have no address, and C does not even add 0 to that. */
    *r = (struct reader){.at = input.data, .end = input.len ? input.data + input.len : input.data};
}

static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

/** Record an error unless one is recorded already. Nothing is left to read after it. */
void reader_fail(struct reader *r, enum err e);

/** The one place that checks bounds: NULL if fewer are left, as is so after any error. */
static inline const uint8_t *reader_take(struct reader *r, size_t len)
{
    const uint8_t *at = r->at;

    if (reader_left(r) < len) {
        reader_fail(r, ERR_TRUNCATED);
        return NULL;
    }
    if (len > 0)
        r->at += len;
    return at;
}

static inline uint8_t reader_u8(struct reader *r)
{
    const uint8_t *p = reader_take(r, 1);

    return p ? *p : 0;
}

static inline uint16_t reader_u16(struct reader *r)
{
    const uint8_t *p = reader_take(r, 2);

    return p ? load_be16(p) : 0;
}

static inline uint32_t reader_u32(struct reader *r)
{
    const uint8_t *p = reader_take(r, 4);

    return p ? load_be32(p) : 0;
}

static inline uint64_t reader_u64(struct reader *r)
{
    const uint8_t *p = reader_take(r, 8);

    return p ? load_be64(p) : 0;
}

static inline void reader_skip(struct reader *r, size_t len)
{
    (void)reader_take(r, len);
}

/** The next `len` bytes as a view; an empty view and ERR_TRUNCATED if fewer are left. */
static inline struct bytes reader_bytes(struct reader *r, size_t len)
{
    const uint8_t *p = reader_take(r, len);

    return p ? bytes_of(p, len) : BYTES_NONE;
}

static inline struct bytes reader_rest(struct reader *r)
{
    return reader_bytes(r, reader_left(r));
}

/** A reader over the next `len` bytes; it must be empty when closed with reader_close. */
static inline struct reader reader_sub(struct reader *r, size_t len)
{
    struct reader sub = {0};
    struct bytes view = reader_bytes(r, len);

    reader_init(&sub, view);
    sub.error = r->error;
    return sub;
}

/** Close `sub`: its error, or ERR_TRAILING if it has bytes left, becomes the error of `r`. */
void reader_close(struct reader *r, const struct reader *sub);

/** The first error; ERR_TRAILING if there was none but bytes are left. */
static inline MUST_USE enum err reader_end(const struct reader *r)
{
    if (r->error != OK)
        return r->error;
    return r->at == r->end ? OK : ERR_TRAILING;
}

struct writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    enum err error;
};

static inline void writer_init(struct writer *w, uint8_t *out, size_t cap)
{
    *w = (struct writer){.start = out, .at = out, .end = cap ? out + cap : out};
}

static inline size_t writer_len(const struct writer *w)
{
    return (size_t)(w->at - w->start);
}

/** Reserve `len` bytes to be filled by the caller; NULL (and ERR_SPACE) if they do not fit. */
static inline uint8_t *writer_reserve(struct writer *w, size_t len)
{
    uint8_t *at = w->at;

    if (w->error == OK && (size_t)(w->end - w->at) < len)
        w->error = ERR_SPACE;
    if (w->error != OK)
        return NULL;
    w->at += len;
    return at;
}

static inline void writer_u8(struct writer *w, uint8_t v)
{
    uint8_t *p = writer_reserve(w, 1);

    if (p)
        *p = v;
}

static inline void writer_u16(struct writer *w, uint16_t v)
{
    uint8_t *p = writer_reserve(w, 2);

    if (p)
        store_be16(p, v);
}

static inline void writer_u32(struct writer *w, uint32_t v)
{
    uint8_t *p = writer_reserve(w, 4);

    if (p)
        store_be32(p, v);
}

static inline void writer_u64(struct writer *w, uint64_t v)
{
    uint8_t *p = writer_reserve(w, 8);

    if (p)
        store_be64(p, v);
}

static inline void writer_bytes(struct writer *w, struct bytes b)
{
    uint8_t *p = writer_reserve(w, b.len);

    if (p && b.len > 0)
        memcpy(p, b.data, b.len);
}

static inline void writer_zeros(struct writer *w, size_t len)
{
    uint8_t *p = writer_reserve(w, len);

    if (p && len > 0)
        memset(p, 0, len);
}

/** Reserve a 16-bit length field; writer_close_u16 fills it with (bytes since + `extra`). */
static inline uint8_t *writer_mark_u16(struct writer *w)
{
    return writer_reserve(w, 2);
}

void writer_close_u16(struct writer *w, uint8_t *mark, size_t extra);

static inline MUST_USE enum err writer_end(const struct writer *w)
{
    return w->error;
}

#endif
