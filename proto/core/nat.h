/*
 * NAT detection: RFC 7296 §2.23. Hashes only; what follows from them (ports, marker, keepalives)
 * is for the exchanges to do.
 */
#ifndef PROTO_CORE_NAT_H
#define PROTO_CORE_NAT_H

#include "crypto/provider.h"
#include "proto/ip/addr.h"

enum { NAT_HASH_LEN = 20 };

/** SHA-1(SPIi | SPIr | address | port), in network order, as the SPIs stand in the header. */
enum err nat_hash(struct crypto *, uint64_t spi_i, uint64_t spi_r, const struct ip_endpoint *,
                  uint8_t out[NAT_HASH_LEN]) MUST_USE;

#endif
