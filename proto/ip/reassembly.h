/*
 * Bounded reassembly of IPv4 and IPv6 fragments (RFC 791 §3.2, RFC 8200 §4.5, RFC 5722). All
 * memory is taken at init. Anything doubtful loses the whole datagram, by a counted reason: its
 * slot then swallows the remaining fragments until the timeout.
 */
#ifndef PROTO_IP_REASSEMBLY_H
#define PROTO_IP_REASSEMBLY_H

#include "base/time.h"
#include "proto/ip/packet.h"

/* X(symbol, name): why fragments were dropped; all but DUPLICATE lose a datagram */
#define REASSEMBLY_DROP_LIST(X)                                                                    \
    X(DUPLICATE, "duplicate") /* the same fragment again: ignored */                               \
    X(OVERLAP, "overlap")     /* RFC 5722; for IPv4 too */                                         \
    X(CONFLICT, "conflict")   /* two ends, bytes behind the end, first headers that differ */      \
    X(ALIGNMENT, "alignment") /* not the last, yet no multiple of 8 bytes, or empty */             \
    X(TOO_LONG, "too_long")   /* longer than a slot or than 65535 bytes */                         \
    X(TOO_MANY, "too_many")   /* more pieces than a slot keeps account of */                       \
    X(TIMEOUT, "timeout")                                                                          \
    X(EVICTED, "evicted") /* the oldest datagram gave way to a new one */

enum reassembly_drop {
#define X(symbol, name) REASSEMBLY_##symbol,
    REASSEMBLY_DROP_LIST(X)
#undef X
        REASSEMBLY_DROP_COUNT
};

const char *reassembly_drop_name(enum reassembly_drop);

struct reassembly_config {
    unsigned slots;      /* datagrams in progress at once */
    size_t datagram_max; /* bytes of one datagram, IP header included; <= 65535 */
    nsec timeout;        /* from the first fragment that arrived; RFC 8200: 60 s */
};

struct reassembly_slot;

struct reassembly {
    struct reassembly_config config;
    struct reassembly_slot *slots;
    uint8_t *bytes;
    unsigned in_use;
    uint64_t fragments; /* received = joined + lost + held */
    uint64_t fragments_joined, fragments_lost, fragments_held;
    uint64_t completed;                      /* datagrams put together */
    uint64_t dropped[REASSEMBLY_DROP_COUNT]; /* events, not fragments */
};

/** @retval ERR_MEMORY  nothing was allocated; ERR_USAGE  a config value out of range */
enum err reassembly_init(struct reassembly *, const struct reassembly_config *) MUST_USE;
void reassembly_reset(struct reassembly *);
/**
 * Add one fragment (a packet that is none is handed out as it is).
 * @param[out] whole  the datagram when it is complete, with corrected headers and no Fragment
 *                    header; valid until the next call. Empty while pieces are missing.
 * @param[out] pieces fragments that `whole` was made of, may be NULL
 * @retval OK          kept, or complete
 * @retval ERR_SYNTAX, ERR_LENGTH, ERR_FULL, ERR_DUPLICATE  dropped and counted
 */
enum err reassembly_add(struct reassembly *, nsec now, const struct ip_packet *,
                        struct bytes *whole, unsigned *pieces) MUST_USE;
/** Give up datagrams whose time is over. */
void reassembly_expire(struct reassembly *, nsec now);
/** The earliest timeout; NSEC_NEVER if nothing waits. */
nsec reassembly_deadline(const struct reassembly *);

#endif
