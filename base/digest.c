#include "base/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

void digest_add(struct digest *d, const void *data, size_t len)
{
    d->value = XXH3_64bits_withSeed(data, len, d->value + ++d->count);
}

/* Flat, so that the compiler knows both lengths. */
__attribute__((flatten)) void digest_line(struct digest *whole, struct digest *part,
                                          const uint64_t line[DIGEST_LINE])
{
    part->value =
        XXH3_64bits_withSeed(line, (DIGEST_LINE - 1) * sizeof *line, part->value + ++part->count);
    whole->value =
        XXH3_64bits_withSeed(line, DIGEST_LINE * sizeof *line, whole->value + ++whole->count);
}

void digest_u64(struct digest *d, uint64_t v)
{
    uint8_t octets[8];

    for (int i = 0; i < 8; i++)
        octets[i] = (uint8_t)(v >> (8 * i));
    digest_add(d, octets, sizeof octets);
}

uint64_t digest_of(const void *data, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, len, seed);
}
