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

/* 0 to 15 bytes. A call of memcpy takes longer than these few. */
static inline void modelled_copy(uint8_t *to, const uint8_t *from, size_t len)
{
    uint64_t eight;
    uint32_t four;

    if (len & 8) {
        memcpy(&eight, from, sizeof eight);
        memcpy(to, &eight, sizeof eight);
        to += sizeof eight;
        from += sizeof eight;
    }
    if (len & 4) {
        memcpy(&four, from, sizeof four);
        memcpy(to, &four, sizeof four);
        to += sizeof four;
        from += sizeof four;
    }
    for (len &= 3; len > 0; len--)
        *to++ = *from++;
}

/* The last 1 to 15 bytes, filled up with zeros. */
static inline uint64_t modelled_last(uint64_t value, const uint8_t *at, size_t len)
{
    uint8_t block[MODELLED_BLOCK] = {0};

    modelled_copy(block, at, len);
    return modelled_block(value, block);
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

        modelled_copy(h->block + h->held, at, n);
        h->held += n;
        if (h->held < MODELLED_BLOCK)
            return;
        h->value = modelled_block(h->value, h->block);
        at += n;
        left -= n;
    }
    for (; left >= MODELLED_BLOCK; left -= MODELLED_BLOCK, at += MODELLED_BLOCK)
        h->value = modelled_block(h->value, at);
    modelled_copy(h->block, at, left);
    h->held = left;
}

/** The hash of all that was added; the last block counts as filled up with zeros. */
static inline uint64_t modelled_hash_end(struct modelled_hash *h)
{
    if (h->held > 0)
        h->value = modelled_last(h->value, h->block, h->held);
    return modelled_fold(h->value ^ h->len, MODELLED_STEP);
}

static inline uint64_t modelled_hash_of(const void *data, size_t len, uint64_t key)
{
    const uint8_t *at = data;
    size_t left = len;

    for (; left >= MODELLED_BLOCK; left -= MODELLED_BLOCK, at += MODELLED_BLOCK)
        key = modelled_block(key, at);
    if (left > 0)
        key = modelled_last(key, at, left);
    return modelled_fold(key ^ len, MODELLED_STEP);
}

#endif
