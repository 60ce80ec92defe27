#include "base/pages.h"

#include <stdint.h>
#include <sys/mman.h>

/* Only pages that lie in the array as a whole: its neighbours stay as they are. */
void pages_large(void *memory, size_t bytes)
{
    uint8_t *at = memory;
    size_t before = -(uintptr_t)at % PAGES_LARGE;

    if (bytes < PAGES_LARGE_FROM)
        return;
    bytes = (bytes - before) / PAGES_LARGE * PAGES_LARGE;
    (void)!madvise(at + before, bytes, MADV_HUGEPAGE);
}
