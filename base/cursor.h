/*
 * Bounds-checked reading and writing of wire formats. Both remember their first error and do
 * nothing after it (a reader yields zeros), so a codec reads like the field list of its RFC with
 * one check at the end. Reading yields views into the input, never copies.
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

void reader_init(struct reader *r, struct bytes input);
size_t reader_left(const struct reader *r);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r);
uint32_t reader_u32(struct reader *r);
uint64_t reader_u64(struct reader *r);
void reader_skip(struct reader *r, size_t len);
/** The next `len` bytes as a view; an empty view and ERR_TRUNCATED if fewer are left. */
struct bytes reader_bytes(struct reader *r, size_t len);
struct bytes reader_rest(struct reader *r);
/** A reader over the next `len` bytes; it must be empty when closed with reader_close. */
struct reader reader_sub(struct reader *r, size_t len);
/** Close `sub`: its error, or ERR_TRAILING if it has bytes left, becomes the error of `r`. */
void reader_close(struct reader *r, const struct reader *sub);
/** Record an error unless one is recorded already. */
void reader_fail(struct reader *r, enum err e);
/** The first error; ERR_TRAILING if there was none but bytes are left. */
enum err reader_end(const struct reader *r) MUST_USE;

struct writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    enum err error;
};

void writer_init(struct writer *w, uint8_t *out, size_t cap);
size_t writer_len(const struct writer *w);
void writer_u8(struct writer *w, uint8_t v);
void writer_u16(struct writer *w, uint16_t v);
void writer_u32(struct writer *w, uint32_t v);
void writer_u64(struct writer *w, uint64_t v);
void writer_bytes(struct writer *w, struct bytes b);
void writer_zeros(struct writer *w, size_t len);
/** Reserve `len` bytes to be filled by the caller; NULL (and ERR_SPACE) if they do not fit. */
uint8_t *writer_reserve(struct writer *w, size_t len);
/** Reserve a 16-bit length field; writer_close_u16 fills it with (bytes since + `extra`). */
uint8_t *writer_mark_u16(struct writer *w);
void writer_close_u16(struct writer *w, uint8_t *mark, size_t extra);
enum err writer_end(const struct writer *w) MUST_USE;

#endif
