/*
 * IKE messages in the making: authentic fragments that wait for the others of their message
 * (RFC 7383 §2.6). Bounded four ways: fragments and octets of one message, messages of one IKE SA
 * and direction (a window of them), messages and fragments of the store, which have a place of
 * their own. Where a place is needed the oldest gives way, and none stays longer than JOINING_TIME.
 * Which fragment is believed is decided in proto/ike/fragment.
 */
#ifndef PROTO_CORE_JOINING_H
#define PROTO_CORE_JOINING_H

#include "proto/core/message_store.h"
#include "proto/core/sa.h"

struct ike_endpoint;
struct ike_store;

enum joining_sizes {
    FRAGMENTS_MAX = 64, /* of one message, sent or received */
};

#define JOINING_TIME (60 * NSEC_PER_S) /* from the first fragment; as RFC 8200 has it for IPv6 */

/** One message. The slot of an endpoint that does not do fragmentation does not exist. */
struct joining {
    nsec begun;
    uint32_t ike, id; /* IKE SA by index, message ID */
    uint32_t next;    /* of the same IKE SA */
    uint32_t older, newer;
    union {
        uint32_t digest; /* of fragment 1 as it was on the wire */
        uint32_t source; /* what it counts for, where it is `sourced` */
    };
    uint16_t len;                             /* octets of what is here */
    bool response : 1;                        /* the message is one */
    bool sourced : 1;                         /* see struct joining_name */
    uint8_t exchange;                         /* enum exchange_type */
    uint8_t first_type;                       /* of fragment 1: the first payload inside */
    uint8_t unsupported;                      /* critical payload beside it, 0: none */
    uint8_t total, here;                      /* fragments */
    uint64_t numbers;                         /* set of those that are here, bit 0: number 1 */
    struct message_ref pieces[FRAGMENTS_MAX]; /* none where the fragment was empty */
};

/** Which message a fragment is of. */
struct joining_name {
    uint32_t id;
    bool response;
    uint32_t source; /* what messages are counted for besides (joining_from); 0: nothing */
};

/**
 * @param messages  how many may be in the making at once; 0: no fragmentation, no memory
 * @param pieces    how many fragments of them
 */
enum err joining_init(struct ike_store *, uint32_t messages, uint32_t pieces) MUST_USE;
void joining_reset(struct ike_store *);
/** NULL: nothing of this message is here. */
struct joining *joining_of(const struct ike_endpoint *, const struct ike_sa *, struct joining_name);
/** How many there are of this source. */
uint32_t joining_from(const struct ike_endpoint *, uint32_t source);
/** Whether there is one of this IKE SA. */
bool joining_any(const struct ike_endpoint *, const struct ike_sa *);
/**
 * A place for a message, empty. The oldest of the IKE SA and direction gives way when there are
 * `most` of them already, and the oldest of all when no place is free.
 * @retval NULL  no memory
 */
struct joining *joining_take(struct ike_endpoint *, nsec now, struct ike_sa *, struct joining_name,
                             unsigned most);
/** Keep fragment `number`. The oldest other message may give way for it.
 * @retval ERR_FULL, ERR_LENGTH  it is not kept; the message is as before */
enum err joining_add(struct ike_endpoint *, struct joining *, unsigned number,
                     struct bytes text) MUST_USE;
/** All are here: their texts one behind the other. @param[out] out  MESSAGE_MAX octets @return
 * length */
size_t joining_join(const struct ike_endpoint *, const struct joining *, uint8_t *out);
/** Give back the message and what is here of it. */
void joining_give(struct ike_endpoint *, struct joining *);
/** All of an IKE SA, which goes. */
void joining_forget(struct ike_endpoint *, const struct ike_sa *);
/** When the first of the endpoint's is to be given up, in a store that is shared; else the store's
 * timers have it, as the last of their owners. */
nsec joining_deadline(const struct ike_endpoint *);
/** Give up those whose time is over. */
void joining_expire(struct ike_endpoint *, nsec now);

#endif
