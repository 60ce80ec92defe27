/*
 * Writing a message: header, then payloads one after another. Next-payload fields and lengths are
 * patched as the chain grows, so a caller names each type once. Errors (ERR_SPACE) stay in the
 * writer until message_end or sk_end (proto/wire/sk.h).
 *
 *     message_begin(&mw, out, sizeof out, &header);
 *     payload_begin(&mw, PAYLOAD_NONCE);
 *     nonce_write(&mw.w, nonce);
 *     payload_end(&mw);
 *     e = message_end(&mw, &len);
 */
#ifndef PROTO_WIRE_MESSAGE_H
#define PROTO_WIRE_MESSAGE_H

#include "proto/wire/header.h"

struct message_writer {
    struct writer w;
    uint8_t *next;    /* the next-payload field that the next payload fills */
    uint8_t *payload; /* start of the open payload, NULL between payloads */
    uint8_t *sk;      /* start of the SK or SKF payload, NULL before sk_begin */
    uint8_t *iv;
};

/** header->next_payload and header->length are ignored and written by the chain. */
void message_begin(struct message_writer *, uint8_t *out, size_t cap, const struct ike_header *);
/** Start a bare chain without header: what will be inside SKF. *first_type gets the first type. */
void chain_begin(struct message_writer *, uint8_t *out, size_t cap, uint8_t *first_type);
/** Open a payload; its body is written to mw->w. The critical bit is clear. */
void payload_begin(struct message_writer *, uint8_t type);
void payload_end(struct message_writer *);
/** A whole payload from its body. */
void payload_append(struct message_writer *, uint8_t type, struct bytes body);
/** Ready-made payloads (from chain_begin .. chain_end); nothing may follow them. */
void payload_append_chain(struct message_writer *, uint8_t first_type, struct bytes chain);
/** Patch the header. *len: bytes of the message. @retval ERR_SPACE  it did not fit */
enum err message_end(struct message_writer *, size_t *len) MUST_USE;
enum err chain_end(struct message_writer *, size_t *len) MUST_USE;

#endif
