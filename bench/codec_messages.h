/*
 * The messages that the codec is measured with, as two endpoints really exchange them
 * (RFC 7296 §1.2):
 *
 *   HDR, SAi1, KEi, Ni, N..  -->
 *                            <--  HDR, SAr1, KEr, Nr, N..
 *   HDR, SK {IDi, [CERT, CERTREQ,] AUTH, SAi2, TSi, TSr, N..}  -->
 */
#ifndef BENCH_CODEC_MESSAGES_H
#define BENCH_CODEC_MESSAGES_H

#include "base/bytes.h"
#include "base/err.h"
#include "proto/wire/sk.h"

enum codec_message {
    CODEC_SA_INIT_REQUEST,
    CODEC_SA_INIT_RESPONSE,
    CODEC_AUTH_REQUEST,             /* with a pre-shared key */
    CODEC_AUTH_REQUEST_CERTIFICATE, /* with ECDSA P-256, a root's direct certificate */
    CODEC_MESSAGES
};

/** Of AES-256-GCM, which these messages are protected with. */
extern const struct sk_sizes codec_sk_sizes;

/**
 * The message, the same at each call. The text of an SK payload is decrypted in its place.
 * @param[out] out  ENDS_DATAGRAM_MAX bytes
 */
enum err codec_message_make(enum codec_message, uint8_t *out, size_t *len) MUST_USE;

#endif
