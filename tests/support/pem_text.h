/* DER as a PEM block, for tests of programs that read such files. */
#ifndef TESTS_PEM_TEXT_H
#define TESTS_PEM_TEXT_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* RFC 4648 §4, in lines of 64 */
static inline void append_base64(char *out, const uint8_t *in, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = strlen(out);

    for (size_t i = 0; i < len; i += 3) {
        uint32_t v = (uint32_t)in[i] << 16 | (i + 1 < len ? (uint32_t)in[i + 1] << 8 : 0) |
                     (i + 2 < len ? in[i + 2] : 0);

        for (int k = 0; k < 4; k++)
            out[at++] = i + (size_t)k > len ? '=' : digits[v >> (18 - 6 * k) & 63];
        if (i % 48 == 45)
            out[at++] = '\n';
    }
    out[at++] = '\n';
    out[at] = 0;
}

static inline void append_block(char *out, const char *label, const uint8_t *der, size_t len)
{
    sprintf(out + strlen(out), "-----BEGIN %s-----\n", label);
    append_base64(out, der, len);
    sprintf(out + strlen(out), "-----END %s-----\n", label);
}

#endif
