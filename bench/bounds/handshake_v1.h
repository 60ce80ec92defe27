/*
 * All cryptography of an IKEv1 handshake, Main Mode with a pre-shared key and Quick Mode without
 * PFS for one child SA, and nothing else: no messages, no parsing. With SHA-256, AES-256-CBC, and
 * keys of AES-256-CBC and HMAC-SHA-256 for the child SA. RFC 2409 §5, §5.4, §5.5, §B, RFC 3947 §3.2
 */
#ifndef HANDSHAKE_V1_H
#define HANDSHAKE_V1_H

#include "kex.h"
#include "symmetric.h"

struct handshake_v1 {
    struct symmetric *symmetric;
    struct kex *kex;
    uint8_t peer[KEX_LEN_MAX]; /* what handshake_v1_end derives with */
    size_t peer_len;
};

/** Make the peer's public value; the other members are set. */
void handshake_v1_init(struct handshake_v1 *);
/** Both ends, `count` times. */
void handshake_v1_pair(void *handshake, uint64_t count);
/** One of the two ends: half of the pair but for CBC, where it encrypts three messages of five. */
void handshake_v1_end(void *handshake, uint64_t count);

#endif
