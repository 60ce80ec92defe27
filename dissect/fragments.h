/*
 * Fragments of IKE messages that wait for the others: decrypted ones of IKEv2 (RFC 7383 §2.6), and
 * those of IKEv1 in the clear (proto/wire/v1_fragment.h). Bounded: the oldest message gives way.
 */
#ifndef DISSECT_FRAGMENTS_H
#define DISSECT_FRAGMENTS_H

#include "dissect/dissect.h"
#include "proto/wire/skf.h"
#include "proto/wire/v1_fragment.h"

struct fragment_store;

struct skf_piece {
    const struct ike_header *header;
    uint32_t interface;
    struct skf_fragment fragment;
    struct bytes text; /* a piece of the inner chain */
    struct text_source source;
};

struct v1_piece {
    const struct ike_header *header;
    const struct dissect_input *input;
    struct v1_fragment fragment;
    struct text_source source; /* of its data */
};

struct whole_message {
    struct bytes bytes;          /* IKEv2: the inner chain; IKEv1: all of it. In the arena */
    struct text_source *sources; /* one for each fragment, in order; in the arena */
    unsigned count;
    uint8_t first_type; /* IKEv2 */
};

/** NULL when out of memory. */
struct fragment_store *fragment_store_create(void);
void fragment_store_destroy(struct fragment_store *);
/**
 * Take a fragment of IKEv2 in. Doubles are ignored; another total starts the message anew (§2.6.1).
 * @return true when this one made the message whole: *out is set
 */
bool fragments_join_skf(struct fragment_store *, struct arena *, const struct skf_piece *,
                        struct whole_message *out);
/**
 * Take a fragment of IKEv1 in, by the rules of the endpoints (proto/ikev1/joining.h): FRAGMENTS_MAX
 * of MESSAGE_MAX octets together, for JOINING_TIME where the times are known; doubles are ignored,
 * what contradicts those that are here starts the message anew, and of a mixture the last one
 * stays.
 * @retval OK            with out->count > 0 this one made the message whole
 * @retval ERR_SPACE, ERR_LENGTH  more fragments or octets than may be; of octets the message goes
 * @retval ERR_SYNTAX    joined they are no message of this IKE SA
 * @retval ERR_MEMORY
 */
enum err fragments_join_v1(struct fragment_store *, struct arena *, const struct v1_piece *,
                           struct whole_message *out) MUST_USE;

#endif
