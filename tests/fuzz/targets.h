/*
 * Fuzz targets: bytes in, no verdict out; a broken property aborts. The same functions run under
 * libFuzzer (preset fuzz) and in the corpus test of every preset.
 */
#ifndef TESTS_FUZZ_TARGETS_H
#define TESTS_FUZZ_TARGETS_H

#include <stddef.h>
#include <stdint.h>

/* X(name): fuzz_NAME(data, len) */
#define FUZZ_TARGETS(X)                                                                            \
    X(message)    /* a datagram: chain, every payload, SK and SKF areas */                         \
    X(payload)    /* payload type, then a body */                                                  \
    X(sa)         /* the body of an SA payload: walk and decoded form agree */                     \
    X(ts)         /* the body of a TS payload */                                                   \
    X(v1)         /* a datagram of IKEv1: chain, bodies, what an encrypted one may hold */         \
    X(v1_payload) /* payload type of IKEv1, then a body */                                         \
    X(main_mode)  /* which message of Main Mode, then what is changed in it */                     \
    X(encryption) /* the same by public-key encryption, whose method the last octet says */        \
    X(v1_joining) /* a row of fragments of IKEv1, for two IKE SAs */                               \
    X(ip)         /* a packet: headers, UDP, ICMP, rewriting, cutting */                           \
    X(reassembly) /* a row of fragments */                                                         \
    X(swanctl)    /* a swanctl.conf: settings to a scenario */                                     \
    X(dissect)    /* what it is, then a datagram: the tree, as text and as JSON */                 \
    X(capture)    /* a capture file: every frame of it */                                          \
    X(hex)        /* hex as people copy it */                                                      \
    X(keys)       /* a file of keys */

#define X(name) void fuzz_##name(const uint8_t *data, size_t len);
FUZZ_TARGETS(X)
#undef X

#endif
