#include "record/text.h"
#include "base/assert.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

enum { TEXT_FLUSH_AT = 64 * 1024, TEXT_FIRST = 1024 };

static const uint64_t powers[] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
};

struct fixed fixed_ratio(uint64_t part, uint64_t whole)
{
    if (whole == 0)
        return FIXED_NONE;
    return (struct fixed){.value = (uint64_t)((unsigned __int128)part * 1000000 / whole),
                          .decimals = 6};
}

struct fixed fixed_rate(uint64_t count, uint64_t ns)
{
    unsigned __int128 scaled = (unsigned __int128)count * 1000000 * 1000000000;

    if (ns == 0)
        return FIXED_NONE;
    return (struct fixed){.value = (uint64_t)(scaled / ns), .decimals = 6};
}

int fixed_compare(struct fixed a, struct fixed b)
{
    unsigned __int128 x, y;

    ASSERT(!a.none && !b.none && a.decimals <= 9 && b.decimals <= 9);
    x = (unsigned __int128)a.value * powers[9 - a.decimals];
    y = (unsigned __int128)b.value * powers[9 - b.decimals];
    return x < y ? -1 : x > y;
}

void text_init(struct text *t, FILE *sink)
{
    *t = (struct text){.sink = sink};
}

enum err text_flush(struct text *t)
{
    if (t->sink && t->error == OK && t->len > 0 &&
        (fwrite(t->data, 1, t->len, t->sink) != t->len || fflush(t->sink) != 0))
        t->error = ERR_IO;
    if (t->sink)
        t->len = 0;
    return t->error;
}

void text_reset(struct text *t)
{
    if (t->data)
        wipe(t->data, t->cap); /* keys pass through here */
    free(t->data);
    *t = (struct text){.sink = t->sink};
}

/* Grow by copying, not realloc: old storage may hold keys. */
static bool text_grow(struct text *t, size_t need)
{
    size_t cap = t->cap ? t->cap : TEXT_FIRST;
    char *data;

    while (cap < need)
        cap *= 2;
    data = malloc(cap);
    if (!data) {
        t->error = ERR_MEMORY;
        return false;
    }
    if (t->data) {
        memcpy(data, t->data, t->len);
        wipe(t->data, t->cap);
        free(t->data);
    }
    t->data = data;
    t->cap = cap;
    return true;
}

/* After an error the limit is 0: whatever comes then comes here, and goes no further. */
static void set_limit(struct text *t)
{
    t->limit = t->error == OK ? t->cap - 1 : 0;
    if (t->sink && t->limit >= TEXT_FLUSH_AT)
        t->limit = TEXT_FLUSH_AT - 1;
}

static bool text_put(struct text *t, const char *data, size_t len)
{
    if (t->error != OK || (t->len + len + 1 > t->cap && !text_grow(t, t->len + len + 1)))
        return false;
    memcpy(t->data + t->len, data, len);
    t->len += len;
    t->data[t->len] = 0;
    return !t->sink || t->len < TEXT_FLUSH_AT || text_flush(t) == OK;
}

void text_bytes_slow(struct text *t, const char *data, size_t len)
{
    (void)text_put(t, data, len);
    set_limit(t);
}

/* `width` digits at least, zero-filled. */
static void text_digits(struct text *t, uint64_t v, unsigned width)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char digits[20];
    size_t at = sizeof digits;

    for (; v >= 10; v /= 100)
        memcpy(digits + (at -= 2), pairs + 2 * (v % 100), 2);
    if (v || at == sizeof digits)
        digits[--at] = (char)('0' + v);
    while (sizeof digits - at < width)
        digits[--at] = '0';
    text_bytes(t, digits + at, sizeof digits - at);
}

void text_u64(struct text *t, uint64_t v)
{
    text_digits(t, v, 1);
}

/* Without a table: keys pass through here, and a compiler does many octets at once. */
static char nibble(unsigned n)
{
    return (char)(n + '0' + (n > 9) * ('a' - '0' - 10));
}

void text_hex(struct text *t, struct bytes b)
{
    char digits[64];

    for (size_t at = 0, n; at < b.len; at += n) {
        n = b.len - at < sizeof digits / 2 ? b.len - at : sizeof digits / 2;
        for (size_t i = 0; i < n; i++) {
            digits[2 * i] = nibble(b.data[at + i] >> 4);
            digits[2 * i + 1] = nibble(b.data[at + i] & 15);
        }
        text_bytes(t, digits, 2 * n);
    }
    wipe(digits, sizeof digits);
}

static void text_nibbles(struct text *t, uint64_t v, size_t count)
{
    char digits[16];

    for (size_t i = count; i > 0; v >>= 4)
        digits[--i] = nibble((unsigned)v & 15);
    text_bytes(t, digits, count);
}

void text_hex64(struct text *t, uint64_t v)
{
    text_nibbles(t, v, 16);
}

void text_hex32(struct text *t, uint32_t v)
{
    text_nibbles(t, v, 8);
}

void text_fixed(struct text *t, struct fixed f)
{
    uint64_t fraction;
    unsigned width = f.decimals;

    ASSERT(f.decimals <= 9);
    if (f.none) {
        text_raw(t, "null");
        return;
    }
    text_u64(t, f.value / powers[f.decimals]);
    if (f.decimals == 0)
        return;
    fraction = f.value % powers[f.decimals];
    while (width > 1 && fraction % 10 == 0) {
        fraction /= 10;
        width--;
    }
    text_char(t, '.');
    text_digits(t, fraction, width);
}

/* Length of the UTF-8 sequence at `s`, 0 if it is not one (RFC 3629 §4). */
static size_t utf8_len(const unsigned char *s)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : 4;

    if (n == 4 && (s[0] < 0xf0 || s[0] > 0xf4))
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

static bool json_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* What stands behind the plain characters that a string begins with: most have nothing. */
static void json_rest(struct text *t, const unsigned char *at)
{
    while (*at) {
        const unsigned char *start = at;
        size_t n;

        while (json_plain(*at))
            at++;
        text_bytes(t, (const char *)start, (size_t)(at - start));
        if (!*at)
            break;
        n = *at < 0x80 ? 0 : utf8_len(at);
        if (n)
            text_bytes(t, (const char *)at, n);
        else if (*at == '"' || *at == '\\')
            text_bytes(t, (const char[]){'\\', (char)*at}, 2);
        else
            text_format(t, *at < 0x80 ? "\\u%04x" : "\\ufffd", *at);
        at += n ? n : 1;
    }
}

void text_json(struct text *t, const char *s)
{
    size_t n = 0;

    while (json_plain((unsigned char)s[n]))
        n++;
    text_char(t, '"');
    text_bytes(t, s, n);
    if (s[n])
        json_rest(t, (const unsigned char *)s + n);
    text_char(t, '"');
}

void text_csv(struct text *t, const char *s)
{
    if (!strpbrk(s, ",\"\r\n")) {
        text_raw(t, s);
        return;
    }
    text_char(t, '"');
    for (; *s; s++) {
        if (*s == '"')
            text_char(t, '"');
        text_char(t, *s);
    }
    text_char(t, '"');
}

void text_format(struct text *t, const char *format, ...)
{
    char line[1024];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof line) {
        if (t->error == OK)
            t->error = ERR_SPACE;
        return;
    }
    text_bytes(t, line, (size_t)len);
}
