/* The anti-replay window against an exact set of what was accepted; ESN across its boundaries. */
#include "base/rng.h"
#include "base/table.h"
#include "proto/esp/replay.h"
#include "suite.h"

static const uint32_t windows[] = {32, 33, 63, 64, 65, 100, 128, 129, 1000, 1024, 4095, 4096};
enum { WINDOWS = sizeof windows / sizeof *windows };

struct window {
    struct replay r;
    uint64_t bitmap[REPLAY_WORDS_MAX + 1];
};

static void window_init(struct window *w, uint32_t size)
{
    memset(w->bitmap, 0xa5, sizeof w->bitmap);
    replay_init(&w->r, w->bitmap, size);
}

static bool offer(struct window *w, uint64_t seq)
{
    if (replay_check(&w->r, w->bitmap, seq) != OK)
        return false;
    replay_update(&w->r, w->bitmap, seq);
    return true;
}

/* RFC 4303 §3.4.3 by the book: a set without end, and an edge. */
struct shadow {
    struct table accepted;
    uint64_t top;
};

static bool shadow_offer(struct shadow *s, uint32_t size, uint64_t seq)
{
    uint32_t dummy;

    if (seq == 0 || (seq <= s->top && s->top - seq >= size) || table_get(&s->accepted, seq, &dummy))
        return false;
    ck_assert_ok(table_put(&s->accepted, seq, 1));
    if (seq > s->top)
        s->top = seq;
    return true;
}

/* A number near the window: mostly new or a little late, now and then far ahead or long gone. */
static uint64_t draw(struct rng *r, uint64_t top, uint32_t size)
{
    uint64_t kind = rng_below(r, 100), back = rng_below(r, (uint64_t)size * 3 / 2 + 2);

    if (kind < 45)
        return top + 1 + rng_below(r, 3);
    if (kind < 90)
        return back > top ? 0 : top - back;
    if (kind < 97)
        return top + rng_below(r, (uint64_t)size * 2 + 2);
    return kind < 99 ? top + rng_below(r, 1 << 20) : rng_below(r, top + 1);
}

START_TEST(window_agrees_with_exact_set)
{
    for (int i = 0; i < WINDOWS; i++) {
        struct rng r = rng_stream(1, windows[i], RNG_TEST);
        struct window w;
        struct shadow s = {.top = 0};
        uint32_t accepted = 0, words = replay_words(windows[i]);

        ck_assert_ok(table_init(&s.accepted, 64));
        window_init(&w, windows[i]);
        for (int step = 0; step < 40000; step++) {
            uint64_t seq = draw(&r, s.top, windows[i]);
            bool expected = shadow_offer(&s, windows[i], seq);

            ck_assert_msg(offer(&w, seq) == expected, "window %u seq %llu", windows[i],
                          (unsigned long long)seq);
            ck_assert_uint_eq(w.r.top, s.top);
            accepted += expected;
        }
        ck_assert_uint_gt(accepted, 10000);
        ck_assert_uint_lt(accepted, 39000);
        ck_assert_uint_eq(w.bitmap[words], UINT64_C(0xa5a5a5a5a5a5a5a5));
        table_reset(&s.accepted);
    }
}
END_TEST

START_TEST(a_check_alone_changes_nothing)
{
    struct window w;
    struct replay before;

    window_init(&w, 64);
    ck_assert(offer(&w, 5));
    before = w.r;
    for (int i = 0; i < 3; i++) {
        ck_assert_ok(replay_check(&w.r, w.bitmap, 1000));
        ck_assert_ok(replay_check(&w.r, w.bitmap, 4));
        ck_assert_int_eq(replay_check(&w.r, w.bitmap, 5), ERR_REPLAY);
    }
    ck_assert_mem_eq(&before, &w.r, sizeof before);
}
END_TEST

START_TEST(edges_of_the_window)
{
    for (int i = 0; i < WINDOWS; i++) {
        uint32_t size = windows[i];
        struct window w;

        window_init(&w, size);
        ck_assert(!offer(&w, 0));
        ck_assert(offer(&w, 10 * size));
        ck_assert(!offer(&w, 10 * size - size));
        ck_assert(offer(&w, 10 * size - size + 1));
        ck_assert(!offer(&w, 10 * size - size + 1));
        /* A jump of exactly the ring forgets all of it. */
        ck_assert(offer(&w, 10 * size + w.r.mask + 1));
        ck_assert(offer(&w, 10 * size + w.r.mask));
        ck_assert(!offer(&w, 10 * size));
        ck_assert(offer(&w, UINT64_MAX));
        ck_assert(offer(&w, UINT64_MAX - size + 1));
        ck_assert(!offer(&w, UINT64_MAX - size));
        ck_assert(!offer(&w, UINT64_MAX));
    }
}
END_TEST

START_TEST(sizes_are_fitted)
{
    struct window w;

    ck_assert_uint_eq(replay_window_fit(0), 0);
    ck_assert_uint_eq(replay_window_fit(1), 32);
    ck_assert_uint_eq(replay_window_fit(100), 100);
    ck_assert_uint_eq(replay_window_fit(5000), 4096);
    ck_assert_uint_eq(replay_words(0), 0);
    ck_assert_uint_eq(replay_words(32), 1);
    ck_assert_uint_eq(replay_words(65), 2);
    ck_assert_uint_eq(replay_words(4096), REPLAY_WORDS_MAX);
    window_init(&w, 0);
    for (int i = 0; i < 3; i++)
        ck_assert(offer(&w, 7)); /* off: everything passes */
    ck_assert_uint_eq(w.r.top, 7);
}
END_TEST

/* RFC 4303 §A2.2, written out as there: Tl, Th, W and the two cases. */
static uint64_t guess_of_rfc(uint64_t top, uint32_t window, uint32_t low)
{
    uint32_t tl = (uint32_t)top, th = (uint32_t)(top >> 32), bl = tl - window + 1;

    if (tl >= window - 1)
        return (uint64_t)(low >= bl ? th : th + 1) << 32 | low;
    return (uint64_t)(low >= bl ? th - 1 : th) << 32 | low;
}

START_TEST(high_half_as_in_rfc4303_a2)
{
    struct rng r = rng_stream(2, 0, RNG_TEST);

    for (int i = 0; i < 200000; i++) {
        uint32_t window = windows[rng_below(&r, WINDOWS)];
        uint64_t top = (1 + rng_below(&r, 5)) << 32;
        struct replay state = {.window = window};
        uint32_t low = rng_u32(&r);

        top += rng_below(&r, 4 * window) - 2 * window;
        if (rng_below(&r, 2))
            low = (uint32_t)(top + rng_below(&r, 4 * window) - 2 * window);
        state.top = top;
        ck_assert_uint_eq(replay_guess(&state, low, true), guess_of_rfc(top, window, low));
        ck_assert_uint_eq(replay_guess(&state, low, false), low);
    }
}
END_TEST

START_TEST(esn_follows_the_sender_over_the_boundary)
{
    for (int i = 0; i < WINDOWS; i++) {
        struct rng r = rng_stream(3, windows[i], RNG_TEST);
        struct window w;
        uint64_t sent = (UINT64_C(1) << 32) - 3 * windows[i];

        window_init(&w, windows[i]);
        replay_update(&w.r, w.bitmap, sent);
        while (sent < (UINT64_C(1) << 32) + 3 * windows[i]) {
            uint64_t late = sent - rng_below(&r, windows[i]);

            sent += 1 + rng_below(&r, 4);
            ck_assert_uint_eq(replay_guess(&w.r, (uint32_t)late, true), late);
            ck_assert_uint_eq(replay_guess(&w.r, (uint32_t)sent, true), sent);
            ck_assert(offer(&w, sent));
        }
    }
}
END_TEST

/* With the check off the nearest number is taken, late packets too. */
START_TEST(esn_without_window)
{
    struct replay r = {.top = (UINT64_C(5) << 32) + 10};

    ck_assert_uint_eq(replay_guess(&r, 11, true), (UINT64_C(5) << 32) + 11);
    ck_assert_uint_eq(replay_guess(&r, 0xfffffff0, true), (UINT64_C(4) << 32) + 0xfffffff0);
    r.top = 3;
    ck_assert_uint_eq(replay_guess(&r, 0xfffffff0, true), 0xfffffff0);
}
END_TEST

SUITE("esp_replay", window_agrees_with_exact_set, a_check_alone_changes_nothing,
      edges_of_the_window, sizes_are_fitted, high_half_as_in_rfc4303_a2,
      esn_follows_the_sender_over_the_boundary, esn_without_window)
