/* Hex text to bytes, for tests that read vectors. */
#ifndef TESTS_HEX_H
#define TESTS_HEX_H

#include "base/bytes.h"

#include <check.h>
#include <ctype.h>

/** Fills `out` (of `cap` bytes) and returns a view of it; anything but hex digits fails the test.
 */
static inline struct bytes unhex(const char *text, uint8_t *out, size_t cap)
{
    size_t len = strlen(text) / 2;

    ck_assert_uint_eq(strlen(text) % 2, 0);
    ck_assert_uint_le(len, cap);
    for (size_t i = 0; i < 2 * len; i++) {
        int c = tolower((unsigned char)text[i]);
        int v = c >= 'a' && c <= 'f' ? c - 'a' + 10 : c - '0';

        ck_assert(isxdigit((unsigned char)c));
        out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | v : v << 4);
    }
    return bytes_of(out, len);
}

static inline void assert_hex(struct bytes got, const char *expected)
{
    char text[2 * 1024 + 1];

    ck_assert_uint_le(got.len, 1024);
    bytes_hex(got, text);
    ck_assert_str_eq(text, expected);
}

#endif
