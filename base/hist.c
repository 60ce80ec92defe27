#include "base/hist.h"
#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

enum { EXACT_BITS = 11, SUB_BITS = 10 };

_Static_assert(HIST_PAGES *HIST_PAGE == HIST_BUCKETS, "pages cover the buckets exactly");

static uint32_t bucket_of(uint64_t value)
{
    uint32_t shift;

    if (value < 1u << EXACT_BITS)
        return (uint32_t)value;
    shift = 63 - (uint32_t)__builtin_clzll(value) - SUB_BITS;
    return (shift << SUB_BITS) + (uint32_t)(value >> shift);
}

static uint64_t bucket_low(uint32_t index)
{
    uint32_t shift;

    if (index < 1u << EXACT_BITS)
        return index;
    shift = (index >> SUB_BITS) - 1;
    return (uint64_t)(index - (shift << SUB_BITS)) << shift;
}

static uint64_t bucket_high(uint32_t index)
{
    return index == HIST_BUCKETS - 1 ? UINT64_MAX : bucket_low(index + 1) - 1;
}

static uint64_t *bucket_slot(struct hist *h, uint32_t index)
{
    uint64_t **page;

    if (!h->pages)
        h->pages = calloc(HIST_PAGES, sizeof *h->pages);
    if (!h->pages)
        return NULL;
    page = &h->pages[index / HIST_PAGE];
    if (!*page)
        *page = calloc(HIST_PAGE, sizeof **page);
    return *page ? *page + index % HIST_PAGE : NULL;
}

/* Count, sum and extremes; the buckets are the caller's. */
static void account(struct hist *h, uint64_t min, uint64_t max, uint64_t n)
{
    if (h->count == 0 || min < h->min)
        h->min = min;
    if (h->count == 0 || max > h->max)
        h->max = max;
    h->count += n;
}

void hist_add_n(struct hist *h, uint64_t value, uint64_t n)
{
    uint64_t *slot;

    if (n == 0)
        return;
    slot = bucket_slot(h, bucket_of(value));
    if (!slot) {
        h->lost += n;
        return;
    }
    *slot += n;
    account(h, value, value, n);
    h->sum += (unsigned __int128)value * n;
}

void hist_add(struct hist *h, uint64_t value)
{
    hist_add_n(h, value, 1);
}

void hist_merge(struct hist *to, const struct hist *from)
{
    struct hist_bucket b = {0};
    uint64_t merged = 0;

    ASSERT(to != from);
    while (hist_next(from, &b)) {
        uint64_t *slot = bucket_slot(to, b.index);

        if (slot) {
            *slot += b.count;
            merged += b.count;
        }
    }
    to->lost += from->lost + (from->count - merged);
    if (merged == 0)
        return;
    account(to, from->min, from->max, merged);
    to->sum += from->sum;
}

void hist_clear(struct hist *h)
{
    uint64_t **pages = h->pages;

    for (uint32_t i = 0; pages && i < HIST_PAGES; i++) {
        if (pages[i])
            memset(pages[i], 0, HIST_PAGE * sizeof *pages[i]);
    }
    *h = (struct hist){.pages = pages};
}

void hist_reset(struct hist *h)
{
    for (uint32_t i = 0; h->pages && i < HIST_PAGES; i++)
        free(h->pages[i]);
    free(h->pages);
    *h = (struct hist){0};
}

uint64_t hist_percentile(const struct hist *h, uint32_t ppm)
{
    struct hist_bucket b = {0};
    uint64_t rank, seen = 0;

    ASSERT(ppm <= 1000000);
    if (h->count == 0)
        return 0;
    rank = (uint64_t)(((unsigned __int128)h->count * ppm + 999999) / 1000000);
    if (rank <= 1)
        rank = 1;
    while (hist_next(h, &b)) {
        seen += b.count;
        if (seen >= rank)
            break;
    }
    return b.high < h->max ? b.high : h->max;
}

uint64_t hist_mean(const struct hist *h)
{
    return h->count ? (uint64_t)(h->sum / h->count) : 0;
}

bool hist_next(const struct hist *h, struct hist_bucket *b)
{
    uint32_t i = b->count ? b->index + 1 : 0;

    if (!h->pages)
        return false;
    while (i < HIST_BUCKETS) {
        const uint64_t *page = h->pages[i / HIST_PAGE];

        if (!page) {
            i += HIST_PAGE - i % HIST_PAGE;
            continue;
        }
        if (page[i % HIST_PAGE]) {
            *b = (struct hist_bucket){i, bucket_low(i), bucket_high(i), page[i % HIST_PAGE]};
            return true;
        }
        i++;
    }
    return false;
}
