/*
 * Views and buffers of bytes. A view (`struct bytes`) never owns; a buffer (`struct buf`) is a
 * writable area with a capacity, owned by whoever made it.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *data;
    size_t len;
};

struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
};

#define BYTES_NONE ((struct bytes){NULL, 0})

static inline struct bytes bytes_of(const void *data, size_t len)
{
    return (struct bytes){data, len};
}

static inline struct bytes bytes_text(const char *text)
{
    return (struct bytes){(const uint8_t *)text, strlen(text)};
}

static inline struct bytes buf_bytes(const struct buf *b)
{
    return (struct bytes){b->data, b->len};
}

/** Same length and content; not constant time, for public values only. */
bool bytes_equal(struct bytes a, struct bytes b);

/** Same length and content in time that depends on the length only: for secrets, ICVs, AUTH. */
bool bytes_equal_secret(struct bytes a, struct bytes b);

/** Overwrite with zeros in a way the compiler may not remove. */
void wipe(void *data, size_t len);

/** Lower-case hex of `b` and a final NUL into `out`, which holds 2 * b.len + 1 bytes. */
void bytes_hex(struct bytes b, char *out);

/** The value of a hex digit, of either case; -1: it is none. */
int hex_digit(uint8_t c);

static inline uint16_t load_be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t load_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t load_be64(const uint8_t *p)
{
    return (uint64_t)load_be32(p) << 32 | load_be32(p + 4);
}

static inline void store_be16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void store_be32(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, sizeof v);
}

static inline void store_be64(uint8_t *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, sizeof v);
}

#endif
