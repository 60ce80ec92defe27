/* Pages of large arrays: a wish that changes nothing but speed. */
#include "base/pages.h"
#include "suite.h"

START_TEST(an_array_keeps_what_it_has)
{
    static const size_t sizes[] = {1, PAGES_LARGE_FROM - 1, PAGES_LARGE_FROM,
                                   3 * (size_t)PAGES_LARGE + PAGES_LARGE / 2};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        /* Begins behind a byte of somebody else's, as no page does. */
        uint8_t *all = malloc(sizes[i] + 1);

        ck_assert_ptr_nonnull(all);
        memset(all, 0x5a, sizes[i] + 1);
        pages_large(all + 1, sizes[i]);
        for (size_t at = 0; at <= sizes[i]; at++)
            if (all[at] != 0x5a)
                ck_abort_msg("byte %zu of %zu has changed", at, sizes[i]);
        free(all);
    }
}
END_TEST

SUITE("pages", an_array_keeps_what_it_has)
