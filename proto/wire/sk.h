/*
 * Encrypted and Authenticated payload (RFC 7296 §3.14, RFC 5282 §3). Lays out and takes apart;
 * does not encrypt: the caller hands the areas to the crypto provider.
 *
 *   message_begin, sk_begin, payload_begin .. payload_end (inner), sk_end -> areas; fill iv; seal
 *   message_read, sk_read -> areas; open; sk_strip -> inner chain; payload_chain_read
 */
#ifndef PROTO_WIRE_SK_H
#define PROTO_WIRE_SK_H

#include "proto/wire/payload.h"

struct sk_sizes {
    size_t iv_len;    /* explicit IV */
    size_t icv_len;   /* of the AEAD or of the integrity algorithm */
    size_t block_len; /* text is padded to a multiple; 1 for stream-like modes */
};

/** The message as cryptography sees it: aad | iv | text | icv, contiguous. */
struct sk_area {
    struct bytes aad; /* start of the IKE header to the end of the SK (SKF) header: RFC 5282 §5.1 */
    uint8_t *iv;
    uint8_t *text; /* inner payloads, padding, pad length */
    size_t text_len;
    uint8_t *icv;
};

/** Open the SK payload; the payloads that follow are inside it. It is the last of its message. */
void sk_begin(struct message_writer *, const struct sk_sizes *);
/**
 * Close SK: shortest padding (zeros), pad length, room for the ICV, and every length of the
 * message.
 * @param[out] area     what to seal; iv and icv are zeros until the caller fills them
 * @param[out] message  the whole message
 * @retval ERR_SPACE    the buffer was too small
 */
enum err sk_end(struct message_writer *, struct sk_area *area, struct bytes *message) MUST_USE;

/**
 * The areas of a received message whose last payload is SK.
 * The bytes given to message_read must be writable, because text is opened in place.
 * @retval ERR_MISSING  the message has no SK payload
 * @retval ERR_LENGTH   too short for IV, pad length and ICV, or text is no multiple of block_len
 */
enum err sk_read(const struct message_view *, const struct sk_sizes *, struct sk_area *) MUST_USE;

/**
 * After opening: take off padding.
 * @param[out] inner  the payload chain; its first type is view->inner_type
 * @retval ERR_PADDING  the pad length does not fit; only after a good ICV is this the peer's fault
 */
enum err sk_strip(const struct sk_area *, struct bytes *inner) MUST_USE;

/** What sk_read and skf_read share: the areas behind `front` bytes of the last payload's body. */
enum err sk_layout(const struct message_view *, const struct sk_sizes *, size_t front,
                   struct sk_area *) MUST_USE;

#endif
