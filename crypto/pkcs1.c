#include "crypto/pkcs1.h"

#include "base/assert.h"

/* All ones or all zeros. */
typedef size_t mask;

enum { SEPARATOR_MIN = PKCS1_OVERHEAD - 1, TOP = 8 * sizeof(size_t) - 1 };

/* So that no compiler sees that it is one of two values, and makes a branch of it. */
static mask opaque(mask m)
{
    __asm__("" : "+r"(m));
    return m;
}

static mask is_zero(size_t v)
{
    return opaque(0 - ((~v & (v - 1)) >> TOP));
}

/* Both below half of what a size_t holds. */
static mask is_less(size_t a, size_t b)
{
    return opaque(0 - ((a - b) >> TOP));
}

static size_t either(mask m, size_t yes, size_t no)
{
    return (m & yes) | (~m & no);
}

/* Where the first 0 behind the padding is; 0: nowhere. */
static size_t separator(const uint8_t *em, size_t em_len)
{
    mask found = 0;
    size_t at = 0;

    for (size_t i = 2; i < em_len; i++) {
        mask zero = is_zero(em[i]);

        at |= zero & ~found & i;
        found |= zero;
    }
    return at;
}

/* To the front by a number of bytes that is secret: by each power of two, or not. */
static void move_down(uint8_t *text, size_t len, size_t by)
{
    for (size_t step = 1; step < len; step <<= 1) {
        mask moves = ~is_zero(by & step);

        for (size_t i = 0; i + step < len; i++)
            text[i] = (uint8_t)either(moves, text[i + step], text[i]);
    }
}

size_t pkcs1_take(uint8_t *em, size_t em_len, const struct pkcs1_want *want, uint8_t *out)
{
    size_t room = em_len - PKCS1_OVERHEAD, at = separator(em, em_len), len = em_len - 1 - at;
    mask good = is_zero(em[0]) & is_zero(em[1] ^ 2u) & ~is_less(at, SEPARATOR_MIN);

    ASSERT(em_len > PKCS1_OVERHEAD && want->max <= room);
    ASSERT(want->min <= want->instead_len && want->instead_len <= want->max);
    good &= ~is_less(len, want->min) & ~is_less(want->max, len);
    move_down(em + PKCS1_OVERHEAD, room, good & (room - len));
    for (size_t i = 0; i < want->max; i++)
        out[i] = (uint8_t)either(good, em[PKCS1_OVERHEAD + i], want->instead[i]);
    return either(good, len, want->instead_len);
}
