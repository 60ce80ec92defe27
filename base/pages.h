/*
 * Pages of large arrays. What a run of a million peers touches lies far apart: in pages of 4 KiB
 * each touch costs a walk through the tables of pages as well, in pages of 2 MiB hardly ever.
 */
#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include <stddef.h>

enum pages_sizes {
    PAGES_LARGE = 2 << 20,     /* bytes of a large page */
    PAGES_LARGE_FROM = 4 << 20 /* bytes of an array that may have some */
};

/**
 * May lie in large pages from now on, where the system has them; a wish that nothing depends on.
 * For arrays that are filled from their start and stay full: a page is resident as a whole as soon
 * as a byte of it was touched, so an array costs at most PAGES_LARGE more than it uses. A smaller
 * one is left as it is.
 *
 * @param memory  allocated and not yet touched, or grown
 */
void pages_large(void *memory, size_t bytes);

#endif
