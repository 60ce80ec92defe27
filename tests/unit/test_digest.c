/* A line put into two digests at once is what two calls make of it. */
#include "suite.h"

#include "base/digest.h"
#include "base/rng.h"

START_TEST(a_line_is_its_two_parts)
{
    struct rng r = rng_stream(1, 2, RNG_TEST);
    struct digest whole = {0}, part = {0}, one_whole = {0}, one_part = {0};

    for (int i = 0; i < 1000; i++) {
        uint64_t line[DIGEST_LINE];

        rng_fill(&r, line, sizeof line);
        digest_line(&whole, &part, line);
        digest_add(&one_part, line, sizeof line - sizeof *line);
        digest_add(&one_whole, line, sizeof line);
        ck_assert_uint_eq(whole.value, one_whole.value);
        ck_assert_uint_eq(part.value, one_part.value);
        ck_assert_uint_eq(whole.count, one_whole.count);
    }
}
END_TEST

SUITE("digest", a_line_is_its_two_parts)
