/* Running 64-bit digest of a sequence of events (XXH3), for comparing runs; not cryptographic. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

struct digest {
    uint64_t value;
    uint64_t count;
};

void digest_add(struct digest *d, const void *data, size_t len);
void digest_u64(struct digest *d, uint64_t v);
enum { DIGEST_LINE = 5 };
/** One line of two digests of equal count: `whole` of all its words, `part` of all but the last. */
void digest_line(struct digest *whole, struct digest *part, const uint64_t line[DIGEST_LINE]);
/** One-shot hash of `len` bytes under `seed`. */
uint64_t digest_of(const void *data, size_t len, uint64_t seed);

#endif
