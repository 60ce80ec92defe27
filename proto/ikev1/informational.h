/*
 * Informational exchanges under an SA: one message, protected by HASH(1), that says one thing or
 * several: SAs are deleted, the peer is asked whether it lives (RFC 3706), told lifetimes and
 * errors. RFC 2409 §5.7, RFC 2408 §3.14, §3.15, RFC 2407 §4.6.3. What is said without protection is
 * not read here.
 */
#ifndef PROTO_IKEV1_INFORMATIONAL_H
#define PROTO_IKEV1_INFORMATIONAL_H

#include "proto/ikev1/lifetime.h"
#include "proto/ikev1/phase1.h"
#include "proto/wire/v1_notify.h"

/** A message that is being written: v1_info_begin, what is to be said, v1_info_end. */
struct v1_info {
    struct message_writer w;
    uint32_t message_id;
};

/** @param message_id  random, not 0, not used before under this SA */
void v1_info_begin(struct v1_info *, const struct v1_established *, uint32_t message_id,
                   struct buf out);
/** SAs of ESP that we receive by these SPIs are gone. @param count  at least 1 */
void v1_info_delete_children(struct v1_info *, const uint32_t *spis, unsigned count);
/** This SA is gone. */
void v1_info_delete_sa(struct v1_info *, const struct v1_established *);
/** R_U_THERE, or R_U_THERE_ACK with the number that was asked with (RFC 3706 §5.3, §5.4). */
void v1_info_dpd(struct v1_info *, const struct v1_established *, bool answer, uint32_t sequence);
/** RESPONDER_LIFETIME of this SA. @param life_s  not 0 */
void v1_info_lifetime(struct v1_info *, const struct v1_established *, uint32_t life_s);
/** A Notify about this SA: INITIAL_CONTACT, errors. */
void v1_info_notify(struct v1_info *, const struct v1_established *, uint16_t type);
/** @retval ERR_SPACE, ERR_CRYPTO */
enum err v1_info_end(struct v1_info *, const struct v1_established *,
                     struct bytes *message) MUST_USE;

/* X(symbol, name) */
#define V1_SAID_LIST(X)                                                                            \
    X(CHILD_DELETED, "child_deleted")                                                              \
    X(SA_DELETED, "sa_deleted")                                                                    \
    X(ARE_YOU_THERE, "are_you_there")                                                              \
    X(I_AM_HERE, "i_am_here")                                                                      \
    X(INITIAL_CONTACT, "initial_contact")                                                          \
    X(LIFETIME, "lifetime") /* RESPONDER_LIFETIME */                                               \
    X(ERROR, "error")                                                                              \
    X(OTHER, "other") /* nothing that we heed: of other SAs, types that we do not know */

enum v1_said_kind {
#define X(symbol, name) V1_SAID_##symbol,
    V1_SAID_LIST(X)
#undef X
        V1_SAID_COUNT
};

const char *v1_said_name(enum v1_said_kind);

struct v1_said {
    enum v1_said_kind kind;
    uint16_t notify; /* its type, 0 for a Delete */
    /* CHILD_DELETED: what the peer received by. LIFETIME, ERROR: 0 if none, or of ISAKMP */
    uint32_t spi;
    uint32_t sequence;   /* DPD */
    struct v1_life life; /* LIFETIME */
};

/** A message that was received, and how far it has been gone through. */
struct v1_info_view {
    struct message_view in;
    uint64_t cky_i, cky_r;
    unsigned payload; /* the next one */
    unsigned spi;     /* of a Delete the next one of its SPIs */
};

/**
 * Open and check a whole message; its bytes are decrypted in place.
 * @retval ERR_STATE       in the clear, or of another exchange
 * @retval ERR_MESSAGE_ID  message ID 0, or other cookies
 * @retval ERR_ICV         HASH is wrong
 * @retval ERR_MISSING     HASH is not the first payload, or nothing is said
 * @retval ERR_SYNTAX      payloads besides Notify, Delete and Vendor ID
 * @retval others          as the readers of the payloads; nothing of it is to be heeded then
 */
enum err v1_info_open(const struct v1_established *, struct bytes message,
                      struct v1_info_view *out) MUST_USE;
/**
 * What is said next, in the order of the message; false at the end. What it is about may be gone by
 * what was said before: look it up anew each time (CVE-2023-38712).
 */
bool v1_info_next(struct v1_info_view *, struct v1_said *);

#endif
