/*
 * Internet checksum (RFC 1071) and its incremental update (RFC 1624). A sum is a 32-bit
 * one's-complement accumulator of 16-bit big-endian words, folded at the end.
 */
#ifndef PROTO_IP_CHECKSUM_H
#define PROTO_IP_CHECKSUM_H

#include "base/bytes.h"
#include "proto/ip/addr.h"

/** Folded 16-bit one's-complement sum of `b` (an odd last byte is a high byte) and `sum`. */
uint16_t checksum_sum(uint16_t sum, struct bytes b);
/** One's-complement addition. */
static inline uint16_t checksum_add(uint16_t a, uint16_t b)
{
    uint32_t s = (uint32_t)a + b;

    return (uint16_t)(s + (s >> 16));
}

/** The checksum field of bytes whose field is zero. */
static inline uint16_t checksum_of(struct bytes b)
{
    return (uint16_t)~checksum_sum(0, b);
}

/** Pseudo header of RFC 768 or RFC 8200 §8.1. `len`: upper-layer length. */
uint16_t checksum_pseudo(const struct ip_addr *src, const struct ip_addr *dst, uint8_t protocol,
                         uint32_t len);
/**
 * RFC 1624 eqn. 3: the new checksum after covered bytes whose sum was `before` became `after`.
 * A wrong checksum stays wrong by the same difference.
 */
static inline uint16_t checksum_update(uint16_t checksum, uint16_t before, uint16_t after)
{
    return (uint16_t)~checksum_add(checksum_add((uint16_t)~checksum, (uint16_t)~before), after);
}

#endif
