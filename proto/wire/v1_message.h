/*
 * Messages of IKEv1 (RFC 2408 §3.1, §3.2, §5.3; RFC 2409 §5 and appendix B): header, chain of
 * payloads, and the encrypted form, which has no payload of its own. Header, generic header, view
 * and writer are those of payload.h; bodies are read by the v1_ files.
 */
#ifndef PROTO_WIRE_V1_MESSAGE_H
#define PROTO_WIRE_V1_MESSAGE_H

#include "proto/wire/payload.h"
#include "proto/wire/v1_registry.h"

enum v1_message_values {
    V1_FLAG_ENCRYPTION = 1, /* RFC 2408 §3.1 */
    V1_FLAG_COMMIT = 2,
    V1_FLAG_AUTHENTICATION = 4,
    V1_PADDING_MAX = 255, /* bytes behind the last payload of a decrypted text */
};

static inline bool v1_encrypted(const struct ike_header *h)
{
    return (h->flags & V1_FLAG_ENCRYPTION) != 0;
}

/** A type that may stand in a chain. */
bool v1_payload_allowed(uint8_t type);

/**
 * Read a whole message (without non-ESP marker).                    RFC 2408 §3.1, §5.2, §5.3
 * The minor version and flags that are not ours are ignored. The chain of an encrypted message is
 * not read (v1_text): the view has no payloads then. Payload types from 128 on are private and
 * kept; others that RFC 2408 reserves, and Proposal and Transform outside an SA, are refused. Up to
 * three zeros that make the length a multiple of 4 are passed by, as some pad all messages.
 *
 * @retval ERR_TRUNCATED  shorter than a header, or the chain runs past the end
 * @retval ERR_VERSION    major version is not 1; view->header is filled
 * @retval ERR_LENGTH     header length is not the datagram's, or a payload length is 0..3 or too
 *                        big
 * @retval ERR_TRAILING   other bytes behind the last payload
 * @retval ERR_SYNTAX     a RESERVED field of a payload is not 0
 * @retval ERR_UNSUPPORTED  well formed, but with a payload type that is reserved:
 *                        view->unsupported, the first of them
 * @retval ERR_FULL       more than PAYLOADS_MAX payloads
 * @note   On ERR_UNSUPPORTED the whole view is valid; on other errors only what was read before.
 */
enum err v1_message_read(struct bytes datagram, struct message_view *) MUST_USE;

/**
 * The ciphertext of an encrypted message: everything behind the header.
 * @retval ERR_MISSING  the message is not encrypted
 * @retval ERR_LENGTH   nothing there, or no whole number of blocks
 */
enum err v1_text(const struct message_view *, size_t block_len, struct bytes *text) MUST_USE;

/**
 * The chain inside a text that was decrypted; errors as v1_message_read, which a wrong key shows
 * up as. What lies behind the last payload is padding and ignored (RFC 2409 appendix B).
 * @param first_type   Next Payload of the header
 * @param[out] chain   the payloads without the padding: what HASH covers ends with it
 * @retval ERR_PADDING  more than V1_PADDING_MAX bytes of it, or no payload at all
 */
enum err v1_inner_read(struct bytes text, uint8_t first_type, struct message_view *inner,
                       struct bytes *chain) MUST_USE;

/** The ciphertext-to-be of a message that is being written. */
struct v1_area {
    uint8_t *text;
    size_t len;
    size_t chain_len; /* of it the payloads, which HASH covers; behind them zeros */
};

/**
 * In place of message_end for a message whose header has V1_FLAG_ENCRYPTION: pads with zeros to
 * whole blocks and fills in the length (RFC 2409 appendix B).
 * @param[out] area     what is to be encrypted; HASH may be filled in before that
 * @param[out] message  the whole message
 * @retval ERR_SPACE    the buffer was too small
 */
enum err v1_message_end(struct message_writer *, size_t block_len, struct v1_area *area,
                        struct bytes *message) MUST_USE;

#endif
