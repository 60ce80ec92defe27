/* Decrypted fragments of IKE messages that wait for the others (RFC 7383 §2.6). Bounded: the oldest
 * message gives way. */
#ifndef DISSECT_FRAGMENTS_H
#define DISSECT_FRAGMENTS_H

#include "dissect/dissect.h"
#include "proto/wire/skf.h"

struct skf_store;

struct skf_piece {
    const struct ike_header *header;
    uint32_t interface;
    struct skf_fragment fragment;
    struct bytes text; /* a piece of the inner chain */
    struct text_source source;
};

struct skf_whole {
    struct bytes chain;          /* in the arena */
    struct text_source *sources; /* one for each fragment, in order; in the arena */
    unsigned count;
    uint8_t first_type;
};

/** NULL when out of memory. */
struct skf_store *skf_store_create(void);
void skf_store_destroy(struct skf_store *);
/**
 * Take a fragment in. Doubles are ignored; another total starts the message anew (§2.6.1).
 * @return true when this one made the message whole: *out is set
 */
bool skf_store_add(struct skf_store *, struct arena *, const struct skf_piece *,
                   struct skf_whole *out);

#endif
