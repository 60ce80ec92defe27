/*
 * Public keys that were read last, by what they were read from. Whoever talks to many peers reads
 * one key again and again where the many all talk to it; making a key of the library of it costs
 * as much as it takes to verify with. Nothing is believed of a key because it lies here.
 */
#ifndef CRYPTO_KEY_SHELF_H
#define CRYPTO_KEY_SHELF_H

#include "base/bytes.h"
#include "crypto/sign_key.h"

enum { KEY_SHELF_MAX = 32 };

struct key_shelf {
    struct shelved_key {
        struct verify_key key; /* its model is the digest of `spki` */
        uint8_t *spki;         /* NULL: the place is free */
        size_t len;
    } place[KEY_SHELF_MAX];
    unsigned next; /* the place that has been taken longest */
};

/** @param[out] out  owned by the caller @return false: it does not lie here */
bool key_shelf_find(struct key_shelf *, struct bytes spki, struct verify_key *out);
/** The oldest makes room; out of memory it is left out. */
void key_shelf_put(struct key_shelf *, struct bytes spki, const struct verify_key *);
void key_shelf_reset(struct key_shelf *);

#endif
