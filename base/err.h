/*
 * Error values: one list for the whole program, OK == 0, each with a class, a name and a sentence.
 * The peer's mistake is a value of class WIRE or POLICY; a full pool is LIMIT; our own mistake is
 * never an error value but an assertion (base/assert.h).
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_class { CLASS_NONE, CLASS_WIRE, CLASS_POLICY, CLASS_CRYPTO, CLASS_LIMIT, CLASS_IO, CLASS_USAGE };

/* X(name, class, sentence) */
#define ERR_LIST(X)                                                                                \
    X(OK, NONE, "no error")                                                                        \
    X(ERR_TRUNCATED, WIRE, "input ends before the field does")                                     \
    X(ERR_TRAILING, WIRE, "bytes are left after the last field")                                   \
    X(ERR_SYNTAX, WIRE, "a field has a value that the format forbids")                             \
    X(ERR_LENGTH, WIRE, "a length field does not fit what it describes")                           \
    X(ERR_DUPLICATE, WIRE, "a payload that must be single appears twice")                          \
    X(ERR_MISSING, WIRE, "a required payload is absent")                                           \
    X(ERR_VERSION, WIRE, "major version is not supported")                                         \
    X(ERR_CRITICAL, WIRE, "unknown payload with the critical bit set")                             \
    X(ERR_CHECKSUM, WIRE, "checksum does not match")                                               \
    X(ERR_PADDING, WIRE, "padding bytes or pad length are wrong")                                  \
    X(ERR_NEXT_HEADER, WIRE, "next header is not acceptable here")                                 \
    X(ERR_ICV, CRYPTO, "integrity check value does not match")                                     \
    X(ERR_KEY_EXCHANGE, CRYPTO, "public value of the key exchange is not acceptable")              \
    X(ERR_SIGNATURE, CRYPTO, "signature or AUTH value does not verify")                            \
    X(ERR_CRYPTO, CRYPTO, "the crypto library refused the operation")                              \
    X(ERR_UNSUPPORTED, POLICY, "algorithm or feature is not supported")                            \
    X(ERR_NO_PROPOSAL, POLICY, "no acceptable proposal")                                           \
    X(ERR_TS, POLICY, "traffic selectors are not acceptable")                                      \
    X(ERR_SINGLE_PAIR, POLICY, "traffic selectors must name one pair of addresses")                \
    X(ERR_NO_SA, POLICY, "no security association matches")                                        \
    X(ERR_NO_POLICY, POLICY, "no policy matches the packet")                                       \
    X(ERR_REPLAY, POLICY, "sequence number was seen before or lies left of the window")            \
    X(ERR_MESSAGE_ID, POLICY, "message ID lies outside the window")                                \
    X(ERR_STATE, POLICY, "message is not expected in this state")                                  \
    X(ERR_SEQ_WRAPPED, LIMIT, "sequence number space is used up; rekey is due")                    \
    X(ERR_LIFETIME, LIMIT, "hard lifetime of the security association is over")                    \
    X(ERR_TOO_BIG, LIMIT, "packet is larger than the path takes")                                  \
    X(ERR_FULL, LIMIT, "a table, pool or queue is full")                                           \
    X(ERR_SPACE, LIMIT, "the output buffer is too small")                                          \
    X(ERR_MEMORY, LIMIT, "out of memory")                                                          \
    X(ERR_NOT_FOUND, USAGE, "no such entry")                                                       \
    X(ERR_USAGE, USAGE, "wrong use of the command or key")                                         \
    X(ERR_IO, IO, "input or output failed")                                                        \
    X(ERR_INTERRUPTED, IO, "stopped by a signal")

enum err {
#define X(name, class, text) name,
    ERR_LIST(X)
#undef X
    ERR_COUNT
};

#define MUST_USE __attribute__((warn_unused_result))

const char *err_name(enum err e);
const char *err_text(enum err e);
enum err_class err_class(enum err e);

#endif
