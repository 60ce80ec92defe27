/* Streams that are a source: every draw is the source's, so nothing follows from key or counter. */
#include "base/rng.h"
#include "suite.h"

static uint8_t next;
static size_t asked;

static void counting(void *out, size_t len)
{
    uint8_t *at = out;

    asked += len;
    for (size_t i = 0; i < len; i++)
        at[i] = next++;
}

START_TEST(every_draw_comes_from_the_source)
{
    struct rng r = rng_of(counting);
    struct rng child = rng_fork(&r, 7);
    uint8_t bytes[11];

    next = 0;
    asked = 0;
    rng_fill(&r, bytes, sizeof bytes);
    ck_assert_uint_eq(asked, 11);
    for (uint8_t i = 0; i < sizeof bytes; i++)
        ck_assert_uint_eq(bytes[i], i);
    (void)rng_u64(&child);
    ck_assert_uint_eq(asked, 19);
    ck_assert_uint_lt(rng_below(&child, 10), 10);
    ck_assert_uint_ge(asked, 27);
    ck_assert_uint_eq(r.counter, 0);
}
END_TEST

START_TEST(two_streams_of_one_source_differ)
{
    struct rng a = rng_of(counting), b = rng_of(counting);

    ck_assert_uint_ne(rng_u64(&a), rng_u64(&b));
}
END_TEST

START_TEST(a_named_stream_asks_no_source)
{
    struct rng r = rng_stream(1, 2, RNG_TEST), f = rng_fork(&r, 1);

    asked = 0;
    ck_assert_uint_eq(rng_u64(&r), rng_u64(&(struct rng){{r.key[0], r.key[1]}, 0, NULL}));
    (void)rng_u64(&f);
    ck_assert_uint_eq(asked, 0);
}
END_TEST

SUITE("rng_source", every_draw_comes_from_the_source, two_streams_of_one_source_differ,
      a_named_stream_asks_no_source)
