/*
 * Encrypted and Authenticated payload, RFC 7296 §3.14: lays out IV, text, padding and ICV, and
 * says where they lie. Sealing and opening is done by the caller with a crypto provider, for which
 * struct sk_area has the fields of its operation. The associated data of AEAD suites are
 * RFC 5282 §5.1.
 *
 * Write: message_begin, sk_begin, inner payloads, sk_end, then fill area.iv and seal.
 * Read:  message_read, sk_read, open, sk_strip, payload_chain_read(inner, view.inner_type).
 */
#ifndef PROTO_WIRE_SK_H
#define PROTO_WIRE_SK_H

#include "proto/wire/message.h"
#include "proto/wire/payload.h"

struct sk_sizes {
    uint8_t iv_len;
    uint8_t icv_len;
    uint8_t block_len; /* text is padded to a multiple of this; 1: none needed */
};

struct sk_area {
    struct bytes aad; /* from the IKE header to the end of the SK (SKF) payload header */
    uint8_t *iv;
    size_t iv_len;
    uint8_t *text; /* inner payloads | padding | pad length */
    size_t text_len;
    uint8_t *icv;
    size_t icv_len;
};

void sk_begin(struct message_writer *, size_t iv_len);
/**
 * Close SK or SKF: pads with zeros, reserves the ICV, patches all lengths.
 * @param[out] len  bytes of the whole datagram
 * @retval ERR_SPACE  it did not fit; *out is untouched
 */
enum err sk_end(struct message_writer *, const struct sk_sizes *, struct sk_area *out,
                size_t *len) MUST_USE;

/**
 * Find the areas of a received message.
 * @param datagram  the bytes that `view` was read from, writable
 * @param view      by message_read; its last payload is SK (else ERR_MISSING)
 * @retval ERR_LENGTH  too short for IV, pad length and ICV, or text is not whole blocks
 */
enum err sk_read(uint8_t *datagram, const struct message_view *view, const struct sk_sizes *,
                 struct sk_area *out) MUST_USE;
/** Cut the padding off opened text. @retval ERR_PADDING  pad length exceeds the text */
enum err sk_strip(const uint8_t *text, size_t text_len, struct bytes *inner) MUST_USE;

/** Room left for inner payloads of `text_max` bytes and padding: whole blocks, less pad length. */
size_t sk_inner_max(size_t text_max, size_t block_len);

#endif
