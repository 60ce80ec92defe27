/*
 * IKEv2 messages in fragments (RFC 7383): said in IKE_SA_INIT, used where a message would make a
 * larger IP packet than configured, put together before anything else looks at it. The size is
 * fixed: what the path takes is not found out.
 */
#ifndef PROTO_IKE_FRAGMENT_H
#define PROTO_IKE_FRAGMENT_H

#include "proto/ike/step.h"
#include "proto/wire/payload.h"

/** §2.3: the notify in IKE_SA_INIT; a responder answers it only to who has sent it. */
void fragments_announce(struct step *);
/** §2.3: heed it; as responder before fragments_announce. */
void fragments_agree(struct step *);

/** Whether the message in `w`, which is not closed yet, is to leave in fragments. */
bool fragments_wanted(const struct ike_endpoint *, const struct ike_sa *,
                      const struct message_writer *w);
/**
 * Cut such a message and seal each fragment by itself; keep them as one message, the way they are
 * sent (message_store.h).                                                         RFC 7383 §2.5
 * @retval ERR_SPACE   more than FRAGMENTS_MAX, or longer than MESSAGE_MAX together
 * @retval ERR_FULL, ERR_CRYPTO  as ike_message_finish
 */
enum err fragments_make(struct ike_endpoint *, struct ike_sa *, const struct message_writer *w,
                        struct message_ref *out) MUST_USE;

/** Whether the message is a fragment, or pretends to be one. */
bool fragment_is(const struct message_view *);

/** A message whose fragments are all here. */
struct joined {
    struct message_view inner; /* its payloads, views into `text` */
    uint32_t digest;           /* of fragment 1 as it was on the wire */
    uint8_t text[MESSAGE_MAX];
};

/**
 * A fragment of a message that is due, opened in place.                          RFC 7383 §2.6
 * Nothing is kept that is not authentic, and why a fragment is not kept is counted.
 *
 * @param digest         of the datagram as it was on the wire
 * @param[out] complete  this was the last one: *out is filled, and the fragments are gone
 * @retval OK            kept; or complete, and the payloads can be read
 * @retval others        dropped; or complete, and then as payload_chain_read
 */
enum err fragment_take(struct step *, const struct message_view *, uint32_t digest,
                       struct joined *out, bool *complete) MUST_USE;
/** The message came whole after all: what is here of it in fragments is moot. */
void fragments_moot(struct step *);

/**
 * A fragment of a request that has its response, but was cut in another way. RFC 7383 §2.6.1
 * @return whether the response is the one that is sent next: the fragment is number 1, and
 *         authentic. It is opened in place.
 */
bool fragment_asks_again(struct step *, const struct message_view *);

#endif
