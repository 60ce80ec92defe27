/*
 * Packet cryptography by libipsec-mb, several times faster than OpenSSL where the processor has AES
 * instructions, and the same bytes: AES-GCM (RFC 4106), AES-CBC (RFC 3602) with HMAC-SHA2-256-128
 * (RFC 4868), ChaCha20-Poly1305 (RFC 7634). Private to crypto: who ticks the meter, and what the
 * other suites do, is in openssl_expanded.c.
 *
 * crypto/multibuffer has two makers of this file: ipsec_mb.c, and none.c for builds without the
 * library, where nothing can be made.
 */
#ifndef CRYPTO_MULTIBUFFER_H
#define CRYPTO_MULTIBUFFER_H

#include "crypto/provider.h"

struct multibuffer;

/** For one thread. NULL: out of memory, or this build or processor has no such thing. */
struct multibuffer *multibuffer_create(enum crypto_engine most);
void multibuffer_destroy(struct multibuffer *);

/** The best of what multibuffer_create can make here: CRYPTO_OPENSSL if it can make nothing. */
enum crypto_engine multibuffer_best(void);
/** What this one computes with. */
enum crypto_engine multibuffer_engine(const struct multibuffer *);
/** "1.3.0"; NULL in builds without the library. */
const char *multibuffer_version(void);

/** As expanded_len and expand of struct crypto_class, for the suites named above. */
size_t multibuffer_expanded_len(const struct encr_suite *, const struct integ_suite *);
void multibuffer_expand(struct multibuffer *, const struct seal_key *, void *room);

/**
 * Whether it can compute this operation, whose key was expanded by it if multibuffer_expanded_len
 * says so. Not where CBC's MAC would run over pieces that do not lie one behind the other, and not
 * for more bytes than a job holds.
 */
bool multibuffer_takes(const struct seal_op *);
/** Whether such an operation gains nothing from others beside it. */
bool multibuffer_at_once(const struct seal_op *);
/** Whether OpenSSL is quicker unless others are beside it. */
bool multibuffer_wants_company(const struct seal_op *);

/** One that it takes. @retval ERR_ICV, ERR_CRYPTO  the text is zeroed */
enum err multibuffer_seal_one(struct multibuffer *, const struct seal_op *);
enum err multibuffer_open_one(struct multibuffer *, const struct seal_op *);
/** Up to SEAL_BATCH_MAX that are at once, one after the other, each with its result. */
void multibuffer_seal_in_turn(struct multibuffer *, const struct seal_op *ops, size_t count,
                              enum err *results);
void multibuffer_open_in_turn(struct multibuffer *, const struct seal_op *ops, size_t count,
                              enum err *results);
/** Up to SEAL_BATCH_MAX that are not at once, together, each with its result. */
void multibuffer_seal(struct multibuffer *, const struct seal_op *const *ops, size_t count,
                      enum err *results);
void multibuffer_open(struct multibuffer *, const struct seal_op *const *ops, size_t count,
                      enum err *results);

#endif
