#include "proto/core/narrow.h"

/* Add a selector unless one already there takes everything it takes. */
static bool add(struct selector_list *list, const struct selector *s)
{
    for (uint8_t i = 0; i < list->count; i++)
        if (selector_subset(s, &list->items[i]))
            return true;
    if (list->count == SELECTORS_MAX)
        return false;
    list->items[list->count++] = *s;
    return true;
}

enum err narrow(const struct selector *offer, size_t offer_count, const struct selector *policy,
                size_t policy_count, struct selector_list *out, bool *cut)
{
    *out = (struct selector_list){0};
    *cut = false;
    for (size_t i = 0; i < offer_count; i++) {
        bool whole = false;

        for (size_t k = 0; k < policy_count; k++) {
            struct selector both;

            if (!selector_intersect(&offer[i], &policy[k], &both))
                continue;
            whole |= add(out, &both) && selector_subset(&offer[i], &policy[k]);
        }
        *cut |= !whole;
    }
    return out->count ? OK : ERR_TS;
}

bool selectors_within(const struct selector_list *inner, const struct selector_list *outer)
{
    for (uint8_t i = 0; i < inner->count; i++) {
        bool inside = false;

        for (uint8_t k = 0; k < outer->count && !inside; k++)
            inside = selector_subset(&inner->items[i], &outer->items[k]);
        if (!inside)
            return false;
    }
    return inner->count > 0;
}

bool selectors_equal(const struct selector_list *a, const struct selector_list *b)
{
    if (a->count != b->count)
        return false;
    for (uint8_t i = 0; i < a->count; i++)
        if (!selector_equal(&a->items[i], &b->items[i]))
            return false;
    return true;
}
