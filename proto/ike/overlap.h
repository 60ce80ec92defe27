/*
 * What we have in flight x what we want to begin -> may it run beside, or does it wait: RFC 7296
 * §2.3, §2.8, §2.25. One table for windows above 1. What the peer asks meanwhile is another matter
 * (proto/ike/collision).
 */
#ifndef PROTO_IKE_OVERLAP_H
#define PROTO_IKE_OVERLAP_H

#include "proto/core/internal.h"

struct overlap_row {
    uint8_t pending, wanted; /* enum exchange_kind */
    bool other_child;        /* only if they are about different child SAs */
    const char *section;
};

/** Whether the window has room for an exchange and all that is in flight lets it run beside.
 * @param child  that it is about, or NULL */
bool overlap_allows(const struct ike_endpoint *, const struct ike_sa *, enum exchange_kind wanted,
                    const struct child_sa *child);
/** The rows, for tests and for docs. */
const struct overlap_row *overlap_rows(size_t *count);

#endif
