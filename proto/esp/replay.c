#include "proto/esp/replay.h"

#include "base/assert.h"

#include <string.h>

uint32_t replay_window_fit(uint32_t window)
{
    if (window == 0)
        return 0;
    if (window < REPLAY_WINDOW_MIN)
        return REPLAY_WINDOW_MIN;
    return window > REPLAY_WINDOW_MAX ? REPLAY_WINDOW_MAX : window;
}

/* The ring is a power of two that holds the window, so that a bit's place is a mask away. */
uint32_t replay_words(uint32_t window)
{
    uint32_t bits = 64;

    if (window == 0)
        return 0;
    while (bits < window)
        bits *= 2;
    return bits / 64;
}

void replay_init(struct replay *r, uint64_t *bitmap, uint32_t window)
{
    uint32_t words = replay_words(window);

    ASSERT(window == replay_window_fit(window));
    *r = (struct replay){.window = window, .mask = words ? words * 64 - 1 : 0};
    if (words)
        memset(bitmap, 0, words * sizeof *bitmap);
}

/*
 * RFC 4303 §A2.2 in one line: of all numbers with this low half, the one in the 2^32 that begin at
 * the left edge of the window. The RFC's cases A and B are the left edge with and without a borrow.
 * With the check off there is no edge: the number nearest to the top is taken.
 */
uint64_t replay_guess(const struct replay *r, uint32_t low, bool esn)
{
    uint64_t width = r->window ? r->window : UINT32_C(1) << 31;
    uint64_t bottom = r->top >= width ? r->top - width + 1 : 0;

    if (!esn)
        return low;
    return bottom + (uint32_t)(low - (uint32_t)bottom);
}

bool replay_seen(const struct replay *r, const uint64_t *bitmap, uint64_t seq)
{
    uint32_t bit = (uint32_t)seq & r->mask;

    return bitmap[bit / 64] >> (bit % 64) & 1;
}

enum err replay_check(const struct replay *r, const uint64_t *bitmap, uint64_t seq)
{
    if (r->window == 0)
        return OK;
    if (seq == 0)
        return ERR_REPLAY;
    if (seq > r->top)
        return OK;
    if (r->top - seq >= r->window || replay_seen(r, bitmap, seq))
        return ERR_REPLAY;
    return OK;
}

/* Clear the ring's bits of the numbers (from, to], at most a whole ring of them. */
static void forget(const struct replay *r, uint64_t *bitmap, uint64_t from, uint64_t to)
{
    uint64_t seq = from + 1;

    if (to - from > r->mask) {
        memset(bitmap, 0, ((size_t)r->mask + 1) / 8);
        return;
    }
    while (seq <= to) {
        uint32_t bit = (uint32_t)seq & r->mask;
        uint64_t count = to - seq + 1;
        uint64_t ones = UINT64_MAX << (bit % 64);

        if (count < 64 - bit % 64)
            ones &= (UINT64_C(1) << (bit % 64 + count)) - 1;
        bitmap[bit / 64] &= ~ones;
        if (count <= 64 - bit % 64)
            break; /* also keeps seq from passing the end of 64 bits */
        seq += 64 - bit % 64;
    }
}

void replay_update(struct replay *r, uint64_t *bitmap, uint64_t seq)
{
    uint32_t bit = (uint32_t)seq & r->mask;

    if (r->window == 0) {
        if (seq > r->top)
            r->top = seq;
        return;
    }
    if (seq > r->top) {
        forget(r, bitmap, r->top, seq - 1);
        r->top = seq;
    }
    bitmap[bit / 64] |= UINT64_C(1) << (bit % 64);
}
