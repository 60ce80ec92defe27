#include "base/sparse.h"

#include "base/assert.h"

#include <stdbool.h>
#include <string.h>

static size_t marks_len(size_t size)
{
    return SPARSE_MAX(size) - size;
}

static bool is_zero(const uint8_t *word)
{
    uint64_t value;

    memcpy(&value, word, sizeof value);
    return value == 0;
}

size_t sparse_len(const void *record, size_t size)
{
    const uint8_t *from = record;
    size_t len = marks_len(size);

    ASSERT(size % SPARSE_WORD == 0);
    for (size_t at = 0; at < size; at += SPARSE_WORD)
        len += is_zero(from + at) ? 0 : SPARSE_WORD;
    return len;
}

void sparse_pack(const void *record, size_t size, uint8_t *out)
{
    const uint8_t *from = record;
    uint8_t *to = out + marks_len(size);

    memset(out, 0, marks_len(size));
    for (size_t i = 0; i < size / SPARSE_WORD; i++) {
        if (is_zero(from + i * SPARSE_WORD))
            continue;
        out[i / 8] |= (uint8_t)(1u << i % 8);
        memcpy(to, from + i * SPARSE_WORD, SPARSE_WORD);
        to += SPARSE_WORD;
    }
}

void sparse_unpack(const uint8_t *in, void *record, size_t size)
{
    const uint8_t *from = in + marks_len(size);
    uint8_t *to = record;

    memset(record, 0, size);
    for (size_t i = 0; i < size / SPARSE_WORD; i++) {
        if (!(in[i / 8] >> i % 8 & 1))
            continue;
        memcpy(to + i * SPARSE_WORD, from, SPARSE_WORD);
        from += SPARSE_WORD;
    }
}
