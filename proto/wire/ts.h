/*
 * Traffic Selector payloads TSi and TSr (RFC 7296 §3.13). Ranges are taken as they are: whether
 * start <= end is asked with ts_ordered; narrowing is done elsewhere.
 */
#ifndef PROTO_WIRE_TS_H
#define PROTO_WIRE_TS_H

#include "base/cursor.h"
#include "proto/wire/registry.h"

enum ts_sizes { TS_COUNT_MAX = 64 };

struct traffic_selector {
    uint8_t type;                  /* enum ts_type */
    uint8_t protocol;              /* IP protocol, 0: any */
    uint16_t port_start, port_end; /* ICMP: type << 8 | code; 65535, 0: OPAQUE */
    uint8_t start[16], end[16];    /* TS_IPV4_ADDR_RANGE: the first 4 bytes, the rest is zero */
    struct bytes other; /* types other than 7 and 8: everything behind the Selector Length */
};

struct ts_payload {
    unsigned count;
    struct traffic_selector selectors[TS_COUNT_MAX];
};

/**
 * @retval ERR_SYNTAX  no selector at all
 * @retval ERR_LENGTH  a Selector Length that does not fit its type or the payload
 * @retval ERR_TRUNCATED, ERR_TRAILING (the count lies)
 * @retval ERR_FULL    more than TS_COUNT_MAX
 */
enum err ts_read(struct bytes body, struct ts_payload *) MUST_USE;
void ts_write(struct writer *, const struct ts_payload *);
/** Addresses and ports ascend, or the ports are OPAQUE; false for unknown types. */
bool ts_ordered(const struct traffic_selector *);

#endif
