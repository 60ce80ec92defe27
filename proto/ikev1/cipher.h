/*
 * Messages of an IKEv1 SA encrypted and decrypted: CBC whose IV is the last block of the message
 * before (RFC 2409 appendix B). The chain moves when the caller says so: with a message that was
 * sent, or that has proven to be the peer's.
 */
#ifndef PROTO_IKEV1_CIPHER_H
#define PROTO_IKEV1_CIPHER_H

#include "crypto/ikev1_keymat.h"
#include "proto/wire/v1_message.h"

struct v1_cipher {
    const struct encr_suite *encr;
    uint8_t key[ENCR_KEY_MAX];
    uint8_t iv[IV_MAX]; /* of the next message */
};

/** Encrypt a message in place and move the chain on. @retval ERR_CRYPTO */
enum err v1_cipher_seal(struct crypto *, struct v1_cipher *, const struct v1_area *) MUST_USE;
/**
 * Decrypt what was received, in place. The chain stays where it is.
 * @param[out] next  IV_MAX bytes of room: the IV of the message after this one
 * @param[out] chain the payloads without padding, whose views are in `inner`
 * @retval ERR_MISSING, ERR_LENGTH  not encrypted, or no whole number of blocks
 * @retval others                   as v1_inner_read: tampered with, or not in its turn
 */
enum err v1_cipher_open(struct crypto *, const struct v1_cipher *, const struct message_view *outer,
                        struct message_view *inner, struct bytes *chain, uint8_t *next) MUST_USE;

#endif
