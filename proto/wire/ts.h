/*
 * Traffic Selector payloads, RFC 7296 §3.13, read one selector at a time.
 *
 *     ts_init(&ts, body);
 *     while (ts_next(&ts, &selector))
 *         ...
 *     e = ts_end(&ts);
 *
 * Whether a selector makes sense (start <= end) is selector_valid's business (proto/ip).
 */
#ifndef PROTO_WIRE_TS_H
#define PROTO_WIRE_TS_H

#include "base/cursor.h"

#include <stdbool.h>

struct wire_selector {
    uint8_t type;     /* TS_IPV4_ADDR_RANGE, TS_IPV6_ADDR_RANGE; others may be skipped */
    uint8_t protocol; /* 0: any */
    uint16_t port_start, port_end;
    uint8_t start[16], end[16]; /* IPv4: the first 4 bytes, zeros behind */
    struct bytes unknown;       /* other types: all behind the length field; the rest is 0 */
};

struct ts_reader {
    struct reader r;
    uint8_t left; /* selectors still announced */
};

/** Reads the count. ERR_SYNTAX for a count of 0. */
void ts_init(struct ts_reader *, struct bytes body);
/** The next selector; false at the end or on error. */
bool ts_next(struct ts_reader *, struct wire_selector *out);
/** @retval ERR_LENGTH, ERR_TRUNCATED, ERR_TRAILING, ERR_SYNTAX  lengths or count do not fit */
enum err ts_end(const struct ts_reader *) MUST_USE;

/** The payload's fixed part; then `count` times ts_selector_write. */
void ts_write(struct writer *, uint8_t count);
void ts_selector_write(struct writer *, const struct wire_selector *);

#endif
