#include "proto/core/nat.h"

enum err nat_hash(struct crypto *c, uint64_t spi_i, uint64_t spi_r, const struct ip_endpoint *at,
                  uint8_t out[NAT_HASH_LEN])
{
    uint8_t head[16], port[2];
    struct bytes parts[3] = {bytes_of(head, sizeof head),
                             bytes_of(at->addr.bytes, at->addr.family == 6 ? 16 : 4),
                             bytes_of(port, sizeof port)};

    store_be64(head, spi_i);
    store_be64(head + 8, spi_r);
    store_be16(port, at->port);
    return c->class->sha1(c, parts, 3, out);
}
