#include "base/bytes.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "store_be32/64 swap; port them first");

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool bytes_equal_secret(struct bytes a, struct bytes b)
{
    uint64_t difference = 0, x, y;
    size_t i = 0;

    if (a.len != b.len)
        return false;
    for (; a.len - i >= sizeof x; i += sizeof x) {
        memcpy(&x, a.data + i, sizeof x);
        memcpy(&y, b.data + i, sizeof y);
        difference |= x ^ y;
    }
    for (; i < a.len; i++)
        difference |= a.data[i] ^ b.data[i];
    return difference == 0;
}

void wipe(void *data, size_t len)
{
    if (len == 0)
        return;
    memset(data, 0, len);
    __asm__ volatile("" : : "r"(data) : "memory");
}

int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void bytes_hex(struct bytes b, char *out)
{
    static const char digit[] = "0123456789abcdef";

    for (size_t i = 0; i < b.len; i++) {
        *out++ = digit[b.data[i] >> 4];
        *out++ = digit[b.data[i] & 15];
    }
    *out = '\0';
}
