/* Main Mode with pre-shared keys and signatures, both sides (RFC 2409 §5.1, §5.4; NAT detection:
 * RFC 3947). */
#ifndef PROTO_IKEV1_MAIN_MODE_H
#define PROTO_IKEV1_MAIN_MODE_H

#include "proto/ikev1/phase1_message.h"

/**
 * Message 1.
 * @param[out] message  inside `out`
 * @retval ERR_UNSUPPORTED, ERR_FULL  our proposals or our way to prove ourselves cannot be offered
 *                                    (suite.h, auth.h)
 * @retval ERR_SPACE                  `out` is too small; nothing has changed
 */
enum err main_mode_start(struct v1_phase1 *, struct buf out, struct bytes *message) MUST_USE;

/**
 * A message of this phase 1: 1 to 6, as it is our turn. On error nothing has changed and nothing is
 * to be sent, so that one that was forged does not keep the true one out; count it by reason.
 *
 * @retval ERR_STATE         it is not its turn, of another exchange, or not encrypted as it must be
 * @retval ERR_MESSAGE_ID    the message ID is not 0, or a cookie is another one
 * @retval ERR_DUPLICATE, ERR_MISSING, ERR_SYNTAX  payloads
 * @retval ERR_NO_PROPOSAL   nothing in common
 * @retval ERR_KEY_EXCHANGE  the public value is refused
 * @retval ERR_SIGNATURE     HASH or SIG is wrong: another pre-shared key, a certificate that we do
 *                           not believe (`certificate`), another identity, or tampered with
 * @retval others            as the readers of the payloads; a wrong key makes them as well
 */
enum err main_mode_receive(struct v1_phase1 *, const struct v1_arrival *, struct buf out,
                           enum v1_next *next, struct bytes *message) MUST_USE;

/** Its states and payloads as data. */
const struct v1_phase1_row *main_mode_rows(size_t *count);

#endif
