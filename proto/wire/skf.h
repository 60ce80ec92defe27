/*
 * Encrypted and Authenticated Fragment payload, RFC 7383 §2.5: SK with a fragment number and the
 * total. Splitting and collecting fragments is proto/ike's business.
 *
 * Write: build the inside with chain_begin .. chain_end, then for each piece of it message_begin,
 * skf_begin, writer_bytes(&mw.w, piece), sk_end. Read: message_read, skf_read, open, sk_strip.
 */
#ifndef PROTO_WIRE_SKF_H
#define PROTO_WIRE_SKF_H

#include "proto/wire/sk.h"

struct skf_head {
    uint16_t number; /* from 1 */
    uint16_t total;
    uint8_t inner_type; /* of the first payload inside; only in fragment 1, else 0 */
};

void skf_begin(struct message_writer *, const struct skf_head *, size_t iv_len);

/**
 * As sk_read, for a message whose last payload is SKF.
 * @retval ERR_SYNTAX  number or total 0, number > total, or an inner type in a later fragment
 */
enum err skf_read(uint8_t *datagram, const struct message_view *view, const struct sk_sizes *,
                  struct sk_area *out, struct skf_head *head) MUST_USE;

/** Bytes of the inside that fit into one fragment of a datagram of `datagram_max` bytes. */
size_t skf_capacity(size_t datagram_max, const struct sk_sizes *);

#endif
