#include "proto/core/narrow.h"

#include "base/assert.h"

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
                size_t policy_count, struct selector_list *out, struct narrow_rest *rest)
{
    *out = (struct selector_list){0};
    *rest = (struct narrow_rest){0};
    for (size_t i = 0; i < offer_count; i++) {
        bool whole = false;

        for (size_t k = 0; k < policy_count; k++) {
            struct selector both;

            if (!selector_intersect(&offer[i], &policy[k], &both))
                continue;
            if (add(out, &both))
                whole |= selector_subset(&offer[i], &policy[k]);
            else
                rest->acceptable = true;
        }
        rest->any |= !whole;
    }
    return out->count ? OK : ERR_TS;
}

static bool one_address(const struct selector *s)
{
    return ip_addr_equal(&s->first, &s->last);
}

/* @return false if that leaves something out */
static bool keep_host(struct selector_list *list, struct ip_addr address)
{
    struct selector host = selector_host(address);
    struct selector_list kept;
    struct narrow_rest rest;
    enum err e = narrow(list->items, list->count, &host, 1, &kept, &rest);

    ASSERT(e == OK); /* the address is in it */
    *list = kept;
    return !rest.any;
}

enum err narrow_pair(struct selector_list *local, struct selector_list *remote, bool *more)
{
    struct ip_addr l = local->items[0].first, r = remote->items[0].first;
    bool all_local, all_remote;

    *more = false;
    if (!one_address(&local->items[0]) || !one_address(&remote->items[0]) || l.family != r.family)
        return ERR_SINGLE_PAIR;
    all_local = keep_host(local, l);
    all_remote = keep_host(remote, r);
    *more = !all_local || !all_remote;
    return OK;
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
