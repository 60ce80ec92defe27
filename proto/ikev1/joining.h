/*
 * IKEv1 messages in fragments, which a vendor ID announces (Cisco's, of no RFC): a message that
 * would make a larger IP packet than configured leaves in pieces, each a message of its own in the
 * clear; pieces that are received wait for each other, and what they make is taken as if it had
 * come whole.
 *
 * No piece proves anything. So they are taken for an IKE SA only that is there and whose peer has
 * announced them, or still has to answer our announcement, and what waits is bounded: FRAGMENTS_MAX
 * pieces of MESSAGE_MAX octets together, V1_JOINING_MAX messages of an IKE SA and of an address,
 * JOINING_TIME; and by the store as joining.h has it. The work for a piece does not depend on how
 * many wait.
 */
#ifndef PROTO_IKEV1_JOINING_H
#define PROTO_IKEV1_JOINING_H

#include "proto/core/internal.h"
#include "proto/wire/v1_fragment.h"

enum { V1_JOINING_MAX = 2 /* messages of one IKE SA, and of all at one address, at once */ };

struct v1_joined {
    size_t len; /* of the whole message; 0: others are missing */
    uint8_t message[MESSAGE_MAX];
};

/**
 * A fragment for this IKE SA. Sent twice it is counted and dropped; where it contradicts those that
 * are here (another text under its number, a number behind the last), the sender has begun another
 * message under the same ID, and those that are here go (`joining_replaced`).
 *
 * @param message  of v1_fragment_is, whole, without non-ESP marker
 * @param[out] joined  with len > 0 a message with the cookies of the IKE SA, to be received as if
 * it had come whole
 * @retval OK            kept, or whole
 * @retval ERR_STATE     the two have not agreed on fragments (FRAGMENT_UNEXPECTED)
 * @retval ERR_DUPLICATE it is here (FRAGMENT_DOUBLE)
 * @retval ERR_SPACE, ERR_LENGTH  more fragments or octets than may be (FRAGMENT_TOO_MANY); of
 *                       octets the message goes
 * @retval ERR_FULL, ERR_MEMORY  no room, or others of this address wait (FRAGMENT_LIMIT)
 * @retval ERR_SYNTAX    joined they are no message of this IKE SA (FRAGMENT_MISMATCH): they go, but
 * for the one that came last
 * @retval others        no fragment that makes sense, without data for one (FRAGMENT_MALFORMED)
 * @note   Every error is counted as the drop in brackets, once; joined->len is 0 then.
 */
enum err v1_fragment_take(struct ike_endpoint *, nsec now, struct ike_sa *, struct bytes message,
                          struct v1_joined *joined) MUST_USE;

/**
 * Keep a message the way it is sent, in place of message_keep: whole; or in fragments, if we make
 * them, the peer joins them, and it would be too long for one packet. All of them have message ID 0
 * and an exchange of phase 1, as not all receivers look for fragments elsewhere.
 * @param message  or what message_at gives of one that was kept in fragments: it is kept as it is
 * @retval ERR_SPACE  more than FRAGMENTS_MAX, or longer than MESSAGE_MAX with all headers
 * @retval ERR_TRUNCATED  no message
 * @retval ERR_FULL, ERR_LENGTH  as message_keep
 */
enum err v1_fragments_keep(struct ike_endpoint *, const struct ike_sa *, struct bytes message,
                           struct message_ref *out) MUST_USE;

#endif
