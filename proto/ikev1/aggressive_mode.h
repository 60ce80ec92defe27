/*
 * Aggressive Mode with pre-shared keys and signatures, both sides (RFC 2409 §5, §5.1, §5.4; NAT
 * detection: RFC 3947). What it costs is in its second message: HASH_R in the clear, by which
 * whoever asks can guess a pre-shared key at leisure; and a signature for whoever asks.
 */
#ifndef PROTO_IKEV1_AGGRESSIVE_MODE_H
#define PROTO_IKEV1_AGGRESSIVE_MODE_H

#include "proto/ikev1/phase1_message.h"

/**
 * Message 1: every combination of our proposals that has the group of the first, as the KE payload
 * comes along.
 * @retval ERR_UNSUPPORTED, ERR_FULL  our proposals cannot be offered (suite.h)
 * @retval ERR_SPACE, ERR_CRYPTO
 * @note   On error the state is as it was.
 */
enum err aggressive_mode_start(struct v1_phase1 *, struct buf out, struct bytes *message) MUST_USE;

/** A message of this phase 1, 1 to 3, as main_mode_receive. */
enum err aggressive_mode_receive(struct v1_phase1 *, const struct v1_arrival *, struct buf out,
                                 enum v1_next *next, struct bytes *message) MUST_USE;

/** Its states and payloads as data. */
const struct v1_phase1_row *aggressive_mode_rows(size_t *count);

#endif
