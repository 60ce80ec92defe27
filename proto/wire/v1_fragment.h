/*
 * Fragments of IKEv1 messages (payload type 132, announced by a vendor ID; no RFC). A fragment is a
 * message of its own, in the clear, with this one payload; joined they are a message with its
 * header. Who joins bounds how many wait: here a fragment is only read.
 */
#ifndef PROTO_WIRE_V1_FRAGMENT_H
#define PROTO_WIRE_V1_FRAGMENT_H

#include "base/cursor.h"
#include "proto/wire/header.h"

struct v1_fragment {
    uint16_t id;    /* of the message; senders may use one number for all */
    uint8_t number; /* from 1 */
    bool last;
    struct bytes data;
};

/** Whether a message is a fragment, or pretends to be one: before anything else is read of it. The
 * encryption flag does not matter, as some senders leave it set. */
bool v1_fragment_is(const struct ike_header *);

/**
 * @retval ERR_TRUNCATED
 * @retval ERR_LENGTH  no data
 * @retval ERR_SYNTAX  number 0, or a flag that is not defined
 */
enum err v1_fragment_read(struct bytes body, struct v1_fragment *) MUST_USE;
void v1_fragment_write(struct writer *, const struct v1_fragment *);

#endif
