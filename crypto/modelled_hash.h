/*
 * The keyed 64-bit hash of the modelled provider, read 16 bytes a step with one multiplication:
 * a change of any byte or of the length gives another value, and what is hashed is the
 * concatenation, wherever it is cut. NOT SECURE: who knows the key can make collisions.
 */
#ifndef CRYPTO_MODELLED_HASH_H
#define CRYPTO_MODELLED_HASH_H

#include "base/bytes.h"

#define MODELLED_STEP UINT64_C(0xa0761d6478bd642f)
#define MODELLED_FOLD UINT64_C(0xe7037ed1a0b428db)

enum { MODELLED_BLOCK = 16 };

struct modelled_hash {
    uint64_t value;
    uint64_t len;
    size_t held; /* bytes of `block` that wait for more: 0 to 15 */
    uint8_t block[MODELLED_BLOCK];
};

/** Both halves of the product: every bit of either factor reaches every bit of the result. */
static inline uint64_t modelled_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Never 0 times something: adding keeps what was there when a factor is 0. */
static inline uint64_t modelled_block(uint64_t value, const uint8_t *block)
{
    uint64_t word[2];

    memcpy(word, block, sizeof word);
    return modelled_fold(value ^ word[0], word[1] ^ MODELLED_FOLD) + (value ^ MODELLED_STEP);
}

static inline void modelled_hash_init(struct modelled_hash *h, uint64_t key)
{
    h->value = key;
    h->len = 0;
    h->held = 0;
}

static inline void modelled_hash_add(struct modelled_hash *h, struct bytes in)
{
    const uint8_t *at = in.data;
    size_t left = in.len;

    if (left == 0)
        return;
    h->len += left;
    if (h->held > 0) {
        size_t room = MODELLED_BLOCK - h->held, n = left < room ? left : room;

        memcpy(h->block + h->held, at, n);
        h->held += n;
        if (h->held < MODELLED_BLOCK)
            return;
        h->value = modelled_block(h->value, h->block);
        at += n;
        left -= n;
    }
    for (; left >= MODELLED_BLOCK; left -= MODELLED_BLOCK, at += MODELLED_BLOCK)
        h->value = modelled_block(h->value, at);
    memcpy(h->block, at, left);
    h->held = left;
}

/** The hash of all that was added; the last block counts as filled up with zeros. */
static inline uint64_t modelled_hash_end(struct modelled_hash *h)
{
    if (h->held > 0) {
        memset(h->block + h->held, 0, MODELLED_BLOCK - h->held);
        h->value = modelled_block(h->value, h->block);
    }
    return modelled_fold(h->value ^ h->len, MODELLED_STEP);
}

static inline uint64_t modelled_hash_of(const void *data, size_t len, uint64_t key)
{
    struct modelled_hash h;

    modelled_hash_init(&h, key);
    modelled_hash_add(&h, bytes_of(data, len));
    return modelled_hash_end(&h);
}

#endif
