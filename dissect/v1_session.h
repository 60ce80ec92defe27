/*
 * What has to be remembered of an IKEv1 SA to open its messages: cipher and hash, which the
 * responder's SA payload names; both KE payloads, which the first IV is the hash of; and for each
 * message ID the last block of ciphertext, which is the next message's IV (RFC 2409 appendix B).
 * Bounded: the oldest SA, and of one SA the oldest message ID, give way.
 */
#ifndef DISSECT_V1_SESSION_H
#define DISSECT_V1_SESSION_H

#include "dissect/keys.h"
#include "proto/wire/v1_message.h"

enum v1_session_limits {
    V1_SESSIONS_FIRST = 64, /* room that is made for SAs, and doubled when it is full */
    V1_SESSIONS_MAX = 4096,
    V1_CHAINS_MAX = 32, /* message IDs of one SA, phase 1 besides */
    V1_SEEN_MAX = 4,    /* messages of an ID that may come again: retransmitted, or seen twice */
};

struct v1_sessions;

/** NULL when out of memory. */
struct v1_sessions *v1_sessions_create(void);
void v1_sessions_destroy(struct v1_sessions *);

/**
 * Whether the body of a payload in the clear is ciphertext: nonces and identities of public-key
 * encryption, and by the revised mode all behind the nonce (RFC 2409 §5.2, §5.3). Main Mode has an
 * identity in the clear nowhere else, and Aggressive Mode says the method in the same message.
 */
bool v1_payload_sealed(const struct ike_header *, const struct message_view *,
                       const struct payload_view *);

/** Take notice of a message in the clear of an SA that there is a key for. */
void v1_session_learn(struct v1_sessions *, const struct message_view *);

/**
 * Decrypt a message in its turn. A message that was here before is decrypted as it was then.
 * Whether key and IV were the right ones shows in the text, and nowhere else: the integrity of
 * IKEv1 is in HASH payloads, whose key the tables do not have.
 * @param[out] text  room for the ciphertext; decrypted
 * @retval ERR_NOT_FOUND    what is needed was not in the capture: the responder's SA payload, both
 *                          KE payloads, the end of phase 1
 * @retval ERR_UNSUPPORTED  cipher or hash is none of ours
 * @retval ERR_LENGTH       the key has another length than the cipher's, or the ciphertext is no
 *                          whole number of blocks
 */
enum err v1_session_open(struct v1_sessions *, struct crypto *, const struct ikev1_open_key *,
                         const struct message_view *, uint8_t *text) MUST_USE;

#endif
