/*
 * Cached IKE messages: the request in flight and the last response of each IKE SA, first messages
 * of a handshake. Bytes sit in slots of a few sizes, made once; a reference is 8 bytes.
 * Each slot begins with the non-ESP marker (RFC 3948 §2.2), so a message can leave on either port.
 * A message that leaves in fragments is kept as they are sent, one behind the other with a marker
 * between them; such a reference is `split`, and the lengths in their headers tell where each ends.
 */
#ifndef PROTO_CORE_MESSAGE_STORE_H
#define PROTO_CORE_MESSAGE_STORE_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/pool.h"

enum message_sizes {
    MESSAGE_MAX = 16380, /* longest IKE message that we make or keep */
    MESSAGE_MARKER = 4,
    MESSAGE_CLASSES = 12,
};

struct message_ref {
    uint32_t slot;
    uint16_t len; /* without the marker; 0: none */
    uint8_t class;
    bool split; /* kept as several datagrams */
};

struct message_store {
    struct pool classes[MESSAGE_CLASSES];
    unsigned first, count;      /* those that are there: without certificates not the largest */
    struct message_ref halfway; /* what is being sent datagram by datagram, none: nothing is */
    size_t halfway_at;          /* the octets of it that are out */
};

struct message_needs {
    uint32_t sas;        /* IKE SAs of any state */
    uint32_t handshakes; /* exchanges with key material in flight */
    size_t auth_len;     /* of an IKE_AUTH message with certificates, 0: there is none */
    bool holds_auth;     /* those of peers wait for look-ups */
};

enum err message_store_init(struct message_store *, const struct message_needs *) MUST_USE;
/** A store for nothing but fragments of others that wait for the rest of their message, so that
 * they take no room from messages. Large ones are rare. */
enum err message_store_init_pieces(struct message_store *, uint32_t pieces) MUST_USE;
void message_store_reset(struct message_store *);
/**
 * Keep a copy of `message`.
 * @retval ERR_FULL    no slot that is large enough; *out is none
 * @retval ERR_LENGTH  longer than MESSAGE_MAX, or empty
 */
enum err message_keep(struct message_store *, struct bytes message,
                      struct message_ref *out) MUST_USE;
/** Give the slot back (it is wiped) and make the reference none. None is allowed. */
void message_drop(struct message_store *, struct message_ref *);
/** The message, BYTES_NONE for none. */
struct bytes message_at(const struct message_store *, struct message_ref);
/**
 * The message as a datagram, with the marker in front if it leaves on port 4500. One that was kept
 * as several (RFC 7383) comes out one by one, call after call, and from the start after the last.
 * @return whether this was the last
 */
bool message_datagram(struct message_store *, struct message_ref, bool marker, struct buf *out);

static inline bool message_none(struct message_ref r)
{
    return r.len == 0;
}

#endif
