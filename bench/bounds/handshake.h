/*
 * All cryptography of an IKEv2 handshake, IKE_SA_INIT and IKE_AUTH with one child SA, and
 * nothing else: no messages, no parsing. RFC 7296 §1.2, §2.14, §2.15, §2.17, §2.23
 */
#ifndef HANDSHAKE_H
#define HANDSHAKE_H

#include "kex.h"
#include "signer.h"
#include "symmetric.h"

#include <stdbool.h>

struct handshake {
    struct symmetric *symmetric;
    struct kex *kex;
    struct signer *signer;     /* NULL: a pre-shared key */
    bool certificate;          /* sent along, its signature verified */
    uint8_t peer[KEX_LEN_MAX]; /* what handshake_end derives with */
    size_t peer_len;
};

/** Make the peer's public value; the other members are set. */
void handshake_init(struct handshake *);
/** Both ends, `count` times. */
void handshake_pair(void *handshake, uint64_t count);
/** One of the two ends: half of the pair in every count of operations. */
void handshake_end(void *handshake, uint64_t count);

#endif
