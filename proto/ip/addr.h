/*
 * IP addresses, endpoints and prefixes as values; both families in one type. Bytes behind an
 * IPv4 address are zero, so equal addresses are equal bytes.
 */
#ifndef PROTO_IP_ADDR_H
#define PROTO_IP_ADDR_H

#include "base/bytes.h"

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

#endif
