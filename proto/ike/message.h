/*
 * IKEv2 messages of an SA: begun with the right header, sealed, opened. RFC 7296 §2.2, §3.1, §3.14;
 * RFC 5282.
 */
#ifndef PROTO_IKE_MESSAGE_H
#define PROTO_IKE_MESSAGE_H

#include "proto/core/internal.h"
#include "proto/wire/sk.h"

struct message_start {
    uint8_t exchange; /* enum exchange_type */
    uint32_t message_id;
    bool response;
    bool clear; /* IKE_SA_INIT: no SK payload */
};

/** Header and, unless clear, the opening of SK. */
void ike_message_begin(struct message_writer *, struct buf out, const struct ike_sa *,
                       const struct message_start *);
/** Close, seal unless clear, and keep; in fragments where it is too long. @retval ERR_SPACE,
 * ERR_FULL, ERR_CRYPTO */
enum err ike_message_finish(struct ike_endpoint *, struct ike_sa *, struct message_writer *,
                            bool clear, struct message_ref *out) MUST_USE;
/**
 * Open a received message in place.
 * @param[out] inner     the payloads inside SK
 * @retval ERR_MISSING, ERR_LENGTH, ERR_ICV  not authentic: nothing may be believed
 * @retval others        authentic; *authentic is set
 */
enum err ike_message_open(struct ike_endpoint *, const struct ike_sa *,
                          const struct message_view *outer, struct message_view *inner,
                          bool *authentic) MUST_USE;

/** How long IV, ICV and cipher blocks are. */
struct sk_sizes ike_sk_sizes(const struct ike_suite *);
/** Close a message with SK or SKF and seal it. @retval ERR_SPACE, ERR_CRYPTO */
enum err ike_message_seal(struct ike_endpoint *, struct ike_sa *, struct message_writer *,
                          struct bytes *message) MUST_USE;
/** Open what the peer has sealed, in place. @retval ERR_ICV it is not authentic */
enum err ike_area_open(struct ike_endpoint *, const struct ike_sa *,
                       const struct sk_area *) MUST_USE;

/** Slices of the SA's keys (§2.14). */
struct bytes ike_sk_d(const struct ike_sa *);
/** Of an SA whose handshake goes on. @param initiator  that of the original initiator */
struct bytes ike_sk_p(const struct ike_endpoint *, const struct ike_sa *, bool initiator);

#endif
