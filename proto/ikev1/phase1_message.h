/*
 * What the messages of both modes of phase 1 are made of (RFC 2409 §5): payloads written and read,
 * and the way of a received message from datagram to row. Main Mode and Aggressive Mode bring their
 * rows and what a row does.
 */
#ifndef PROTO_IKEV1_PHASE1_MESSAGE_H
#define PROTO_IKEV1_PHASE1_MESSAGE_H

#include "proto/ikev1/phase1.h"

#define V1_BIT(type) (UINT32_C(1) << V1_PAYLOAD_##type)

/** A datagram and where it came from; its bytes are decrypted in place. */
struct v1_arrival {
    struct bytes message; /* without non-ESP marker; writable */
    struct ip_endpoint local, remote;
};

enum v1_next {
    V1_WAIT,  /* nothing is to be sent */
    V1_SEND,  /* *message is the next one */
    V1_AGAIN, /* the peer's message was here before: what answered it is to be sent again */
};

enum v1_form { V1_CLEAR = 1, V1_ENCRYPTED = 2 };

/** One step as data: for the walk below, for tests and diagrams. */
struct v1_phase1_row {
    enum v1_state from;
    bool initiator;           /* who receives it */
    unsigned forms;           /* set of enum v1_form that are taken */
    uint32_t needed, allowed; /* sets of V1_BIT */
    enum v1_state to;
    const char *section;
};

/** What the row of a message does. `p` is a copy that takes the place of the state if it succeeds.
 */
struct v1_phase1_step {
    struct v1_phase1 *p;
    const struct v1_phase1_row *row;
    const struct message_view *in; /* of an encrypted message what is inside */
    const struct v1_arrival *at;
    struct buf out;
    struct bytes *message;     /* what is to be sent, empty if nothing is */
    bool encrypted;            /* the message was, under the keys of phase 1 */
    struct message_view plain; /* room for one whose payloads were (pubkey_encryption.h) */
};

struct v1_phase1_mode {
    uint8_t exchange; /* enum v1_exchange_type */
    const struct v1_phase1_row *rows;
    size_t row_count;
    enum err (*take)(struct v1_phase1_step *);
};

/** See main_mode_receive. */
enum err v1_phase1_receive(struct v1_phase1 *, const struct v1_phase1_mode *,
                           const struct v1_arrival *, struct buf out, enum v1_next *next,
                           struct bytes *message) MUST_USE;

/* ---- writing ---- */

void v1_phase1_begin(const struct v1_phase1 *, struct message_writer *, struct buf out,
                     uint8_t exchange, bool encrypted);
/** What we offer and take besides algorithms. */
struct v1_terms v1_phase1_terms(const struct v1_phase1 *);
/** Vendor IDs of what we do: DPD (RFC 3706 §5.1), NAT traversal (RFC 3947 §3.1), fragments,
 * XAUTH. */
void v1_phase1_vendors_write(const struct v1_phase1 *, struct message_writer *);
/** NAT-D of both ends, where both speak of it. @retval ERR_CRYPTO */
enum err v1_phase1_nat_write(const struct v1_phase1 *, struct message_writer *,
                             const struct v1_arrival *) MUST_USE;
/** Nonce and key pair for the suite that was chosen. */
enum err v1_phase1_draw(struct v1_phase1 *) MUST_USE;
/** KE and NONCE. */
void v1_phase1_keys_write(const struct v1_phase1 *, struct message_writer *);
/** INITIAL_CONTACT, if it is to be said (RFC 2407 §4.6.3.3). */
void v1_phase1_contact_write(const struct v1_phase1 *, struct message_writer *);
/** RESPONDER_LIFETIME, as responder, if it is to be said (RFC 2407 §4.6.3.1). */
void v1_phase1_lifetime_write(const struct v1_phase1 *, struct message_writer *);
/** The end of an encrypted message: the chain of IVs moves. */
enum err v1_phase1_seal(struct v1_phase1 *, struct message_writer *,
                        struct bytes *message) MUST_USE;

/* ---- reading ---- */

/** The body of the first payload of this type; empty if there is none. */
struct bytes v1_phase1_body(const struct message_view *, enum v1_payload_type);
void v1_phase1_vendors_read(struct v1_phase1 *, const struct message_view *);
/** Both join fragments, as both have said: the IKE SA is one with `fragments` from then on. */
bool v1_phase1_fragments(const struct v1_phase1 *);
enum err v1_phase1_nat_read(struct v1_phase1 *, const struct message_view *,
                            const struct v1_arrival *) MUST_USE;
/** The initiator's SA payload is kept: HASH covers it. @retval ERR_LENGTH longer than we keep */
enum err v1_phase1_sai_keep(struct v1_phase1 *, struct bytes body) MUST_USE;
/** KE, of the group that was chosen, and NONCE. */
enum err v1_phase1_keys_read(struct v1_phase1 *, const struct message_view *) MUST_USE;
/** A body of ID. The user of a hybrid method may leave it empty, with type 0. Errors: v1_id_read */
enum err v1_phase1_id_parse(const struct v1_phase1 *, struct bytes body,
                            struct v1_id *out) MUST_USE;
/** ID, of any protocol or UDP, is kept. */
enum err v1_phase1_id_read(struct v1_phase1 *, struct bytes body) MUST_USE;
/** INITIAL_CONTACT and RESPONDER_LIFETIME, which no HASH covers: heeded where the message was
 * encrypted (RFC 2407 §4.6.3). What is said in phase 1 besides is of no consequence. */
enum err v1_phase1_notifies_read(const struct v1_phase1_step *) MUST_USE;

#endif
