/*
 * Encrypted Fragment payload (RFC 7383 §2.5). Like SK with fragment number and total behind the
 * generic header; the text is a piece of the inner payload chain. Putting fragments together is
 * not done here.
 */
#ifndef PROTO_WIRE_SKF_H
#define PROTO_WIRE_SKF_H

#include "proto/wire/sk.h"

struct skf_fragment {
    uint16_t number; /* 1..total */
    uint16_t total;
    uint8_t first_type; /* number 1: type of the first inner payload; others: 0 */
};

/** Open the SKF payload. Write the piece with writer_bytes(&mw->w, piece), then call sk_end. */
void skf_begin(struct message_writer *, const struct sk_sizes *, const struct skf_fragment *);
/**
 * As sk_read; after opening use sk_strip.
 * @retval ERR_SYNTAX  number 0, number above total, or Next Payload set in a later fragment
 */
enum err skf_read(const struct message_view *, const struct sk_sizes *, struct skf_fragment *,
                  struct sk_area *) MUST_USE;

#endif
