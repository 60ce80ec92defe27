/*
 * What we have pending x what the peer asks -> what we answer: RFC 7296 §2.8.1, §2.8.2, §2.25. One
 * table; the exchanges ask it before they do anything.
 */
#ifndef PROTO_IKE_COLLISION_H
#define PROTO_IKE_COLLISION_H

#include "base/bytes.h"
#include "proto/core/config.h"
#include "proto/core/exchange.h"

enum collision_answer {
    COLLISION_PROCEED,   /* serve it as usual */
    COLLISION_TEMPORARY, /* N(TEMPORARY_FAILURE) */
    COLLISION_RIVAL,     /* serve it; the lowest nonce decides later which of the two goes */
    COLLISION_FORGET,    /* serve it; our own request is moot */
    COLLISION_EMPTY,     /* answer without a Delete payload: both sides delete (§1.4.1) */
};

struct collision_row {
    uint8_t pending, asked; /* enum exchange_kind */
    bool same_child;        /* both are about one child SA; false for IKE SA matters */
    uint8_t answer;         /* enum collision_answer */
    const char *section;
};

enum collision_answer collision_find(enum exchange_kind pending, enum exchange_kind asked,
                                     bool same_child);
/** The rows, for tests and for docs. */
const struct collision_row *collision_rows(size_t *count);

/** Nonces as octet strings (§2.8.1): < 0 if a is lower. */
int nonce_compare(struct bytes a, struct bytes b);
/** The lower of two. */
struct bytes nonce_lower(struct bytes a, struct bytes b);
/** §2.8.1: the exchange whose lower nonce is `mine` has made the SA that goes. */
bool collision_lost(const struct ike_config *, struct bytes mine, struct bytes rival);

#endif
