/*
 * TEST CREDENTIALS of the handshake benchmark: a root, a certificate for each end from it, or their
 * raw keys, made from a fixed seed when a row is opened.
 */
#ifndef BENCH_HANDSHAKE_AUTH_H
#define BENCH_HANDSHAKE_AUTH_H

#include "crypto/provider.h"
#include "proto/core/config.h"

struct handshake_auth; /* what the two configurations borrow */

/** Unix time at which the certificates are valid. */
#define HANDSHAKE_AUTH_EPOCH INT64_C(1700000000)

/**
 * Let both ends prove themselves by `name`: "psk", a type of signing key ("ecdsa256": raw public
 * keys, RFC 7670), or that with "+cert" (RFC 7296 §2.15 with X.509).
 * @return NULL when the name is unknown or the library fails
 */
struct handshake_auth *handshake_auth_create(const char *name, struct crypto *,
                                             struct ike_config config[2]);
/** NULL is fine. */
void handshake_auth_destroy(struct handshake_auth *);

#endif
