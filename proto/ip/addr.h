/*
 * IP addresses, endpoints and prefixes as values; both families in one type. Bytes behind an
 * IPv4 address are zero, so equal addresses are equal bytes.
 */
#ifndef PROTO_IP_ADDR_H
#define PROTO_IP_ADDR_H

#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct ip_addr {
    uint8_t family; /* 4, 6; 0: none */
    uint8_t bytes[16];
};

struct ip_endpoint {
    struct ip_addr addr;
    uint16_t port; /* host order */
};

struct ip_prefix {
    struct ip_addr addr;
    uint8_t length;
};

/** @param value  in host order, 10.0.0.1 = 0x0a000001 */
static inline struct ip_addr ip_addr_v4(uint32_t value)
{
    struct ip_addr a = {.family = 4};

    store_be32(a.bytes, value);
    return a;
}

/** @param bytes  16 bytes */
static inline struct ip_addr ip_addr_v6(const uint8_t *bytes)
{
    struct ip_addr a = {.family = 6};

    memcpy(a.bytes, bytes, 16);
    return a;
}

static inline bool ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static inline bool ip_endpoint_equal(const struct ip_endpoint *a, const struct ip_endpoint *b)
{
    return a->port == b->port && ip_addr_equal(&a->addr, &b->addr);
}

static inline size_t ip_addr_len(const struct ip_addr *a)
{
    return a->family == 4 ? 4 : a->family == 6 ? 16 : 0;
}

/** Total order: none, then IPv4, then IPv6; within a family numerically. -1, 0, 1. */
int ip_addr_compare(const struct ip_addr *a, const struct ip_addr *b);
int ip_endpoint_compare(const struct ip_endpoint *a, const struct ip_endpoint *b);
/** A 64-bit key for tables; different addresses may share one. */
uint64_t ip_endpoint_hash(const struct ip_endpoint *);

enum ip_text_sizes {
    IP_ADDR_TEXT = 46,     /* with the final NUL */
    IP_ENDPOINT_TEXT = 54, /* "[v6]:65535" */
    IP_PREFIX_TEXT = 50,
};

/**
 * Read dotted quads (no leading zeros, four parts) or RFC 4291 §2.2 text (no zone).
 * @retval ERR_SYNTAX  *out is untouched
 */
enum err ip_addr_parse(struct bytes text, struct ip_addr *out) MUST_USE;
/** "10.0.0.0/16"; an address alone is a host prefix. @retval ERR_SYNTAX also for set host bits */
enum err ip_prefix_parse(struct bytes text, struct ip_prefix *out) MUST_USE;
/** RFC 5952 text into `out` (IP_ADDR_TEXT bytes); "-" for family 0. Returns `out`. */
char *ip_addr_format(const struct ip_addr *, char *out);
/** "192.0.2.1:500", "[2001:db8::1]:500"; IP_ENDPOINT_TEXT bytes. */
char *ip_endpoint_format(const struct ip_endpoint *, char *out);
char *ip_prefix_format(const struct ip_prefix *, char *out);

bool ip_prefix_contains(const struct ip_prefix *, const struct ip_addr *);
struct ip_addr ip_prefix_first(const struct ip_prefix *);
struct ip_addr ip_prefix_last(const struct ip_prefix *);
/** a + n, as numbers of the family's width; wraps. */
struct ip_addr ip_addr_add(const struct ip_addr *a, uint64_t n);

#endif
