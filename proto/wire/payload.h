/*
 * Generic payload header, the walk over a message, and the message writer (RFC 7296 §3.1, §3.2).
 * Reading makes views into the datagram; bodies are read by their own files (sa.h, ke.h, ...).
 * Encrypted payloads: sk.h, skf.h.
 */
#ifndef PROTO_WIRE_PAYLOAD_H
#define PROTO_WIRE_PAYLOAD_H

#include "proto/wire/header.h"
#include "proto/wire/registry.h"

enum payload_sizes {
    PAYLOAD_HEADER_LEN = 4,
    PAYLOADS_MAX = 64, /* in one message or one inner chain */
};

struct payload_view {
    uint8_t type;
    bool critical;
    struct bytes body; /* without the generic header */
};

/**
 * The next payload of a chain, whose type the one before has told (RFC 7296 §3.2; RFC 2408 §3.2 has
 * the same header, without the Critical bit). Every step consumes at least four bytes.
 * @return the type of the one behind it; PAYLOAD_NONE as well when the reader has failed: with
 *         ERR_TRUNCATED, or ERR_LENGTH if the length is 0..3 or too big
 */
uint8_t payload_step(struct reader *, uint8_t type, struct payload_view *);

struct message_view {
    struct ike_header header; /* not filled by payload_chain_read */
    struct bytes datagram;    /* what was read */
    uint8_t inner_type;       /* SK, SKF: its Next Payload, the first payload inside */
    uint8_t unsupported;      /* with ERR_CRITICAL: the first offending payload type */
    unsigned count;
    struct payload_view payloads[PAYLOADS_MAX];
};

/**
 * Read a whole IKEv2 message (without non-ESP marker).                   RFC 7296 §2.5, §3.1, §3.2
 * Reserved bits, the minor version and unknown flags are ignored; unknown payloads that are not
 * critical are kept in the view. An SK or SKF payload ends the chain and must end the message
 * (§3.14). Bodies are not looked into.
 *
 * @retval ERR_TRUNCATED  shorter than a header, or the chain runs past the end
 * @retval ERR_VERSION    major version is not 2; view->header is filled, for INVALID_MAJOR_VERSION
 * @retval ERR_LENGTH     header length is not the datagram's, or a payload length is 0..3 or too
 * big
 * @retval ERR_TRAILING   bytes behind the last payload
 * @retval ERR_CRITICAL   well formed, but with an unknown critical payload: view->unsupported
 * @retval ERR_FULL       more than PAYLOADS_MAX payloads
 * @note   On ERR_CRITICAL the whole view is valid; on other errors only what was read before.
 */
enum err message_read(struct bytes datagram, struct message_view *) MUST_USE;

/**
 * Read a chain of payloads: the inside of SK. Same errors as message_read; besides, SK and SKF may
 * not appear (ERR_SYNTAX). first_type PAYLOAD_NONE and no bytes is the empty chain (OK).
 */
enum err payload_chain_read(struct bytes chain, uint8_t first_type, struct message_view *) MUST_USE;

/** The first payload of this type, or NULL. */
const struct payload_view *message_find(const struct message_view *, uint8_t type);
/** The next payload of the same type behind `after`, or NULL. */
const struct payload_view *message_next(const struct message_view *,
                                        const struct payload_view *after);
unsigned message_count(const struct message_view *, uint8_t type);
/** A payload type that this program understands (RFC 7296 §2.5). */
bool payload_supported(uint8_t type);

/**
 * Writes one message. Call order: message_begin; then for each payload payload_begin, the body
 * through the returned writer, payload_end; then message_end. With encryption, sk_begin before the
 * inner payloads and sk_end in place of message_end (sk.h). Errors stick and come out at the end.
 */
struct message_writer {
    struct writer w;
    uint8_t *next; /* where the type of the next payload goes */
    uint8_t *open; /* generic header of the open payload, NULL if none */
    uint8_t *sk;   /* generic header of SK or SKF, NULL if none */
    uint8_t *sk_iv;
    size_t iv_len, icv_len, block_len; /* of SK */
};

/** Write the header; next_payload and length are filled in later whatever `h` says. */
void message_begin(struct message_writer *, struct buf out, const struct ike_header *h);
/** Start the chain without a header: for inner payloads that are cut into fragments (skf.h). */
void payload_chain_begin(struct message_writer *, struct buf out, uint8_t *first_type);
/** Open a payload; the writer is where its body goes. */
struct writer *payload_begin(struct message_writer *, uint8_t type);
/** Set the Critical bit of the open payload (RFC 7296 §2.5: never for types of that RFC). */
void payload_critical(struct message_writer *);
void payload_end(struct message_writer *);
/** A whole payload with a ready body. */
void payload_add(struct message_writer *, uint8_t type, struct bytes body);
/**
 * Fill in the length.
 * @param[out] message  the message, inside the buffer given to message_begin
 * @retval ERR_SPACE the buffer was too small or a payload grew past 65535 bytes
 */
enum err message_end(struct message_writer *, struct bytes *message) MUST_USE;
/** The end of payload_chain_begin: the bytes of the chain. */
enum err payload_chain_end(struct message_writer *, struct bytes *chain) MUST_USE;

#endif
