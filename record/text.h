/*
 * Text on its way to a file: a growing buffer with JSON escaping and fixed-point numbers. Every
 * number of a result is written from an integer here, so the same run gives the same bytes on any
 * compiler; no `double` passes through. With a sink the buffer is handed on whenever it is large.
 * The first error (memory, disk) is remembered and everything after it is ignored.
 */
#ifndef RECORD_TEXT_H
#define RECORD_TEXT_H

#include "base/bytes.h"
#include "base/err.h"

#include <stdio.h>

/** A decimal number: value / 10^decimals; `none` prints as null (a percentile of nothing). */
struct fixed {
    uint64_t value;
    uint8_t decimals;
    bool none;
};

#define FIXED_NONE ((struct fixed){.none = true})

static inline struct fixed fixed_count(uint64_t n)
{
    return (struct fixed){.value = n};
}

/** Seconds from nanoseconds, exact. UINT64_MAX (NSEC_NEVER) is none. */
static inline struct fixed fixed_seconds(uint64_t ns)
{
    return (struct fixed){.value = ns, .decimals = 9, .none = ns == UINT64_MAX};
}

/** part / whole to six digits, rounded down; none when whole is 0. */
struct fixed fixed_ratio(uint64_t part, uint64_t whole);
/** count per second over `ns`, to six digits, rounded down; none when ns is 0. */
struct fixed fixed_rate(uint64_t count, uint64_t ns);
/** -1, 0, 1 as a < b, a == b, a > b; neither may be none. */
int fixed_compare(struct fixed a, struct fixed b);

struct text {
    char *data;
    size_t len, cap;
    size_t limit; /* up to this length text is put without growing or handing on */
    FILE *sink;   /* NULL: text stays in memory, NUL-terminated */
    enum err error;
};

void text_init(struct text *, FILE *sink);
/** Hand what is buffered to the sink; the first error of this text's whole life. */
enum err text_flush(struct text *) MUST_USE;
void text_reset(struct text *);

/** What text_bytes does where the buffer grows, is handed on, or an error was before. */
void text_bytes_slow(struct text *, const char *data, size_t len);

static inline void text_bytes(struct text *t, const char *data, size_t len)
{
    if (t->len + len > t->limit) {
        text_bytes_slow(t, data, len);
        return;
    }
    memcpy(t->data + t->len, data, len);
    t->len += len;
    t->data[t->len] = 0;
}

static inline void text_raw(struct text *t, const char *s)
{
    text_bytes(t, s, strlen(s));
}

static inline void text_char(struct text *t, char c)
{
    text_bytes(t, &c, 1);
}

void text_u64(struct text *, uint64_t);
/** Lower-case hex, 16 digits. */
void text_hex64(struct text *, uint64_t);
/** The same with 8 digits. */
void text_hex32(struct text *, uint32_t);
void text_hex(struct text *, struct bytes);
/** "12", "0.125", "2.0", null: no trailing zeros but one digit after a point that is due. */
void text_fixed(struct text *, struct fixed);
/** With quotes; control characters, quote, backslash and bytes that are not UTF-8 are escaped. */
void text_json(struct text *, const char *);
/** A field of RFC 4180 CSV, quoted only when it must be. */
void text_csv(struct text *, const char *);
void text_format(struct text *, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
