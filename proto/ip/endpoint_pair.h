/*
 * Both ends of a path, for records of which there are many: IPv4 within 12 bytes, all else in a
 * pool beside them. Zeros are a pair of no addresses.
 */
#ifndef PROTO_IP_ENDPOINT_PAIR_H
#define PROTO_IP_ENDPOINT_PAIR_H

#include "base/pool.h"
#include "proto/ip/addr.h"

struct endpoint_pair {
    uint32_t local;  /* host order; 0, which is nobody's address: the pair is aside */
    uint32_t remote; /* host order; or number + 1 of the slot aside, 0: there is none */
    uint16_t local_port, remote_port;
};

/** The pool beside so many pairs. @retval ERR_MEMORY nothing was allocated */
enum err endpoint_asides_init(struct pool *asides, uint32_t pairs) MUST_USE;

/** A pair that is aside. */
struct ip_endpoint endpoint_aside_local(const struct pool *, const struct endpoint_pair *);
struct ip_endpoint endpoint_aside_remote(const struct pool *, const struct endpoint_pair *);

static inline bool endpoint_pair_aside(const struct endpoint_pair *pair)
{
    return pair->local == 0;
}

/** Of the pair: 4 or 6; what is no IPv4 within the pair counts as 6. */
static inline uint8_t endpoint_pair_family(const struct endpoint_pair *pair)
{
    return endpoint_pair_aside(pair) ? 6 : 4;
}

static inline struct ip_endpoint endpoint_pair_local(const struct pool *asides,
                                                     const struct endpoint_pair *pair)
{
    return endpoint_pair_aside(pair)
               ? endpoint_aside_local(asides, pair)
               : (struct ip_endpoint){ip_addr_v4(pair->local), pair->local_port};
}

static inline struct ip_endpoint endpoint_pair_remote(const struct pool *asides,
                                                      const struct endpoint_pair *pair)
{
    return endpoint_pair_aside(pair)
               ? endpoint_aside_remote(asides, pair)
               : (struct ip_endpoint){ip_addr_v4(pair->remote), pair->remote_port};
}

/** Both, written where they are to be: a copy of what was just written piece by piece stalls. */
static inline void endpoint_pair_read(const struct pool *asides, const struct endpoint_pair *pair,
                                      struct ip_endpoint *local, struct ip_endpoint *remote)
{
    if (endpoint_pair_aside(pair)) {
        *local = endpoint_aside_local(asides, pair);
        *remote = endpoint_aside_remote(asides, pair);
        return;
    }
    memset(local, 0, sizeof *local);
    memset(remote, 0, sizeof *remote);
    local->addr.family = remote->addr.family = 4;
    store_be32(local->addr.bytes, pair->local);
    store_be32(remote->addr.bytes, pair->remote);
    local->port = pair->local_port;
    remote->port = pair->remote_port;
}

/** There is room aside, as no more pairs are in use than the pool was made for. */
void endpoint_pair_set(struct pool *asides, struct endpoint_pair *, const struct ip_endpoint *local,
                       const struct ip_endpoint *remote);
/** No addresses any more; what it has aside is given back. */
void endpoint_pair_clear(struct pool *asides, struct endpoint_pair *);

#endif
